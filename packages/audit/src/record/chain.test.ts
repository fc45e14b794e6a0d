import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type LogFacts, type PlacedRecord, seenAtMost, verifyChain } from './chain.ts'
import { seal } from './seal.ts'
import { type AuditLink, type AuditRecord, eventTypes } from './types.ts'

const facts: LogFacts = { start: new Map([[0, 0n]]), retentionMs: 1_000_000, nowMs: 10_000 }

/** A record that is written at `at` milliseconds. */
function recordOf(at: number, chain: AuditRecord['data']['chain'], outcome: AuditRecord['data']['outcome'] = null) {
  return seal({
    event_id: `${chain.writer}-${chain.sequence}`,
    event_type: outcome === null ? eventTypes.intention : eventTypes.outcome,
    user_id: 'User:ann',
    timestamp: at,
    data: {
      format: 1,
      change_id: chain.writer,
      category: 'change management',
      action: 'topics.delete',
      resources: [{ type: 'topic', name: 'orders' }],
      who: { os_user: 'ann', principal: 'User:ann', kubernetes: null },
      from: { host: 'laptop', address: '127.0.0.1', ssh_client: null, process: 7, client_id: 'selfmonitor-cli' },
      command: 'selfmonitor topics delete orders',
      environment: 'production',
      cluster: 'c-1',
      brokers: 'kafka:9092',
      tool_version: '0.1.0',
      before: { partitions: 3 },
      after: null,
      outcome,
      clock: 'unknown',
      recorded_afterwards: false,
      chain,
    },
  })
}

type Placed = Extract<PlacedRecord, { record: AuditRecord }>

/**
 * The log of commands that run side by side: each step is one command's next record, written after it has seen the log as it was
 * `lag` records ago. Others write between them, so that offsets have gaps.
 */
function logOf(steps: readonly { readonly writer: number; readonly lag: number; readonly gap: number }[]): Placed[] {
  const log: Placed[] = []
  const writers = new Map<number, { sequence: number; previous: AuditLink | null; runs: number }>()
  let offset = 0
  for (const { writer: name, lag, gap } of steps) {
    const state = writers.get(name) ?? { sequence: 0, previous: null, runs: 0 }
    const minimum =
      state.previous === null ? 0 : log.findIndex(({ record }) => record.data.hash === state.previous!.hash) + 1
    const known = log.slice(0, Math.max(minimum, log.length - lag)).map(linkOf)
    const { sequence, previous, runs } = state
    const record = recordOf(
      1_000 + offset,
      {
        writer: `w${name}.${runs}`,
        sequence,
        previous,
        seen: known.slice(-seenAtMost),
        seen_all: known.length <= seenAtMost,
      },
      sequence === 0 ? null : { status: 'success', code: null, message: null },
    )
    offset += gap
    const placed: Placed = { partition: 0, offset: BigInt(offset), record }
    offset += 1
    log.push(placed)
    writers.set(
      name,
      sequence === 1
        ? { sequence: 0, previous: null, runs: runs + 1 }
        : { sequence: 1, previous: linkOf(placed), runs },
    )
  }
  return log
}

function linkOf({ record, offset }: Placed): AuditLink {
  return { hash: record.data.hash, offset: Number(offset), at: record.timestamp }
}

const steps = fc.array(fc.record({ writer: fc.nat(3), lag: fc.nat(4), gap: fc.nat(3) }), {
  minLength: 2,
  maxLength: 40,
})

/** Records that a later one names, so that nothing can happen to them unnoticed. */
function protectedPlaces(log: readonly Placed[]): number[] {
  const named = new Set(
    log.flatMap(({ record: { data } }) => [...(data.chain.seen ?? []), data.chain.previous].map((link) => link?.hash)),
  )
  return log.flatMap(({ record }, place) => (named.has(record.data.hash) ? [place] : []))
}

const breaksOf = (log: readonly PlacedRecord[]) => verifyChain(log, facts).breaks

describe('a chain', () => {
  it('of commands that run side by side is sound', () => {
    fc.assert(
      fc.property(steps, (given) => {
        const log = logOf(given)
        expect(verifyChain(log, facts)).toMatchObject({ breaks: [], records: log.length, unlinked: 0, expired: 0 })
      }),
    )
  })

  it('that was read from a time on misses only records that are younger', () => {
    const log = logOf(Array.from({ length: 4 }, () => ({ writer: 0, lag: 0, gap: 0 })))
    const rest = { ...facts, start: new Map([[0, 2n]]) }
    const at = (place: number): number => log[place]!.record.timestamp
    expect(verifyChain(log.slice(2), { ...rest, fromMs: at(2) })).toMatchObject({ breaks: [], expired: 0 })
    expect(verifyChain(log.slice(2), { ...rest, fromMs: at(1) }).breaks).toMatchObject([
      { kind: 'cut early', offset: 1n },
    ])
  })

  it('shows any changed record, also the last', () => {
    fc.assert(
      fc.property(
        steps,
        fc.nat(),
        fc.constantFrom('command', 'user_id', 'timestamp', 'hash', 'seen', 'outcome'),
        (given, n, what) => {
          const log = logOf(given)
          const place = n % log.length
          const { record, ...at } = log[place]!
          const { data } = record
          const changed: AuditRecord = {
            ...record,
            ...(what === 'user_id' ? { user_id: 'User:eve' } : {}),
            ...(what === 'timestamp' ? { timestamp: record.timestamp + 1 } : {}),
            data: {
              ...data,
              ...(what === 'command' ? { command: 'selfmonitor topics list' } : {}),
              ...(what === 'hash' ? { hash: data.hash.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) } : {}),
              ...(what === 'seen' ? { chain: { ...data.chain, seen: null, seen_all: !data.chain.seen_all } } : {}),
              ...(what === 'outcome' ? { outcome: { status: 'failure', code: 'X', message: null } } : {}),
            },
          }
          expect(breaksOf(log.with(place, { ...at, record: changed }))).toMatchObject([
            { kind: 'changed', offset: at.offset },
          ])
        },
      ),
    )
  })

  it('shows a record that was changed and given a fitting hash, where a later one has seen it', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (given, n) => {
        const log = logOf(given)
        const places = protectedPlaces(log)
        fc.pre(places.length > 0)
        const place = places[n % places.length]!
        const { record, ...at } = log[place]!
        const forged = seal({ ...record, data: { ...record.data, command: 'selfmonitor topics list' } })
        expect(breaksOf(log.with(place, { ...at, record: forged })).length).toBeGreaterThan(0)
      }),
    )
  })

  it('shows a removed record that a later one has seen, with its offset', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (given, n) => {
        const log = logOf(given)
        const places = protectedPlaces(log)
        fc.pre(places.length > 0)
        const place = places[n % places.length]!
        const found = breaksOf(log.filter((_, at) => at !== place))
        expect(found).toContainEqual(expect.objectContaining({ kind: 'missing', offset: log[place]!.offset }))
      }),
    )
  })

  it('shows two records that changed places, where a later one has seen both', () => {
    fc.assert(
      fc.property(steps, fc.nat(), fc.nat(), (given, n, m) => {
        const log = logOf(given)
        const places = protectedPlaces(log)
        fc.pre(places.length > 1)
        const [a, b] = [places[n % places.length]!, places[m % places.length]!]
        fc.pre(a !== b)
        const [first, second] = [log[a]!, log[b]!]
        const swapped = log.with(a, { ...first, record: second.record }).with(b, { ...second, record: first.record })
        const seenTogether = log.some(({ record: { data } }) => {
          const hashes = (data.chain.seen ?? []).map(({ hash }) => hash)
          return hashes.includes(first.record.data.hash) && hashes.includes(second.record.data.hash)
        })
        const linked = Math.abs(a - b) >= 1 && seenTogether
        fc.pre(linked)
        expect(breaksOf(swapped).length).toBeGreaterThan(0)
      }),
    )
  })

  it('shows an inserted record before any that a later one has seen, also one with a fitting hash', () => {
    fc.assert(
      fc.property(steps, fc.nat(), fc.boolean(), (given, n, isCopy) => {
        const log = logOf(given)
        const places = protectedPlaces(log)
        fc.pre(places.length > 0)
        const place = places[n % places.length]!
        const forged = isCopy
          ? log[place]!.record
          : recordOf(500, { writer: 'eve', sequence: 0, previous: null, seen: [], seen_all: true })
        // Behind it the offsets move on by one.
        const renumbered = log.map((one, at) => (at < place ? one : { ...one, offset: one.offset + 1n }))
        const inserted = renumbered.toSpliced(place, 0, { partition: 0, offset: log[place]!.offset, record: forged })
        expect(breaksOf(inserted)).toContainEqual(expect.objectContaining({ kind: 'inserted' }))
      }),
    )
  })

  it('shows a record that is marked as one and is none', () => {
    const log = logOf([
      { writer: 0, lag: 0, gap: 0 },
      { writer: 0, lag: 0, gap: 0 },
    ])
    const damaged: PlacedRecord[] = [{ partition: 0, offset: 0n, problem: 'its payload is not JSON' }, log[1]!]
    expect(breaksOf(damaged)).toEqual([
      { kind: 'changed', partition: 0, offset: 0n, message: 'the record cannot be trusted: its payload is not JSON' },
    ])
  })
})

describe('the beginning of a chain', () => {
  const log = logOf(Array.from({ length: 12 }, () => ({ writer: 0, lag: 0, gap: 1 })))
  const rest = log.slice(5)
  const start = new Map([[0, rest[0]!.offset]])

  it('may expire', () => {
    const nowMs = log[4]!.record.timestamp + facts.retentionMs! + 1
    expect(verifyChain(rest, { ...facts, start, nowMs })).toMatchObject({ breaks: [], expired: 5 })
  })

  it('is cut early when records are gone that had to be kept', () => {
    const nowMs = log[2]!.record.timestamp + facts.retentionMs! + 1
    expect(verifyChain(rest, { ...facts, start, nowMs }).breaks).toMatchObject([
      { kind: 'cut early', offset: log[3]!.offset },
      { kind: 'cut early', offset: log[4]!.offset },
    ])
  })

  it('has not expired where the log still begins before it', () => {
    expect(breaksOf(rest)).toHaveLength(5)
  })
})

describe('changes', () => {
  it('without an outcome are unfinished, and do not count as a break', () => {
    const log = logOf([
      { writer: 0, lag: 0, gap: 0 },
      { writer: 1, lag: 0, gap: 0 },
      { writer: 0, lag: 0, gap: 0 },
    ])
    expect(verifyChain(log, facts)).toMatchObject({ breaks: [], unfinished: [{ offset: 1n }] })
  })

  it('of an account that may not read the trail are chained to each other, and counted', () => {
    const chain = { writer: 'blind', seen: null, seen_all: false }
    const first = recordOf(1, { ...chain, sequence: 0, previous: null })
    const placed: Placed = { partition: 0, offset: 0n, record: first }
    const second = recordOf(
      2,
      { ...chain, sequence: 1, previous: linkOf(placed) },
      { status: 'success', code: null, message: null },
    )
    const log: Placed[] = [placed, { partition: 0, offset: 1n, record: second }]
    expect(verifyChain(log, facts)).toMatchObject({ breaks: [], unlinked: 2 })
    expect(breaksOf(log.slice(1))).toMatchObject([{ kind: 'missing', offset: 0n }])
  })
})

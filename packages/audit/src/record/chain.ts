// The chain: which earlier records a record names, and whether a log still is what its records say. Pure.
import { hashOf } from './seal.ts'
import type { AuditLink, AuditRecord } from './types.ts'

/** So many of the newest records each record names. One is protected unless so many others were written without seeing it. */
export const seenAtMost = 16

/** A record of the trail with its place in the log; `problem` where it is marked as one and cannot be read as one. */
export type PlacedRecord = { readonly partition: number; readonly offset: bigint } & (
  | { readonly record: AuditRecord; readonly problem?: undefined }
  | { readonly problem: string }
)

export interface LogFacts {
  /** The first offset that each partition has, or that was read of it. */
  readonly start: ReadonlyMap<number, bigint>
  /** `retention.ms`, Infinity for -1; null where records may go for other reasons than their age, or it cannot be read. */
  readonly retentionMs: number | null
  readonly nowMs: number
  /** Older records were not read, so that they are not missed; default: all were read. */
  readonly fromMs?: number | undefined
}

export type BreakKind =
  /** The record does not have the content that its hash was made of, or cannot be read. */
  | 'changed'
  /** A record that a later one names is not there. */
  | 'missing'
  /** A record is there that a later one would have named. */
  | 'inserted'
  /** Records are in another order than they were when a later one was written. */
  | 'reordered'
  /** Records at the beginning are gone before their retention has passed. */
  | 'cut early'

export interface ChainBreak {
  readonly kind: BreakKind
  readonly partition: number
  /** Of the damaged record; of a missing one, where it was. */
  readonly offset: bigint
  readonly message: string
}

export interface Unfinished {
  readonly partition: number
  readonly offset: bigint
  readonly record: AuditRecord
}

export interface Verdict {
  /** In the order of partition and offset. */
  readonly breaks: readonly ChainBreak[]
  /** Intentions without an outcome: the command is running, was killed, or could not write the outcome. */
  readonly unfinished: readonly Unfinished[]
  readonly records: number
  /** Records that name no earlier one although there are some: their accounts could not read the trail. */
  readonly unlinked: number
  /** Records of the beginning that have expired, as far as later ones name them. */
  readonly expired: number
}

interface Sound {
  readonly partition: number
  readonly offset: bigint
  readonly record: AuditRecord
}

/**
 * Compares the records with their hashes, and each with the earlier ones that it names.
 * @param placed all records of the trail, in the order of partition and offset
 */
export function verifyChain(placed: readonly PlacedRecord[], facts: LogFacts): Verdict {
  const breaks: ChainBreak[] = []
  const sound: Sound[] = []
  for (const one of placed) {
    const { partition, offset } = one
    const problem = one.problem ?? (hashOf(one.record) === one.record.data.hash ? undefined : 'its hash does not fit')
    if (problem === undefined) sound.push(one as Sound)
    else breaks.push({ kind: 'changed', partition, offset, message: `the record cannot be trusted: ${problem}` })
  }
  const search: Search = { facts, byHash: new Map(), breaks: new Map(), expired: new Set() }
  for (const one of sound) {
    const { hash } = one.record.data
    const same = search.byHash.get(hash)
    if (same === undefined) search.byHash.set(hash, one)
    else add(search, { kind: 'inserted', ...placeOf(one), message: `the same record is at ${textOf(same)}` })
  }
  const changedAt = new Set(breaks.map(({ partition, offset }) => `${partition} ${offset}`))
  for (const partition of new Set(placed.map((one) => one.partition))) {
    // A changed record keeps its place in the order: only its own damage is reported.
    const own = placed.filter((one) => one.partition === partition)
    own.forEach((one, index) => {
      if (one.problem !== undefined || changedAt.has(`${partition} ${one.offset}`)) return
      compareSeen(search, own, index, changedAt)
      comparePrevious(search, one as Sound, changedAt)
    })
  }
  const unlinked = sound.filter(({ record: { data } }) => data.chain.seen === null).length
  return {
    breaks: [...breaks, ...search.breaks.values()].sort(
      (a, b) => a.partition - b.partition || (a.offset < b.offset ? -1 : a.offset > b.offset ? 1 : 0),
    ),
    unfinished: unfinishedOf(sound),
    records: placed.length,
    unlinked,
    expired: search.expired.size,
  }
}

interface Search {
  readonly facts: LogFacts
  readonly byHash: Map<string, Sound>
  /** By kind and hash: several records may name the same one. */
  readonly breaks: Map<string, ChainBreak>
  readonly expired: Set<string>
}

/** Walks back from a record along what it had seen and what lies there now. */
function compareSeen(
  search: Search,
  own: readonly PlacedRecord[],
  index: number,
  changedAt: ReadonlySet<string>,
): void {
  const by = own[index] as Sound
  const { seen_all: sawAll, ...chain } = by.record.data.chain
  const seen = chain.seen ?? []
  if (seen.length === 0) return
  const named = new Set(seen.map(({ hash }) => hash))
  const hashAt = (place: number): string | undefined =>
    own[place]?.problem === undefined ? own[place]?.record.data.hash : undefined
  const isChanged = (place: number): boolean =>
    own[place] !== undefined && changedAt.has(`${by.partition} ${own[place].offset}`)
  // What was written after the last record that it saw, it could not see: start there.
  let at = index - 1
  const last = seen.at(-1)!
  while (at >= 0 && hashAt(at) !== last.hash) at -= 1
  if (at < 0) {
    // The last one is gone or damaged: start at its old place.
    at = index - 1
    while (at >= 0 && own[at]!.offset > BigInt(last.offset)) at -= 1
  }
  for (const link of seen.toReversed()) {
    while (at >= 0 && hashAt(at) !== link.hash && !isChanged(at) && !named.has(hashAt(at)!)) {
      add(search, {
        kind: 'inserted',
        ...placeOf(own[at] as Sound),
        message: `the record was not there when the one at ${textOf(by)} was written`,
      })
      at -= 1
    }
    if (at >= 0 && hashAt(at) === link.hash) {
      at -= 1
    } else if (at >= 0 && isChanged(at) && !search.byHash.has(link.hash)) {
      // Reported as changed, and what it was cannot be known.
      at -= 1
    } else {
      const elsewhere = search.byHash.get(link.hash)
      if (elsewhere === undefined) gone(search, by, link, at < 0)
      else {
        add(search, {
          kind: 'reordered',
          ...placeOf(elsewhere),
          message: `the record was at another place when the one at ${textOf(by)} was written`,
        })
      }
    }
  }
  if (!sawAll) return
  for (; at >= 0; at -= 1) {
    if (isChanged(at) || named.has(hashAt(at)!)) continue
    add(search, {
      kind: 'inserted',
      ...placeOf(own[at] as Sound),
      message: `the record was not there when the one at ${textOf(by)} was written`,
    })
  }
}

/** The writer's own chain, in its order. A number is left out where it is not known whether that record was written. */
function comparePrevious(search: Search, by: Sound, changedAt: ReadonlySet<string>): void {
  const { writer, sequence, previous } = by.record.data.chain
  // Its first; or it is not known whether one before it was written, as after a time-out.
  if (previous === null) return
  const found = search.byHash.get(previous.hash)
  if (found === undefined) {
    if (changedAt.has(`${by.partition} ${previous.offset}`)) return
    gone(search, by, previous, true)
    return
  }
  const { chain } = found.record.data
  if (chain.writer !== writer || chain.sequence >= sequence) {
    add(search, {
      kind: 'changed',
      ...placeOf(by),
      message: `its writer’s record before it is not the one at ${textOf(found)}`,
    })
  } else if (found.partition === by.partition && found.offset > by.offset) {
    add(search, { kind: 'reordered', ...placeOf(found), message: `the record came before the one at ${textOf(by)}` })
  }
}

/** A record that `by` names is not there: expired, or missing. */
function gone(search: Search, by: Sound, link: AuditLink, isAtBeginning: boolean): void {
  const { start: starts, retentionMs, nowMs, fromMs = Number.NEGATIVE_INFINITY } = search.facts
  const start = starts.get(by.partition) ?? 0n
  const place = { partition: by.partition, offset: BigInt(link.offset) }
  if (!isAtBeginning || place.offset >= start) {
    const message = `the record is not there; the one at ${textOf(by)} names it`
    add(search, { kind: 'missing', ...place, message }, link.hash)
    return
  }
  if (link.at < fromMs) return
  if (retentionMs !== null && link.at + retentionMs > nowMs) {
    const until = link.at + retentionMs
    const kept = Number.isFinite(until) ? `until ${new Date(until).toISOString()}` : 'without end'
    const message = `the log begins at offset ${start}, and the record was to be kept ${kept}`
    add(search, { kind: 'cut early', ...place, message }, link.hash)
    return
  }
  search.expired.add(link.hash)
}

function add(search: Search, found: ChainBreak, hash = ''): void {
  const key = `${found.kind} ${found.partition} ${found.offset} ${hash}`
  if (!search.breaks.has(key)) search.breaks.set(key, found)
}

const placeOf = ({ partition, offset }: Sound) => ({ partition, offset })
const textOf = ({ partition, offset }: Sound): string => `[${partition}]@${offset}`

function unfinishedOf(sound: readonly Sound[]): Unfinished[] {
  const finished = new Set(sound.flatMap(({ record: { data } }) => (data.outcome === null ? [] : [data.change_id])))
  return sound.filter(({ record: { data } }) => data.outcome === null && !finished.has(data.change_id))
}

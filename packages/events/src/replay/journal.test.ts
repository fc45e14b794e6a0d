import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  applyEntry,
  emptyJournal,
  type Journal,
  type JournalEntry,
  type LetterId,
  stepOf,
  unsettled,
} from './journal.ts'

const letter = (offset: number, round = 1): LetterId => ({ partition: 0, offset: String(offset), round })
const facts = (letters: readonly LetterId[]) => ({
  topic: 'orders.dlq',
  topicId: 'id',
  letters,
  at: '2026-01-01',
  by: 'ada',
})
const sending = (claimedAt: number, ...letters: LetterId[]): JournalEntry => ({
  step: 'sending',
  claimedAt: String(claimedAt),
  ...facts(letters),
  to: { topic: 'orders', topicId: 'o', partition: 0 },
  producerId: '1',
  producerEpoch: 0,
  sequence: 0,
  searchFrom: '0',
  timestamps: 'original',
})
const replayed = (...letters: LetterId[]): JournalEntry => ({
  step: 'replayed',
  ...facts(letters),
  to: { topic: 'orders', partition: 0 },
  offset: '0',
  edited: false,
})
const discarded = (claimedAt: number, ...letters: LetterId[]): JournalEntry => ({
  step: 'discarded',
  claimedAt: String(claimedAt),
  ...facts(letters),
  reason: null,
})

interface Logged {
  readonly id: string
  readonly entry: JournalEntry | null
  readonly offset: number
}

function journalOf(log: readonly Logged[]): Journal {
  const journal = emptyJournal()
  for (const { id, entry, offset } of log) applyEntry(journal, id, entry, BigInt(offset))
  return journal
}

function holders(...entries: readonly (readonly [string, JournalEntry | null])[]) {
  const journal = journalOf(entries.map(([id, entry], offset) => ({ id, entry, offset })))
  return (offset: number): string | undefined => stepOf(journal, 'id', { partition: 0, offset: BigInt(offset) })?.id
}

describe('the journal of dead letters', () => {
  it('counts a claim only where its writer had read everything before it', () => {
    const holder = holders(['a', sending(0, letter(1))], ['b', sending(0, letter(2))], ['c', sending(2, letter(3))])
    expect([holder(1), holder(2), holder(3)]).toEqual(['a', undefined, 'c'])
  })

  it('opens the letters of a claim that was given up, and of a batch that was removed', () => {
    const holder = holders(
      ['a', sending(0, letter(1))],
      ['a', { step: 'void' }],
      ['b', discarded(2, letter(2))],
      ['b', null],
    )
    expect([holder(1), holder(2)]).toEqual([undefined, undefined])
  })

  it('keeps the last round of a letter that was sent again on purpose', () => {
    const holder = holders(['a', replayed(letter(1))], ['b', sending(1, letter(1, 2))], ['b', replayed(letter(1, 2))])
    expect(holder(1)).toBe('b')
  })

  it('tells the same after compaction, and never gives a letter to two', () => {
    // Each run acts on what it has read, which may be old, and may be killed between any two steps.
    const action = fc.record({
      kind: fc.constantFrom('claim', 'claim', 'discard', 'finish', 'give up'),
      run: fc.integer({ min: 0, max: 2 }),
      reads: fc.boolean(),
      wanted: fc.uniqueArray(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 3 }),
      pick: fc.nat(),
    })
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), fc.nat(), (actions, cut) => {
        const log: Logged[] = []
        const readUpTo = [0, 0, 0]
        const sent = new Map<string, number>()
        // A batch is given up because the brokers refuse it: no run can send it then.
        const givenUp = new Set<string>()
        for (const { kind, run, reads, wanted, pick } of actions) {
          if (reads) readUpTo[run] = log.length
          const known = journalOf(log.slice(0, readUpTo[run]))
          const open = unsettled(known, 'id')
          const id = `batch ${log.length}`
          const add = (of: string, entry: JournalEntry): void => void log.push({ id: of, entry, offset: log.length })
          const { id: own, batch } = open[pick % Math.max(1, open.length)] ?? {}
          if (kind === 'finish' && batch !== undefined && !givenUp.has(own!)) {
            for (const { offset } of batch.letters) sent.set(`${offset} ${own}`, 1)
            add(own!, replayed(...batch.letters))
          } else if (kind === 'give up' && batch !== undefined && !sent.has(`${batch.letters[0]!.offset} ${own}`)) {
            givenUp.add(own!)
            add(own!, { step: 'void' })
          } else if (kind === 'claim' || kind === 'discard') {
            const letters = wanted
              .filter((offset) => stepOf(known, 'id', { partition: 0, offset: BigInt(offset) }) === undefined)
              .map((offset) => letter(offset))
            if (letters.length > 0) add(id, (kind === 'claim' ? sending : discarded)(readUpTo[run]!, ...letters))
          }
        }
        const sentBy = [...sent.keys()].map((key) => key.split(' ')[0])
        expect(new Set(sentBy).size).toBe(sentBy.length)
        const until = cut % (log.length + 1)
        const clean = log.slice(0, until)
        const compacted = clean.filter(({ id }, at) => clean.findLastIndex((other) => other.id === id) === at)
        expect(contentOf(journalOf([...compacted, ...log.slice(until)]))).toEqual(contentOf(journalOf(log)))
      }),
      { numRuns: 1_000 },
    )
  })
})

const contentOf = ({ batches, holds }: Journal) => ({
  batches: Object.fromEntries(batches),
  holds: Object.fromEntries(holds),
})

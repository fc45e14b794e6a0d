// Marks letters as discarded. They stay in their topic: a log cannot lose single records.
import type { ReadRange, TopicInfo } from '@selfmonitor/cluster'
import { type LetterId, stepOf } from './journal.ts'
import { newBatchId, type OpenJournal } from './journal-topic.ts'
import type { Letter } from './letters.ts'

const lettersPerEntry = 1_000

/** @returns how many letters are discarded now, and how many were sent or discarded before */
export async function discardLetters(
  { journal, from, by, reason }: { journal: OpenJournal; from: TopicInfo; by: string; reason: string | null },
  letters: AsyncIterable<readonly Letter[]>,
): Promise<{ readonly discarded: number; readonly skipped: number }> {
  let discarded = 0
  let skipped = 0
  let waiting: LetterId[] = []
  const flush = async (): Promise<void> => {
    while (waiting.length > 0) {
      const open = waiting.filter(
        ({ partition, offset }) => stepOf(journal.state, from.id, { partition, offset: BigInt(offset) }) === undefined,
      )
      skipped += waiting.length - open.length
      waiting = open
      if (open.length === 0) return
      const id = newBatchId()
      const at = new Date().toISOString()
      const batch = { step: 'discarded', topic: from.name, topicId: from.id, letters: open, at, by, reason } as const
      if (!(await journal.claim(id, batch))) continue
      discarded += open.length
      waiting = []
    }
  }
  for await (const some of letters) {
    for (const { record } of some) {
      waiting.push({ partition: record.partition, offset: String(record.offset), round: 1 })
      if (waiting.length >= lettersPerEntry) await flush()
    }
  }
  await flush()
  return { discarded, skipped }
}

/** Removes from the journal what is about letters that are no longer in their topic. @param ranges of the topic now */
export async function forgetGone(journal: OpenJournal, from: TopicInfo, ranges: readonly ReadRange[]): Promise<void> {
  const starts = new Map(ranges.map(({ partition, next }) => [partition, next]))
  const gone = [...journal.state.batches].filter(
    ([, batch]) =>
      batch.step !== 'sending' &&
      batch.topic === from.name &&
      (batch.topicId !== from.id ||
        batch.letters.every(({ partition, offset }) => BigInt(offset) < (starts.get(partition) ?? 0n))),
  )
  await journal.forget(gone.map(([id]) => id))
}

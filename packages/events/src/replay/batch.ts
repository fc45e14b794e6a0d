// The records that a batch of letters is sent as. They follow from the letters and the journal's entry alone, so that a batch which is
// sent again has the same bytes. Pure.
import { partitionForKey } from '@selfmonitor/protocol/partitioner'
import { encodeBatch, type RecordInput } from '@selfmonitor/protocol/records'
import { originalHeaders, replayHeaders } from '../dead-letters/index.ts'
import type { LetterId, SendingBatch } from './journal.ts'
import type { Letter } from './letters.ts'

export const letterPlace = (
  topic: string,
  { partition, offset }: { partition: number; offset: bigint | string },
): string => `${topic}/${partition}/${offset}`

/**
 * The partition that a letter goes to: its own where it goes back to its origin, else that of its key.
 * @param partitions how many the target has
 */
export function targetPartition({ record, facts }: Letter, topic: string, partitions: number): number {
  const { origin } = facts
  if (origin?.topic === topic && origin.partition !== null && origin.partition < partitions) return origin.partition
  return record.key === null ? record.partition % partitions : partitionForKey(record.key, partitions)
}

/** @param letters those of the batch, in its order */
export function replayBatch(id: string, batch: Omit<SendingBatch, 'claimedAt'>, letters: readonly Letter[]): Buffer {
  const records = letters.map((letter, at) => replayRecord(id, batch, letter, batch.letters[at]!))
  return encodeBatch(records, {
    producerId: BigInt(batch.producerId),
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.sequence,
  })
}

function replayRecord(
  id: string,
  batch: Omit<SendingBatch, 'claimedAt'>,
  { record, facts }: Letter,
  letter: LetterId,
): RecordInput {
  const isEdited = batch.value !== undefined
  const trace: [string, string][] = [
    [replayHeaders.from, letterPlace(batch.topic, letter)],
    [replayHeaders.batch, id],
    [replayHeaders.at, batch.at],
    [replayHeaders.by, batch.by],
    [replayHeaders.times, String(facts.replayedTimes + letter.round)],
    ...(isEdited ? [[replayHeaders.edited, 'true'] as [string, string]] : []),
  ]
  const sentAtMs = Date.parse(batch.at)
  const originalMs = facts.origin?.timestampMs ?? record.timestampMs
  return {
    key: record.key,
    value: isEdited ? editedValue(batch.value) : record.value,
    headers: [...originalHeaders(record.headers), ...trace.map(([key, value]) => ({ key, value: Buffer.from(value) }))],
    timestamp: BigInt(batch.timestamps === 'now' || originalMs < 0 ? sentAtMs : originalMs),
  }
}

function editedValue(value: string | null | undefined): Buffer | null {
  return value === null || value === undefined ? null : Buffer.from(value, 'base64')
}

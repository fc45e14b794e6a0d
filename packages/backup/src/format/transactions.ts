// Which transactions are visible in some partitions of a backup and not in others. Pure.
//
// A partition's end is its last stable offset: every transaction with records before it is decided. The ends of several partitions are
// read one after the other, and an open transaction holds back the end of its partitions, so a transaction that committed may lie before
// the end in one partition and behind it in another. With transactions of version 2 (KIP-890) every transaction of a producer has an
// epoch of its own, by which its parts are known. Before, a producer keeps its epoch; then records behind an end belong to the
// transaction that was committed elsewhere if they are older than its commit.
import type { ReadBatch } from '@selfmonitor/cluster'
import type { StraddlingRecords } from './types.ts'

/** The last transaction of a producer in a partition. */
interface LastTransaction extends StraddlingRecords {
  /** When its marker was written, by the broker's clock; null while the marker is not in what was read. */
  readonly committedMs: number | null
  /** The marker has another epoch than the records: transactions of version 2. */
  readonly hasOwnEpoch: boolean
}

export type SeenTransactions = Map<string, LastTransaction>

const keyOf = (topic: string, partition: number, producerId: bigint): string => `${partition}:${producerId}:${topic}`

/** Notes a batch of the log, in the order of offsets, markers included. */
export function noteBatch(seen: SeenTransactions, topic: string, partition: number, { header }: ReadBatch): void {
  if (!header.isTransactional) return
  const { producerId, producerEpoch, baseOffset } = header
  const key = keyOf(topic, partition, producerId)
  const last = seen.get(key)
  if (header.isControl) {
    const hasOwnEpoch = last !== undefined && last.producerEpoch !== producerEpoch
    if (last !== undefined) seen.set(key, { ...last, committedMs: Number(header.maxTimestamp), hasOwnEpoch })
    return
  }
  const continues = last !== undefined && last.committedMs === null && last.producerEpoch === producerEpoch
  const from = continues ? last.from : baseOffset
  const next = baseOffset + BigInt(header.lastOffsetDelta) + 1n
  seen.set(key, { topic, partition, producerId, producerEpoch, from, next, committedMs: null, hasOwnEpoch: false })
}

/** A transactional batch that lies behind the end of its partition. */
export interface Behind {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly timestampMs: number
}

/**
 * @param before what straddled at the end of the backup before this one, and still may
 * @returns the records that a consistent restore leaves out
 */
export function straddling(
  seen: SeenTransactions,
  behind: readonly Behind[],
  before: readonly StraddlingRecords[],
): StraddlingRecords[] {
  const first = new Map<string, number>()
  for (const { producerId, producerEpoch, timestampMs } of behind) {
    const key = `${producerId}:${producerEpoch}`
    first.set(key, Math.min(first.get(key) ?? timestampMs, timestampMs))
  }
  const found = [...seen.values()].filter(({ producerId, producerEpoch, committedMs, hasOwnEpoch }) => {
    const behindMs = first.get(`${producerId}:${producerEpoch}`)
    if (behindMs === undefined) return false
    return committedMs === null || hasOwnEpoch || behindMs <= committedMs
  })
  const known = new Set(found.map(({ topic, partition, producerId }) => keyOf(topic, partition, producerId)))
  const still = before.filter(
    ({ topic, partition, producerId, producerEpoch }) =>
      first.has(`${producerId}:${producerEpoch}`) && !known.has(keyOf(topic, partition, producerId)),
  )
  return [...still, ...found.map(({ committedMs: _, hasOwnEpoch: __, ...records }) => records)]
}

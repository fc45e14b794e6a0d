// Which transactions are visible in some partitions of a backup and not in others. Pure.
//
// A partition's end is its last stable offset: every transaction with records before it is decided. The ends of several partitions are
// read one after the other, and an open transaction holds back the end of its partitions, so a transaction that committed may lie before
// the end in one partition and behind it in another. With transactions of version 2 (KIP-890) every transaction of a producer has an
// epoch of its own, by which its parts are known. Before, a producer keeps its epoch; then records behind an end belong to the
// transaction that was committed elsewhere if they are older than its commit.
import type { ReadBatch } from '@selfmonitor/cluster'
import type { StraddlingRecords } from './types.ts'

/** Longer than a transaction may last by default (transaction.max.timeout.ms) and clocks may differ. */
export const transactionWindowMs = 20 * 60_000

/** How far back transactions are kept. Its clock is that of the markers: the clock of this machine may be another one. */
export interface TransactionWindow {
  /** Transactions that were committed before are not kept. */
  sinceMs: number
  readonly latestMs: number
  newestMarkerMs: number
  sweptAtMs: number
}

/** @param latestMs no marker counts as younger */
export function transactionWindow(latestMs: number): TransactionWindow {
  const never = Number.NEGATIVE_INFINITY
  return { sinceMs: never, latestMs, newestMarkerMs: never, sweptAtMs: never }
}

/** Moves the window with a batch of the log, and forgets what lies before it. */
export function moveWindow(window: TransactionWindow, seen: SeenTransactions, { header }: ReadBatch): void {
  const { isTransactional, isControl, maxTimestamp } = header
  if (!isTransactional || !isControl || Number(maxTimestamp) <= window.newestMarkerMs) return
  window.newestMarkerMs = Number(maxTimestamp)
  window.sinceMs = Math.min(window.latestMs, window.newestMarkerMs) - transactionWindowMs
  if (window.sinceMs < window.sweptAtMs + transactionWindowMs) return
  window.sweptAtMs = window.sinceMs
  for (const [key, all] of seen) {
    const kept = all.filter(({ committedMs }) => committedMs === null || committedMs >= window.sinceMs)
    if (kept.length === 0) seen.delete(key)
    else if (kept.length < all.length) seen.set(key, kept)
  }
}

/** Transactions of a producer in a partition, in their order; those that were decided long before the end are left out. */
export type SeenTransactions = Map<string, StraddlingRecords[]>

const keyOf = (topic: string, partition: number, producerId: bigint): string => `${partition}:${producerId}:${topic}`

/**
 * Notes a batch of the log, in the order of offsets, markers included.
 * @param sinceMs transactions that were committed before are not kept: none of their records can lie behind an end
 */
export function noteBatch(
  seen: SeenTransactions,
  topic: string,
  partition: number,
  { header }: ReadBatch,
  sinceMs: number,
): void {
  if (!header.isTransactional) return
  const { producerId, producerEpoch, baseOffset } = header
  const key = keyOf(topic, partition, producerId)
  const all = seen.get(key) ?? []
  const last = all.at(-1)
  const isOpen = last !== undefined && last.committedMs === null
  if (header.isControl) {
    if (!isOpen) return
    all.pop()
    const committedMs = Number(header.maxTimestamp)
    if (committedMs >= sinceMs) all.push({ ...last, committedMs, hasOwnEpoch: last.producerEpoch !== producerEpoch })
    if (all.length === 0) seen.delete(key)
    return
  }
  const continues = isOpen && last.producerEpoch === producerEpoch
  const from = continues ? last.from : baseOffset
  const next = baseOffset + BigInt(header.lastOffsetDelta) + 1n
  if (continues) all.pop()
  all.push({ topic, partition, producerId, producerEpoch, from, next, committedMs: null, hasOwnEpoch: false })
  seen.set(key, all)
}

/** A transactional batch that lies behind the end of its partition. */
export interface Behind {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly timestampMs: number
}

/**
 * @param before what straddled at the end of the backup before this one, and still may
 * @param run `cutAtMs` of the backup; and of the oldest backup that has the end of a partition which this one did not read, where a part
 *   of a transaction of `before` may still lie; Infinity when all were read
 * @returns the records that a consistent restore leaves out
 */
export function straddling(
  seen: SeenTransactions,
  behind: readonly Behind[],
  before: readonly StraddlingRecords[],
  run: { readonly cutAtMs?: number; readonly oldestEndMs: number } = { oldestEndMs: Number.POSITIVE_INFINITY },
): StraddlingRecords[] {
  const first = new Map<string, number>()
  for (const { producerId, producerEpoch, timestampMs } of behind) {
    const key = `${producerId}:${producerEpoch}`
    first.set(key, Math.min(first.get(key) ?? timestampMs, timestampMs))
  }
  const isSplit = ({ producerId, producerEpoch, committedMs, hasOwnEpoch }: StraddlingRecords): boolean => {
    const behindMs = first.get(`${producerId}:${producerEpoch}`)
    if (behindMs === undefined) return false
    return committedMs === null || hasOwnEpoch || behindMs <= committedMs
  }
  const nowFound = (one: StraddlingRecords): StraddlingRecords => ({ ...one, foundMs: run.cutAtMs })
  const found = [...seen.values()].flat().filter(isSplit).map(nowFound)
  const placeOf = ({ topic, partition, producerId, from }: StraddlingRecords): string =>
    `${keyOf(topic, partition, producerId)}:${from}`
  const known = new Set(found.map(placeOf))
  const left = before.flatMap((one) => {
    if (known.has(placeOf(one))) return []
    if (isSplit(one)) return [nowFound(one)]
    return run.oldestEndMs <= (one.foundMs ?? Number.MAX_SAFE_INTEGER) ? [one] : []
  })
  return [...left, ...found]
}

// What idempotent producers did in one partition (KIP-98): the last five batches of each producer id, by which repeated batches
// are recognised and gaps found. Pure: entries never change; an append works on a draft that is committed once the bytes are
// written.
import type { BatchHeader } from '../batch/batch.ts'
import { LogError } from '../errors.ts'
import type { ProducerInfo } from '../types.ts'

/** The most requests that an idempotent producer keeps in flight, so the most that it may repeat. */
export const rememberedBatches = 5
const maxSequence = 0x7fffffff

export interface ProducedBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  /** The batch's greatest timestamp, milliseconds. */
  readonly timestamp: bigint
}

export interface ProducerEntry {
  readonly producerId: bigint
  readonly producerEpoch: number
  /** Oldest first, at most five, all of this epoch; never empty. */
  readonly batches: readonly ProducedBatch[]
  /** When its last batch arrived, milliseconds. */
  readonly lastSeenMs: number
}

export interface ProducerDraft {
  /**
   * Checks a batch that a client sent.
   * @returns the original when the batch is a repetition, undefined when it is new
   * @throws LogError INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER
   */
  check(header: BatchHeader, where: string): ProducedBatch | undefined
  /** Records a batch that is about to be written at `baseOffset`. */
  record(header: BatchHeader, baseOffset: bigint, timestamp: bigint, nowMs: number): void
  /** Takes the draft's entries over into the table. */
  commit(): void
}

export interface ProducerTable {
  readonly size: number
  draft(): ProducerDraft
  /** Records a batch that is already in the log (recovery), without checks. */
  replay(header: BatchHeader): void
  put(entry: ProducerEntry): void
  /** Removes producers whose last batch arrived at `beforeMs` or earlier. @returns how many */
  expire(beforeMs: number): number
  entries(): Iterable<ProducerEntry>
  describe(): readonly ProducerInfo[]
}

export function createProducerTable(): ProducerTable {
  const table = new Map<bigint, ProducerEntry>()
  return {
    get size() {
      return table.size
    },
    draft: () => createDraft(table),
    replay(header) {
      if (header.producerId < 0n || header.baseSequence < 0) return
      const lastSeenMs = Number(header.maxTimestamp)
      const entry = withBatch(table.get(header.producerId), header, header.baseOffset, header.maxTimestamp, lastSeenMs)
      table.set(header.producerId, entry)
    },
    put: (entry) => void table.set(entry.producerId, entry),
    expire(beforeMs) {
      let count = 0
      for (const entry of table.values()) {
        if (entry.lastSeenMs > beforeMs) continue
        table.delete(entry.producerId)
        count++
      }
      return count
    },
    entries: () => table.values(),
    describe: () =>
      [...table.values()].map((entry) => {
        const last = entry.batches.at(-1)!
        return {
          producerId: entry.producerId,
          producerEpoch: entry.producerEpoch,
          lastSequence: last.lastSequence,
          lastTimestamp: last.timestamp,
        }
      }),
  }
}

function createDraft(table: Map<bigint, ProducerEntry>): ProducerDraft {
  const changed = new Map<bigint, ProducerEntry>()
  return {
    check(header, where) {
      const entry = changed.get(header.producerId) ?? table.get(header.producerId)
      // A producer that the log does not know (its records were deleted, or it was idle past
      // producer.id.expiration.ms) may start at any sequence, as in Kafka.
      if (entry === undefined) return undefined
      const { producerId, producerEpoch, baseSequence } = header
      if (producerEpoch < entry.producerEpoch) {
        throw new LogError(
          'INVALID_PRODUCER_EPOCH',
          `epoch ${producerEpoch} of producer ${producerId} in ${where} is older than the last seen ${entry.producerEpoch}`,
        )
      }
      if (producerEpoch > entry.producerEpoch) {
        if (baseSequence === 0) return undefined
        throw new LogError(
          'OUT_OF_ORDER_SEQUENCE_NUMBER',
          `producer ${producerId} starts epoch ${producerEpoch} in ${where} with sequence ${baseSequence} instead of 0`,
        )
      }
      const lastSequence = lastSequenceOf(header)
      const original = entry.batches.find((b) => b.firstSequence === baseSequence && b.lastSequence === lastSequence)
      if (original !== undefined) return original
      const expected = addSequence(entry.batches.at(-1)!.lastSequence, 1)
      if (baseSequence === expected) return undefined
      throw new LogError(
        'OUT_OF_ORDER_SEQUENCE_NUMBER',
        `producer ${producerId} sent sequence ${baseSequence} to ${where} where ${expected} was expected`,
      )
    },
    record(header, baseOffset, timestamp, nowMs) {
      const entry = changed.get(header.producerId) ?? table.get(header.producerId)
      changed.set(header.producerId, withBatch(entry, header, baseOffset, timestamp, nowMs))
    },
    commit() {
      for (const entry of changed.values()) table.set(entry.producerId, entry)
    },
  }
}

function withBatch(
  entry: ProducerEntry | undefined,
  header: BatchHeader,
  baseOffset: bigint,
  timestamp: bigint,
  nowMs: number,
): ProducerEntry {
  const batch: ProducedBatch = {
    firstSequence: header.baseSequence,
    lastSequence: lastSequenceOf(header),
    baseOffset,
    lastOffset: baseOffset + BigInt(header.lastOffsetDelta),
    timestamp,
  }
  const sameEpoch = entry !== undefined && entry.producerEpoch === header.producerEpoch
  return {
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    batches: sameEpoch ? [...entry.batches.slice(1 - rememberedBatches), batch] : [batch],
    lastSeenMs: Math.max(nowMs, entry?.lastSeenMs ?? 0),
  }
}

function lastSequenceOf(header: BatchHeader): number {
  return addSequence(header.baseSequence, header.lastOffsetDelta)
}

/** Sequences wrap from 2^31 - 1 to 0. */
export function addSequence(sequence: number, increment: number): number {
  const sum = sequence + increment
  return sum > maxSequence ? sum - maxSequence - 1 : sum
}

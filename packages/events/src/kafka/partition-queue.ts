// The batches of one partition that wait for their acknowledgement, and how answers of the broker change them. Pure: the time is an
// argument, and nothing is sent from here. See producer.ts for the rules that it keeps.
//
//   open ─take▶ in flight ─settle▶ written, failed or split: gone
//                  ▲  └─settle▶ closed (to be sent again) ─take┐
//                  └───────────────────────────────────────────┘

import { backoffMs } from '@selfmonitor/cluster/backoff'
import type { BatchBuilder, CompressedRecords } from '@selfmonitor/protocol/records'
import type { Receipt } from './record-to-send.ts'

/** A producer as the cluster knows it (KIP-98). */
export interface Identity {
  readonly producerId: bigint
  readonly epoch: number
}

/** Makes a batch final: it is sent with these bytes and no others. */
export interface Seal {
  readonly identity: Identity
  /** Sequence number of its first record. */
  readonly sequence: number
  readonly bytes: Buffer
}

export type BatchState =
  /** Takes more records. */
  | { readonly kind: 'open' }
  /** Takes no more, and waits to be sent again. `maybeWritten`: an attempt ended without an answer that says it was not written. */
  | { readonly kind: 'closed'; readonly seal: Seal | null; readonly maybeWritten: boolean }
  /** Being sealed and sent. `maybeWritten` is that of earlier attempts; from `sent` on, this one may have been written too. */
  | {
      readonly kind: 'in flight'
      readonly seal: Seal | null
      readonly maybeWritten: boolean
      readonly sent: boolean
    }

export interface Batch {
  readonly records: BatchBuilder
  /** One for each record, in their order. */
  readonly receipts: Receipt[]
  readonly createdMs: number
  state: BatchState
  /** Its records, compressed; null while they are not. Kept for a batch that is sealed again under another identity. */
  compressed: CompressedRecords | null
  /** How often it was sent. */
  attempts: number
  /** How often that, or getting so far, failed. */
  failures: number
}

export interface PartitionQueue {
  readonly topic: string
  readonly index: number
  /** The node that leads the partition; -1 while there is none. */
  leader: number
  /** Under which its batches are sealed; null before the first. */
  identity: Identity | null
  nextSequence: number
  /** Oldest first. Only the head is ever in flight, only the last is open. */
  readonly batches: Batch[]
  /** Nothing is sent before this time, milliseconds since the epoch. */
  notBeforeMs: number
  /** Its topic was created again without it. */
  removed: boolean
}

/** The result of an attempt to send a batch. */
export type Outcome =
  | { readonly kind: 'written'; readonly baseOffset: bigint }
  /** The batch as a whole is larger than the topic allows; its records may not be. */
  | { readonly kind: 'too large'; readonly error: string; readonly reason: string }
  /** Trying again does not help. */
  | { readonly kind: 'refused'; readonly error: string; readonly reason: string; readonly answered: boolean }
  /** The broker does not know the producer: what it does not know of is not in its log. */
  | { readonly kind: 'identity lost' }
  /** @param written false when an answer says that this attempt was not */
  | { readonly kind: 'unsettled'; readonly written: 'no' | 'maybe' }

/** The producer's next step after an outcome. */
export type Settlement =
  | { readonly kind: 'acknowledged'; readonly batch: Batch; readonly baseOffset: bigint }
  | Failed
  /** The batch is taken out, to be replaced by one for each of its records: see `replaceHead`. */
  | { readonly kind: 'split'; readonly batch: Batch }
  /** It will be sent again, with another identity when `startsOver`. */
  | { readonly kind: 'again'; readonly batch: Batch; readonly startsOver: boolean }

export interface Failed {
  readonly kind: 'failed'
  readonly batch: Batch
  /** Kafka's name of the error, null when there is none. */
  readonly error: string | null
  readonly reason: string
  readonly maybeWritten: boolean
}

const open: BatchState = { kind: 'open' }
/** Sequence numbers wrap from 2^31 - 1 to 0. */
const sequences = 0x80000000

export function newQueue(topic: string, index: number, leader: number): PartitionQueue {
  return {
    topic,
    index,
    leader,
    identity: null,
    nextSequence: 0,
    batches: [],
    notBeforeMs: 0,
    removed: false,
  }
}

export function newBatch(records: BatchBuilder, createdMs: number): Batch {
  return { records, receipts: [], createdMs, state: open, compressed: null, attempts: 0, failures: 0 }
}

export const isInFlight = ({ batches }: PartitionQueue): boolean => batches[0]?.state.kind === 'in flight'

/** The batch that accepts more records; undefined if a new one is needed. */
export function openBatch({ batches }: PartitionQueue): Batch | undefined {
  const last = batches.at(-1)
  return last?.state.kind === 'open' ? last : undefined
}

/** May the batch, or what got lost of it, be in the log? */
export function isMaybeWritten({ state }: Batch): boolean {
  return state.kind !== 'open' && (state.maybeWritten || (state.kind === 'in flight' && state.sent))
}

/** Puts the head in flight; it takes no more records from now on. */
export function takeHead({ batches }: PartitionQueue): Batch {
  const head = batches[0]!
  const { state } = head
  head.state =
    state.kind === 'open'
      ? { kind: 'in flight', seal: null, maybeWritten: false, sent: false }
      : { kind: 'in flight', seal: state.seal, maybeWritten: state.maybeWritten, sent: false }
  return head
}

/** Gives the head in flight its identity, sequence numbers and bytes, once. @returns its bytes */
export function sealHead(queue: PartitionQueue, identity: Identity): Buffer {
  const { head, state } = inFlightHead(queue)
  if (state.seal !== null) return state.seal.bytes
  queue.identity = identity
  const sequence = queue.nextSequence
  queue.nextSequence = (sequence + head.records.count) % sequences
  const bytes = head.records.finish(identity.producerId, identity.epoch, sequence, head.compressed)
  head.state = { ...state, seal: { identity, sequence, bytes } }
  return bytes
}

/** From here on the broker may have written it. */
export function markSent(queue: PartitionQueue): void {
  const { head, state } = inFlightHead(queue)
  head.attempts++
  head.state = { ...state, sent: true }
}

/** Applies the result of an attempt to send the head, which is in flight before and is not after. */
export function settle(queue: PartitionQueue, outcome: Outcome, nowMs: number): Settlement {
  const { head, state } = inFlightHead(queue)
  const { seal, maybeWritten } = state
  switch (outcome.kind) {
    case 'written':
      queue.batches.shift()
      return { kind: 'acknowledged', batch: head, baseOffset: outcome.baseOffset }
    case 'too large':
      if (head.records.count === 1 || maybeWritten) {
        head.state = { kind: 'closed', seal, maybeWritten }
        return failHead(queue, outcome.error, outcome.reason)
      }
      queue.batches.shift()
      if (seal !== null) queue.nextSequence = seal.sequence
      return { kind: 'split', batch: head }
    case 'refused':
      head.state = { kind: 'closed', seal, maybeWritten: maybeWritten || (!outcome.answered && state.sent) }
      return failHead(queue, outcome.error, outcome.reason)
    case 'identity lost':
      startOver(queue)
      head.state = { kind: 'closed', seal: null, maybeWritten: false }
      return sendAgain(queue, head, true, nowMs)
    case 'unsettled': {
      const thisOne = outcome.written === 'maybe' && state.sent
      head.state = { kind: 'closed', seal, maybeWritten: maybeWritten || thisOne }
      return sendAgain(queue, head, false, nowMs)
    }
  }
}

/** Puts batches in the place of a head that was taken out. */
export function replaceHead({ batches }: PartitionQueue, by: readonly Batch[]): void {
  batches.unshift(...by)
}

/**
 * Gives the head up, which is not in flight. Its sequence numbers are free again when it is surely not written; else the
 * partition starts over, because a gap in them would be refused from then on.
 */
export function failHead(queue: PartitionQueue, error: string | null, reason: string): Failed {
  const batch = queue.batches.shift()!
  const maybeWritten = isMaybeWritten(batch)
  if (maybeWritten) startOver(queue)
  else if (batch.state.kind === 'closed' && batch.state.seal !== null) queue.nextSequence = batch.state.seal.sequence
  const fate = maybeWritten ? 'the event may or may not be in the log' : 'the event has not been written'
  return { kind: 'failed', batch, error, reason: `${reason}; ${fate}`, maybeWritten }
}

/** The batch at the head that has waited too long, given up; undefined when there is none. */
export function expireHead(queue: PartitionQueue, nowMs: number, deliveryTimeoutMs: number): Failed | undefined {
  const head = queue.batches[0]
  if (head === undefined || nowMs - head.createdMs < deliveryTimeoutMs) return undefined
  return failHead(queue, null, `not acknowledged within ${deliveryTimeoutMs / 1000} s`)
}

export function startOver(queue: PartitionQueue): void {
  queue.identity = null
  queue.nextSequence = 0
}

function sendAgain(queue: PartitionQueue, batch: Batch, startsOver: boolean, nowMs: number): Settlement {
  batch.failures++
  queue.notBeforeMs = nowMs + backoffMs(batch.failures)
  return { kind: 'again', batch, startsOver }
}

function inFlightHead({ topic, index, batches }: PartitionQueue) {
  const head = batches[0]
  if (head?.state.kind !== 'in flight') {
    throw new Error(`${topic}-${index}: the head of the queue is ${head?.state.kind ?? 'absent'}, not in flight`)
  }
  return { head, state: head.state }
}

// The idempotent producer: collects records into one open batch a partition, sends one request at a time to each broker,
// and repeats a batch byte for byte until it is acknowledged, so that nothing is lost, doubled or reordered (KIP-98).
//
// Why not the client's own `Producer.send`: after a broker restart it may start over with a new producer id while older
// requests wait for their retry, which reorders and can double; it also has one retry loop for all partitions of a request.
//
// The rules kept here:
// 1. A partition has at most one batch under way, so the order of its records is the order of `append`.
// 2. A batch takes no more records once it is chosen to be sent, gets its sequence number when it is first sent, and is never
//    changed after that.
// 3. A batch that the broker refused finally gives its sequence numbers back; one whose fate is unknown makes the
//    partition start over with a new producer id, because a gap would be refused from then on.
//
// append ─▶ schedule ─▶ pump ─▶ planRequests ─▶ send ─▶ sendHeads (the request) ─▶ applyAttempt ─▶ settle (partition-queue.ts)
//                         └───▶ refresh (leaders)                                       └────────▶ acknowledge, fail

import { backoffMs } from '@selfmonitor/cluster/backoff'
import { createBatchBuilder } from '@selfmonitor/protocol/records'
import { EmitError, EventsClosedError } from '../errors.ts'
import type { Logger } from '../types.ts'
import { type Backlog, newBacklog, noteAppended, noteGone, noteReplaced, whenGone } from './backlog.ts'
import { type KafkaClient, reasonOf } from './client.ts'
import type { Compressor } from './compression.ts'
import {
  type Batch,
  expireHead,
  type Failed,
  failHead,
  isInFlight,
  isMaybeWritten,
  newBatch,
  openBatch,
  type PartitionQueue,
  replaceHead,
  settle,
  takeHead,
} from './partition-queue.ts'
import type { Attempt } from './produce-outcome.ts'
import { planRequests } from './produce-plan.ts'
import { forgetIdentity, noIdentity, type ProducerIdentity } from './producer-identity.ts'
import { learnTopic, type ProducerTopic, type ProducerTopics } from './producer-topics.ts'
import type { RecordToSend } from './record-to-send.ts'
import { requireTopic } from './require-topic.ts'
import { sendHeads } from './sender.ts'

export interface Producer {
  /** Partition count of a topic, known after `load`. */
  partitions(topic: string): number | undefined
  /** Learns a topic's partitions. @throws UnknownEventError when there is no such topic */
  load(topic: string): Promise<void>
  /** False while more is waiting than may be; `onRoom` is called when that changes. */
  hasRoom(): boolean
  /** Adds a record of a loaded topic, copying it. Order of calls is order in the partition. */
  append(record: RecordToSend): void
  /** Resolves when everything that was appended before is acknowledged or has failed; what comes later is not waited for. */
  flush(): Promise<void>
  /** Ends it: what is still waiting fails. */
  close(): void
  stats(): {
    readonly waiting: number
    readonly waitingBytes: number
    readonly requests: number
    readonly retries: number
  }
}

export interface ProducerOptions {
  readonly client: KafkaClient
  readonly logger: Logger
  /** How long a record may wait for its acknowledgement, in milliseconds (Kafka's `delivery.timeout.ms`). */
  readonly deliveryTimeoutMs: number
  /** Bytes of unacknowledged records beyond which `hasRoom` is false (Kafka's `buffer.memory`). */
  readonly maxWaitingBytes: number
  /** Compresses batches; null for none. */
  readonly compressor: Compressor | null
  readonly onRoom: () => void
  readonly now?: () => number
}

interface ProducerState {
  readonly options: ProducerOptions
  readonly now: () => number
  readonly topics: ProducerTopics
  /** Queues that have batches, in the order in which they take their turn. */
  readonly waitingQueues: Set<PartitionQueue>
  readonly backlog: Backlog
  readonly identity: ProducerIdentity
  /** Nodes that have not answered the latest request yet. */
  readonly busyNodes: Set<number>
  /** Buffers of batches that are gone, to be written into again. */
  readonly spares: Buffer[]
  readonly metadata: MetadataState
  readonly wakeUp: WakeUp
  requests: number
  retries: number
  closed: boolean
}

interface MetadataState {
  wanted: boolean
  refreshing: boolean
  /** How often it could not be had since it was last. */
  failures: number
}

/** When `pump` runs next. */
interface WakeUp {
  /** At the end of this turn of the event loop. */
  scheduled: boolean
  timer: NodeJS.Timeout | null
  timerAtMs: number
}

const maxBatchBytes = 256 * 1024
const maxSpares = 32
const minSpareBytes = 16 * 1024
const metadataAgeMs = 300_000

export function createProducer(options: ProducerOptions): Producer {
  const state: ProducerState = {
    options,
    now: options.now ?? Date.now,
    topics: new Map(),
    waitingQueues: new Set(),
    backlog: newBacklog(),
    identity: noIdentity(),
    busyNodes: new Set(),
    spares: [],
    metadata: { wanted: false, refreshing: false, failures: 0 },
    wakeUp: { scheduled: false, timer: null, timerAtMs: Number.POSITIVE_INFINITY },
    requests: 0,
    retries: 0,
    closed: false,
  }
  return {
    partitions: (topic) => state.topics.get(topic)?.partitions.length,
    load: (topic) => load(state, topic),
    hasRoom: () => hasRoom(state),
    append: (record) => append(state, record),
    flush: () =>
      whenGone(
        state.backlog,
        [...state.waitingQueues].flatMap(({ batches }) => batches),
      ),
    close: () => close(state),
    stats: () => {
      const { backlog, requests, retries } = state
      return { waiting: backlog.waiting, waitingBytes: backlog.waitingBytes, requests, retries }
    },
  }
}

const hasRoom = ({ backlog, options }: ProducerState): boolean => backlog.waitingBytes < options.maxWaitingBytes

function append(state: ProducerState, record: RecordToSend): void {
  if (state.closed) {
    record.receipt.failed(new EventsClosedError('emit'))
    return
  }
  const { key, keyLength, value, valueLength, headers, timestampMs, receipt } = record
  const topic = state.topics.get(record.topic)!
  const queue = topic.partitions[record.partition]!
  let batch = openBatch(queue)
  if (batch === undefined || batch.records.sizeBytes + valueLength > maxBatchBytes) {
    batch = newBatch(createBatchBuilder(state.spares.pop()), state.now())
    queue.batches.push(batch)
    state.waitingQueues.add(queue)
    if (batch.createdMs - topic.loadedMs > metadataAgeMs) refreshOld(state, record.topic, topic)
  }
  const { records, receipts } = batch
  const sizeBefore = receipts.length === 0 ? 0 : records.sizeBytes
  records.append(key, keyLength, value, valueLength, headers, timestampMs)
  receipts.push(receipt)
  noteAppended(state.backlog, records.sizeBytes - sizeBefore)
  schedule(state)
}

/** Topics grow: look again now and then, in the background. */
function refreshOld(state: ProducerState, name: string, topic: ProducerTopic): void {
  if (topic.refreshing) return
  topic.refreshing = true
  const done = (): void => {
    topic.refreshing = false
  }
  load(state, name).then(done, done)
}

async function load(state: ProducerState, topic: string): Promise<void> {
  const described = await state.options.client.metadata([topic])
  learn(state, requireTopic(described, topic, 'write'))
}

function learn(state: ProducerState, metadata: Parameters<typeof learnTopic>[1]): void {
  for (const queue of learnTopic(state.topics, metadata, state.now())) if (!isInFlight(queue)) abandon(state, queue)
}

/** After the current turn of the event loop, so that everything that is appended in it travels together. */
function schedule(state: ProducerState): void {
  const { wakeUp } = state
  if (wakeUp.scheduled || state.closed) return
  wakeUp.scheduled = true
  setImmediate(() => {
    wakeUp.scheduled = false
    pump(state)
  })
}

/** Pumps again at a time, or never for infinity; an earlier timer stays. */
function wakeAt(state: ProducerState, timeMs: number): void {
  const { wakeUp } = state
  if (wakeUp.timer !== null && timeMs !== Number.POSITIVE_INFINITY && wakeUp.timerAtMs <= timeMs) return
  if (wakeUp.timer !== null) clearTimeout(wakeUp.timer)
  wakeUp.timer = null
  wakeUp.timerAtMs = timeMs
  if (timeMs === Number.POSITIVE_INFINITY) return
  wakeUp.timer = setTimeout(
    () => {
      wakeUp.timer = null
      pump(state)
    },
    Math.max(1, timeMs - state.now()),
  )
}

/** Sends what can be sent. */
function pump(state: ProducerState): void {
  if (state.closed) return
  const { waitingQueues, busyNodes, options } = state
  const nowMs = state.now()
  for (const queue of waitingQueues) expire(state, queue, nowMs)
  const plan = planRequests(waitingQueues, nowMs, busyNodes, options.deliveryTimeoutMs)
  for (const queue of plan.empty) waitingQueues.delete(queue)
  if (plan.leaderless) state.metadata.wanted = true
  if (state.metadata.wanted && !state.metadata.refreshing) void refresh(state)
  for (const [node, queues] of plan.requests) {
    // To the end of the line: partitions that did not fit into this request come first in the next.
    for (const queue of queues) {
      waitingQueues.delete(queue)
      waitingQueues.add(queue)
    }
    void send(state, node, queues)
  }
  wakeAt(state, plan.wakeAtMs)
}

async function send(state: ProducerState, node: number, queues: readonly PartitionQueue[]): Promise<void> {
  const { client, compressor } = state.options
  state.busyNodes.add(node)
  for (const queue of queues) takeHead(queue)
  const onSend = (): boolean => {
    if (!state.closed) state.requests++
    return !state.closed
  }
  const attempts = await sendHeads({ client, compressor, identity: state.identity, onSend }, node, queues)
  state.busyNodes.delete(node)
  if (state.closed || attempts === null) return
  for (const [i, queue] of queues.entries()) {
    applyAttempt(state, queue, attempts[i]!)
    if (queue.removed) abandon(state, queue)
  }
  pump(state)
}

function applyAttempt(state: ProducerState, queue: PartitionQueue, { outcome, reason, needsMetadata }: Attempt): void {
  const settlement = settle(queue, outcome, state.now())
  switch (settlement.kind) {
    case 'acknowledged':
      acknowledge(state, queue, settlement.batch, settlement.baseOffset)
      return
    case 'split':
      split(state, queue, settlement.batch)
      return
    case 'failed':
      fail(state, queue, settlement)
      return
    case 'again': {
      const { logger } = state.options
      const where = { topic: queue.topic, partition: queue.index }
      state.retries++
      if (settlement.startsOver) {
        forgetIdentity(state.identity)
        const message = 'the broker lost track of this producer: starting over with a new producer id'
        logger.warn({ ...where, error: reason }, message)
      }
      logger.debug({ ...where, reason, attempt: settlement.batch.attempts }, 'the batch will be sent again')
      if (needsMetadata) state.metadata.wanted = true
    }
  }
}

function acknowledge(state: ProducerState, { index, leader }: PartitionQueue, batch: Batch, baseOffset: bigint): void {
  release(state, batch)
  const server = state.options.client.server(leader)
  const { buffer } = batch.records
  // Growing a new buffer for each batch would cost a tenth of the time it takes to fill it.
  if (state.spares.length < maxSpares && buffer.length >= minSpareBytes) state.spares.push(buffer)
  for (const [i, receipt] of batch.receipts.entries()) {
    // The broker no longer knows the offset of a duplicate that is older than its last five batches.
    receipt.acknowledged(index, baseOffset < 0n ? -1n : baseOffset + BigInt(i), server)
  }
}

function fail(state: ProducerState, { topic, index }: PartitionQueue, failed: Failed): void {
  const { batch, error, reason, maybeWritten } = failed
  if (maybeWritten) forgetIdentity(state.identity)
  release(state, batch)
  const failure = new EmitError(topic, index, error, reason, maybeWritten)
  for (const receipt of batch.receipts) receipt.failed(failure)
}

/** Sends the records of a batch that is too large one by one. */
function split(state: ProducerState, queue: PartitionQueue, batch: Batch): void {
  const singles = batch.records.split().map((records, i) => {
    const single = newBatch(records, batch.createdMs)
    single.receipts.push(batch.receipts[i]!)
    return single
  })
  replaceHead(queue, singles)
  noteReplaced(state.backlog, batch, singles)
}

function release(state: ProducerState, batch: Batch): void {
  const hadRoom = hasRoom(state)
  noteGone(state.backlog, batch)
  if (!hadRoom && hasRoom(state)) state.options.onRoom()
}

/** Fails the batches at the head that have waited too long. */
function expire(state: ProducerState, queue: PartitionQueue, nowMs: number): void {
  while (!isInFlight(queue)) {
    const failed = expireHead(queue, nowMs, state.options.deliveryTimeoutMs)
    if (failed === undefined) return
    fail(state, queue, failed)
  }
}

/** Fails everything that waits for a partition that no longer exists. */
function abandon(state: ProducerState, queue: PartitionQueue): void {
  const reason = `the topic was created again without its partition ${queue.index}`
  while (queue.batches.length > 0) fail(state, queue, failHead(queue, null, reason))
}

async function refresh(state: ProducerState): Promise<void> {
  const { metadata, options } = state
  metadata.refreshing = true
  metadata.wanted = false
  try {
    for (const topic of (await options.client.metadata([...state.topics.keys()])).values()) learn(state, topic)
    metadata.failures = 0
  } catch (error) {
    metadata.failures++
    metadata.wanted = true
    options.logger.debug({ reason: reasonOf(error) }, 'cannot refresh the metadata yet')
  }
  metadata.refreshing = false
  if (state.closed) return
  // A partition without a leader asks again, not at once.
  const leaderless = [...state.waitingQueues].some(({ leader }) => leader < 0)
  if (metadata.wanted || leaderless) setTimeout(() => pump(state), backoffMs(metadata.failures + 1)).unref()
  else pump(state)
}

function close(state: ProducerState): void {
  state.closed = true
  if (state.wakeUp.timer !== null) clearTimeout(state.wakeUp.timer)
  const reason = 'the event stream was closed before the cluster acknowledged it'
  for (const queue of state.waitingQueues) {
    for (const batch of queue.batches.splice(0)) {
      fail(state, queue, { kind: 'failed', batch, error: null, reason, maybeWritten: isMaybeWritten(batch) })
    }
  }
  state.waitingQueues.clear()
}

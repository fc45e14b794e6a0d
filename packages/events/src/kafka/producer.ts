// The idempotent producer: collects records into one open batch a partition, sends one request at a time to each broker,
// and repeats a batch byte for byte until it is acknowledged, so that nothing is lost, doubled or reordered (KIP-98).
//
// Why not the client's own `Producer.send`: after a broker restart it may start over with a new producer id while older
// requests wait for their retry, which reorders and can double; it also has one retry loop for all partitions of a request.
//
// The rules kept here:
// 1. A partition has at most one batch under way, so the order of its records is the order of `append`.
// 2. A batch gets its sequence number when it is first sent, and is never changed after that.
// 3. A batch that the broker refused for good gives its sequence numbers back; one whose fate is unknown makes the
//    partition start over with a new producer id, because a gap would be refused for ever.
import { EmitError, EventsClosedError, EventsError } from '../errors.ts'
import type { Logger } from '../types.ts'
import { isAuthenticationFailure, type KafkaClient, kafkaErrorName, reasonOf, type TopicMetadata } from './client.ts'
import type { Compressor } from './compression.ts'
import { explainRefusal, produceErrorKind } from './produce-errors.ts'
import { type ProduceResult, parseProduceResponse, writeProduceRequest } from './produce-request.ts'
import { type BatchBuilder, type CompressedRecords, createBatchBuilder, type EncodedHeaders } from './record-batch.ts'
import { requireTopic } from './require-topic.ts'
import { backoffMs } from './wait.ts'

/** Told once what became of a record. */
export interface Receipt {
  acknowledged(partition: number, offset: bigint): void
  failed(error: Error): void
}

export interface Producer {
  /** Partition count of a topic, known after `load`. */
  partitions(topic: string): number | undefined
  /** Learns a topic's partitions. @throws UnknownEventError when there is no such topic */
  load(topic: string): Promise<void>
  /** False while more is waiting than may be; `onRoom` is called when that changes. */
  hasRoom(): boolean
  /** Adds a record of a loaded topic, copying it; a length of -1 is null. Order of calls is order in the partition. */
  append(
    topic: string,
    partition: number,
    key: Uint8Array,
    keyLength: number,
    value: Uint8Array,
    valueLength: number,
    headers: EncodedHeaders,
    timestampMs: number,
    receipt: Receipt,
  ): void
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
  /** What batches are compressed with; null for nothing. */
  readonly compressor: Compressor | null
  readonly onRoom: () => void
  readonly now?: () => number
}

interface Identity {
  readonly producerId: bigint
  readonly epoch: number
}

interface Batch {
  readonly records: BatchBuilder
  readonly receipts: Receipt[]
  readonly createdMs: number
  identity: Identity | null
  sequence: number
  bytes: Buffer | null
  /** Its records, compressed: kept for a batch that is sealed again under another identity. */
  compressed: CompressedRecords | null
  /** Sent at least once without an answer that settles its fate. */
  uncertain: boolean
  /** The same before the latest attempt. */
  uncertainBefore: boolean
  /** How often it was sent. */
  attempts: number
  /** How often that, or getting so far, failed. */
  failures: number
}

interface Partition {
  readonly topic: string
  readonly index: number
  leader: number
  identity: Identity | null
  nextSequence: number
  inFlight: boolean
  /** Its topic was created again without it. */
  removed: boolean
  /** Oldest first; the last one is open for more. */
  readonly batches: Batch[]
  notBeforeMs: number
}

const maxBatchBytes = 256 * 1024
const maxRequestBytes = 4 * 1024 * 1024
const requestTimeoutMs = 30_000
const maxSpares = 32
const minSpareBytes = 16 * 1024
const metadataAgeMs = 300_000

export function createProducer(options: ProducerOptions): Producer {
  const { client, logger, compressor } = options
  const now = options.now ?? Date.now
  const topics = new Map<string, { id: string; partitions: Partition[]; loadedMs: number; refreshing: boolean }>()
  const dirty = new Set<Partition>()
  const busyNodes = new Set<number>()
  const spares: Buffer[] = []
  let identity: Promise<Identity> | null = null
  let metadataWanted = false
  let metadataAttempts = 0
  let refreshing = false
  let scheduled = false
  let timer: NodeJS.Timeout | null = null
  let timerAtMs = Number.POSITIVE_INFINITY
  let waiting = 0
  let waitingBytes = 0
  let requests = 0
  let retries = 0
  let closed = false
  /** What each call of `flush` still waits for. */
  const flushes = new Set<{ readonly left: Set<Batch>; readonly resolve: () => void }>()

  function learn(metadata: TopicMetadata): void {
    if (metadata.error !== null) return
    const known = topics.get(metadata.name) ?? { id: metadata.id, partitions: [], loadedMs: 0, refreshing: false }
    topics.set(metadata.name, known)
    known.loadedMs = now()
    // Deleted and created again: what is left of a larger one has nowhere to go.
    if (known.id !== metadata.id) {
      for (const partition of known.partitions.splice(metadata.partitions.length)) {
        partition.removed = true
        if (!partition.inFlight) abandon(partition)
      }
    }
    known.id = metadata.id
    metadata.partitions.forEach(({ leader }, index) => {
      const partition = known.partitions[index]
      if (partition !== undefined) {
        partition.leader = leader
        return
      }
      known.partitions[index] = {
        topic: metadata.name,
        index,
        leader,
        identity: null,
        nextSequence: 0,
        inFlight: false,
        removed: false,
        batches: [],
        notBeforeMs: 0,
      }
    })
  }

  async function load(topic: string): Promise<void> {
    learn(requireTopic(await client.describe([topic]), topic, 'write'))
  }

  function schedule(): void {
    if (scheduled || closed) return
    scheduled = true
    // After the current turn of the event loop, so that everything emitted in it travels together.
    setImmediate(() => {
      scheduled = false
      pump()
    })
  }

  /** Pumps again at a time, or never for infinity; an earlier timer stays. */
  function wakeAt(timeMs: number): void {
    if (timer !== null && timeMs !== Number.POSITIVE_INFINITY && timerAtMs <= timeMs) return
    if (timer !== null) clearTimeout(timer)
    timer = null
    timerAtMs = timeMs
    if (timeMs === Number.POSITIVE_INFINITY) return
    timer = setTimeout(
      () => {
        timer = null
        pump()
      },
      Math.max(1, timeMs - now()),
    )
  }

  function pump(): void {
    if (closed) return
    const time = now()
    let nextWakeMs = Number.POSITIVE_INFINITY
    const perNode = new Map<number, Partition[]>()
    for (const partition of dirty) {
      if (partition.inFlight) continue
      expire(partition, time)
      if (partition.batches.length === 0) {
        dirty.delete(partition)
        continue
      }
      nextWakeMs = Math.min(nextWakeMs, partition.batches[0]!.createdMs + options.deliveryTimeoutMs)
      if (partition.notBeforeMs > time) {
        nextWakeMs = Math.min(nextWakeMs, partition.notBeforeMs)
      } else if (partition.leader < 0) {
        metadataWanted = true
      } else if (!busyNodes.has(partition.leader)) {
        const list = perNode.get(partition.leader)
        if (list === undefined) perNode.set(partition.leader, [partition])
        else list.push(partition)
      }
    }
    if (metadataWanted && !refreshing) void refresh()
    for (const [node, partitions] of perNode) {
      let bytes = 0
      const chosen: Partition[] = []
      for (const partition of partitions) {
        bytes += partition.batches[0]!.records.sizeBytes
        if (bytes > maxRequestBytes && chosen.length > 0) break
        chosen.push(partition)
        // To the end of the line: partitions that did not fit into this request come first in the next.
        dirty.delete(partition)
        dirty.add(partition)
      }
      void sendTo(node, chosen)
    }
    wakeAt(nextWakeMs)
  }

  /** Fails the batches at the head that have waited too long. */
  function expire(partition: Partition, time: number): void {
    while (partition.batches.length > 0) {
      const batch = partition.batches[0]!
      if (time - batch.createdMs < options.deliveryTimeoutMs) return
      giveUp(partition, null, `not acknowledged within ${options.deliveryTimeoutMs / 1000} s`)
    }
  }

  async function refresh(): Promise<void> {
    refreshing = true
    metadataWanted = false
    try {
      for (const metadata of (await client.describe([...topics.keys()])).values()) learn(metadata)
      metadataAttempts = 0
    } catch (error) {
      metadataAttempts++
      metadataWanted = true
      logger.debug({ reason: reasonOf(error) }, 'cannot refresh the metadata yet')
    }
    refreshing = false
    if (closed) return
    // A partition without a leader asks again, not at once.
    const leaderless = [...dirty].some((partition) => partition.leader < 0)
    if (metadataWanted || leaderless) setTimeout(pump, backoffMs(metadataAttempts + 1)).unref()
    else pump()
  }

  async function initProducerId(): Promise<Identity> {
    const response = await client.call<{ producerId: bigint; producerEpoch: number }>(null, 'InitProducerId', () => [
      null,
      0,
      -1n,
      -1,
    ])
    return { producerId: response.producerId, epoch: response.producerEpoch }
  }

  function startOver(partition: Partition): void {
    partition.identity = null
    partition.nextSequence = 0
    identity = null
  }

  async function sendTo(node: number, partitions: readonly Partition[]): Promise<void> {
    busyNodes.add(node)
    for (const partition of partitions) partition.inFlight = true
    const batches = partitions.map((partition) => partition.batches[0]!)
    let results: ProduceResult[] | null = null
    let failure: unknown = null
    try {
      await Promise.all(batches.map(compress))
      for (const [i, partition] of partitions.entries()) await seal(partition, batches[i]!)
      const connection = await client.connection(node)
      const version = await client.version('Produce')
      if (version < 9) throw new EventsError('BROKER_TOO_OLD', 'this library needs Apache Kafka 3.0 or newer')
      if (closed) return
      requests++
      for (const batch of batches) {
        batch.attempts++
        batch.uncertainBefore = batch.uncertain
        batch.uncertain = true
      }
      const payload = writeProduceRequest(
        partitions.map(({ topic, index }, i) => ({ topic, partition: index, records: batches[i]!.bytes! })),
        requestTimeoutMs,
      )
      results = await new Promise((resolve, reject) => {
        connection.send<ProduceResult[]>(
          0,
          version,
          () => payload,
          parseProduceResponse,
          true,
          true,
          (error, response) => (error ? reject(error) : resolve(response!)),
        )
      })
    } catch (error) {
      failure = error
    }

    busyNodes.delete(node)
    if (closed) return
    for (const [i, partition] of partitions.entries()) {
      partition.inFlight = false
      const result = results?.find(
        ({ topic, partition: index }) => topic === partition.topic && index === partition.index,
      )
      settle(partition, batches[i]!, result, failure)
      if (partition.removed) abandon(partition)
    }
    pump()
  }

  async function compress(batch: Batch): Promise<void> {
    if (compressor === null || batch.bytes !== null || batch.compressed !== null) return
    const bytes = await compressor.compress(batch.records.records())
    if (bytes !== null) batch.compressed = { code: compressor.code, bytes }
  }

  /** Gives a batch its identity and sequence, once. */
  async function seal(partition: Partition, batch: Batch): Promise<void> {
    if (batch.bytes !== null) return
    if (partition.identity === null) {
      identity ??= initProducerId()
      try {
        partition.identity = await identity
      } catch (error) {
        identity = null
        throw error
      }
    }
    batch.identity = partition.identity
    batch.sequence = partition.nextSequence
    // Sequences wrap from 2^31 - 1 to 0.
    partition.nextSequence = (partition.nextSequence + batch.records.count) % 0x80000000
    batch.bytes = batch.records.finish(
      batch.identity.producerId,
      batch.identity.epoch,
      batch.sequence,
      batch.compressed,
    )
  }

  function settle(partition: Partition, batch: Batch, result: ProduceResult | undefined, failure: unknown): void {
    const error = result === undefined ? kafkaErrorName(failure) : result.error
    if (result !== undefined && (error === null || error === 'DUPLICATE_SEQUENCE_NUMBER')) {
      partition.batches.shift()
      release(batch)
      // Growing a new buffer for each batch would cost a tenth of the time it takes to fill it.
      if (spares.length < maxSpares && batch.records.buffer.length >= minSpareBytes) spares.push(batch.records.buffer)
      for (const [i, receipt] of batch.receipts.entries()) {
        // The broker no longer knows the offset of a duplicate that is older than its last five batches.
        receipt.acknowledged(partition.index, result.baseOffset < 0n ? -1n : result.baseOffset + BigInt(i))
      }
      return
    }

    // Any answer settles that this attempt was not written, except those that speak of a write without replicas.
    if (result !== undefined && error !== 'NOT_ENOUGH_REPLICAS_AFTER_APPEND' && error !== 'REQUEST_TIMED_OUT') {
      batch.uncertain = batch.uncertainBefore
    }
    const kind = error === null ? 'passing' : produceErrorKind(error)
    if (kind === 'refused') {
      if (error === 'MESSAGE_TOO_LARGE' && batch.records.count > 1 && !batch.uncertain) {
        partition.batches.shift()
        partition.nextSequence = batch.sequence
        partition.batches.unshift(...splitBatch(batch))
        return
      }
      giveUp(partition, error, explainRefusal(error!, result?.message ?? null))
      return
    }
    // Credentials that are refused will go on being refused: say so now instead of after the delivery timeout.
    if (failure !== null && isAuthenticationFailure(failure)) {
      const advice = 'check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD'
      giveUp(partition, 'SASL_AUTHENTICATION_FAILED', `${reasonOf(failure)}: ${advice}`)
      return
    }

    const where = { topic: partition.topic, partition: partition.index }
    const reason = failure === null ? error : reasonOf(failure)
    retries++
    batch.failures++
    if (kind === 'identity lost') {
      // The broker knows its producers from the log: what it does not know of is not in there.
      logger.warn({ ...where, error }, 'the broker lost track of this producer: starting over with a new producer id')
      startOver(partition)
      batch.bytes = null
      batch.uncertain = false
    }
    logger.debug({ ...where, reason, attempt: batch.attempts }, 'the batch will be sent again')
    partition.notBeforeMs = now() + backoffMs(batch.failures)
    if (failure !== null || kind === 'stale leader') metadataWanted = true
  }

  /** Fails the batch at the head of a partition, whose sequence numbers are free again when it is surely not written. */
  function giveUp(partition: Partition, error: string | null, reason: string): void {
    const batch = partition.batches.shift()!
    if (batch.uncertain) startOver(partition)
    else if (batch.bytes !== null) partition.nextSequence = batch.sequence
    const fate = batch.uncertain ? 'the event may or may not be in the log' : 'the event has not been written'
    fail(partition, batch, error, `${reason}; ${fate}`, batch.uncertain)
  }

  /** Fails what is waiting for a partition that is no more. */
  function abandon(partition: Partition): void {
    while (partition.batches.length > 0) {
      giveUp(partition, null, `the topic was created again without its partition ${partition.index}`)
    }
  }

  function splitBatch(batch: Batch): Batch[] {
    waitingBytes -= batch.records.sizeBytes
    const singles = batch.records.split().map((records, i) => {
      waitingBytes += records.sizeBytes
      return { ...newBatch(records, batch.createdMs), receipts: [batch.receipts[i]!] }
    })
    settled(batch, singles)
    return singles
  }

  /** A batch has met its fate, or was replaced by others. */
  function settled(batch: Batch, replacedBy: readonly Batch[]): void {
    for (const flush of flushes) {
      if (!flush.left.delete(batch)) continue
      for (const other of replacedBy) flush.left.add(other)
      if (flush.left.size > 0) continue
      flushes.delete(flush)
      flush.resolve()
    }
  }

  function release(batch: Batch): void {
    const hadRoom = waitingBytes < options.maxWaitingBytes
    waiting -= batch.receipts.length
    waitingBytes -= batch.records.sizeBytes
    if (!hadRoom && waitingBytes < options.maxWaitingBytes) options.onRoom()
    settled(batch, [])
  }

  function fail(partition: Partition, batch: Batch, error: string | null, reason: string, maybeWritten: boolean): void {
    release(batch)
    const failure = new EmitError(partition.topic, partition.index, error, reason, maybeWritten)
    for (const receipt of batch.receipts) receipt.failed(failure)
  }

  function newBatch(records: BatchBuilder, createdMs: number): Batch {
    return {
      records,
      receipts: [],
      createdMs,
      identity: null,
      sequence: 0,
      bytes: null,
      compressed: null,
      uncertain: false,
      uncertainBefore: false,
      attempts: 0,
      failures: 0,
    }
  }

  return {
    partitions: (topic) => topics.get(topic)?.partitions.length,
    load,
    hasRoom: () => waitingBytes < options.maxWaitingBytes,

    append(topic, index, key, keyLength, value, valueLength, headers, timestampMs, receipt) {
      if (closed) {
        receipt.failed(new EventsClosedError('emit'))
        return
      }
      const known = topics.get(topic)!
      const partition = known.partitions[index]!
      let batch = partition.batches.at(-1)
      const full = batch !== undefined && batch.records.sizeBytes + valueLength > maxBatchBytes
      if (
        batch === undefined ||
        batch.bytes !== null ||
        full ||
        (partition.inFlight && partition.batches.length === 1)
      ) {
        batch = newBatch(createBatchBuilder(spares.pop()), now())
        partition.batches.push(batch)
        dirty.add(partition)
      }
      const before = batch.records.sizeBytes
      batch.records.append(key, keyLength, value, valueLength, headers, timestampMs)
      batch.receipts.push(receipt)
      waiting++
      waitingBytes += batch.receipts.length === 1 ? batch.records.sizeBytes : batch.records.sizeBytes - before
      // Topics grow: look again now and then, in the background.
      if (!known.refreshing && batch.createdMs - known.loadedMs > metadataAgeMs) {
        known.refreshing = true
        load(topic).then(
          () => (known.refreshing = false),
          () => (known.refreshing = false),
        )
      }
      schedule()
    },

    async flush() {
      const left = new Set([...dirty].flatMap(({ batches }) => batches))
      if (left.size > 0) await new Promise<void>((resolve) => flushes.add({ left, resolve }))
    },

    close() {
      closed = true
      if (timer !== null) clearTimeout(timer)
      for (const partition of dirty) {
        for (const batch of partition.batches.splice(0)) {
          fail(
            partition,
            batch,
            null,
            'the event stream was closed before the cluster acknowledged it',
            batch.uncertain,
          )
        }
      }
      dirty.clear()
    },

    stats: () => ({ waiting, waitingBytes, requests, retries }),
  }
}

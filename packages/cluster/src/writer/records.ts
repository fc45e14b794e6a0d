// Writes single records: collects them into batches for each partition, as an idempotent producer does (KIP-98).
import { encodeBatch, type RecordHeader, type RecordInput } from '@selfmonitor/protocol/records'
import type { Cluster } from '../types.ts'
import type { BatchAppender, ProducerIdentity } from '../write-types.ts'

export interface RecordToWrite {
  readonly topic: string
  readonly partition: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
  /** Milliseconds since the epoch; a topic with LogAppendTime has the broker's. */
  readonly timestampMs: number
}

/** Records of a partition are written in the order of the calls, each once. */
export interface RecordWriter {
  /**
   * @returns the record's offset, once all in-sync replicas have it (acks=all); null when the brokers had it already and do not say
   * @throws ClusterError as `BatchAppender.append`. All records of its batch, and all later ones of the partition, fail with it.
   */
  write(record: RecordToWrite): Promise<bigint | null>
  /** Resolves when there is room for more: at most 16 MiB wait for their acknowledgement. */
  ready(): Promise<void>
  /** Sends what waits, and resolves when all of it is acknowledged or has failed. */
  flush(): Promise<void>
  close(): Promise<void>
}

const batchBytes = 256 * 1024
const batchRecords = 10_000
const maxPendingBytes = 16 * 1024 * 1024
/** How long a batch waits for more records. */
const lingerMs = 5

interface Waiting {
  readonly record: RecordInput
  readonly resolve: (offset: bigint | null) => void
  readonly reject: (error: unknown) => void
}

interface PartitionWriter {
  readonly topic: string
  readonly partition: number
  sequence: number
  failure: { readonly error: unknown } | undefined
  waiting: Waiting[]
  bytes: number
  timer: NodeJS.Timeout | undefined
}

export async function createRecordWriter(
  cluster: Pick<Cluster, 'initProducer' | 'appendBatches'>,
): Promise<RecordWriter> {
  const appender: BatchAppender = await cluster.appendBatches()
  let identity: ProducerIdentity
  try {
    identity = await cluster.initProducer()
  } catch (error) {
    await appender.close()
    throw error
  }
  const partitions = new Map<string, PartitionWriter>()
  const pending = new Set<Promise<void>>()
  let pendingBytes = 0

  function send(writer: PartitionWriter): void {
    clearTimeout(writer.timer)
    writer.timer = undefined
    const { waiting, bytes, topic, partition } = writer
    if (waiting.length === 0) return
    writer.waiting = []
    writer.bytes = 0
    const batch = encodeBatch(
      waiting.map(({ record }) => record),
      { ...identity, baseSequence: writer.sequence },
    )
    // Sequence numbers go on at 0 behind the largest 32-bit number.
    writer.sequence = (writer.sequence + waiting.length) % 2 ** 31
    const sent: Promise<void> = appender
      .append(topic, partition, batch)
      .then(
        (offset) => {
          for (const [at, { resolve }] of waiting.entries()) resolve(offset === null ? null : offset + BigInt(at))
        },
        (error: unknown) => {
          writer.failure ??= { error }
          for (const { reject } of waiting) reject(error)
        },
      )
      .finally(() => {
        pending.delete(sent)
        pendingBytes -= bytes
      })
    pending.add(sent)
  }

  function writerOf(topic: string, partition: number): PartitionWriter {
    const key = `${partition} ${topic}`
    const known = partitions.get(key)
    if (known !== undefined) return known
    const writer: PartitionWriter = {
      topic,
      partition,
      sequence: 0,
      failure: undefined,
      waiting: [],
      bytes: 0,
      timer: undefined,
    }
    partitions.set(key, writer)
    return writer
  }

  async function flush(): Promise<void> {
    for (const writer of partitions.values()) send(writer)
    while (pending.size > 0) await Promise.all(pending)
  }

  return {
    flush,
    write({ topic, partition, key, value, headers, timestampMs }) {
      const writer = writerOf(topic, partition)
      if (writer.failure !== undefined) return Promise.reject(writer.failure.error)
      const { promise, resolve, reject } = Promise.withResolvers<bigint | null>()
      const headerBytes = headers.reduce((sum, header) => sum + header.key.length + (header.value?.length ?? 0), 0)
      const size = (key?.length ?? 0) + (value?.length ?? 0) + headerBytes + 32
      if (writer.bytes + size > batchBytes) send(writer)
      writer.waiting.push({ record: { key, value, headers, timestamp: BigInt(timestampMs) }, resolve, reject })
      writer.bytes += size
      pendingBytes += size
      if (writer.bytes >= batchBytes || writer.waiting.length >= batchRecords) send(writer)
      else writer.timer ??= setTimeout(() => send(writer), lingerMs)
      return promise
    },
    async ready() {
      while (pendingBytes > maxPendingBytes) {
        if (pending.size === 0) for (const writer of partitions.values()) send(writer)
        await Promise.race(pending)
      }
    },
    async close() {
      for (const { timer } of partitions.values()) clearTimeout(timer)
      await appender.close()
    },
  }
}

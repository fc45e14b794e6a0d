// Writes the records of one run of a command to the topic of the trail.
import type { BatchAppender, Cluster, ProducerIdentity } from '@selfmonitor/cluster'
import { createUuidGenerator } from '@selfmonitor/events/uuid'
import { encodeBatch } from '@selfmonitor/protocol/records'
import { seal, toEnvelope } from '../record/seal.ts'
import {
  type AuditEnvelope,
  type AuditEventType,
  type AuditLink,
  type AuditPayload,
  type AuditRecord,
  hashHeader,
} from '../record/types.ts'
import { readTail, type Tail } from './tail.ts'

/** All records of the trail are in one partition, so that they have one order. */
export const trailPartition = 0

export interface WriterOptions {
  readonly cluster: Cluster
  readonly clusterId: string
  readonly topic: string
  /** The bytes of an event, as consumers of the topic expect them. */
  encode(envelope: AuditEnvelope): Promise<Buffer>
}

export type NewRecord = {
  readonly type: AuditEventType
  /** When it happened, in milliseconds since the epoch. */
  readonly atMs: number
  readonly data: Omit<AuditPayload, 'cluster' | 'chain' | 'hash'>
}

export interface Writer {
  /**
   * Records are written one after the other. One that could not be written keeps its sequence number, because it may be in the log.
   * @param signal gives the record up: nothing of it is sent afterwards
   * @returns once all in-sync replicas have it (acks=all). @throws ClusterError, the signal's reason
   */
  write(record: NewRecord, signal: AbortSignal): Promise<AuditRecord>
  close(): Promise<void>
}

/** The ids of records and changes: UUIDv7. */
export const newId = createUuidGenerator()

export function createWriter({ cluster, clusterId, topic, encode }: WriterOptions): Writer {
  const writer = newId()
  let sequence = 0
  let previous: AuditLink | null = null
  let producer: Producer | undefined

  /** The record before, written or given up. */
  let turn: Promise<unknown> = Promise.resolve()

  async function writeNow({ type, atMs, data }: NewRecord, signal: AbortSignal): Promise<AuditRecord> {
    const unlessGivenUp = <T>(work: Promise<T>): Promise<T> => orAborted(work, signal)
    const tail = await unlessGivenUp(tailIfAllowed(cluster, topic))
    producer ??= await unlessGivenUp(openProducer(cluster))
    const { appender, identity, sent } = producer
    const record = seal({
      event_id: newId(),
      event_type: type,
      user_id: data.who.principal,
      timestamp: atMs,
      data: {
        ...data,
        cluster: clusterId,
        chain: { writer, sequence, previous, seen: tail?.seen ?? null, seen_all: tail?.isAll ?? false },
      },
    })
    const { hash } = record.data
    const value = await unlessGivenUp(encode(toEnvelope(record)))
    const headers = [{ key: hashHeader, value: Buffer.from(hash) }]
    const batch = encodeBatch([{ key: null, value, headers, timestamp: BigInt(atMs) }], {
      ...identity,
      baseSequence: sent,
    })
    sequence += 1
    producer.sent += 1
    const offset = await unlessGivenUp(appender.append(topic, trailPartition, batch)).catch((error: unknown) => {
      // It may have been written: the next one under the same producer's number would be taken for it.
      producer = undefined
      appender.close().catch(() => {})
      throw error
    })
    // The broker does not say where a batch is that it has had already: it is behind all that had been seen.
    const place = offset === null ? (tail?.seen.at(-1)?.offset ?? -1) + 1 : Number(offset)
    previous = { hash, offset: place, at: atMs }
    return record
  }

  return {
    async write(record, signal) {
      const written = turn.then(() => writeNow(record, signal))
      turn = written.catch(() => {})
      return await written
    },
    close: async () => await producer?.appender.close(),
  }
}

async function openProducer(cluster: Cluster): Promise<Producer> {
  return { identity: await cluster.initProducer(), appender: await cluster.appendBatches(), sent: 0 }
}

/** @throws the signal's reason as soon as it fires; the result of the work is ignored then */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  work.catch(() => {})
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

interface Producer {
  readonly identity: ProducerIdentity
  readonly appender: BatchAppender
  /** The next sequence number (KIP-98). */
  sent: number
}

/** null when the account may write to the topic and not read it: its records are chained to each other only. */
async function tailIfAllowed(cluster: Cluster, topic: string): Promise<Tail | null> {
  try {
    return await readTail(cluster, topic, trailPartition)
  } catch (error) {
    if ((error as { reason?: unknown }).reason === 'not-allowed') return null
    throw error
  }
}

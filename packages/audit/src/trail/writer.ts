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
  /** @returns once all in-sync replicas have it (acks=all). @throws ClusterError */
  write(record: NewRecord): Promise<AuditRecord>
  close(): Promise<void>
}

/** The ids of records and changes: UUIDv7. */
export const newId = createUuidGenerator()

export function createWriter({ cluster, clusterId, topic, encode }: WriterOptions): Writer {
  const writer = newId()
  let sequence = 0
  let previous: AuditLink | null = null
  let producer: Producer | undefined

  return {
    async write({ type, atMs, data }) {
      const tail = await tailIfAllowed(cluster, topic)
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
      producer ??= { identity: await cluster.initProducer(), appender: await cluster.appendBatches(), sent: 0 }
      const { appender, identity } = producer
      const batch = encodeBatch(
        [
          {
            key: null,
            value: await encode(toEnvelope(record)),
            headers: [{ key: hashHeader, value: Buffer.from(hash) }],
            timestamp: BigInt(atMs),
          },
        ],
        { ...identity, baseSequence: producer.sent },
      )
      const offset = await appender.append(topic, trailPartition, batch).catch(async (error: unknown) => {
        // It may have been written: the next one under the same sequence number would be taken for it.
        producer = undefined
        await appender.close()
        throw error
      })
      producer.sent += 1
      // The broker does not say where a batch is that it has had already: it is behind all that had been seen.
      const place = offset === null ? (tail?.seen.at(-1)?.offset ?? -1) + 1 : Number(offset)
      previous = { hash, offset: place, at: atMs }
      sequence += 1
      return record
    },
    close: async () => await producer?.appender.close(),
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

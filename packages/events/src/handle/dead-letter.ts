// Puts a record that cannot be handled aside: its bytes as they came, in `<topic>.dlq`, with the cause in its headers.
import { connectCluster } from '@selfmonitor/cluster'
import { deadLetterHeaders, deadLetterTopic } from '../dead-letter-names.ts'
import { fingerprintOf } from '../dead-letters/fingerprint.ts'
import { UnknownEventError } from '../errors.ts'
import { encodeHeaders, type FetchedRecord, type Producer } from '../kafka/index.ts'
import type { ResolvedOptions } from '../options.ts'
import type { Logger } from '../types.ts'

const nothing = Buffer.alloc(0)

export interface DeadLetterCause {
  readonly error: Error
  readonly attempts: number
}

export interface DeadLetterWriter {
  /** @throws when it is not written; nothing is lost then, the caller has to try again */
  write(source: { topic: string; partition: number }, record: FetchedRecord, cause: DeadLetterCause): Promise<void>
}

export function createDeadLetterWriter(options: ResolvedOptions, producer: Producer, logger: Logger): DeadLetterWriter {
  const loading = new Map<string, Promise<void>>()

  async function ensureTopic(source: string): Promise<void> {
    const topic = deadLetterTopic(source)
    if (producer.partitions(topic) !== undefined) return
    try {
      await producer.load(topic)
    } catch (error) {
      if (!(error instanceof UnknownEventError)) throw error
      await create(source, topic)
      await producer.load(topic)
    }
  }

  async function create(source: string, topic: string): Promise<void> {
    const cluster = await connectCluster({
      bootstrapServers: options.bootstrapServers,
      clientId: options.service,
      ...(options.sasl === undefined ? {} : { sasl: options.sasl }),
      ...(options.tls === undefined ? {} : { tls: options.tls }),
    })
    try {
      const [described] = await cluster.describeTopics([source])
      const partitions = options.deadLetters.partitions ?? described!.partitions.length
      const replicationFactor = options.deadLetters.replicationFactor ?? described!.partitions[0]!.replicas.length
      await cluster.createTopics([{ name: topic, partitions, replicationFactor }])
      logger.info({ topic, partitions, replicationFactor }, 'created the topic for dead letters')
    } catch (error) {
      // Another member was faster.
      if ((error as { code?: string }).code !== 'TOPIC_ALREADY_EXISTS') throw error
    } finally {
      await cluster.close()
    }
  }

  return {
    async write(source, record, { error, attempts }) {
      const topic = deadLetterTopic(source.topic)
      let ready = loading.get(topic)
      if (ready === undefined) {
        ready = ensureTopic(source.topic)
        loading.set(topic, ready)
        ready.catch(() => loading.delete(topic))
      }
      await ready
      const now = Date.now()
      const names = deadLetterHeaders
      const headers = encodeHeaders([
        ...record.headers.map(({ key, value }) => [key, value] as const),
        [names.topic, source.topic],
        [names.partition, String(source.partition)],
        [names.offset, String(record.offset)],
        [names.timestamp, String(record.timestampMs)],
        [names.errorClass, classOf(error)],
        [names.errorMessage, messageOf(error)],
        [names.fingerprint, fingerprint(error)],
        [names.attempts, String(attempts)],
        [names.service, options.service],
        [names.failedAt, new Date(now).toISOString()],
      ])
      const partition = source.partition % producer.partitions(topic)!
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      // The record's own time is now: with the original one, retention might delete it before anyone has looked.
      producer.append({
        topic,
        partition,
        key: record.key ?? nothing,
        keyLength: record.key?.length ?? -1,
        value: record.value ?? nothing,
        valueLength: record.value?.length ?? -1,
        headers,
        timestampMs: now,
        receipt: { acknowledged: () => resolve(), failed: reject },
      })
      await promise
    },
  }
}

function classOf(error: unknown): string {
  return error instanceof Error ? error.constructor.name || error.name : typeof error
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 4000)
}

/** The same for failures that differ in numbers, ids and quoted texts only. */
export function fingerprint(error: unknown): string {
  return fingerprintOf(classOf(error), messageOf(error))
}

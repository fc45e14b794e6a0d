// The `_schemas` topic on a Kafka cluster: made and checked at start, appended to, and read as long as the registry runs.
import { findErrorBy, Producer } from '@platformatic/kafka'
import { type ClusterOptions, clientSecurity, connectCluster } from '@selfmonitor/cluster'
import { backoffMs, pause } from '@selfmonitor/cluster/backoff'
import { ClusterError } from '@selfmonitor/cluster/errors'
import type { RegistryOptions } from '../types.ts'
import type { Deadline } from './deadline.ts'
import { ensureTopic, type NewTopicOptions } from './ensure-topic.ts'
import { StoreError, TopicUnusableError } from './errors.ts'
import { followTopic, type TopicListener } from './follow-topic.ts'

export interface TopicOptions extends NewTopicOptions {
  readonly bootstrapServers: string
  readonly security?: RegistryOptions['security']
}

export interface TopicLog {
  /** The id of the Kafka cluster. */
  readonly clusterId: string
  /** Appends a record and returns its offset once every in-sync replica has it. */
  append(key: Buffer, value: Buffer | null, deadline: Deadline): Promise<bigint>
  /** The offset that the next record will get. */
  endOffset(deadline: Deadline): Promise<bigint>
  close(): Promise<void>
}

const partition = 0
const requestTimeoutMs = 10_000

/** Errors after which another attempt makes no sense within one operation. */
const permanent = [
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'TOPIC_AUTHORIZATION_FAILED',
  'INVALID_CONFIG',
  'POLICY_VIOLATION',
]

/**
 * Makes the topic if it is missing (one partition, compacted) and starts to read it.
 * @throws {TopicUnusableError} it exists with more partitions, or is not compacted
 * @throws {StoreError} Kafka cannot be reached before the deadline
 */
export async function openTopicLog(
  options: TopicOptions,
  listener: TopicListener,
  deadline: Deadline,
): Promise<TopicLog> {
  const { topic, logger } = options
  const connection: ClusterOptions = {
    bootstrapServers: options.bootstrapServers,
    clientId: 'selfmonitor-registry',
    timeoutMs: requestTimeoutMs,
    ...options.security,
  }
  const cluster = connectCluster(connection)
  const closing = new AbortController()
  let producer: Producer | undefined
  let clusterId: string
  try {
    clusterId = await retry('prepare the topic', deadline, () => ensureTopic(cluster, options))
  } catch (error) {
    await quietly(cluster.close())
    throw error
  }
  const reading = followTopic(cluster, topic, listener, logger, closing.signal)

  /** Runs an operation until it succeeds, its error is final, or the deadline has passed. */
  async function retry<Result>(what: string, until: Deadline, attempt: () => Promise<Result>): Promise<Result> {
    // What is sent now would take effect after its request was answered with an error.
    if (until.remainingMs() === 0) throw new StoreError('STORE_TIMEOUT', `no time was left to ${what} (${topic})`)
    for (let failures = 1; ; failures++) {
      try {
        return await until.race(attempt(), `${what} (${topic})`)
      } catch (error) {
        if (error instanceof TopicUnusableError || error instanceof StoreError) throw error
        if (closing.signal.aborted) throw new StoreError('STORE_FAILED', 'the registry is closing', error)
        if (isPermanent(error)) {
          throw new StoreError('STORE_FAILED', `cannot ${what} (${topic}): ${reasonOf(error)}`, error)
        }
        const waitMs = backoffMs(failures)
        if (until.remainingMs() <= waitMs) {
          throw new StoreError('STORE_TIMEOUT', `cannot ${what} (${topic}): ${reasonOf(error)}`, error)
        }
        logger.debug({ topic, error: reasonOf(error) }, `retrying to ${what}`)
        await pause(waitMs)
      }
    }
  }

  return {
    clusterId,
    async append(key, value, until) {
      try {
        return await retry('write', until, async () => {
          producer ??= createProducer(connection)
          const message = { topic, partition, key, ...(value === null ? {} : { value }) }
          const { offsets } = await producer.send({ messages: [message], acks: -1 })
          return offsets![0]!.offset
        })
      } catch (error) {
        // Closes the connections, so that a request still in flight is not written after a later one.
        const failed = producer
        producer = undefined
        if (failed) void quietly(failed.close(true))
        throw error
      }
    },
    endOffset: (until) =>
      retry('read the end offset', until, async () => {
        const [end] = await cluster.listOffsets([{ topic, partition }], 'latest')
        return end!.offset ?? 0n
      }),
    async close() {
      if (closing.signal.aborted) return
      closing.abort()
      await Promise.all([producer && quietly(producer.close(true)), reading, quietly(cluster.close())])
    },
  }
}

function createProducer(connection: ClusterOptions): Producer {
  return new Producer({
    ...clientSecurity(connection),
    clientId: connection.clientId!,
    bootstrapBrokers: connection.bootstrapServers.split(',').map((server) => server.trim()),
    retries: 0,
    connectTimeout: 3_000,
    timeout: requestTimeoutMs,
    metadataMaxAge: 5_000,
    acks: -1,
    autocreateTopics: false,
  })
}

function isPermanent(error: unknown): boolean {
  if (error instanceof ClusterError) return permanent.includes(error.code)
  return permanent.some((name) => findErrorBy(error as Error, 'apiId', name))
}

/** The innermost messages: the client's own errors wrap the cause several times. */
function reasonOf(error: unknown): string {
  const messages = new Set<string>()
  const visit = (value: unknown): void => {
    if (!(value instanceof Error)) return
    const nested = [...((value as AggregateError).errors ?? []), value.cause].filter((item) => item instanceof Error)
    if (nested.length === 0) messages.add(value.message)
    for (const item of nested) visit(item)
  }
  visit(error)
  return [...messages].join('; ') || String(error)
}

async function quietly(closing: Promise<void>): Promise<void> {
  // Closing fails when the broker is gone. The client is discarded anyway, so the error is ignored.
  await closing.catch(() => {})
}

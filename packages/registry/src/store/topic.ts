// The `_schemas` topic on a Kafka cluster: made and checked at start, appended to, and read from its beginning for ever.
import { Admin, ConfigResourceTypes, Consumer, findErrorBy, Producer } from '@platformatic/kafka'
import type { Logger, RegistryOptions } from '../types.ts'
import { type Deadline, sleep } from './deadline.ts'
import { StoreError, TopicUnusableError } from './errors.ts'

export interface TopicOptions {
  readonly bootstrapServers: string
  readonly security?: RegistryOptions['security']
  readonly topic: string
  /** Of a new topic; lowered to the number of brokers. */
  readonly replicationFactor: number
  readonly logger: Logger
}

export interface TopicRecord {
  readonly offset: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
}

export interface TopicListener {
  onRecord(record: TopicRecord): void
  /** Every record below `position` has been given out. */
  onPosition(position: bigint): void
  /** The topic was cut or made anew: what was read before is void, and everything comes again. */
  onReset(): void
}

export interface TopicLog {
  /** Of the Kafka cluster. */
  readonly clusterId: string
  /** Appends a record and returns its offset once every in-sync replica has it. */
  append(key: Buffer, value: Buffer | null, deadline: Deadline): Promise<bigint>
  /** The offset that the next record will get. */
  endOffset(deadline: Deadline): Promise<bigint>
  close(): Promise<void>
}

const partition = 0
const fetchMaxBytes = 8 * 1024 * 1024
const backoffMs = { first: 50, last: 1000 }

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
  const client = {
    ...options.security,
    clientId: 'selfmonitor-registry',
    bootstrapBrokers: options.bootstrapServers.split(',').map((server) => server.trim()),
    retries: 0,
    connectTimeout: 3_000,
    timeout: 10_000,
    metadataMaxAge: 5_000,
  }
  let closed = false
  const admin = new Admin(client)
  let producer: Producer | undefined
  let consumer: Consumer | undefined
  let clusterId: string

  try {
    clusterId = await retry('prepare the topic', deadline, () => ensureTopic(admin, options))
  } catch (error) {
    await quietly(admin.close())
    throw error
  }
  const reading = read()

  /** Runs an operation until it succeeds, its error is final, or the deadline has passed. */
  async function retry<Result>(what: string, until: Deadline, attempt: () => Promise<Result>): Promise<Result> {
    let delayMs = backoffMs.first
    for (;;) {
      try {
        return await until.race(attempt(), `${what} (${topic})`)
      } catch (error) {
        if (error instanceof TopicUnusableError || error instanceof StoreError) throw error
        if (closed) throw new StoreError('STORE_FAILED', 'the registry is closing', error)
        if (permanent.some((name) => findErrorBy(error as Error, 'apiId', name))) {
          throw new StoreError('STORE_FAILED', `cannot ${what} (${topic}): ${describe(error)}`, error)
        }
        if (until.remainingMs() <= delayMs) {
          throw new StoreError('STORE_TIMEOUT', `cannot ${what} (${topic}): ${describe(error)}`, error)
        }
        logger.debug({ topic, error: describe(error) }, `retrying to ${what}`)
        await sleep(delayMs)
        delayMs = Math.min(delayMs * 2, backoffMs.last)
      }
    }
  }

  async function append(key: Buffer, value: Buffer | null, until: Deadline): Promise<bigint> {
    try {
      return await retry('write', until, async () => {
        producer ??= new Producer({ ...client, acks: -1, autocreateTopics: false })
        const message = { topic, partition, key, ...(value === null ? {} : { value }) }
        const { offsets } = await producer.send({ messages: [message], acks: -1 })
        return offsets![0]!.offset
      })
    } catch (error) {
      // What is still on its way must not land after a later write: its connections go.
      const failed = producer
      producer = undefined
      if (failed) void quietly(failed.close(true))
      throw error
    }
  }

  async function endOffset(until: Deadline): Promise<bigint> {
    return retry('read the end offset', until, async () => {
      const [listed] = await admin.listOffsets({
        topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: -1n }] }],
      })
      return listed!.partitions[0]!.offset
    })
  }

  async function read(): Promise<void> {
    let topicId: string | undefined
    let position: bigint | undefined
    let delayMs = backoffMs.first
    while (!closed) {
      try {
        consumer ??= newConsumer()
        const metadata = await consumer.metadata({ topics: [topic] })
        const found = metadata.topics.get(topic)
        if (!found) throw new Error(`topic ${topic} does not exist`)
        if (topicId !== undefined && topicId !== found.id) position = reset('was made anew')
        topicId = found.id
        position ??= (await listStart(consumer)) ?? 0n
        const response = await consumer.fetch({
          node: found.partitions[partition]!.leader,
          maxWaitTime: 500,
          minBytes: 1,
          maxBytes: fetchMaxBytes,
          isolationLevel: 0,
          topics: [{ topicId, partitions: [fetchPartition(position)] }],
        })
        position = deliver(response.responses[0]?.partitions[0]?.records ?? [], position)
        delayMs = backoffMs.first
      } catch (error) {
        if (closed) break
        if (findErrorBy(error as Error, 'apiId', 'OFFSET_OUT_OF_RANGE')) position = reset('was cut')
        logger.warn({ topic, error: describe(error) }, 'cannot read the registry topic, trying again')
        if (consumer) void quietly(consumer.close(true))
        consumer = undefined
        await sleep(delayMs)
        delayMs = Math.min(delayMs * 2, backoffMs.last)
      }
    }
  }

  function newConsumer(): Consumer {
    const consumer = new Consumer({ ...client, groupId: 'selfmonitor-registry', autocommit: false })
    consumer.topics.track(topic)
    return consumer
  }

  async function listStart(consumer: Consumer): Promise<bigint | undefined> {
    const offsets = await consumer.listOffsets({ topics: [topic], timestamp: -2n })
    return offsets.get(topic)?.[partition]
  }

  function reset(what: string): undefined {
    logger.warn({ topic }, `the registry topic ${what}: reading it again from its start`)
    listener.onReset()
    return undefined
  }

  function deliver(batches: readonly FetchedBatch[], from: bigint): bigint {
    let position = from
    for (const batch of batches) {
      const isControl = (batch.attributes & 0b10_0000) !== 0
      for (const record of isControl ? [] : batch.records) {
        const offset = batch.firstOffset + BigInt(record.offsetDelta)
        if (offset >= from) listener.onRecord({ offset, key: record.key, value: record.value })
      }
      const next = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
      if (next > position) position = next
    }
    listener.onPosition(position)
    return position
  }

  return {
    clusterId,
    append,
    endOffset,
    async close() {
      if (closed) return
      closed = true
      // Closing the consumer's connection ends the fetch that waits for news.
      const clients = [admin.close(), producer?.close(true), consumer?.close(true)]
      await Promise.all([...clients.map((closing) => closing && quietly(closing)), reading])
    },
  }
}

interface FetchedBatch {
  readonly attributes: number
  readonly firstOffset: bigint
  readonly lastOffsetDelta: number
  readonly records: readonly {
    readonly offsetDelta: number
    readonly key: Buffer | null
    readonly value: Buffer | null
  }[]
}

function fetchPartition(fetchOffset: bigint) {
  return { partition, currentLeaderEpoch: -1, fetchOffset, lastFetchedEpoch: -1, partitionMaxBytes: fetchMaxBytes }
}

/** @returns the cluster's id */
async function ensureTopic(admin: Admin, options: TopicOptions): Promise<string> {
  const { topic } = options
  const existing = await admin.listTopics({ includeInternals: true })
  const made = !existing.includes(topic) && (await createTopic(admin, options))
  const metadata = await admin.metadata({ topics: [topic], forceUpdate: true })
  const found = metadata.topics.get(topic)
  if (!found) throw new Error(`topic ${topic} is not known to the cluster yet`)
  if (found.partitionsCount !== 1) {
    throw new TopicUnusableError(
      topic,
      `The schema topic ${topic} should have only 1 partition but has ${found.partitionsCount}: name another topic, or move the schemas to one that has a single partition.`,
    )
  }
  if (made) return metadata.id
  const [described] = await admin.describeConfigs({
    resources: [
      { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configurationKeys: ['cleanup.policy'] },
    ],
  })
  const policy = described?.configs.find((config) => config.name === 'cleanup.policy')?.value
  if (policy !== 'compact') {
    throw new TopicUnusableError(
      topic,
      `The retention policy of the schema topic ${topic} is incorrect: cleanup.policy is '${policy}', and Kafka would delete schemas. Set it with: kafka-configs --alter --topic ${topic} --add-config cleanup.policy=compact`,
    )
  }
  return metadata.id
}

/** @returns false when it is there already */
async function createTopic(admin: Admin, { topic, replicationFactor, logger }: TopicOptions): Promise<boolean> {
  const { brokers } = await admin.metadata({ topics: [], forceUpdate: true })
  const replicas = Math.max(1, Math.min(replicationFactor, brokers.size))
  if (replicas < replicationFactor) {
    logger.warn(
      { topic, wanted: replicationFactor, brokers: brokers.size },
      'the registry topic gets fewer replicas than wanted',
    )
  }
  try {
    await admin.createTopics({
      topics: [topic],
      partitions: 1,
      replicas,
      configs: [{ name: 'cleanup.policy', value: 'compact' }],
    })
    logger.info({ topic, replicas }, 'made the registry topic')
    return true
  } catch (error) {
    // Another registry was faster; what it made is checked like any other.
    if (!findErrorBy(error as Error, 'apiId', 'TOPIC_ALREADY_EXISTS')) throw error
    return false
  }
}

/** The innermost messages: the client's own errors wrap the cause several times. */
export function describe(error: unknown): string {
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
  // A client that lost its broker fails to say good-bye; there is nothing left to do about it.
  await closing.catch(() => {})
}

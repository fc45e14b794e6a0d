// Members of consumer groups that behave as badly as a test wants, with kafkajs.
import kafkajs, { type Consumer, type Kafka } from 'kafkajs'

export interface Members {
  readonly kafka: Kafka
  /** Starts a member; it has joined when this resolves. */
  join(groupId: string, topics: readonly string[], behaviour?: Behaviour): Promise<Consumer>
  /** Ends every member and handler. */
  close(): Promise<void>
}

export interface Behaviour {
  readonly fromBeginning?: boolean
  /** What happens with a record; `hang` is a promise that resolves when the test ends. */
  readonly handle?: (record: { partition: number; offset: string }, hang: Promise<void>) => Promise<void>
  /** Default: after each record. */
  readonly autoCommit?: boolean
  readonly sessionTimeoutMs?: number
}

export function members(bootstrapServers: string): Members {
  const kafka = new kafkajs.Kafka({
    clientId: 'diagnosed',
    brokers: bootstrapServers.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
  })
  const { promise: hang, resolve: release } = Promise.withResolvers<void>()
  const open: Consumer[] = []
  return {
    kafka,
    async join(groupId, topics, { fromBeginning = true, handle, autoCommit = true, sessionTimeoutMs = 30_000 } = {}) {
      const consumer = kafka.consumer({
        groupId,
        sessionTimeout: sessionTimeoutMs,
        heartbeatInterval: 500,
        maxWaitTimeInMs: 100,
      })
      open.push(consumer)
      const joined = new Promise<void>((resolve) => consumer.on('consumer.group_join', () => resolve()))
      await consumer.connect()
      await consumer.subscribe({ topics: [...topics], fromBeginning })
      await consumer.run({
        autoCommit,
        autoCommitThreshold: 1,
        eachMessage: async ({ partition, message }) => {
          await handle?.({ partition, offset: message.offset }, hang)
        },
      })
      await joined
      return consumer
    },
    async close() {
      release()
      await Promise.all(open.map((consumer) => consumer.disconnect().catch(() => {})))
    },
  }
}

/** Writes records to one partition, with a time of their own. @returns the offset of the first */
export async function write(
  kafka: Kafka,
  topic: string,
  count: number,
  { partition = 0, timestampMs = Date.now(), key }: { partition?: number; timestampMs?: number; key?: string } = {},
): Promise<void> {
  const producer = kafka.producer({ createPartitioner: () => () => partition, allowAutoTopicCreation: false })
  await producer.connect()
  try {
    const messages = Array.from({ length: count }, (_, at) => ({
      key: key ?? `k${at}`,
      value: `v${at}`,
      timestamp: String(timestampMs),
    }))
    await producer.send({ topic, messages })
  } finally {
    await producer.disconnect()
  }
}

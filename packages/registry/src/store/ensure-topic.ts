// The registry's topic: created if it is missing, else checked.
import type { Cluster } from '@selfmonitor/cluster'
import { ClusterError } from '@selfmonitor/cluster/errors'
import type { Logger } from '../types.ts'
import { TopicUnusableError } from './errors.ts'

export interface NewTopicOptions {
  readonly topic: string
  /** For a topic that is created; at most the number of brokers is used. */
  readonly replicationFactor: number
  readonly logger: Logger
}

/**
 * Makes the topic if it is missing: one partition, compacted.
 * @returns the cluster's id
 * @throws {TopicUnusableError} it exists with more partitions, or is not compacted
 * @throws {ClusterError} Kafka does not answer, or refuses
 */
export async function ensureTopic(cluster: Cluster, options: NewTopicOptions): Promise<string> {
  const { topic } = options
  const { clusterId, brokers } = await cluster.info()
  const existing = await cluster.listTopics({ internal: true })
  const made = !existing.some(({ name }) => name === topic) && (await createTopic(cluster, options, brokers.length))
  const [found] = await cluster.describeTopics([topic])
  const count = found!.partitions.length
  if (count !== 1) {
    throw new TopicUnusableError(
      topic,
      `The schema topic ${topic} should have only 1 partition but has ${count}: name another topic, or move the schemas to one that has a single partition.`,
    )
  }
  if (made) return clusterId
  const configs = await cluster.topicConfigs([topic])
  const policy = configs.get(topic)?.find(({ name }) => name === 'cleanup.policy')?.value
  if (policy !== 'compact') {
    throw new TopicUnusableError(
      topic,
      `The retention policy of the schema topic ${topic} is incorrect: cleanup.policy is '${policy}', and Kafka would delete schemas. Set it with: kafka-configs --alter --topic ${topic} --add-config cleanup.policy=compact`,
    )
  }
  return clusterId
}

/** @returns false when it is there already */
async function createTopic(
  cluster: Cluster,
  { topic, replicationFactor, logger }: NewTopicOptions,
  brokers: number,
): Promise<boolean> {
  const replicas = Math.max(1, Math.min(replicationFactor, brokers))
  if (replicas < replicationFactor) {
    logger.warn({ topic, wanted: replicationFactor, brokers }, 'the registry topic gets fewer replicas than wanted')
  }
  try {
    await cluster.createTopics([
      { name: topic, partitions: 1, replicationFactor: replicas, config: { 'cleanup.policy': 'compact' } },
    ])
    logger.info({ topic, replicas }, 'created the registry topic')
    return true
  } catch (error) {
    // Another registry was faster; what it made is checked like any other.
    if (error instanceof ClusterError && error.code === 'TOPIC_ALREADY_EXISTS') return false
    throw error
  }
}

// The settings of a restored topic: those that hold things back while records come in, and those that it has in the end.
import type { Cluster, NewTopic } from '@selfmonitor/cluster'
import { ClusterError } from '@selfmonitor/cluster/errors'
import type { TopicState } from '../format/types.ts'

type Config = Readonly<Record<string, string>>

const greatest = String(2n ** 63n - 1n)

/** Records keep their own times, however old or wrong these are: since Kafka 3.6 (KIP-937), and before. */
export const timeLimits = {
  'since 3.6': { 'message.timestamp.before.max.ms': greatest, 'message.timestamp.after.max.ms': greatest },
  'before 3.6': { 'message.timestamp.difference.max.ms': greatest },
} as const

/** They name brokers of the cluster that the topic was in. */
const ofOtherBrokers = ['leader.replication.throttled.replicas', 'follower.replication.throttled.replicas']

/**
 * What a topic has in the end: its own settings, where they make sense in the target.
 * @returns also what is different, for people
 */
export function finalConfig(
  { name, config }: TopicState,
  replicationFactor: number,
): { config: Config; warnings: string[] } {
  const kept = Object.entries(config).filter(([setting]) => !ofOtherBrokers.includes(setting))
  const minInSync = Number(config['min.insync.replicas'] ?? 1)
  if (minInSync <= replicationFactor) return { config: Object.fromEntries(kept), warnings: [] }
  const text = `topic ${name} had min.insync.replicas ${minInSync}, and gets ${replicationFactor}: with fewer replicas brokers would refuse writes with acks=all`
  return {
    config: { ...Object.fromEntries(kept), 'min.insync.replicas': String(replicationFactor) },
    warnings: [text],
  }
}

export function heldConfig(limits: Config): Config {
  return {
    'retention.ms': '-1',
    'retention.bytes': '-1',
    'cleanup.policy': 'delete',
    'message.timestamp.type': 'CreateTime',
    // Batches come as they were compressed, and some are compressed again, which may make them larger than they were.
    'max.message.bytes': String(2 ** 31 - 1),
    'compression.type': 'producer',
    ...limits,
  }
}

/**
 * Asks the target whether it would create the topics, with nothing created: a missing right, a policy or a setting that it does not know
 * is said before anything is done.
 * @param topics with everything but the limits of times
 * @returns the limits that the target knows
 * @throws ClusterError
 */
export async function acceptedLimits(
  cluster: Pick<Cluster, 'createTopics'>,
  topics: readonly NewTopic[],
): Promise<Config> {
  const ask = async (limits: Config): Promise<Config> => {
    const asked = topics.map((topic) => ({ ...topic, config: { ...topic.config, ...limits } }))
    await cluster.createTopics(asked, { validateOnly: true })
    return limits
  }
  try {
    return await ask(timeLimits['since 3.6'])
  } catch (error) {
    const isOlder =
      error instanceof ClusterError && error.code === 'INVALID_CONFIG' && error.message.includes('message.timestamp.')
    if (!isOlder) throw error
    return ask(timeLimits['before 3.6'])
  }
}

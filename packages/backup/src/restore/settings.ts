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

/** They name brokers of the cluster that the topic was in; or where its older records were, which are restored into the log (KIP-405). */
const ofOldPlace = [
  'leader.replication.throttled.replicas',
  'follower.replication.throttled.replicas',
  'remote.storage.enable',
  'remote.log.copy.disable',
  'remote.log.delete.on.disable',
  'local.retention.ms',
  'local.retention.bytes',
]

/**
 * What a topic has in the end: its own settings, where they make sense in the target.
 * @returns also what is different, for people
 */
export function finalConfig(
  { name, config }: TopicState,
  replicationFactor: number,
): { config: Config; warnings: string[] } {
  const kept = Object.entries(config).filter(([setting]) => !ofOldPlace.includes(setting))
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

/** A setting that the target does not take, with its reason. */
export interface RefusedSetting {
  readonly name: string
  readonly value: string
  readonly reason: string
}

/**
 * Which of the topics' settings the target does not know, or not with this value, each asked for alone, with nothing created.
 * @throws ClusterError when it would not create the topics for another reason
 */
export async function refusedSettings(
  cluster: Pick<Cluster, 'createTopics'>,
  topics: readonly NewTopic[],
): Promise<RefusedSetting[]> {
  const [first] = topics
  const settings = topics.flatMap(({ config = {} }) => Object.entries(config))
  const different = new Map(settings.map(([name, value]) => [`${name}=${value}`, { name, value }]))
  const refused: RefusedSetting[] = []
  for (const { name, value } of different.values()) {
    try {
      await cluster.createTopics([{ ...first!, config: { [name]: value } }], { validateOnly: true })
    } catch (error) {
      if (!(error instanceof ClusterError) || error.code !== 'INVALID_CONFIG') throw error
      refused.push({ name, value, reason: error.message.replace(/^topic \S+: INVALID_CONFIG: /, '') })
    }
  }
  return refused
}

export function withoutSettings(config: Config, refused: readonly RefusedSetting[]): Config {
  const isRefused = ([name, value]: [string, string]): boolean =>
    refused.some((one) => one.name === name && one.value === value)
  return Object.fromEntries(Object.entries(config).filter((entry) => !isRefused(entry)))
}

/** What a topic of the target has that says nothing else. */
export interface TargetDefaults {
  readonly retentionMs: bigint
  readonly retentionBytes: bigint
  readonly cleanupPolicy: string
}

/** Kafka's own. */
const usualDefaults: TargetDefaults = { retentionMs: 604_800_000n, retentionBytes: -1n, cleanupPolicy: 'delete' }

/** @returns not known when the account may not read the settings of brokers (DESCRIBE_CONFIGS on the cluster): then Kafka's own */
export async function targetDefaults(
  cluster: Pick<Cluster, 'brokerConfigs'>,
  brokerId: number,
): Promise<{ readonly defaults: TargetDefaults; readonly isKnown: boolean }> {
  try {
    const entries = new Map((await cluster.brokerConfigs(brokerId)).map(({ name, value }) => [name, value]))
    const number = (name: string): bigint | null => {
      const value = entries.get(name)
      return value === undefined || value === null || value === '' ? null : BigInt(value)
    }
    // Milliseconds win over minutes, and these over hours; a negative time is no limit.
    const [minutes, hours] = [number('log.retention.minutes'), number('log.retention.hours')]
    const ms = minutes !== null ? minutes * 60_000n : hours !== null ? hours * 3_600_000n : usualDefaults.retentionMs
    const defaults = {
      retentionMs: number('log.retention.ms') ?? ms,
      retentionBytes: number('log.retention.bytes') ?? usualDefaults.retentionBytes,
      cleanupPolicy: entries.get('log.cleanup.policy') ?? usualDefaults.cleanupPolicy,
    }
    return { defaults, isKnown: true }
  } catch (error) {
    if (!(error instanceof ClusterError) || error.reason !== 'not-allowed') throw error
    return { defaults: usualDefaults, isKnown: false }
  }
}

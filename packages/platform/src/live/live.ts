// Reads the state of the live cluster and registry for a plan, in as few requests as possible, as plain data.
import type { Cluster, ConfigEntry, TopicInfo } from '@selfmonitor/cluster'
import { ClusterError } from '@selfmonitor/cluster/errors'
import type { CompatibilityLevel, RegisteredSchema, RegistryClient } from '@selfmonitor/registry'
import type { Platform, PlatformTopic } from '../model.ts'
import type { Passwords } from '../passwords.ts'
import { lossKeys, readBrokerDefaults } from './broker-defaults.ts'
import { eachOf } from './each.ts'
import { type LiveAccess, type NoAccess, readAccess } from './live-access.ts'
import { type LivePayloads, readPayloads } from './payloads.ts'
import { checkSchema, invalidSchemaProblem } from './schema-check.ts'
import { type LiveSubject, subjectOf } from './subject.ts'

export interface LiveTopic {
  readonly partitions: number
  readonly replicationFactor: number
  /** Every setting by name: its value, and whether the topic has it of its own. */
  readonly config: ReadonlyMap<string, { readonly value: string | null; readonly own: boolean }>
}

export interface LiveState {
  readonly clusterId: string
  readonly bootstrapServers: string
  readonly brokers: number
  /** All topics but Kafka's internal ones. */
  readonly topics: ReadonlyMap<string, LiveTopic>
  /** Subjects of the declared topics; null when no registry was asked. */
  readonly subjects: ReadonlyMap<string, LiveSubject> | null
  /** Of the event types; null when no registry was asked, or the file has none. */
  readonly payloads?: LivePayloads | null
  /** The default of a setting that the file removes from a topic; absent if no topic needs it. */
  readonly brokerDefaults?: ReadonlyMap<string, string>
  /** Accounts and ACLs; null when the file does not want them. */
  readonly access?: LiveAccess | NoAccess | null
}

export async function readLiveState(
  platform: Platform,
  cluster: Cluster,
  registry: RegistryClient | null,
  passwords: Passwords | null = null,
): Promise<LiveState> {
  const [info, topics, subjects, payloads, access] = await Promise.all([
    cluster.info(),
    readTopics(platform, cluster),
    registry === null ? null : readSubjects(platform.topics, registry),
    registry === null ? null : readPayloads(platform, registry),
    readAccess(platform, cluster, passwords),
  ])
  const takesAway = platform.topics.some(({ name, unset = [] }) =>
    unset.some((key) => lossKeys.includes(key) && topics.get(name)?.config.get(key)?.own === true),
  )
  return {
    clusterId: info.clusterId,
    bootstrapServers: cluster.bootstrapServers,
    brokers: info.brokers.length,
    topics,
    subjects,
    payloads,
    access,
    ...(takesAway
      ? {
          brokerDefaults: await readBrokerDefaults(
            cluster,
            info.brokers.map(({ id }) => id),
          ),
        }
      : {}),
  }
}

async function readTopics(platform: Platform, cluster: Cluster): Promise<Map<string, LiveTopic>> {
  const declared = new Set(platform.topics.map(({ name }) => name))
  const { infos, configs } = await topicsAndConfigs(cluster, (name) => declared.has(name))
  return new Map(infos.map((info) => [info.name, liveTopic(info, configs.get(info.name) ?? [])]))
}

/**
 * All topics but Kafka's internal ones, and the settings of those that `wants` names. Both are read again when a topic is
 * deleted in between, as happens on a busy cluster.
 */
export async function topicsAndConfigs(
  cluster: Cluster,
  wants: (name: string) => boolean,
): Promise<{ readonly infos: TopicInfo[]; readonly configs: Map<string, ConfigEntry[]> }> {
  for (let attempt = 1; ; attempt++) {
    const infos = await cluster.listTopics()
    try {
      return { infos, configs: await cluster.topicConfigs(infos.map(({ name }) => name).filter(wants)) }
    } catch (error) {
      if (attempt === 5 || !(error instanceof ClusterError) || error.code !== 'UNKNOWN_TOPIC_OR_PARTITION') {
        throw error
      }
    }
  }
}

export function liveTopic(info: TopicInfo, configs: readonly ConfigEntry[]): LiveTopic {
  return {
    partitions: info.partitions.length,
    replicationFactor: info.partitions[0]?.replicas.length ?? 0,
    config: new Map(configs.map(({ name, value, source }) => [name, { value, own: source === 'topic' }])),
  }
}

async function readSubjects(
  topics: readonly PlatformTopic[],
  registry: RegistryClient,
): Promise<Map<string, LiveSubject>> {
  const wanted = topics.filter(({ schema, compatibility }) => schema !== undefined || compatibility !== undefined)
  const subjects = new Map<string, LiveSubject>()
  await eachOf(wanted, async (topic) => {
    subjects.set(subjectOf(topic.name), await readSubject(topic, registry))
  })
  return subjects
}

async function readSubject(
  { name, schema, compatibility: declared }: PlatformTopic,
  registry: RegistryClient,
): Promise<LiveSubject> {
  const subject = subjectOf(name)
  let found: RegisteredSchema | null = null
  let compatibility: CompatibilityLevel | null = null
  try {
    ;[found, compatibility] = await Promise.all([
      schema === undefined ? null : registry.lookup(subject, schema),
      declared === undefined ? null : registry.getCompatibility(subject, { defaultToGlobal: false }),
    ])
  } catch (error) {
    const problem = invalidSchemaProblem(error)
    if (problem === null) {
      throw error
    }
    return { registered: false, latest: null, compatibility: null, problems: [problem] }
  }
  if (schema === undefined || found !== null) {
    return { registered: found !== null, latest: null, compatibility, problems: [] }
  }
  const [latest, problems] = await Promise.all([
    registry.getVersion(subject, 'latest'),
    checkSchema(subject, schema, declared, compatibility, registry),
  ])
  return { registered: false, latest, compatibility, problems }
}

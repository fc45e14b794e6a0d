// Reads what a backup has beside the records: the topics' settings, and how far each group is.
import type { Cluster, ConfigEntry, TopicInfo } from '@selfmonitor/cluster'
import { ClusterError } from '@selfmonitor/cluster/errors'
import { readState } from '../format/manifests.ts'
import { type BackupStore, canOpen } from '../format/sealing.ts'
import type { BackedUpTopic, ClusterState, GroupState, Manifest, TopicState } from '../format/types.ts'

type Problem = ClusterState['problems'][number]

export interface ReadState {
  /** The topics are those whose settings can be read, chosen or not. */
  readonly state: ClusterState
  /** Ids of the chosen topics whose records can be read. */
  readonly readable: ReadonlySet<string>
}

/**
 * A chosen topic whose settings cannot be read, or with tiered storage (KIP-405), is a problem: a broker that is slow to fetch from
 * there answers as if there were no records.
 * @param concerned the chosen topics, and those that the last backup has
 */
export async function readClusterState(
  cluster: Cluster,
  chosen: readonly TopicInfo[],
  concerned: readonly TopicInfo[],
  now: () => number,
): Promise<ReadState> {
  const problems: Problem[] = []
  const groupsAtMs = now()
  const groups = await readGroups(cluster, concerned, problems)
  const chosenIds = new Set(chosen.map(({ id }) => id))
  const read = await readTopicStates(cluster, concerned)
  for (const { topic, error } of read.failed) {
    const isGone = error.code === 'UNKNOWN_TOPIC_OR_PARTITION'
    if (isGone || !chosenIds.has(topic.id)) continue
    problems.push({ part: `topic ${topic.name}`, code: error.code, message: error.message })
  }
  const isTiered = ({ config }: TopicState): boolean => config['remote.storage.enable'] === 'true'
  const own = read.states.filter(({ id }) => chosenIds.has(id))
  for (const { name } of own.filter(isTiered)) {
    const message = 'topics with remote.storage.enable=true cannot be backed up yet'
    problems.push({ part: `topic ${name}`, code: 'TIERED_STORAGE', message })
  }
  const readable = new Set(own.filter((topic) => !isTiered(topic)).map(({ id }) => id))
  return { state: { topics: read.states, groups, groupsAtMs, problems }, readable }
}

interface TopicStates {
  readonly states: readonly TopicState[]
  readonly failed: readonly { readonly topic: TopicInfo; readonly error: ClusterError }[]
}

/** One topic that may not be read makes the whole answer an error: then halves are asked for, until it is alone. */
async function readTopicStates(cluster: Cluster, topics: readonly TopicInfo[]): Promise<TopicStates> {
  if (topics.length === 0) return { states: [], failed: [] }
  try {
    const configs = await cluster.topicConfigs(topics.map(({ name }) => name))
    return { states: topics.map((topic) => stateOf(topic, configs.get(topic.name) ?? [])), failed: [] }
  } catch (error) {
    const isOfTopic =
      error instanceof ClusterError && (error.reason === 'not-allowed' || error.code === 'UNKNOWN_TOPIC_OR_PARTITION')
    if (!isOfTopic) throw error
    if (topics.length === 1) return { states: [], failed: [{ topic: topics[0]!, error }] }
  }
  const half = topics.length >> 1
  const some = await readTopicStates(cluster, topics.slice(0, half))
  const others = await readTopicStates(cluster, topics.slice(half))
  return { states: [...some.states, ...others.states], failed: [...some.failed, ...others.failed] }
}

function stateOf({ name, id, partitions }: TopicInfo, entries: readonly ConfigEntry[]): TopicState {
  const own = entries.filter(({ source, value }) => source === 'topic' && value !== null)
  const type = entries.find((entry) => entry.name === 'message.timestamp.type')?.value
  return {
    name,
    id,
    partitions: partitions.length,
    replicationFactor: partitions[0]?.replicas.length ?? 1,
    config: Object.fromEntries(own.map((entry) => [entry.name, entry.value!])),
    timestampType: type === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime',
  }
}

const usualReplicas = 3

/**
 * Of topics that stay in the backup and whose settings cannot be read now: as the last backup has them. Where it is encrypted they are
 * not known, which is a problem.
 * @param known the topics whose settings this run has read
 */
export async function statesOfCarried(
  store: BackupStore,
  previous: Manifest | null,
  carried: readonly BackedUpTopic[],
  known: readonly TopicState[],
  visible: readonly TopicInfo[],
  brokers: number,
): Promise<{ readonly topics: readonly TopicState[]; readonly problems: readonly Problem[] }> {
  const ids = new Set(known.map(({ id }) => id))
  const unknown = carried.filter(({ id }) => !ids.has(id))
  if (unknown.length === 0) return { topics: [], problems: [] }
  const canRead = canOpen(store, previous!.state.key)
  const before = new Map((canRead ? (await readState(store, previous!)).topics : []).map((topic) => [topic.id, topic]))
  const problems: Problem[] = []
  const topics = unknown.map(({ name, id, partitions }): TopicState => {
    const old = before.get(id)
    if (old !== undefined) return old
    const message = `the settings of topic ${name} cannot be read, and those in the last backup are encrypted`
    problems.push({ part: `topic ${name}`, code: 'SETTINGS_UNKNOWN', message })
    const now = visible.find((one) => one.id === id)
    const most = partitions.reduce((max, { partition }) => Math.max(max, partition + 1), 1)
    return {
      name,
      id,
      partitions: now?.partitions.length ?? most,
      replicationFactor: now?.partitions[0]?.replicas.length ?? Math.min(usualReplicas, brokers),
      config: {},
      timestampType: 'CreateTime',
    }
  })
  return { topics, problems }
}

/** A group's place behind the cut of a log is in another history: it goes back to the cut, and sees events again. Pure. */
export function withinCuts(groups: ClusterState['groups'], cuts: ReadonlyMap<string, bigint>): ClusterState['groups'] {
  if (groups === null || cuts.size === 0) return groups
  return groups.map((group) => ({
    ...group,
    offsets: group.offsets.map((one) => {
      const cut = cuts.get(`${one.partition}:${one.topicId}`)
      return cut === undefined || one.next <= cut ? one : { ...one, next: cut }
    }),
  }))
}

async function readGroups(
  cluster: Cluster,
  topics: readonly TopicInfo[],
  problems: Problem[],
): Promise<GroupState[] | null> {
  const ids = new Map(topics.map(({ name, id }) => [name, id]))
  try {
    const survey = await cluster.surveyGroups()
    for (const { brokerId, problem } of survey.problems)
      problems.push({ part: `groups of broker ${brokerId}`, ...problem })
    const shared = new Set(survey.groups.filter(({ type }) => type === 'share').map(({ groupId }) => groupId))
    const read = await cluster.groupOffsets(survey.groups)
    return read.flatMap(({ groupId, offsets, problem }) => {
      if (problem !== null) problems.push({ part: `group ${groupId}`, ...problem })
      const own = offsets.flatMap(({ topic, partition, offset, leaderEpoch, metadata }) => {
        const topicId = ids.get(topic)
        if (topicId === undefined) return []
        const more = { leaderEpoch: leaderEpoch < 0 ? undefined : leaderEpoch, metadata: metadata || undefined }
        return [{ topic, topicId, partition, next: offset, ...more }]
      })
      if (own.length === 0) return []
      return [shared.has(groupId) ? { groupId, type: 'share', offsets: own } : { groupId, offsets: own }]
    })
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error
    problems.push({ part: 'groups', code: error.code, message: error.message })
    return null
  }
}

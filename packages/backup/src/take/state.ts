// Reads what a backup has beside the records: the topics' settings, and how far each group is.
import type { Cluster, TopicInfo } from '@selfmonitor/cluster'
import { ClusterError } from '@selfmonitor/cluster/errors'
import type { ClusterState, GroupState, TopicState } from '../format/types.ts'

type Problem = ClusterState['problems'][number]

/**
 * @param chosen the topics that are backed up now
 * @param kept those that stay in the backup as they were
 * @throws ClusterError when the settings of a chosen topic cannot be read
 */
export async function readClusterState(
  cluster: Cluster,
  chosen: readonly TopicInfo[],
  kept: readonly TopicInfo[],
  now: () => number,
): Promise<ClusterState> {
  const problems: Problem[] = []
  const groupsAtMs = now()
  const groups = await readGroups(cluster, [...chosen, ...kept], problems)
  const topics = await readTopicStates(cluster, chosen)
  for (const topic of kept) topics.push(...(await stateOfKept(cluster, topic)))
  return { topics, groups, groupsAtMs, problems }
}

/** The account may lack the right to read its settings, and it may be deleted now. */
async function stateOfKept(cluster: Cluster, topic: TopicInfo): Promise<TopicState[]> {
  try {
    return await readTopicStates(cluster, [topic])
  } catch (error) {
    const isNotThere = error instanceof ClusterError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION'
    if (isNotThere || (error instanceof ClusterError && error.reason === 'not-allowed')) return []
    throw error
  }
}

async function readTopicStates(cluster: Cluster, topics: readonly TopicInfo[]): Promise<TopicState[]> {
  const configs = await cluster.topicConfigs(topics.map(({ name }) => name))
  return topics.map(({ name, id, partitions }) => {
    const entries = configs.get(name) ?? []
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
  })
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
    // Share groups have no committed offsets, but a state of every record in flight, which nothing can set.
    const read = await cluster.groupOffsets(survey.groups.filter(({ type }) => type !== 'share'))
    return read.flatMap(({ groupId, offsets, problem }) => {
      if (problem !== null) problems.push({ part: `group ${groupId}`, ...problem })
      const own = offsets.flatMap(({ topic, partition, offset }) => {
        const topicId = ids.get(topic)
        return topicId === undefined ? [] : [{ topic, topicId, partition, next: offset }]
      })
      return own.length === 0 ? [] : [{ groupId, offsets: own }]
    })
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error
    problems.push({ part: 'groups', code: error.code, message: error.message })
    return null
  }
}

// Topics of the backup before that a run does not read: they stay in the new backup as they were, until the cluster says that they are
// gone. Otherwise a run for one topic would drop the others, and the next one would copy them a second time.
import type { Cluster, TopicInfo } from '@selfmonitor/cluster'
import { ClusterError } from '@selfmonitor/cluster/errors'
import type { BackedUpTopic, ClusterState, Manifest } from '../format/types.ts'
import { asBefore } from './reading.ts'

export interface Carried {
  readonly topics: readonly BackedUpTopic[]
  readonly problems: ClusterState['problems']
}

/**
 * @param visible the cluster's topics, as far as the account may see them
 * @param read ids of those that this run reads
 * @throws ClusterError when it cannot be found out whether a topic is gone
 */
export async function carriedTopics(
  cluster: Pick<Cluster, 'describeTopics'>,
  previous: Manifest | null,
  visible: readonly Pick<TopicInfo, 'id' | 'name'>[],
  read: ReadonlySet<string>,
  include: (topic: string) => boolean,
): Promise<Carried> {
  const ids = new Set(visible.map(({ id }) => id))
  const names = new Set(visible.map(({ name }) => name))
  const topics: BackedUpTopic[] = []
  const problems: ClusterState['problems'][number][] = []
  for (const topic of previous?.topics ?? []) {
    if (read.has(topic.id)) continue
    const carried = { ...topic, partitions: topic.partitions.map((one) => asBefore(one, previous!)) }
    if (ids.has(topic.id)) {
      topics.push(carried)
    } else if (!names.has(topic.name) && !(await isGone(cluster, topic.name))) {
      topics.push(carried)
      const message = `topic ${topic.name} is in the last backup, and this account may not see it any more`
      if (include(topic.name))
        problems.push({ part: `topic ${topic.name}`, code: 'TOPIC_AUTHORIZATION_FAILED', message })
    }
  }
  return { topics, problems }
}

/** An account that may not describe a topic is not told whether it exists. */
async function isGone(cluster: Pick<Cluster, 'describeTopics'>, name: string): Promise<boolean> {
  try {
    await cluster.describeTopics([name])
    return false
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error
    if (error.code === 'UNKNOWN_TOPIC_OR_PARTITION') return true
    if (error.code === 'TOPIC_AUTHORIZATION_FAILED') return false
    throw error
  }
}

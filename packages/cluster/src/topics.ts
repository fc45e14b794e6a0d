// Topics and their partitions: list, describe, create, grow, delete, and deleting records.
import { setTimeout as pause } from 'node:timers/promises'
import { errorCodes } from '@selfmonitor/protocol/errors'
import { apis } from './apis.ts'
import { byTopic, chunks, groupBy, mapConcurrently } from './batch.ts'
import {
  asClusterError,
  brokerError,
  type ClusterError,
  isRetriableKafkaError,
  several,
  throwTogether,
} from './errors.ts'
import type { Deadline } from './transport/deadline.ts'
import type { Transport } from './transport/transport.ts'
import type { Cluster, ClusterInfo, TopicInfo } from './types.ts'

/** How long to wait until a change that the controller took is seen by the broker that is asked for it. */
const visibleWithinMs = 5_000

/** Metadata of the given topics, or of all of them. Topics that do not exist are left out. */
export async function readTopics(
  transport: Transport,
  deadline: Deadline,
  names: readonly string[] | 'all',
): Promise<TopicInfo[]> {
  if (names.length === 0) {
    return []
  }
  const { topics } = await readMetadata(transport, deadline, names)
  return topics
}

/** The cluster's brokers and the topics, of one answer. */
export function readMetadata(
  transport: Transport,
  deadline: Deadline,
  names: readonly string[] | 'all',
): Promise<ClusterInfo & { readonly topics: TopicInfo[] }> {
  return transport.retrying(deadline, async () => {
    const { info, topics: found } = await transport.metadata(names === 'all' ? null : [...new Set(names)])
    const topics: TopicInfo[] = []
    for (const topic of found) {
      const name = topic.name ?? ''
      if (topic.errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION) {
        continue
      }
      // A topic that is being created is listed with LEADER_NOT_AVAILABLE and no partitions: ask again.
      if (topic.errorCode !== 0 && !(isRetriableKafkaError(topic.errorCode) && topic.partitions.length > 0)) {
        throw brokerError(topic.errorCode, `topic ${name}`)
      }
      topics.push({
        name,
        id: topicIdText(topic.topicId),
        internal: topic.isInternal,
        partitions: topic.partitions
          .map(({ partitionIndex, leaderId, replicaNodes, isrNodes, offlineReplicas }) => ({
            partition: partitionIndex,
            leader: leaderId,
            replicas: replicaNodes,
            isr: isrNodes,
            offlineReplicas,
          }))
          .sort((a, b) => a.partition - b.partition),
      })
    }
    return { ...info, topics: topics.sort((a, b) => (a.name < b.name ? -1 : 1)) }
  })
}

/** As `readTopics`, in the order asked for. @throws ClusterError UNKNOWN_TOPIC_OR_PARTITION for the first that is missing */
export async function describeTopics(
  transport: Transport,
  deadline: Deadline,
  names: readonly string[],
): Promise<TopicInfo[]> {
  const found = new Map((await readTopics(transport, deadline, names)).map((topic) => [topic.name, topic]))
  return names.map((name) => {
    const topic = found.get(name)
    if (topic === undefined) {
      throw brokerError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, `topic ${name}`)
    }
    return topic
  })
}

export const createTopics =
  (transport: Transport): Cluster['createTopics'] =>
  (topics, options = {}) =>
    transport.operation('createTopics', async (deadline) => {
      if (topics.length === 0) {
        return
      }
      const response = await transport.change(
        deadline,
        options.validateOnly ? null : `creating ${several('topic', topics, ({ name }) => name)}`,
        'controller',
        apis.createTopics,
        topics.map(({ name, partitions, replicationFactor, config = {} }) => ({
          name,
          numPartitions: partitions,
          replicationFactor,
          assignments: [],
          configs: Object.entries(config).map(([key, value]) => ({ name: key, value })),
        })),
        deadline.left(),
        options.validateOnly ?? false,
      )
      throwFirst(response.topics, (topic) => `topic ${topic.name}`)
      if (!options.validateOnly) {
        const wanted = new Map(topics.map((topic) => [topic.name, topic.partitions]))
        await settle(deadline, async () => {
          const seen = await readTopics(transport, deadline, [...wanted.keys()])
          return seen.length === wanted.size && seen.every((topic) => hasLeaders(topic, wanted.get(topic.name)!))
        })
      }
    })

export const createPartitions =
  (transport: Transport): Cluster['createPartitions'] =>
  (growth, options = {}) =>
    transport.operation('createPartitions', async (deadline) => {
      if (growth.length === 0) {
        return
      }
      const response = await transport.change(
        deadline,
        options.validateOnly ? null : `adding partitions to ${several('topic', growth, ({ topic }) => topic)}`,
        'controller',
        apis.createPartitions,
        growth.map(({ topic, partitions, assignments }) => ({
          ...{ name: topic, count: partitions },
          assignments: assignments?.map((brokers) => ({ brokerIds: [...brokers] })) ?? null,
        })),
        deadline.left(),
        options.validateOnly ?? false,
      )
      throwFirst(response.results, (topic) => `topic ${topic.name}`)
      if (!options.validateOnly) {
        const wanted = new Map(growth.map(({ topic, partitions }) => [topic, partitions]))
        await settle(deadline, async () => {
          const seen = await readTopics(transport, deadline, [...wanted.keys()])
          return seen.every((topic) => hasLeaders(topic, wanted.get(topic.name)!))
        })
      }
    })

export const deleteTopics =
  (transport: Transport): Cluster['deleteTopics'] =>
  (names) =>
    transport.operation('deleteTopics', async (deadline) => {
      if (names.length === 0) {
        return
      }
      const response = await transport.change(
        deadline,
        `deleting ${several('topic', names, (name) => name)}`,
        'controller',
        apis.deleteTopics,
        names.map((name) => ({ name })),
        deadline.left(),
      )
      throwFirst(response.responses, (topic) => `topic ${topic.name}`)
      await settle(deadline, async () => (await readTopics(transport, deadline, names)).length === 0)
    })

export const deleteRecords =
  (transport: Transport): Cluster['deleteRecords'] =>
  (before) =>
    transport.operation('deleteRecords', async (deadline) => {
      const names = [...new Set(before.map(({ topic }) => topic))]
      const leaders = await partitionLeaders(transport, deadline, names)
      const perLeader = groupBy(before, ({ topic, partition }) => leaders(topic, partition))
      const done: { topic: string; partition: number; lowWatermark: bigint }[] = []
      const failures: ClusterError[] = []
      await mapConcurrently([...perLeader], 4, async ([leader, partitions]) => {
        const part = [...new Set(partitions.map(({ topic }) => topic))]
        try {
          const { topics } = await transport.change(
            deadline,
            `deleting records of ${several('topic', part, (name) => name)} on broker ${leader}`,
            leader,
            apis.deleteRecords,
            byTopic(partitions, ({ partition, offset }) => ({ partitionIndex: partition, offset })),
            deadline.left(),
          )
          for (const { name, partitions: results } of topics) {
            for (const { partitionIndex, lowWatermark, errorCode } of results) {
              if (errorCode === 0) {
                done.push({ topic: name, partition: partitionIndex, lowWatermark })
              } else {
                failures.push(brokerError(errorCode, `topic ${name} partition ${partitionIndex}`))
              }
            }
          }
        } catch (error) {
          failures.push(asClusterError(error))
        }
      })
      throwTogether(failures)
      return done
    })

/**
 * Looks up the leader of a partition.
 *
 * @throws ClusterError UNKNOWN_TOPIC_OR_PARTITION, or LEADER_NOT_AVAILABLE, which is worth retrying
 */
export async function partitionLeaders(
  transport: Transport,
  deadline: Deadline,
  names: readonly string[],
): Promise<(topic: string, partition: number) => number> {
  const topics = new Map<string, TopicInfo>()
  for (const part of chunks(names, 2_000)) {
    for (const topic of await describeTopics(transport, deadline, part)) {
      topics.set(topic.name, topic)
    }
  }
  return (topic, partition) => {
    const info = topics.get(topic)?.partitions[partition]
    if (info === undefined) {
      throw brokerError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, `topic ${topic} partition ${partition}`)
    }
    if (info.leader < 0) {
      throw brokerError(errorCodes.LEADER_NOT_AVAILABLE, `topic ${topic} partition ${partition}`)
    }
    return info.leader
  }
}

/**
 * Waits until a change shows. The controller has committed it when it answers; the broker that is asked next learns of
 * it a moment later. A change that does not show in time is not an error: it was acknowledged.
 */
export async function settle(deadline: Deadline, shows: () => Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + Math.min(visibleWithinMs, Math.max(0, deadline.left() - 100))
  const left = (): number => Math.max(0, endsAt - performance.now())
  for (let waitMs = 2; left() > 0; waitMs = Math.min(waitMs * 2, 200)) {
    // A timer that stays would keep the process alive until it fires.
    const answered = new AbortController()
    // A broker that does not answer, or closes the connection, takes nothing back.
    const seen = await Promise.race([
      shows().catch(() => false),
      pause(left(), false, { signal: answered.signal }),
    ]).finally(() => answered.abort())
    if (seen) {
      return
    }
    await pause(Math.min(waitMs, left()))
  }
}

function hasLeaders(topic: TopicInfo, partitions: number): boolean {
  // -1 partitions is the broker's default, whatever that is.
  return topic.partitions.length >= Math.max(1, partitions) && topic.partitions.every(({ leader }) => leader >= 0)
}

/** Throws the first result that is an error, the further ones as its `others`. */
export function throwFirst<T extends { readonly errorCode: number; readonly errorMessage?: string | null }>(
  results: readonly T[],
  resource: (result: T) => string,
): void {
  const [first, ...rest] = results.filter(({ errorCode }) => errorCode !== 0)
  if (first !== undefined) {
    const others = rest.map((result) => brokerError(result.errorCode, resource(result), result.errorMessage))
    throw brokerError(first.errorCode, resource(first), first.errorMessage, others)
  }
}

/** A topic id as Kafka prints it: 22 characters of base64url. */
export function topicIdText(uuid: string): string {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('base64url')
}

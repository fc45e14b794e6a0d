// Finding the partition that a data request is about, on the broker that leads it.
import { type KafkaErrorName, type Uuid, zeroUuid } from '@selfmonitor/protocol'
import type { BrokerContext } from '../broker-context.ts'
import type { PartitionLog } from '../log/index.ts'
import type { PartitionMetadata, TopicMetadata } from '../metadata/index.ts'
import type { RequestContext } from './handler.ts'

/** A partition as a request names it: by topic id in newer versions, by topic name in older ones. */
export interface NamedPartition {
  readonly topic: string
  readonly topicId: Uuid
  readonly partition: number
  /** -1: the client does not give one (KIP-320). */
  readonly currentLeaderEpoch: number
}

export interface LedPartition {
  readonly error: undefined
  readonly topic: TopicMetadata
  readonly partition: PartitionMetadata
}

export interface NotLeader {
  readonly error: KafkaErrorName
  /** The partition with its leader, when another presented broker leads it or the client's epoch is wrong. */
  readonly leader: PartitionMetadata | undefined
}

/** The partition, if it exists, this presented broker leads it, and the client's epoch is the current one. */
export function findLedPartition(
  { broker, brokerId }: RequestContext,
  named: NamedPartition,
): LedPartition | NotLeader {
  const byId = named.topicId !== zeroUuid
  const topic = byId ? broker.metadata.topicById(named.topicId) : broker.metadata.topic(named.topic)
  if (topic === undefined) {
    // A request with the zero id has an empty name.
    const unknownId = byId || named.topic === ''
    return { error: unknownId ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION', leader: undefined }
  }
  const partition = topic.partitions[named.partition]
  if (partition === undefined) return { error: 'UNKNOWN_TOPIC_OR_PARTITION', leader: undefined }
  if (partition.leader !== brokerId) return { error: 'NOT_LEADER_OR_FOLLOWER', leader: partition }
  if (named.currentLeaderEpoch >= 0 && named.currentLeaderEpoch < partition.leaderEpoch) {
    return { error: 'FENCED_LEADER_EPOCH', leader: partition }
  }
  if (named.currentLeaderEpoch > partition.leaderEpoch) return { error: 'UNKNOWN_LEADER_EPOCH', leader: partition }
  return { error: undefined, topic, partition }
}

/** The log, at once when it is open. */
export function openLog(
  broker: BrokerContext,
  { topic, partition }: LedPartition,
): PartitionLog | Promise<PartitionLog> {
  return (
    broker.logs.getOpen(topic.name, topic.id, partition.partition) ??
    broker.logs.get({ topic: topic.name, topicId: topic.id, partition: partition.partition })
  )
}

interface Endpoint {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

/**
 * The fields of a response that name the leaders of partitions which another presented broker leads, or for which the client's
 * epoch is wrong, so that the client needs no Metadata request (KIP-951).
 */
export interface LeaderHints {
  /** The field to add to the partition's answer; empty where the version has none. */
  hint(notLed: NotLeader): { readonly currentLeader?: { readonly leaderId: number; readonly leaderEpoch: number } }
  /** The field to add to the response. */
  endpoints(): { readonly nodeEndpoints?: readonly Endpoint[] }
}

/** @param versions the first versions of the response that have each field */
export function createLeaderHints(
  { broker, apiVersion }: RequestContext,
  versions: { readonly currentLeader: number; readonly nodeEndpoints: number },
): LeaderHints {
  const named = new Set<number>()
  return {
    hint({ leader }) {
      if (leader === undefined || apiVersion < versions.currentLeader) return {}
      named.add(leader.leader)
      return { currentLeader: { leaderId: leader.leader, leaderEpoch: leader.leaderEpoch } }
    },
    endpoints() {
      if (named.size === 0 || apiVersion < versions.nodeEndpoints) return {}
      const endpoints = broker.brokers.filter(({ brokerId }) => named.has(brokerId))
      return { nodeEndpoints: endpoints.map(({ brokerId, host, port }) => ({ nodeId: brokerId, host, port })) }
    },
  }
}

// Checks whether a topic or partitions can be created as requested, in the order and words of Kafka's controller, and completes the
// request.
import { ConfigError, validateTopicConfig } from '../config/index.ts'
import { KafkaError } from '../errors.ts'
import { placeReplicas } from './placement.ts'
import type { MetadataStore } from './store.ts'
import { topicNameProblem } from './topic-names.ts'
import type { NewTopic, TopicMetadata } from './types.ts'

export interface RequestedTopic {
  readonly name: string
  /** -1: the broker's default, or as many as there are assignments. */
  readonly numPartitions: number
  readonly replicationFactor: number
  readonly assignments: readonly { readonly partitionIndex: number; readonly brokerIds: readonly number[] }[]
  readonly configs: readonly { readonly name: string; readonly value: string | null }[]
}

/** The most partitions that one request may create (`QuorumController.MAX_PARTITIONS_PER_BATCH`). */
export const maxPartitionsPerRequest = 10_000

/** @throws KafkaError that says why not */
export function planTopic(requested: RequestedTopic, metadata: MetadataStore, brokerIds: readonly number[]): NewTopic {
  checkName(requested.name, metadata)
  const configs = new Map<string, string>()
  for (const { name, value } of requested.configs) {
    if (value === null) throw new KafkaError('INVALID_CONFIG', `Null value not supported for topic configs: ${name}`)
    configs.set(name, value)
  }
  checkTopicConfig(metadata, configs)
  return { name: requested.name, assignments: planAssignments(requested, metadata, brokerIds), configs }
}

function checkName(name: string, metadata: MetadataStore): void {
  const problem = topicNameProblem(name)
  if (problem !== undefined) throw new KafkaError('INVALID_TOPIC_EXCEPTION', problem)
  if (metadata.topic(name)) throw new KafkaError('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`)
  const collision = metadata.collision(name)
  if (collision !== undefined) {
    throw new KafkaError('INVALID_TOPIC_EXCEPTION', `Topic '${name}' collides with existing topic: ${collision}`)
  }
}

/** @throws KafkaError INVALID_CONFIG */
export function checkTopicConfig(metadata: MetadataStore, configs: ReadonlyMap<string, string>): void {
  try {
    validateTopicConfig(metadata.brokerLayers(), configs)
  } catch (error) {
    if (error instanceof ConfigError) throw new KafkaError('INVALID_CONFIG', error.message)
    throw error
  }
}

function planAssignments(
  requested: RequestedTopic,
  metadata: MetadataStore,
  brokerIds: readonly number[],
): readonly (readonly number[])[] {
  if (requested.assignments.length > 0) return manualAssignments(requested, brokerIds)
  if (requested.replicationFactor < -1 || requested.replicationFactor === 0) {
    throw new KafkaError(
      'INVALID_REPLICATION_FACTOR',
      'Replication factor must be larger than 0, or -1 to use the default value.',
    )
  }
  if (requested.numPartitions < -1 || requested.numPartitions === 0) {
    throw new KafkaError('INVALID_PARTITIONS', 'Number of partitions was set to an invalid non-positive value.')
  }
  const config = metadata.brokerConfig
  const partitions = requested.numPartitions === -1 ? config.number('num.partitions') : requested.numPartitions
  const factor =
    requested.replicationFactor === -1 ? config.number('default.replication.factor') : requested.replicationFactor
  if (factor > brokerIds.length) {
    throw new KafkaError(
      'INVALID_REPLICATION_FACTOR',
      `Unable to replicate the partition ${factor} time(s): The target replication factor of ${factor} cannot be ` +
        `reached because only ${brokerIds.length} broker(s) are registered ` +
        'or some brokers have all their log directories cordoned.',
    )
  }
  if (partitions > maxPartitionsPerRequest) {
    throw new KafkaError('POLICY_VIOLATION', 'Excessively large number of partitions per request.')
  }
  return placeReplicas(requested.name, 0, partitions, factor, brokerIds)
}

function manualAssignments(requested: RequestedTopic, brokerIds: readonly number[]): readonly (readonly number[])[] {
  if (requested.replicationFactor !== -1) {
    throw new KafkaError(
      'INVALID_REQUEST',
      'A manual partition assignment was specified, but replication factor was not set to -1.',
    )
  }
  if (requested.numPartitions !== -1) {
    throw new KafkaError(
      'INVALID_REQUEST',
      'A manual partition assignment was specified, but numPartitions was not set to -1.',
    )
  }
  const sorted = [...requested.assignments].sort((a, b) => a.partitionIndex - b.partitionIndex)
  if (sorted.some(({ partitionIndex }, index) => partitionIndex !== index)) {
    throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', 'partitions should be a consecutive 0-based integer sequence')
  }
  const assignments = sorted.map(({ brokerIds: replicas }) => replicas)
  checkReplicas(assignments, undefined, brokerIds)
  return assignments
}

function checkReplicas(
  assignments: readonly (readonly number[])[],
  expectedFactor: number | undefined,
  brokerIds: readonly number[],
): void {
  const invalid = (why: string) =>
    new KafkaError('INVALID_REPLICA_ASSIGNMENT', `The manual partition assignment ${why}`)
  let factor = expectedFactor
  for (const replicas of assignments) {
    if (replicas.length === 0) throw invalid('includes an empty replica list.')
    const sorted = [...replicas].sort((a, b) => a - b)
    for (const [index, id] of sorted.entries()) {
      if (!brokerIds.includes(id)) throw invalid(`includes broker ${id}, but no such broker is registered.`)
      if (sorted[index - 1] === id) throw invalid(`includes the broker ${id} more than once.`)
    }
    factor ??= replicas.length
    if (replicas.length !== factor) {
      throw invalid(
        `includes a partition with ${replicas.length} replica(s), but this is not consistent with previous ` +
          `partitions, which have ${factor} replica(s).`,
      )
    }
  }
}

export interface RequestedPartitions {
  readonly name: string
  /** The total number of partitions that the topic is to have. */
  readonly count: number
  /** Replicas of each new partition; null: the broker chooses. */
  readonly assignments: readonly { readonly brokerIds: readonly number[] }[] | null
}

/** The replicas of the partitions to add. @throws KafkaError that says why not */
export function planPartitions(
  requested: RequestedPartitions,
  topic: TopicMetadata | undefined,
  brokerIds: readonly number[],
): readonly (readonly number[])[] {
  if (!topic) {
    throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.')
  }
  const present = topic.partitions.length
  if (requested.count === present) {
    throw new KafkaError('INVALID_PARTITIONS', `Topic already has ${present} partition(s).`)
  }
  if (requested.count < present) {
    throw new KafkaError(
      'INVALID_PARTITIONS',
      `The topic ${requested.name} currently has ${present} partition(s); ${requested.count} would not be an increase.`,
    )
  }
  const additional = requested.count - present
  if (additional > maxPartitionsPerRequest) {
    throw new KafkaError('POLICY_VIOLATION', 'Excessively large number of additional partitions per request.')
  }
  const factor = topic.partitions[0]!.replicas.length
  if (requested.assignments === null) {
    return placeReplicas(requested.name, present, additional, Math.min(factor, brokerIds.length), brokerIds)
  }
  if (requested.assignments.length !== additional) {
    throw new KafkaError(
      'INVALID_REPLICA_ASSIGNMENT',
      `Attempted to add ${additional} additional partition(s), but only ${requested.assignments.length} assignment(s) were specified.`,
    )
  }
  const assignments = requested.assignments.map(({ brokerIds: replicas }) => replicas)
  checkReplicas(assignments, factor, brokerIds)
  return assignments
}

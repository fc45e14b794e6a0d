// The exports of `kafka/` for the rest of the package: connections, the idempotent producer, the group member and the fetcher.
export { backoffMs, pause } from '@selfmonitor/cluster/backoff'
export { partitionForKey } from '@selfmonitor/protocol/partitioner'
export { encodeHeaders, noHeaders } from '@selfmonitor/protocol/records'
export {
  createKafkaClient,
  hasKafkaError,
  isAuthenticationFailure,
  type KafkaClient,
  kafkaErrorName,
  reasonOf,
  type ServerAddress,
  type TopicMetadata,
} from './client.ts'
export { createCompressor } from './compression.ts'
export type { FetchedRecord, RecordRun } from './fetched-records.ts'
export { createFetcher, type Fetched, type Fetcher } from './fetcher.ts'
export { createGroupMember, type GroupMember } from './group-member.ts'
export type { CommitResult, OffsetToCommit } from './group-requests.ts'
export { endOfEpoch, listOffset } from './list-offsets.ts'
export { partitionErrorAdvice, partitionErrorKind } from './partition-errors.ts'
export { createProducer, type Producer } from './producer.ts'
export type { Receipt, RecordToSend } from './record-to-send.ts'
export { requireTopic } from './require-topic.ts'
export { nameOf, type Position, type TopicPartition } from './topic-partition.ts'

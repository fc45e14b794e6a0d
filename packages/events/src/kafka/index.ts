// The door of the Kafka side: connections, the idempotent producer, the group member and the fetcher.
export {
  createKafkaClient,
  hasKafkaError,
  isAuthenticationFailure,
  type KafkaClient,
  kafkaErrorName,
  reasonOf,
  type TopicMetadata,
} from './client.ts'
export { type CompressionType, compressionTypes, createCompressor } from './compression.ts'
export type { FetchedRecord, RecordRun } from './fetched-records.ts'
export { createFetcher, type Fetcher } from './fetcher.ts'
export { createGroupMember, type GroupMember } from './group.ts'
export { endOfEpoch, listOffset } from './list-offsets.ts'
export { murmur2, partitionForKey } from './murmur2.ts'
export { partitionErrorAdvice, partitionErrorKind } from './partition-errors.ts'
export { createProducer, type Producer } from './producer.ts'
export { createBatchBuilder, type EncodedHeaders, encodeHeaders, noHeaders } from './record-batch.ts'
export type { Receipt, RecordToSend } from './record-to-send.ts'
export { requireTopic } from './require-topic.ts'
export { nameOf, type Position, type TopicPartition } from './topic-partition.ts'
export { backoffMs, pause } from './wait.ts'

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
export { createFetcher, type FetchedRecord, type Fetcher, listOffset } from './fetcher.ts'
export { createGroupMember, type GroupMember, type TopicPartition } from './group.ts'
export { murmur2, partitionForKey } from './murmur2.ts'
export { partitionErrorAdvice, partitionErrorKind } from './partition-errors.ts'
export { createProducer, type Producer, type Receipt } from './producer.ts'
export { createBatchBuilder, type EncodedHeaders, encodeHeaders, noHeaders } from './record-batch.ts'
export { requireTopic } from './require-topic.ts'
export { backoffMs, pause } from './wait.ts'

// The exports of `metadata/` for the rest of the broker: topics, settings and producer ids, durable; and the rules for changing them.
export { nameHash, placeReplicas } from './placement.ts'
export {
  checkTopicConfig,
  maxPartitionsPerRequest,
  planPartitions,
  planTopic,
  type RequestedPartitions,
  type RequestedTopic,
} from './plan-topic.ts'
export { RecordLogError } from './record-log.ts'
export { type MetadataStore, type MetadataStoreOptions, openMetadataStore } from './store.ts'
export { metricName, topicNameProblem } from './topic-names.ts'
export type * from './types.ts'

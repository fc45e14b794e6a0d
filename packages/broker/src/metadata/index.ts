// The door of `metadata/`: topics, settings and producer ids, durable.
export { nameHash, placeReplicas } from './placement.ts'
export { RecordLogError, syncFolder } from './record-log.ts'
export { type MetadataStoreOptions, openMetadataStore } from './store.ts'
export type * from './types.ts'

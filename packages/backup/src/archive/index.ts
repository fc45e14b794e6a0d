// The exports of this folder: restoring what a sink connector has archived.
export type { Reading, SchemaIds } from './batches.ts'
export {
  type Acceptance,
  type ArchivePartition,
  type ArchivePlan,
  type ArchiveRequest,
  type ArchiveTopic,
  archiveTarget,
  planArchive,
} from './plan.ts'
export { registerSchemas } from './schemas.ts'
export { type FoundArchive, findArchive } from './source.ts'
export type { TimeSource, ToInstant } from './times.ts'

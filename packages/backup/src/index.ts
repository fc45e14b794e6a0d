// The package's public exports.

export * from './archive/index.ts'
export { type Exported, type ExportFormat, type ExportRequest, exportBackup } from './export/export.ts'
export type { AccessState } from './format/access-state.ts'
export { BackupError, type BackupErrorCode } from './format/backup-error.ts'
export type { Finding } from './format/coverage.ts'
export {
  backedUpClusters,
  chooseCluster,
  latestManifest,
  manifestNumbers,
  readIndex,
  readManifest,
  readSchemas,
  readState,
} from './format/manifests.ts'
export type { RegistryState, SubjectState, VersionState } from './format/schema-state.ts'
export { type BackupStore, canOpen, readKeyFile, type Sealing, withSealing } from './format/sealing.ts'
export type * from './format/types.ts'
export { formatName, formatVersion } from './format/types.ts'
export { type Pruned, type PrunePlan, type PruneRules, planPrune, prune } from './prune.ts'
export { clusterOfRegistry, type SchemaSource } from './registry/read.ts'
export { type AccessPlan, type AccessRestored, type NewPassword, planAccess, restoreAccess } from './restore/access.ts'
export { findEvent, recordAt } from './restore/find-record.ts'
export type { OverwrittenPosition } from './restore/groups.ts'
export {
  type PartitionSource,
  type PlannedTopic,
  planRestore,
  type RestorePlan,
  type RestoreRequest,
  type TargetPlan,
  type TargetTopic,
} from './restore/plan.ts'
export { type Restored, type RestoreOptions, type RestoreProgress, runRestore } from './restore/run.ts'
export type { FramedPart } from './restore/schema-ids.ts'
export type { PlannedId, SchemaPlan } from './restore/schema-plan.ts'
export type { PlannedSchemas, SchemaRequest } from './restore/schemas.ts'
export { openState, type RecordPlace, type RestorePoint } from './restore/source.ts'
export { openStore } from './store/open-store.ts'
export { StoreError } from './store/store-error.ts'
export type * from './store/types.ts'
export type { TakeOptions, TakeProgress } from './take/options.ts'
export { type Taken, takeBackup } from './take/take.ts'
export { type Verification, verifyBackup } from './verify.ts'

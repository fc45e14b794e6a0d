// The package's one door.
export * from './collect/index.ts'
export * from './diagnose/index.ts'
export { type LagRow, lagRows } from './metrics/lag.ts'
export { type Metric, type MetricKey, metrics, namingExceptions, type Part, probeBuckets } from './metrics/table.ts'
export * from './rules/index.ts'
export { groupKey, logDirKey } from './snapshot/keys.ts'
export type * from './snapshot/types.ts'

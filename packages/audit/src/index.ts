// The package's public exports.
export { AuditError } from './audit-error.ts'
export {
  type BreakKind,
  type ChainBreak,
  type LogFacts,
  type PlacedRecord,
  type Unfinished,
  type Verdict,
  verifyChain,
} from './record/chain.ts'
export { commandLine } from './record/command-line.ts'
export { type AuditedChange, type AuditFilter, changesOf, firstOf, matchesFilter, statusOf } from './record/filter.ts'
export type * from './record/types.ts'
export { eventTypes } from './record/types.ts'
export type { Connection } from './trail/origin.ts'
export { type ReadTrail, type ReadTrailOptions, readTrail } from './trail/read.ts'
export {
  type AuditEntry,
  type ChangeReport,
  createRecorder,
  type Recorder,
  type RecorderOptions,
} from './trail/recorder.ts'

// Drills: an entry of their own, because they load a Kafka client that other commands for backups do not need.
export type { ClientConnection, ClientRecord } from './client-types.ts'
export { reportHtml } from './html.ts'
export { keepReport, keptReport, keptReports, reportName } from './kept.ts'
export { keyCheck, type OneIdentity } from './keys.ts'
export { counted, type DrillNotes, noteCheck, noteSkipped, type Wrong } from './notes.ts'
export { programHash } from './program-hash.ts'
export type { DrillCheck, DrillReport } from './report.ts'
export { type DrillOptions, type DrillSource, type DrillTarget, type RecordCheck, runDrill } from './run.ts'
export { type ScenarioId, scenarioIds, scenarios } from './scenarios.ts'
export { type BackedUpSchema, type BackedUpSchemas, backedUpSchemas } from './schemas.ts'
export { type ClusterPlace, requireSegregation } from './segregation.ts'
export {
  newSigningKey,
  readReport,
  type SignedReport,
  signingKey,
  verifyingKey,
  verifyReport,
  writeReport,
} from './signing.ts'

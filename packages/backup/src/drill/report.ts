// The report of a drill: one declaration, from which the type, the check of a file that is read, and the canonical text that is
// signed come. 64-bit numbers are strings of digits, times are ISO 8601 in UTC, hashes are SHA-256 in hexadecimal.
import { z } from 'zod'

export const reportFormat = 'selfmonitor-drill-report'
/** A newer version is refused. */
export const reportVersion = 1

const int64 = z.string().regex(/^-?\d{1,20}$/, 'a whole number as a string of digits')
const count = z.int().nonnegative()
const time = z.iso.datetime()
const hash = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hexadecimal')
const text = z.string()

/** `skipped`: what it needs was not there, and the detail says why. It proves nothing, and does not fail a drill. */
const outcome = z.enum(['passed', 'failed', 'skipped'])

const partition = z.object({
  partition: count,
  /** [from, cut) of the source's log is what the backup has. */
  from: int64,
  cut: int64,
  records: int64,
  bytes: count,
  /** Offsets that were deleted in the source before the backup read them. */
  gaps: z.array(z.object({ from: int64, to: int64 })),
  /** Of transactions that are not complete at the cut: left out of a restore. */
  leftOut: int64,
  /** Over the records' times, keys, values and headers, from the backup's segments; null when they could not be read. */
  backupSha256: hash.nullable(),
  /** The same over what a Kafka client read back. */
  restoredSha256: hash.nullable(),
  restoredRecords: int64.nullable(),
  isEqual: z.boolean(),
})

const position = z.object({
  groupId: text,
  topic: text,
  partition: count,
  /** The next offset that the group would have read in the source … */
  committed: int64,
  /** … and reads in the target; null when it has none. */
  position: int64.nullable(),
  /** Records that the group still gets. */
  unread: int64,
  /** The record at the position is the one that the group would have got. */
  isVerified: z.boolean(),
  problem: text.nullable(),
})

const phase = z.object({ name: text, startedAt: time, finishedAt: time, outcome, detail: text })

const objective = z.object({
  name: z.enum(['RPO', 'RTO']),
  /** Milliseconds; null: none was given. */
  objectiveMs: count.nullable(),
  achievedMs: count.nullable(),
  outcome,
  /** Who set it: an option, or a topic of platform.yaml; null: nobody. */
  setBy: text.nullable(),
  /** How it was measured. */
  how: text,
})

const check = z.object({
  id: text,
  title: text,
  /** By what means: two checks of the same fact have different ones. */
  method: text,
  outcome,
  detail: text,
})

const finding = z.object({
  check: text,
  subject: text,
  message: text,
  remediation: z.object({ owner: text.nullable(), due: z.iso.date().nullable() }),
})

export const reportSchema = z.object({
  format: z.literal(reportFormat),
  version: z.literal(reportVersion),
  id: text,
  outcome: z.enum(['passed', 'failed']),
  tool: z.object({ name: text, build: hash }),
  operator: text,
  approver: text.nullable(),
  trigger: z.enum(['manual', 'scheduled', 'change']),
  scenario: z.object({ id: text, title: text, takenAway: text, hasToHold: text }),
  startedAt: time,
  finishedAt: time,
  source: z.object({ clusterId: text, store: text, addresses: z.array(text), wasReached: z.boolean() }),
  target: z.object({ kind: z.enum(['embedded', 'cluster']), clusterId: text, addresses: z.array(text) }).nullable(),
  /** Proof that source and target are apart. `null`: what the source has is not known here. */
  segregation: z.array(
    z.object({ what: text, source: text.nullable(), target: text.nullable(), isSegregated: z.boolean().nullable() }),
  ),
  backup: z
    .object({
      number: count,
      manifest: text,
      manifestSha256: hash,
      /** No record that was committed before is missing. */
      cutAt: time,
      takenBy: text,
      recipients: z.array(text),
    })
    .nullable(),
  topics: z.array(z.object({ name: text, topicId: text, partitions: z.array(partition) })),
  groups: z.array(position),
  /** Where the schemas come from that decoded values, the ids that values name, and those of them that the backup does not have. */
  schemas: z.object({ from: text.nullable(), inBackup: count, ids: z.array(z.int()), missing: z.array(z.int()) }),
  phases: z.array(phase),
  objectives: z.array(objective),
  checks: z.array(check),
  findings: z.array(finding),
  /** What a rule asks for, and which checks of this drill are evidence of it. */
  regulations: z.array(z.object({ rule: text, asks: text, evidence: z.array(text), outcome })),
  nextDue: z.iso.date(),
})

export type DrillReport = z.infer<typeof reportSchema>
export type DrillOutcome = z.infer<typeof outcome>
export type DrillCheck = z.infer<typeof check>
export type DrillFinding = z.infer<typeof finding>
export type DrillPhase = z.infer<typeof phase>
export type DrillObjective = z.infer<typeof objective>
export type DrillPartition = z.infer<typeof partition>
export type DrillPosition = z.infer<typeof position>

/** Failed when any is, passed when at least one is, else skipped. Pure. */
export function together(outcomes: readonly DrillOutcome[]): DrillOutcome {
  if (outcomes.includes('failed')) return 'failed'
  return outcomes.includes('passed') ? 'passed' : 'skipped'
}

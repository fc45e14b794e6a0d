// What a diagnosis is made of: checks, what they find, and the verdicts that people read. Plain data; nothing here performs I/O.
import type { Facts } from './facts.ts'

/**
 * `critical`: records cannot be written or read, or are being lost, now. `error`: something is broken and will have such an
 * effect, or already has for one group. `warning`: a risk that has had no effect yet.
 */
export type Severity = 'critical' | 'error' | 'warning'

/** The most severe first. */
export const severities = ['critical', 'error', 'warning'] as const satisfies readonly Severity[]

/** What a verdict is about. */
export type Subject =
  | { readonly kind: 'cluster' }
  | { readonly kind: 'broker'; readonly brokerId: number }
  | { readonly kind: 'log directory'; readonly brokerId: number; readonly path: string }
  | { readonly kind: 'topic'; readonly topic: string }
  | { readonly kind: 'partition'; readonly topic: string; readonly partition: number }
  | { readonly kind: 'group'; readonly group: string }
  | { readonly kind: 'group and topic'; readonly group: string; readonly topic: string }
  | { readonly kind: 'certificate'; readonly where: string }
  | { readonly kind: 'service'; readonly service: string }
  | { readonly kind: 'connector'; readonly connector: string }
  | { readonly kind: 'snapshot'; readonly part: string }

export type SubjectKind = Subject['kind']

/** One fact that a verdict is based on. `value` is for machines, `text` for people. */
export interface Evidence {
  readonly name: string
  readonly value: number | bigint | string | null
  /** A phrase, without a full stop: `12 of 36 partitions`. */
  readonly text: string
}

/** What to do, in words, and the command to type first; null where no command helps. */
export interface Remedy {
  readonly text: string
  readonly command: string | null
}

/** What a check finds about one subject. */
export interface Finding {
  readonly subject: Subject
  /** One sentence without a full stop, which names the subject: `broker 2 has left the cluster`. */
  readonly message: string
  readonly evidence: readonly Evidence[]
  /** Where this finding is more or less severe than its check. */
  readonly severity?: Severity
  /** Where this finding has a better remedy than its check's. */
  readonly advice?: string
  /** The command to type first. */
  readonly command: string | null
  /** Since when it holds, where the snapshot tells. */
  readonly sinceMs?: number
  /** Keys (`findingKey`) of findings that would explain this one. Where one of them is there, this is a consequence of it. */
  readonly causes?: readonly string[]
}

/** One row of the table of checks. */
export interface Check {
  readonly severity: Severity
  readonly subject: SubjectKind
  /** One sentence: what it means, and what it does to records, producers or consumers. Also the row of docs/monitoring.md. */
  readonly explanation: string
  readonly remedy: string
  /** File below docs/runbooks, and heading. */
  readonly runbook: string
  /**
   * How long it has to last before it is reported by someone who watches (`DiagnoseOptions.before`): a rolling restart or a deployment
   * looks the same until then. Default 0.
   */
  readonly graceMs?: number
  readonly find: (facts: Facts) => readonly Finding[]
}

/** What follows from a verdict's cause, or is the same about other subjects. */
export interface Consequence {
  readonly code: string
  readonly severity: Severity
  readonly subject: Subject
  readonly message: string
  readonly evidence: readonly Evidence[]
}

export interface Verdict {
  /** Stable: `OFFLINE_PARTITIONS`. */
  readonly code: string
  /** The most severe of the finding and its consequences. */
  readonly severity: Severity
  readonly subject: Subject
  readonly message: string
  readonly evidence: readonly Evidence[]
  readonly remedy: Remedy
  /** Path and heading of the runbook's section: `docs/runbooks/kafka-operations.md#a-broker-is-down`. */
  readonly runbook: string
  /** Findings that this one explains, and those of the same kind that were too many for verdicts of their own. */
  readonly consequences: readonly Consequence[]
  /** When it was first found, in milliseconds since the epoch; with every diagnosis since then it was found again. */
  readonly sinceMs: number
}

/** A diagnosis. Pass it to the next call of `diagnose`, so that it knows what lasts. */
export interface Diagnosis {
  readonly atMs: number
  /** The most severe first; then by code and subject. */
  readonly verdicts: readonly Verdict[]
  /** Found, and not reported yet: a rolling restart would look the same. Reported once it has lasted. */
  readonly held: readonly { readonly code: string; readonly subject: Subject; readonly sinceMs: number }[]
  /** When each finding was first seen without a break, by `findingKey`. */
  readonly since: ReadonlyMap<string, number>
}

/** `topic orders`, `group billing`, `broker 2`: a subject as people read it. */
export function subjectText(subject: Subject): string {
  switch (subject.kind) {
    case 'cluster':
      return 'cluster'
    case 'broker':
      return `broker ${subject.brokerId}`
    case 'log directory':
      return `broker ${subject.brokerId}, ${subject.path}`
    case 'topic':
      return `topic ${subject.topic}`
    case 'partition':
      return `${subject.topic}-${subject.partition}`
    case 'group':
      return `group ${subject.group}`
    case 'group and topic':
      return `group ${subject.group}, topic ${subject.topic}`
    case 'certificate':
      return `certificate of ${subject.where}`
    case 'service':
      return subject.service
    case 'connector':
      return `connector ${subject.connector}`
    case 'snapshot':
      return `${subject.part} of the snapshot`
    default:
      return subject satisfies never
  }
}

/** The same finding has the same key in every diagnosis. */
export function findingKey(code: string, subject: Subject): string {
  return `${code} ${subjectText(subject)}`
}

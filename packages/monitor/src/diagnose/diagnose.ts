// From a snapshot to verdicts: every check is asked, what follows from something else is folded into it, and what may be a restart
// is held back until it has lasted. Pure.
import type { Snapshot } from '../snapshot/types.ts'
import { type CheckCode, checks } from './checks/index.ts'
import { factsOf } from './facts.ts'
import { mostOfOneKind } from './thresholds.ts'
import {
  type Check,
  type Consequence,
  type Diagnosis,
  type Finding,
  findingKey,
  severities,
  subjectText,
  type Verdict,
} from './types.ts'
import { counted } from './words.ts'

export interface DiagnoseOptions {
  /** The diagnosis before this one. Without it, every finding is new. */
  readonly before?: Diagnosis
  /**
   * Whether findings that a restart or a deployment would cause too are held back until they have lasted for their check's
   * `graceMs`. For those who watch; a person who asks once wants to know now. Default: where it is known how long they have lasted,
   * from the diagnosis before or from the snapshot.
   */
  readonly holdBack?: boolean
}

/** A finding with its check. */
interface Found extends Finding {
  readonly code: CheckCode
  readonly check: Check
  readonly key: string
  readonly since: number
}

/**
 * Says what is wrong with a cluster.
 *
 * @param nowMs milliseconds since the epoch
 * @returns the same for the same arguments
 */
export function diagnose(snapshot: Snapshot, nowMs: number, options: DiagnoseOptions = {}): Diagnosis {
  const { before, holdBack } = options
  const facts = factsOf(snapshot, nowMs)
  const found = (Object.keys(checks) as CheckCode[]).flatMap((code) => {
    const check: Check = checks[code]
    return check.find(facts).map((finding): Found => {
      const key = findingKey(code, finding.subject)
      const seenMs = before?.since.get(key) ?? nowMs
      return { ...finding, code, check, key, since: Math.min(seenMs, finding.sinceMs ?? seenMs) }
    })
  })
  const isHeld = ({ check, since, sinceMs }: Found): boolean =>
    check.graceMs !== undefined &&
    (holdBack ?? (before !== undefined || sinceMs !== undefined)) &&
    nowMs - since < check.graceMs
  // What is held back explains its consequences all the same: a broker that restarts does not make others report its replicas.
  const { roots, of } = fold(found)
  const verdicts = collapse(
    roots.filter((root) => !isHeld(root)).map((root) => verdictOf(root, of.get(root.key) ?? [])),
  )
  return {
    atMs: nowMs,
    verdicts: verdicts.sort(bySeverity),
    held: roots.filter(isHeld).map(({ code, subject, since }) => ({ code, subject, sinceMs: since })),
    since: new Map(found.map(({ key, since }) => [key, since])),
  }
}

/** Splits findings into causes and, by the key of the cause, what follows from it, over any number of steps. */
function fold(found: readonly Found[]): {
  readonly roots: readonly Found[]
  readonly of: ReadonlyMap<string, readonly Found[]>
} {
  const byKey = new Map(found.map((one) => [one.key, one]))
  const causesOf = ({ key, causes = [] }: Found): Found[] =>
    causes.filter((cause) => cause !== key).flatMap((cause) => byKey.get(cause) ?? [])
  /** The causes that have none themselves; null of a circle. */
  const rootsOf = (one: Found, path: readonly string[]): Found[] => {
    if (path.includes(one.key)) return []
    const causes = causesOf(one)
    return causes.length === 0 ? [one] : causes.flatMap((cause) => rootsOf(cause, [...path, one.key]))
  }
  const of = new Map<string, Found[]>()
  const roots: Found[] = []
  for (const one of found) {
    const origins = new Set(rootsOf(one, []))
    if (origins.has(one) || origins.size === 0) {
      roots.push(one)
      continue
    }
    for (const { key } of origins) of.set(key, [...(of.get(key) ?? []), one])
  }
  return { roots, of }
}

function severityOf({ check, severity }: Found): Verdict['severity'] {
  return severity ?? check.severity
}

const rank = (severity: Verdict['severity']): number => severities.indexOf(severity)

function verdictOf(root: Found, following: readonly Found[]): Verdict {
  const consequences = following
    .map((one): Consequence => {
      const { code, subject, message, evidence } = one
      return { code, severity: severityOf(one), subject, message, evidence }
    })
    .sort(bySeverity)
  const worst = Math.min(rank(severityOf(root)), ...consequences.map(({ severity }) => rank(severity)))
  return {
    code: root.code,
    severity: severities[worst]!,
    subject: root.subject,
    message: root.message,
    evidence: root.evidence,
    remedy: { text: root.advice ?? root.check.remedy, command: root.command },
    runbook: `docs/runbooks/${root.check.runbook}`,
    consequences,
    sinceMs: root.since,
  }
}

/** Many findings of one kind are one verdict about the cluster: three hundred topics without a second replica are one mistake. */
function collapse(verdicts: readonly Verdict[]): Verdict[] {
  return [...Map.groupBy(verdicts, ({ code, severity }) => `${code} ${severity}`).values()].flatMap((alike) => {
    const [first] = alike.sort(bySeverity)
    if (alike.length <= mostOfOneKind) return alike
    const kind = first!.subject.kind
    return [
      {
        ...first!,
        subject: { kind: 'cluster' as const },
        message: `${first!.message}; and the same of ${counted(alike.length - 1, `other ${kind}`)}`,
        evidence: [
          ...first!.evidence,
          { name: 'count', value: alike.length, text: `${counted(alike.length, kind)} in all` },
        ],
        consequences: alike.flatMap(({ code, severity, subject, message, evidence, consequences }) => [
          { code, severity, subject, message, evidence },
          ...consequences,
        ]),
        sinceMs: Math.min(...alike.map(({ sinceMs }) => sinceMs)),
      },
    ]
  })
}

function bySeverity(
  a: Pick<Verdict, 'severity' | 'code' | 'subject'>,
  b: Pick<Verdict, 'severity' | 'code' | 'subject'>,
): number {
  const order = rank(a.severity) - rank(b.severity) || compare(a.code, b.code)
  return order !== 0 ? order : compare(subjectText(a.subject), subjectText(b.subject))
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

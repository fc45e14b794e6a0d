// Which topics are in the newest backup, and whether it is young enough for what platform.yaml says of them. Pure.
import type { Manifest } from '@selfmonitor/backup'
import { asOf } from '@selfmonitor/backup/as-of'
import type { BackupPolicy } from '@selfmonitor/platform'
import { nextDue } from '@selfmonitor/platform/schedule'
import { span, time } from '../output/format.ts'
import { type Policies, policyOf } from './policies.ts'

export type CoverageState =
  /** In no backup, and no file says that this is meant. */
  | 'uncovered'
  /** In the newest backup as it was too long ago. */
  | 'overdue'
  | 'covered'
  /** A file declares it, and the cluster has no such topic. */
  | 'absent'
  /** A file says why it is in no backup. */
  | 'left-out'

export interface TopicCoverage {
  readonly topic: string
  readonly state: CoverageState
  /** Empty for a topic that is covered. */
  readonly why: string
  readonly policy: BackupPolicy | undefined
  /** When the newest backup read the topic's ends. */
  readonly asOfMs: number | null
  /** When the next backup of the topic is due, by its frequency. */
  readonly dueMs: number | null
  /** From when on the topic is overdue. */
  readonly deadlineMs: number | null
}

export interface CoverageInput {
  /** The cluster's topics but its internal ones. */
  readonly topics: readonly { readonly name: string; readonly id: string }[]
  /** The newest backup of the cluster. */
  readonly manifest: Pick<Manifest, 'number' | 'topics' | 'cutAtMs'> | null
  /** Of the backup's state, where it can be read. */
  readonly problems: readonly { readonly part: string; readonly message: string }[]
  readonly policies: Policies
  readonly nowMs: number
}

const order: readonly CoverageState[] = ['uncovered', 'overdue', 'covered', 'absent', 'left-out']
const criticalities = ['critical', 'high', 'medium', 'low'] as const

/** Every topic of the cluster and of the files: first those that need attention, and of these the critical ones. */
export function coverageOf(input: CoverageInput): TopicCoverage[] {
  const { topics, policies } = input
  const existing = new Set(topics.map(({ name }) => name))
  const absent = [...policies.declared].flatMap(([topic, policy]): TopicCoverage[] => {
    if (existing.has(topic)) return []
    const without = { topic, policy, asOfMs: null, dueMs: null, deadlineMs: null }
    if (policy?.none !== undefined) return [{ ...without, state: 'left-out', why: policy.none }]
    return [{ ...without, state: 'absent', why: 'the cluster has no such topic, or this account may not see it' }]
  })
  const rank = ({ policy }: TopicCoverage): number => {
    const at = policy?.criticality === undefined ? -1 : criticalities.indexOf(policy.criticality)
    return at === -1 ? criticalities.length : at
  }
  return [...topics.map((topic) => topicCoverage(topic, input)), ...absent].sort(
    (a, b) => order.indexOf(a.state) - order.indexOf(b.state) || rank(a) - rank(b) || (a.topic < b.topic ? -1 : 1),
  )
}

function topicCoverage(
  { name, id }: CoverageInput['topics'][number],
  { manifest, problems, policies, nowMs }: CoverageInput,
): TopicCoverage {
  const policy = policyOf(policies, name)
  const found = manifest?.topics.find((topic) => topic.id === id)
  const asOfMs = found === undefined ? null : asOf(manifest!, found)
  const row = { topic: name, policy, asOfMs, dueMs: null, deadlineMs: null }
  if (policy?.none !== undefined) return { ...row, state: 'left-out', why: policy.none }
  if (asOfMs === null) {
    // Whatever is due is due now.
    const due = policy?.frequency === undefined && policy?.rpoMs === undefined ? null : nowMs
    return {
      ...row,
      dueMs: due,
      deadlineMs: due,
      state: 'uncovered',
      why: whyUncovered({ name, id }, manifest, problems),
    }
  }
  const deadline = deadlineOf(policy, asOfMs)
  const times = { dueMs: dueOf(policy, asOfMs), deadlineMs: deadline?.atMs ?? null }
  if (deadline === null || nowMs <= deadline.atMs) return { ...row, ...times, state: 'covered', why: '' }
  return { ...row, ...times, state: 'overdue', why: deadline.why }
}

function whyUncovered(
  { name, id }: CoverageInput['topics'][number],
  manifest: CoverageInput['manifest'],
  problems: CoverageInput['problems'],
): string {
  if (manifest === null) return 'there is no backup of this cluster'
  const problem = problems.find(({ part }) => part === `topic ${name}` || part.startsWith(`topic ${name} partition`))
  if (problem !== undefined) return problem.message
  const found = manifest.topics.find((topic) => topic.id === id)
  if (found !== undefined) {
    const never = found.partitions.filter(({ asOfMs }) => asOfMs === null).map(({ partition }) => partition)
    return `no backup could read partition ${never.join(', ')} to its end`
  }
  return manifest.topics.some((topic) => topic.name === name)
    ? `it was created again: backup ${manifest.number} has the topic that had this name before`
    : `backup ${manifest.number} does not have it`
}

function dueOf(policy: BackupPolicy | undefined, asOfMs: number): number | null {
  return policy?.frequency === undefined ? null : nextDue(policy.frequency, asOfMs)
}

/** A run takes its time, so a topic is overdue when the run after the next is due; and when what it may lose is more than its rpo. */
function deadlineOf(
  policy: BackupPolicy | undefined,
  asOfMs: number,
): { readonly atMs: number; readonly why: string } | null {
  const { frequency, rpoMs } = policy ?? {}
  const found: { readonly atMs: number; readonly why: string }[] = []
  if (rpoMs !== undefined)
    found.push({ atMs: asOfMs + rpoMs, why: `its last backup is older than the rpo of ${span(rpoMs)}` })
  if (frequency !== undefined && frequency.kind !== 'continuously') {
    const due = nextDue(frequency, asOfMs)
    found.push({ atMs: nextDue(frequency, due), why: `the backup that was due at ${time(due)} is missing` })
  }
  return found.length === 0 ? null : found.reduce((a, b) => (b.atMs < a.atMs ? b : a))
}

// What a drill notes while it goes: phases with their times, checks, and a finding for each thing that is wrong.
import type { DrillCheck, DrillFinding, DrillOutcome, DrillPhase, DrillReport } from './report.ts'

export interface Wrong {
  readonly subject: string
  readonly message: string
}

export interface DrillNotes {
  readonly phases: DrillPhase[]
  readonly checks: DrillCheck[]
  readonly findings: Omit<DrillFinding, 'remediation'>[]
  schemas: DrillReport['schemas']
}

export const newNotes = (): DrillNotes => ({
  phases: [],
  checks: [],
  findings: [],
  schemas: { from: null, inBackup: 0, ids: [], missing: [] },
})

/** A check with a finding for everything that is wrong; it passed when nothing is. */
export function noteCheck(
  { checks, findings }: DrillNotes,
  check: Pick<DrillCheck, 'id' | 'title' | 'method' | 'detail'>,
  wrong: readonly Wrong[],
): DrillOutcome {
  const outcome = wrong.length === 0 ? 'passed' : 'failed'
  checks.push({ ...check, outcome })
  findings.push(...wrong.map((one) => ({ check: check.id, ...one })))
  return outcome
}

export function noteSkipped(
  { checks }: DrillNotes,
  check: Pick<DrillCheck, 'id' | 'title' | 'method' | 'detail'>,
): void {
  checks.push({ ...check, outcome: 'skipped' })
}

export interface PhaseClock {
  readonly now: () => number
  readonly signal: AbortSignal | undefined
  readonly onPhase: ((name: string) => void) | undefined
}

/**
 * Runs one phase and notes its times. Its error becomes a finding, so that the report says how far the drill came.
 * @returns null when it failed
 * @throws the signal's reason
 */
export async function runPhase<T>(
  notes: DrillNotes,
  { now, signal, onPhase }: PhaseClock,
  name: string,
  check: string,
  work: () => Promise<{ readonly result: T; readonly detail: string }>,
): Promise<T | null> {
  signal?.throwIfAborted()
  onPhase?.(name)
  const startedAt = iso(now())
  try {
    const { result, detail } = await work()
    notes.phases.push({ name, startedAt, finishedAt: iso(now()), outcome: 'passed', detail })
    return result
  } catch (error) {
    signal?.throwIfAborted()
    const message = messageOf(error)
    notes.phases.push({ name, startedAt, finishedAt: iso(now()), outcome: 'failed', detail: message })
    notes.findings.push({ check, subject: name, message })
    return null
  }
}

/** What went wrong and what to do, on one line. A mistake of the program itself keeps its stack. */
function messageOf(error: unknown): string {
  const { code, message, hint } = error as { code?: unknown; message: string; hint?: unknown }
  const isKnown = typeof code === 'string'
  if (!isKnown) return String((error as Error).stack ?? error)
  return typeof hint === 'string' && hint !== '' ? `${code}: ${message}. ${hint}` : `${code}: ${message}`
}

export const iso = (timeMs: number): string => new Date(timeMs).toISOString()

/** `1 record`, `2 records` */
export const counted = (number: number | bigint, noun: string): string =>
  `${number} ${noun}${BigInt(number) === 1n ? '' : 's'}`

const spans = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const

/** `81 ms`, `4.2 s`, `3 h` */
export function lasting(ms: number): string {
  const [unit, size] = spans.find(([, one]) => ms >= one) ?? ['ms', 1]
  return `${Math.round((ms / size) * 10) / 10} ${unit}`
}

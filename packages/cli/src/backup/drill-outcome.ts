// What the exporter learns of a drill. Pure.
import type { DrillReport } from '@selfmonitor/backup/drill'
import type { Outcome } from '@selfmonitor/monitor/backup-report'

const achievedMs = (report: DrillReport, name: 'RPO' | 'RTO'): number =>
  report.objectives.find((objective) => objective.name === name)?.achievedMs ?? 0

/** @param target the store's address, as backups report it */
export function drillOutcome(target: string, report: DrillReport): Outcome {
  const atMs = Date.parse(report.finishedAt)
  if (report.outcome === 'failed') return { kind: 'drillFailure', value: { target, atMs } }
  const [rpoMs, rtoMs] = [achievedMs(report, 'RPO'), achievedMs(report, 'RTO')]
  return { kind: 'drill', value: { target, atMs, rpoMs, rtoMs, dueMs: Date.parse(report.nextDue) } }
}

// Metrics of the exporter itself, and of its probe.
import { lastValue } from '../../snapshot/last-value.ts'
import type { BackupReport, Probe, Snapshot } from '../../snapshot/types.ts'
import { type Compute, noLabels, type Value } from './types.ts'

const fromProbe =
  (value: (probe: Probe) => Value): Compute =>
  ({ snapshot: { probe } }, emit) => {
    if (probe !== null) emit(noLabels, value(probe))
  }

const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1_000)

const ofBackups =
  (value: (report: BackupReport) => number | null): Compute =>
  ({ snapshot: { backups } }, emit) => {
    for (const report of lastValue(backups) ?? []) {
      const found = value(report)
      if (found !== null) emit([report.target], found)
    }
  }

/** Nothing gives these values yet. */
const notYet: Compute = () => {}

const parts = [
  'metadata',
  'brokers',
  'configs',
  'offsets',
  'logDirs',
  'groups',
  'quorum',
  'transactions',
  'certificates',
  'services',
  'backups',
] as const satisfies readonly (keyof Snapshot)[]

const onlyIfAsked: ReadonlySet<string> = new Set(['services', 'backups'])

/** Parts that this cluster has; a service that nobody asked about is not one. */
function collectedParts(snapshot: Snapshot): readonly (typeof parts)[number][] {
  return parts.filter((part) => {
    const { state, problem } = snapshot[part]
    if (state === 'read') return true
    return problem?.code !== 'UNSUPPORTED_API' && (!onlyIfAsked.has(part) || problem !== null)
  })
}

export const exporterSamples = {
  probeProduced: fromProbe(({ produced }) => produced),
  probeProduceFailed: fromProbe(({ produceFailures }) => produceFailures),
  probeConsumed: fromProbe(({ consumed }) => consumed),
  probeLost: fromProbe(({ lost }) => lost),
  probeCommitFailed: fromProbe(({ commitFailures }) => commitFailures),
  probeProduceSeconds: fromProbe(({ produceLatency }) => produceLatency),
  probeCommitSeconds: fromProbe(({ commitLatency }) => commitLatency),
  probeRoundTripSeconds: fromProbe(({ roundTrip }) => roundTrip),
  backupSuccess: ofBackups(({ finishedAtMs }) => finishedAtMs / 1_000),
  backupCut: ofBackups(({ cutAtMs }) => cutAtMs / 1_000),
  backupOldest: ofBackups(({ oldestTopicMs }) => seconds(oldestTopicMs)),
  backupTopics: ofBackups(({ topics }) => topics),
  backupRecords: ofBackups(({ records }) => records),
  backupAddedRecords: ofBackups(({ addedRecords }) => addedRecords),
  backupAddedBytes: ofBackups(({ addedBytes }) => addedBytes),
  backupProblems: ofBackups(({ problems }) => problems),
  backupUncovered: ofBackups(({ uncoveredTopics }) => uncoveredTopics),
  backupDue: ofBackups(({ dueMs }) => seconds(dueMs)),
  backupDeadline: ofBackups(({ deadlineMs }) => seconds(deadlineMs)),
  drillSuccess: notYet,
  drillRto: notYet,
  exporterCollect: ({ snapshot }, emit) => {
    if (snapshot.history.collections.done > 0) emit(noLabels, (snapshot.finishedAtMs - snapshot.startedAtMs) / 1_000)
  },
  exporterSuccess: ({ snapshot }, emit) => {
    for (const part of parts) {
      const reading = snapshot[part]
      if (reading.state === 'read') emit([part], reading.atMs / 1_000)
    }
  },
  exporterStale: ({ snapshot }, emit) => {
    for (const part of collectedParts(snapshot)) {
      const { state, problem } = snapshot[part]
      emit([part], state === 'never' || problem !== null ? 1 : 0)
    }
  },
  exporterErrors: ({ snapshot }, emit) => {
    for (const part of collectedParts(snapshot)) emit([part], snapshot.history.collections.failures.get(part) ?? 0)
  },
  exporterRequests: ({ exporter }, emit) => emit(noLabels, exporter.requests),
  exporterInfo: ({ exporter }, emit) => emit([exporter.version], 1),
} as const satisfies Record<string, Compute>

// Metrics of the exporter itself, and of its probe.
import { lastValue } from '../../snapshot/last-value.ts'
import type { BackupOutcomes, BackupReport, Probe, Snapshot } from '../../snapshot/types.ts'
import { type Compute, noLabels, type Value } from './types.ts'

const fromProbe =
  (value: (probe: Probe) => Value): Compute =>
  ({ snapshot: { probe } }, emit) => {
    if (probe !== null) emit(noLabels, value(probe))
  }

const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1_000)

const ofTargets =
  (value: (outcomes: BackupOutcomes) => number | null): Compute =>
  ({ snapshot: { backups } }, emit) => {
    for (const outcomes of lastValue(backups) ?? []) {
      const found = value(outcomes)
      if (found !== null) emit([outcomes.target], found)
    }
  }

const ofBackups = (value: (report: BackupReport) => number | null): Compute =>
  ofTargets(({ backup }) => (backup === null ? null : value(backup)))

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
  backupFailure: ofTargets(({ failure }) => seconds(failure?.atMs ?? null)),
  drillSuccess: ofTargets(({ drill }) => seconds(drill?.atMs ?? null)),
  drillFailure: ofTargets(({ drillFailure }) => seconds(drillFailure?.atMs ?? null)),
  drillDue: ofTargets(({ drill }) => seconds(drill?.dueMs ?? null)),
  drillRto: ofTargets(({ drill }) => seconds(drill?.rtoMs ?? null)),
  drillRpo: ofTargets(({ drill }) => seconds(drill?.rpoMs ?? null)),
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

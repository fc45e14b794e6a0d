// Checks of disks: offline directories, how full they are, and when they will be.
import { logDirKey } from '../../snapshot/keys.ts'
import type { LogDir } from '../../snapshot/types.ts'
import { type Facts, lastValue } from '../facts.ts'
import {
  diskFullRatio,
  diskFullSoonMs,
  diskFullWithinMs,
  diskTrendLeastMs,
  diskTrendLeastPoints,
  diskUsedRatio,
} from '../thresholds.ts'
import { robustSlope } from '../trend.ts'
import { type Check, type Evidence, type Finding, findingKey, type Subject } from '../types.ts'
import { bytes, counted, evidence, percent, span } from '../words.ts'
import { alert } from './runbooks.ts'

const subjectOf = ({ brokerId, path }: LogDir): Subject => ({ kind: 'log directory', brokerId, path })

/** Directories of volumes whose size is known, and how much of it is used. */
function sized(
  facts: Facts,
): { readonly dir: LogDir; readonly total: bigint; readonly usable: bigint; readonly ratio: number }[] {
  return (lastValue(facts.snapshot.logDirs) ?? []).flatMap((dir) =>
    dir.totalBytes === null || dir.usableBytes === null || dir.totalBytes === 0n
      ? []
      : [
          {
            dir,
            total: dir.totalBytes,
            usable: dir.usableBytes,
            ratio: 1 - Number(dir.usableBytes) / Number(dir.totalBytes),
          },
        ],
  )
}

/** The topics with the most bytes in the directory. */
function largest({ replicas }: LogDir): Evidence[] {
  const byTopic = new Map<string, bigint>()
  for (const { topic, sizeBytes } of replicas) byTopic.set(topic, (byTopic.get(topic) ?? 0n) + sizeBytes)
  const order = [...byTopic].sort(([, a], [, b]) => (a < b ? 1 : a > b ? -1 : 0)).slice(0, 3)
  if (order.length === 0) return []
  return [
    evidence(
      'largest',
      order[0]![0],
      `largest topics: ${order.map(([topic, size]) => `${topic} ${bytes(size)}`).join(', ')}`,
    ),
  ]
}

function findOfflineDirs(facts: Facts): Finding[] {
  return (lastValue(facts.snapshot.logDirs) ?? [])
    .filter(({ error }) => error !== null)
    .map((dir) => ({
      subject: subjectOf(dir),
      message: `broker ${dir.brokerId} has taken ${dir.path} offline`,
      evidence: [evidence('error', dir.error, `the broker answers ${dir.error}`)],
      causes: [findingKey('BROKER_DOWN', { kind: 'broker', brokerId: dir.brokerId })],
      command: `kafka-log-dirs --bootstrap-server ${facts.bootstrap} --describe --broker-list ${dir.brokerId}`,
    }))
}

function findNearlyFull(facts: Facts): Finding[] {
  return sized(facts)
    .filter(({ ratio }) => ratio > diskUsedRatio)
    .map(({ dir, total, usable, ratio }) => ({
      subject: subjectOf(dir),
      severity: ratio > diskFullRatio ? ('critical' as const) : undefined,
      message: `the disk of broker ${dir.brokerId} is ${percent(ratio)} full`,
      evidence: [
        evidence('usableBytes', usable, `${bytes(usable)} of ${bytes(total)} left at ${dir.path}`),
        evidence('usedRatio', ratio, `the limit is ${percent(diskUsedRatio)}`),
        ...largest(dir),
      ],
      causes: [findingKey('DISK_FILLING', subjectOf(dir))],
      command: `kafka-log-dirs --bootstrap-server ${facts.bootstrap} --describe --broker-list ${dir.brokerId}`,
    }))
}

function findFilling(facts: Facts): Finding[] {
  return sized(facts).flatMap(({ dir, total, usable, ratio }) => {
    const points = facts.snapshot.history.logDirs.get(logDirKey(dir.brokerId, dir.path)) ?? []
    const coveredMs = points.length === 0 ? 0 : points.at(-1)!.atMs - points[0]!.atMs
    if (points.length < diskTrendLeastPoints || coveredMs < diskTrendLeastMs) return []
    const slope = robustSlope(points.map(({ atMs, usedBytes }) => ({ atMs, value: Number(usedBytes) })))
    if (slope === null || slope <= 0) return []
    const leftMs = Number(usable) / slope
    if (leftMs > diskFullWithinMs) return []
    return [
      {
        subject: subjectOf(dir),
        severity: leftMs <= diskFullSoonMs ? ('critical' as const) : undefined,
        message: `the disk of broker ${dir.brokerId} will be full in ${span(leftMs)}`,
        evidence: [
          evidence(
            'fullInMs',
            Math.round(leftMs),
            `full at ${new Date(facts.nowMs + leftMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`,
          ),
          evidence(
            'bytesPerHour',
            Math.round(slope * 3_600_000),
            `it grows by ${bytes(slope * 3_600_000)} an hour, over the last ${span(coveredMs)} (${counted(points.length, 'measurement')})`,
          ),
          evidence(
            'usableBytes',
            usable,
            `${bytes(usable)} of ${bytes(total)} left, ${percent(ratio)} used, at ${dir.path}`,
          ),
          ...largest(dir),
        ],
        command: `kafka-log-dirs --bootstrap-server ${facts.bootstrap} --describe --broker-list ${dir.brokerId}`,
      },
    ]
  })
}

export const storageChecks = {
  LOG_DIRECTORY_OFFLINE: {
    severity: 'critical',
    subject: 'log directory',
    explanation:
      'A broker got an error from its disk and has taken the log directory offline: the replicas in it are missing.',
    remedy:
      'Look at the broker’s log for the I/O error, repair or replace the disk, and restart the broker: it copies the missing replicas.',
    runbook: alert('kafkalogdirectoryoffline'),
    find: findOfflineDirs,
  },
  DISK_FILLING: {
    severity: 'error',
    subject: 'log directory',
    explanation:
      'At its present growth the disk of a broker is full within a day. The growth is the median of the slopes between all pairs of measurements, which no single compaction or deletion changes.',
    remedy:
      'Grow the volume, or shorten the retention of the topic that grows, before it is full: a broker with a full disk stops.',
    runbook: alert('kafkadiskusage'),
    find: findFilling,
  },
  DISK_NEARLY_FULL: {
    severity: 'warning',
    subject: 'log directory',
    explanation:
      'More than 80 % of a broker’s disk is used; above 90 % it is critical. A broker whose disk is full stops.',
    remedy: 'Grow the volume, or shorten the retention of the largest topic.',
    runbook: alert('kafkadiskusage'),
    find: findNearlyFull,
  },
} as const satisfies Record<string, Check>

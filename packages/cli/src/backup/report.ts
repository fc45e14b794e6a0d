// Reports a backup or a drill to the exporter, as a record of a topic.
import type { Taken } from '@selfmonitor/backup'
import type { Cluster } from '@selfmonitor/cluster'
import { ClusterError } from '@selfmonitor/cluster/errors'
import { type BackupReport, backupReportTopic, encodeOutcome, type Outcome } from '@selfmonitor/monitor/backup-report'
import { encodeBatch } from '@selfmonitor/protocol/records'
import type { TopicCoverage } from './coverage.ts'

/** Pure. @param problems how many things the run could not back up */
export function reportOf(
  target: string,
  { manifest, added }: Pick<Taken, 'manifest' | 'added'>,
  coverage: readonly TopicCoverage[],
  problems: number,
): BackupReport {
  const earliest = (times: readonly (number | null)[]): number | null => {
    const known = times.filter((ms) => ms !== null && Number.isFinite(ms)) as number[]
    return known.length === 0 ? null : Math.min(...known)
  }
  const records = manifest.topics.flatMap(({ partitions }) => partitions).reduce((sum, one) => sum + one.records, 0n)
  return {
    target,
    number: manifest.number,
    cutAtMs: manifest.cutAtMs,
    finishedAtMs: manifest.finishedAtMs,
    oldestTopicMs: earliest(coverage.filter(({ state }) => state !== 'left-out').map(({ asOfMs }) => asOfMs)),
    topics: manifest.topics.length,
    records: Number(records),
    addedRecords: Number(added.records),
    addedBytes: added.storedBytes,
    problems,
    uncoveredTopics: coverage.filter(({ state }) => state === 'uncovered').length,
    dueMs: earliest(coverage.map(({ dueMs }) => dueMs)),
    deadlineMs: earliest(coverage.map(({ deadlineMs }) => deadlineMs)),
  }
}

/**
 * Writes the outcome where the cluster has a topic for it: to create the topic is to ask for reports.
 * @returns why it was not written; null when it was, or there is no such topic
 */
export async function sendOutcome(cluster: Cluster, outcome: Outcome): Promise<string | null> {
  try {
    const topics = await cluster.listTopics()
    if (!topics.some(({ name }) => name === backupReportTopic)) return null
    const appender = await cluster.appendBatches()
    try {
      const record = { ...encodeOutcome(outcome), timestamp: BigInt(Date.now()) }
      await appender.append(backupReportTopic, 0, encodeBatch([record]))
    } finally {
      await appender.close()
    }
    return null
  } catch (error) {
    if (error instanceof ClusterError) return `${error.code}: ${error.message}`
    throw error
  }
}

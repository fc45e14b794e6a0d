// Reads the outcomes of backups from their topic: the newest of each target.
import type { Cluster } from '@selfmonitor/cluster'
import { type BackupReport, backupReportTopic, decodeBackupReport } from '../snapshot/backup-report.ts'

/**
 * @returns the newest report of each target, in the order of targets; none when the cluster has no such topic, or the account may not see it
 * @throws ClusterError when it may not read it, or no broker answers
 */
export async function readBackupReports(
  cluster: Pick<Cluster, 'listTopics' | 'listOffsets' | 'read'>,
): Promise<readonly BackupReport[]> {
  const topic = (await cluster.listTopics()).find(({ name }) => name === backupReportTopic)
  if (topic === undefined) return []
  const places = topic.partitions.map(({ partition }) => ({ topic: backupReportTopic, partition }))
  const [first, last] = await Promise.all([
    cluster.listOffsets(places, 'earliest'),
    cluster.listOffsets(places, 'latest', { isolation: 'read_committed' }),
  ])
  const ranges = places.flatMap((place, at) => {
    const [next, end] = [first[at]!.offset ?? 0n, last[at]!.offset ?? 0n]
    return next < end ? [{ ...place, next, end }] : []
  })
  const reports = new Map<string, BackupReport>()
  for await (const event of cluster.read(ranges, { isolation: 'read_committed' })) {
    if (event.kind !== 'records') continue
    for (const { key, value } of event.records) {
      if (key === null) continue
      const report = value === null ? null : decodeBackupReport(value)
      // A tombstone is how a target that is given up is removed.
      if (value === null) reports.delete(key.toString('utf8'))
      else if (report !== null) reports.set(report.target, report)
    }
  }
  return [...reports.values()].sort((a, b) => (a.target < b.target ? -1 : 1))
}

// Reads the outcomes of backups and drills from their topic: the newest of each target.
import type { Cluster } from '@selfmonitor/cluster'
import { type BackupOutcomes, backupReportTopic, decodeOutcome, type Outcome } from '../snapshot/backup-report.ts'

/**
 * @returns the newest outcomes of each target, in the order of targets; none when the cluster has no such topic, or the account may not see it
 * @throws ClusterError when it may not read it, or no broker answers
 */
export async function readBackupOutcomes(
  cluster: Pick<Cluster, 'listTopics' | 'listOffsets' | 'read'>,
): Promise<readonly BackupOutcomes[]> {
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
  const newest = new Map<string, Outcome>()
  for await (const event of cluster.read(ranges, { isolation: 'read_committed' })) {
    if (event.kind !== 'records') continue
    for (const { key, value } of event.records) {
      if (key === null) continue
      const outcome = value === null ? null : decodeOutcome(value)
      // A tombstone is how a target that is given up is removed.
      if (value === null) newest.delete(key.toString('utf8'))
      else if (outcome !== null) newest.set(key.toString('utf8'), outcome)
    }
  }
  const targets = new Map<string, BackupOutcomes>()
  for (const { kind, value } of newest.values()) {
    const { target } = value
    const none = { target, backup: null, failure: null, drill: null, drillFailure: null }
    targets.set(target, { ...(targets.get(target) ?? none), [kind]: value })
  }
  return [...targets.values()].sort((a, b) => (a.target < b.target ? -1 : 1))
}

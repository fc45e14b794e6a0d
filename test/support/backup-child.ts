// Takes a backup or restores one in a process of its own, so that a test can kill it as a machine would. It writes a line for each
// step forward, and `done` at the end.
import { openStore, planRestore, runRestore, takeBackup } from '@selfmonitor/backup'
import { connectCluster } from '@selfmonitor/cluster'

export interface BackupJob {
  readonly kind: 'backup' | 'restore'
  readonly bootstrapServers: string
  readonly folder: string
  readonly topic: string
  /** What a restore makes of the topic. */
  readonly to: string
}

const { kind, bootstrapServers, folder, topic, to } = JSON.parse(process.argv[2]!) as BackupJob
const cluster = connectCluster({ bootstrapServers })
const store = await openStore(folder)
const onProgress = (): void => console.log('step')
if (kind === 'backup') {
  await takeBackup(cluster, store, { tool: 'test', include: (name) => name === topic, segmentBytes: 2_000, onProgress })
} else {
  const { clusterId } = await cluster.info()
  const isThere = (await cluster.listTopics()).some(({ name }) => name === to)
  const request = { point: { kind: 'latest' }, nameOf: () => to, includeGroup: () => true, resume: isThere } as const
  const plan = await planRestore(store, clusterId, cluster, request, Date.now())
  const { isComplete } = await runRestore(cluster, plan, { onProgress })
  if (!isComplete) throw new Error('the restore is not complete')
}
await cluster.close()
await store.close()
console.log('done')

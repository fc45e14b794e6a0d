// Backups that report to the exporter: through a topic of the cluster, so that two exporters without rights in the store say the same.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import { backupReportTopic } from '@selfmonitor/monitor/backup-report'
import { startExporter } from '@selfmonitor/monitor/exporter'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { selfmonitor } from '../packages/cli/src/test-io.ts'
import { describeEngines } from './support/engines.ts'

describeEngines('a backup that reports', (engine) => {
  const name = (topic: string) => `report-${Date.now().toString(36)}-${topic}`
  const [orders, carts] = [name('orders'), name('carts')]
  let folder: string
  let cluster: Cluster
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'backup-report-'))
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
    await cluster.createTopics([orders, carts].map((topic) => ({ name: topic, partitions: 1, replicationFactor: 1 })))
    await writeFile(
      join(folder, 'platform.yaml'),
      `backup: { none: of another test }
topics:
  ${orders}: { partitions: 1, backup: { none: null, frequency: 1h, rpo: 90m } }
  ${carts}: { partitions: 1, backup: { none: null, frequency: 1h } }
`,
    )
  })
  afterAll(async () => {
    await cluster.deleteTopics([backupReportTopic]).catch(() => {})
    await cluster.close()
    await rm(folder, { recursive: true, force: true })
  })

  const target = () => join(folder, 'backups')
  const backup = (...words: string[]) =>
    selfmonitor(['backup', ...words, '--target', target(), '--bootstrap-servers', engine.bootstrapServers], {
      cwd: folder,
      env: {},
    })

  /** What a new exporter says, by the names of metrics without `kafka_backup_`. */
  async function exported(): Promise<Record<string, number>> {
    let first: (() => void) | undefined
    const collected = new Promise<void>((resolve) => {
      first = resolve
    })
    const exporter = await startExporter({
      connect: { bootstrapServers: engine.bootstrapServers },
      listen: { host: '127.0.0.1', port: 0 },
      version: 'test',
      onSnapshot: () => first!(),
    })
    try {
      await collected
      const text = await (await fetch(`${exporter.url}/metrics`)).text()
      const lines = [...text.matchAll(/^kafka_backup_(\w+)\{cluster="[^"]+",backup="([^"]+)"\} (\S+)$/gm)]
      expect(lines.every(([, , label]) => label === target())).toBe(true)
      return Object.fromEntries(lines.map(([, metric, , value]) => [metric, Number(value)]))
    } finally {
      await exporter.close()
    }
  }

  it('reports nothing to a cluster without the topic for it, and fails for that no backup', async () => {
    expect(await backup('--topic', orders)).toMatchObject({ code: 0, stderr: '' })
    expect(await exported()).toEqual({})
  })

  it('says how old it is, what it lacks, and when the next is due', async () => {
    await cluster.createTopics([
      { name: backupReportTopic, partitions: 1, replicationFactor: 1, config: { 'cleanup.policy': 'compact' } },
    ])
    expect(await backup('--topic', orders)).toMatchObject({ code: 0, stderr: '' })
    const partly = await exported()
    expect(partly).toMatchObject({ topics: 1, records: 0, problems: 0, uncovered_topics: 1 })
    // A topic that is in no backup is overdue from the beginning.
    expect(partly.deadline_timestamp_seconds).toBeLessThanOrEqual(Date.now() / 1_000)

    expect(await backup()).toMatchObject({ code: 0 })
    const [whole, other] = [await exported(), await exported()]
    expect(other).toEqual(whole)
    const cut = whole.cut_timestamp_seconds!
    expect(whole).toMatchObject({ topics: 2, problems: 0, uncovered_topics: 0, oldest_topic_timestamp_seconds: cut })
    expect(whole.last_success_timestamp_seconds).toBeGreaterThanOrEqual(cut)
    expect(whole.next_due_timestamp_seconds).toBeCloseTo(cut + 3_600)
    expect(whole.deadline_timestamp_seconds).toBeCloseTo(cut + 5_400)
    expect((await selfmonitor(['backup', 'describe', '--target', target(), '-o', 'json'])).stdout).not.toContain(
      backupReportTopic,
    )
  })

  it('says when a run fails, beside the backup before it, and is told when one ends again', async () => {
    await writeFile(
      join(folder, 'locked.yaml'),
      `topics: { ${orders}: { partitions: 1, backup: { frequency: 1h, lock: { days: 1, mode: governance } } } }\n`,
    )
    const before = await exported()
    // A folder has no Object Lock.
    const refused = await backup('--topic', orders, '--file', 'locked.yaml')
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('lock') })
    const failed = await exported()
    const { last_failure_timestamp_seconds: failure, ...others } = failed
    expect(others).toEqual(before)
    expect(failure).toBeGreaterThanOrEqual(before.last_success_timestamp_seconds!)
    expect(await backup()).toMatchObject({ code: 0 })
    const again = await exported()
    expect(again.last_success_timestamp_seconds).toBeGreaterThanOrEqual(failure!)
  })

  it('counts what it could not back up', async () => {
    expect(await backup('--topic', orders, '--topic', 'no-such-topic')).toMatchObject({ code: 1 })
    expect(await exported()).toMatchObject({ problems: 1, uncovered_topics: 0 })
  })
})

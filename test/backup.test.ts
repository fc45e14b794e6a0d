// Processes that take and restore backups are killed, again and again, until one comes to its end: nothing is lost, doubled or left
// half done, on both engines.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { openStore, verifyBackup } from '@selfmonitor/backup'
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import { encodeBatch } from '@selfmonitor/protocol/records'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { BackupJob } from './support/backup-child.ts'
import { describeEngines } from './support/engines.ts'

const script = fileURLToPath(new URL('support/backup-child.ts', import.meta.url))

/** Runs a job, and kills it after so many steps. @returns whether it came to its end before */
async function run(job: BackupJob, steps: number): Promise<boolean> {
  const child = spawn(process.execPath, ['--conditions=source', script, JSON.stringify(job)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit')
  let seen = 0
  let isDone = false
  let errors = ''
  child.stderr.on('data', (text: Buffer) => {
    errors += text
  })
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === 'done') isDone = true
    else if (++seen === steps) child.kill('SIGKILL')
  })
  const [code] = await exited
  if (!isDone && code !== null) throw new Error(`the ${job.kind} ended with ${code}: ${errors}`)
  return isDone
}

/** Kills it a little later each time. @returns how often it was killed */
async function runUntilDone(job: BackupJob): Promise<number> {
  for (let killed = 0; killed < 50; killed++) {
    if (await run(job, 1 + killed * killed * 6)) return killed
  }
  throw new Error(`the ${job.kind} never came to its end`)
}

describeEngines('backup and restore, killed', (engine) => {
  let cluster: Cluster
  let folder: string
  beforeAll(async () => {
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
    folder = await mkdtemp(join(tmpdir(), 'backup-'))
  })
  afterAll(async () => {
    await cluster?.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function valuesOf(topic: string, partition: number): Promise<string[]> {
    const [end] = await cluster.listOffsets([{ topic, partition }], 'latest')
    const values: string[] = []
    for await (const event of cluster.read([{ topic, partition, next: 0n, end: end!.offset! }])) {
      if (event.kind === 'records') values.push(...event.records.map(({ key, value }) => `${key} ${value}`))
    }
    return values
  }

  it('comes to the same end', { timeout: 180_000 }, async () => {
    const topic = `killed-${Date.now().toString(36)}`
    const job = { bootstrapServers: engine.bootstrapServers, folder, topic, to: `${topic}.restored` }
    await cluster.createTopics([{ name: topic, partitions: 3, replicationFactor: 1 }])
    const identity = await cluster.initProducer()
    const appender = await cluster.appendBatches()
    const produce = (round: number): Promise<unknown> =>
      Promise.all(
        Array.from({ length: 90 }, (_, at) => {
          const partition = at % 3
          const baseSequence = round * 120 + Math.floor(at / 3) * 4
          const records = Array.from({ length: 4 }, (__, index) => ({
            key: Buffer.from(`${baseSequence + index}`),
            value: Buffer.from(`${round} `.repeat(100)),
            timestamp: BigInt(Date.now()),
          }))
          return appender.append(topic, partition, encodeBatch(records, { ...identity, baseSequence }))
        }),
      )
    for (let round = 0; round < 2; round++) {
      await produce(round)
      expect(await runUntilDone({ ...job, kind: 'backup' })).toBeGreaterThan(0)
    }
    await appender.close()
    await cluster.commitOffsets(`${topic}-group`, [{ topic, partition: 0, to: 100n }])
    expect(await run({ ...job, kind: 'backup' }, Number.POSITIVE_INFINITY)).toBe(true)

    const store = await openStore(folder)
    const { clusterId } = await cluster.info()
    const { findings, manifests, records } = await verifyBackup(store, clusterId)
    await store.close()
    // A run that was killed has written no manifest.
    expect({ findings, manifests, records }).toEqual({ findings: [], manifests: 3, records: 720n })

    expect(await runUntilDone({ ...job, kind: 'restore' })).toBeGreaterThan(0)
    for (const partition of [0, 1, 2])
      expect(await valuesOf(job.to, partition)).toEqual(await valuesOf(topic, partition))
    const [lag] = (await cluster.groupLag(`${topic}-group`)).filter((one) => one.topic === job.to)
    expect(lag).toMatchObject({ committedOffset: 100n, lag: 140n })
    await cluster.deleteTopics([topic, job.to])
  })
})

// Backups that are stopped before their end: what they have read is kept, and the next one continues there.
import { randomBytes } from 'node:crypto'
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { asOf } from './format/as-of.ts'
import type { BackupStore } from './format/sealing.ts'
import { planPrune, prune } from './prune.ts'
import { planRestore } from './restore/plan.ts'
import { runRestore } from './restore/run.ts'
import type { TakeOptions } from './take/options.ts'
import { takeBackup } from './take/take.ts'
import { memoryStore } from './test-support/memory-store.ts'
import { produceBatches, readRecords } from './test-support/records.ts'
import { verifyBackup } from './verify.ts'

const dayMs = 86_400_000

describeEngines('a backup that is stopped', (engine) => {
  const now = Date.now()
  let cluster: Cluster
  let clusterId: string
  let topics = 0
  beforeAll(async () => {
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
    clusterId = (await cluster.info()).clusterId
  })
  afterAll(async () => cluster.close())

  async function newTopic(partitions: number, value: Buffer, batches: number): Promise<string> {
    const name = `stopped-${now.toString(36)}-${topics++}`
    await cluster.createTopics([{ name, partitions, replicationFactor: 1 }])
    const all = Array.from({ length: batches }, () => [{ value, timestamp: BigInt(now) }])
    for (let partition = 0; partition < partitions; partition++) await produceBatches(cluster, name, partition, ...all)
    return name
  }

  const take = (topic: string, store: BackupStore, options: Partial<TakeOptions> = {}) =>
    takeBackup(cluster, store, { tool: 'test', include: (name) => name === topic, ...options })

  const restoreOf = (topic: string, store: BackupStore, number: number) =>
    planRestore(
      store,
      clusterId,
      cluster,
      {
        point: { kind: 'number', number },
        nameOf: () => `${topic}.restored-${number}`,
        includeGroup: null,
        resume: false,
      },
      Date.now(),
    )

  it('has what it had read, says which partitions are not whole, and is continued by the next one', async () => {
    const topic = await newTopic(3, Buffer.from('a'), 5)
    const store = memoryStore()
    const stop = new AbortController()
    const first = await take(topic, store, { signal: stop.signal, onProgress: () => stop.abort() })
    const done = Number(first.added.records)
    expect(done).toBeGreaterThan(0)
    expect(done).toBeLessThan(15)
    expect(first.stopped).toBe(first.problems.length)
    expect(first.stopped).toBeGreaterThan(0)
    expect(first.problems.map(({ code }) => code)).toEqual(Array(first.stopped).fill('STOPPED'))
    // It does not count as a backup of the topic, and a restore of it is not complete.
    expect(asOf(first.manifest, first.manifest.topics[0]!)).toBeNull()
    expect((await verifyBackup(store, clusterId)).findings).toEqual([])
    expect((await restoreOf(topic, store, 1)).missing).toEqual(
      first.problems.map(({ message }) => expect.stringContaining(message)),
    )

    const second = await take(topic, store)
    expect(second).toMatchObject({ stopped: 0, problems: [], added: { records: BigInt(15 - done) } })
    expect(asOf(second.manifest, second.manifest.topics[0]!)).toBe(second.manifest.cutAtMs)
    const plan = await restoreOf(topic, store, 2)
    expect(await runRestore(cluster, plan)).toMatchObject({ isComplete: true })
    for (const partition of [0, 1, 2]) {
      const restored = await readRecords(cluster, `${topic}.restored-2`, partition)
      expect(restored).toEqual(await readRecords(cluster, topic, partition))
    }
  })

  it('says that it may have half of a transaction, and so does a restore of it', async () => {
    const topic = await newTopic(3, Buffer.from('a'), 5)
    const store = memoryStore()
    const transactional: Cluster = {
      ...cluster,
      readBatches: async function* (...of) {
        for await (const event of cluster.readBatches(...of)) {
          if (event.kind === 'notice') yield event
          else {
            const batches = event.batches.map((batch) => ({
              ...batch,
              header: { ...batch.header, isTransactional: true },
            }))
            yield { ...event, batches }
          }
        }
      },
    }
    const stop = new AbortController()
    const options = { tool: 'test', include: (name: string) => name === topic, signal: stop.signal }
    const { problems, stopped } = await takeBackup(transactional, store, { ...options, onProgress: () => stop.abort() })
    expect(stopped).toBeGreaterThan(0)
    const half = expect.stringContaining('half of one may be restored')
    expect(problems.map(({ message }) => message)).toEqual(Array(stopped).fill(half))
    expect((await restoreOf(topic, store, 1)).missing).toEqual(Array(stopped).fill(half))
  })

  it('for its time being over comes to the end in several runs, however short they are', async () => {
    const topic = await newTopic(1, randomBytes(800_000), 6)
    const store = memoryStore()
    const runs: { records: bigint; end: bigint; stopped: number }[] = []
    do {
      const { added, manifest, stopped } = await take(topic, store, { maxReadMs: 0, segmentBytes: 1 })
      runs.push({ records: added.records, end: manifest.topics[0]!.partitions[0]!.end, stopped })
    } while (runs.at(-1)!.stopped > 0)
    expect(runs.length).toBeGreaterThan(1)
    expect(runs.every(({ records }) => records > 0n)).toBe(true)
    expect(runs.reduce((sum, { records }) => sum + records, 0n)).toBe(6n)
    expect(runs.at(-1)!.end).toBe(6n)
    expect(await verifyBackup(store, clusterId)).toMatchObject({ manifests: runs.length, records: 6n, findings: [] })
  })

  it('before it has read anything is none', async () => {
    const topic = await newTopic(1, Buffer.from('a'), 1)
    const store = memoryStore()
    await expect(take(topic, store, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
    expect(store.objects.size).toBe(0)
  })

  it('does not count for pruning: the newest whole backup is kept, with all that it needs', async () => {
    const topic = await newTopic(3, Buffer.from('a'), 2)
    const store = memoryStore()
    await take(topic, store)
    await take(topic, store)
    const more = Array.from({ length: 5 }, () => [{ value: Buffer.from('b'), timestamp: BigInt(now) }])
    for (const partition of [0, 1, 2]) await produceBatches(cluster, topic, partition, ...more)
    const stop = new AbortController()
    const last = await take(topic, store, { signal: stop.signal, onProgress: () => stop.abort() })
    expect(last.manifest.stopped).toBe(last.stopped)
    expect(last.stopped).toBeGreaterThan(0)
    expect(await planPrune(store, clusterId, { keepForMs: 0 }, Date.now() + dayMs)).toMatchObject({ keep: [2, 3] })
    const plan = await planPrune(store, clusterId, { keepLast: 1 }, Date.now())
    expect(plan).toMatchObject({ keep: [2, 3], remove: [1] })
    await prune(store, plan)
    expect((await verifyBackup(store, clusterId, { number: 2 })).findings).toEqual([])
    expect((await restoreOf(topic, store, 2)).missing).toEqual([])
  })

  it('is never what objects look like whose manifests are gone: pruning refuses to delete them', async () => {
    const topic = await newTopic(1, Buffer.from('a'), 1)
    const store = memoryStore()
    for (let number = 1; number <= 3; number++) await take(topic, store)
    const late = Date.now() + 2 * dayMs
    const manifests = [...store.objects.keys()].filter((key) => key.includes('/manifests/'))
    expect(manifests).toHaveLength(3)
    for (const [at, missing] of [
      [2, null],
      [1, 'backup 2 is missing'],
      [0, 'backups 1 to 2 are missing'],
    ] as const) {
      store.objects.delete(manifests[at]!)
      const planned = planPrune(store, clusterId, { keepLast: 5 }, late)
      if (missing === null) await planned
      else await expect(planned).rejects.toMatchObject({ code: 'DAMAGED', message: expect.stringContaining(missing) })
    }
  })

  it('by a kill leaves objects that pruning removes a day later, also where there is no backup yet', async () => {
    const topic = await newTopic(1, Buffer.from('a'), 1)
    const killed = memoryStore((key) => {
      if (key.includes('/manifests/')) throw new Error('killed')
    })
    await expect(take(topic, killed)).rejects.toThrow('killed')
    const left = killed.objects.size
    expect(left).toBeGreaterThan(0)
    const plan = (atMs: number) => planPrune(killed, clusterId, { keepLast: 1 }, atMs)
    // It may be under way.
    expect((await plan(Date.now())).objects).toEqual([])
    const late = await plan(Date.now() + dayMs + 60_000)
    expect({ ...late, objects: late.objects.length }).toMatchObject({ keep: [], remove: [], objects: left })
    expect(await prune(killed, late)).toEqual({ removed: [], objects: left, locked: [] })
    expect(killed.objects.size).toBe(0)
    await expect(plan(Date.now())).rejects.toMatchObject({ code: 'NO_BACKUP' })
  })
})

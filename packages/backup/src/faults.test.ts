// Whole backups while something goes wrong: the disk is full, the clock is set, a topic changes under the hands.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import type { RecordInput } from '@selfmonitor/protocol/records'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { missingSmallDisk, mountSmallDisk, type SmallDisk } from '../../../test/support/small-disk.ts'
import type { BackupStore } from './format/sealing.ts'
import { planRestore, type RestoreRequest } from './restore/plan.ts'
import { runRestore } from './restore/run.ts'
import { openStore } from './store/open-store.ts'
import { takeBackup } from './take/take.ts'
import { memoryStore } from './test-support/memory-store.ts'
import { produceBatches, readRecords } from './test-support/records.ts'
import { verifyBackup } from './verify.ts'

describeEngines('a backup during which', (engine) => {
  const startedAtMs = Date.now()
  let cluster: Cluster
  let clusterId: string
  let topics = 0
  beforeAll(async () => {
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
    clusterId = (await cluster.info()).clusterId
  })
  afterAll(async () => cluster.close())

  const record = (value: string | Buffer, timestampMs = Date.now()): RecordInput[] => [
    { value: Buffer.from(value), timestamp: BigInt(timestampMs) },
  ]
  async function newTopic(...values: string[]): Promise<string> {
    const name = `faults-${startedAtMs.toString(36)}-${topics++}`
    await cluster.createTopics([{ name, partitions: 1, replicationFactor: 1 }])
    await produceBatches(cluster, name, 0, ...values.map((value) => record(value)))
    return name
  }

  const take = (store: BackupStore, names: readonly string[], of: Cluster = cluster, now = Date.now) =>
    takeBackup(of, store, { tool: 'test', include: (name) => names.includes(name), segmentBytes: 1, now })

  async function restored(store: BackupStore, from: string, more: Partial<RestoreRequest> = {}): Promise<string[]> {
    const to = `${from}.restored-${topics++}`
    const request: RestoreRequest = {
      point: { kind: 'latest' },
      nameOf: (topic) => (topic === from ? to : null),
      includeGroup: null,
      resume: false,
      ...more,
    }
    await runRestore(cluster, await planRestore(store, clusterId, cluster, request, Date.now()))
    return (await readRecords(cluster, to, 0)).map(({ value }) => String(value))
  }

  /** Something happens once the ends of the partitions are known, before anything is read. */
  const meanwhile = (change: () => Promise<unknown>): Cluster => {
    let isChanged = false
    return {
      ...cluster,
      async *readBatches(ranges, options) {
        if (!isChanged) await change()
        isChanged = true
        yield* cluster.readBatches(ranges, options)
      },
    }
  }

  const missing = missingSmallDisk()
  describe.skipIf(missing !== null)(`the disk is full${missing === null ? '' : `: ${missing}`}`, () => {
    let base: string
    let disk: SmallDisk
    beforeAll(async () => {
      base = await mkdtemp(join(tmpdir(), 'backup-full-'))
      disk = await mountSmallDisk(join(base, 'disk'), 4)
    })
    afterAll(async () => {
      await disk?.unmount()
      await rm(base, { recursive: true, force: true })
    })

    it('fails, leaves the backups before it whole, and the next one has everything', async () => {
      const topic = await newTopic('a')
      const store = await openStore(disk.path)
      await take(store, [topic])
      await produceBatches(cluster, topic, 0, ...[1, 2, 3].map(() => record(randomBytes(30_000))))
      await disk.fill(1)
      await expect(take(store, [topic])).rejects.toMatchObject({ name: 'StoreError', code: 'NO_SPACE' })
      expect(await verifyBackup(store, clusterId)).toMatchObject({ manifests: 1, records: 1n, findings: [] })
      await disk.fill(0)
      const second = await take(store, [topic])
      expect(second).toMatchObject({ problems: [], added: { records: 3n } })
      expect(await verifyBackup(store, clusterId)).toMatchObject({ manifests: 2, records: 4n, findings: [] })
      expect(await restored(store, topic)).toHaveLength(4)
      await store.close()
    })
  })

  it('the clock goes back has times in their order', async () => {
    const topic = await newTopic('a')
    let looks = 0
    const backwards = (): number => startedAtMs - 60_000 * looks++
    const { manifest } = await take(memoryStore(), [topic], cluster, backwards)
    expect(manifest.startedAtMs).toBe(startedAtMs)
    expect(manifest.cutAtMs).toBeGreaterThanOrEqual(manifest.startedAtMs)
    expect(manifest.finishedAtMs).toBeGreaterThanOrEqual(manifest.cutAtMs)
  })

  it('the clock ran an hour ahead is not taken for one that has the records of that hour', async () => {
    const topic = await newTopic()
    const [store, hour] = [memoryStore(), 3_600_000]
    const at = startedAtMs - 2 * hour
    await produceBatches(cluster, topic, 0, record('before', at - 1_000))
    await take(store, [topic], cluster, () => at + hour)
    await produceBatches(cluster, topic, 0, record('within the hour', at + hour / 2))
    const second = await take(store, [topic], cluster, () => at + (hour * 3) / 4)
    expect(second.manifest.outOfTime).toEqual([1])
    const third = await take(store, [topic], cluster, () => at + 2 * hour)
    expect(third.manifest.outOfTime).toEqual([1])
    const point = { kind: 'time', timestampMs: at + (hour * 5) / 8 } as const
    expect(await restored(store, topic, { point })).toEqual(['before', 'within the hour'])
    expect(await restored(store, topic, { point: { kind: 'number', number: 1 } })).toEqual(['before'])
  })

  it('a topic is deleted has what it had before, and the others', async () => {
    const [topic, other] = [await newTopic('a', 'b'), await newTopic('c')]
    const store = memoryStore()
    await take(store, [topic, other])
    await produceBatches(cluster, topic, 0, record('d'))
    await produceBatches(cluster, other, 0, record('e'))
    const { problems, manifest } = await take(
      store,
      [topic, other],
      meanwhile(() => cluster.deleteTopics([topic])),
    )
    expect(problems).toEqual([])
    expect(manifest.topics.find(({ name }) => name === topic)!.partitions[0]).toMatchObject({ end: 2n, records: 2n })
    expect((await verifyBackup(store, clusterId)).findings).toEqual([])
    expect(await restored(store, topic)).toEqual(['a', 'b'])
    expect(await restored(store, other)).toEqual(['c', 'e'])
    const third = await take(store, [topic, other])
    expect(third.manifest.topics.map(({ name }) => name)).toEqual([other])
    expect(await restored(store, topic, { point: { kind: 'number', number: 2 } })).toEqual(['a', 'b'])
  })

  it('a topic is created again does not mix the two', async () => {
    const topic = await newTopic('old 1', 'old 2')
    const store = memoryStore()
    await take(store, [topic])
    await produceBatches(cluster, topic, 0, record('old 3'))
    const recreate = async (): Promise<void> => {
      await cluster.deleteTopics([topic])
      await cluster.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }])
      await produceBatches(cluster, topic, 0, ...['new 1', 'new 2', 'new 3', 'new 4'].map((value) => record(value)))
    }
    const second = await take(store, [topic], meanwhile(recreate))
    expect(second.problems).toEqual([])
    expect(await restored(store, topic)).toEqual(['old 1', 'old 2'])
    await take(store, [topic])
    expect((await verifyBackup(store, clusterId)).findings).toEqual([])
    expect(await restored(store, topic)).toEqual(['new 1', 'new 2', 'new 3', 'new 4'])
  })

  it('a topic is created again before its ends are read is not taken for one whose log was cut', async () => {
    const topic = await newTopic('old 1', 'old 2')
    const store = memoryStore()
    await take(store, [topic])
    let isChanged = false
    const changing: Cluster = {
      ...cluster,
      async partitionBounds(places) {
        if (!isChanged) {
          await cluster.deleteTopics([topic])
          await cluster.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }])
        }
        isChanged = true
        return cluster.partitionBounds(places)
      },
    }
    const { problems, manifest } = await take(store, [topic], changing)
    expect({ problems, topics: manifest.topics }).toEqual({ problems: [], topics: [] })
    await produceBatches(cluster, topic, 0, record('new'))
    await take(store, [topic])
    expect(await restored(store, topic)).toEqual(['new'])
    expect(await restored(store, topic, { point: { kind: 'number', number: 1 } })).toEqual(['old 1', 'old 2'])
  })

  it('a topic grows has what was there at its beginning, and the next one the rest', async () => {
    const topic = await newTopic('a')
    const store = memoryStore()
    const grow = async (): Promise<void> => {
      await produceBatches(cluster, topic, 0, record('b'), record('c'))
      await cluster.createPartitions([{ topic, partitions: 2 }])
    }
    await take(store, [topic], meanwhile(grow))
    expect(await restored(store, topic)).toEqual(['a'])
    const { manifest } = await take(store, [topic])
    expect(manifest.topics[0]!.partitions.map(({ records }) => records)).toEqual([3n, 0n])
    expect(await restored(store, topic)).toEqual(['a', 'b', 'c'])
  })

  it('records expire has a gap where they were', async () => {
    const topic = await newTopic('a', 'b', 'c', 'd')
    const store = memoryStore()
    const expire = () => cluster.deleteRecords([{ topic, partition: 0, offset: 2n }])
    const { manifest, problems } = await take(store, [topic], meanwhile(expire))
    expect(problems).toEqual([])
    expect(manifest.topics[0]!.partitions[0]).toMatchObject({ start: 0n, end: 4n, gaps: [{ from: 0n, to: 2n }] })
    expect((await verifyBackup(store, clusterId)).findings).toEqual([])
    expect(await restored(store, topic)).toEqual(['c', 'd'])
  })
})

// What a backup has of groups beside their offsets, and what a restore does to groups that are there.
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import type { RecordInput } from '@selfmonitor/protocol/records'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { readState } from './format/manifests.ts'
import { planRestore, type RestoreRequest } from './restore/plan.ts'
import { type RestoreOptions, runRestore } from './restore/run.ts'
import { takeBackup } from './take/take.ts'
import { type MemoryStore, memoryStore } from './test-support/memory-store.ts'
import { produceBatches } from './test-support/records.ts'

describeEngines('groups in a backup', (engine) => {
  const run = Date.now().toString(36)
  let cluster: Cluster
  let clusterId: string
  let topics = 0
  beforeAll(async () => {
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
    clusterId = (await cluster.info()).clusterId
  })
  afterAll(async () => cluster.close())

  async function newTopic(): Promise<string> {
    const name = `groups-${run}-${topics++}`
    await cluster.createTopics([{ name, partitions: 1, replicationFactor: 1 }])
    const record = (value: string): RecordInput[] => [{ value: Buffer.from(value), timestamp: BigInt(Date.now()) }]
    await produceBatches(cluster, name, 0, record('a'), record('b'), record('c'), record('d'))
    return name
  }

  async function take(store: MemoryStore, topic: string) {
    const { manifest } = await takeBackup(cluster, store, { tool: 'test', include: (name) => name === topic })
    return readState(store, manifest)
  }

  async function restore(store: MemoryStore, to: string, resume = false, options: RestoreOptions = {}) {
    const point = { kind: 'latest' } as const
    const request: RestoreRequest = { point, nameOf: () => to, includeGroup: () => true, resume }
    return runRestore(cluster, await planRestore(store, clusterId, cluster, request, Date.now()), options)
  }

  async function placesOf(groupId: string, topic: string) {
    const { groups } = await cluster.surveyGroups({ include: (id) => id === groupId })
    const [read] = await cluster.groupOffsets(groups)
    return (read?.offsets ?? []).filter((one) => one.topic === topic)
  }

  it('have what they committed beside their offsets', async () => {
    const topic = await newTopic()
    const store = memoryStore()
    const groupId = `${topic}-group`
    const metadata = 'Grüße: {"at":3}'
    await cluster.commitOffsets(groupId, [{ topic, partition: 0, to: 3n, metadata }])
    const { groups } = await take(store, topic)
    expect(groups!.find((group) => group.groupId === groupId)!.offsets).toMatchObject([{ next: 3n, metadata }])
    const { isComplete } = await restore(store, `${topic}.restored`)
    expect(isComplete).toBe(true)
    expect(await placesOf(groupId, `${topic}.restored`)).toMatchObject([{ offset: 3n, metadata }])
  })

  it('keep their places until these are written down', async () => {
    const topic = await newTopic()
    const [store, to, groupId] = [memoryStore(), `${topic}.restored`, `${topic}-group`]
    await cluster.commitOffsets(groupId, [{ topic, partition: 0, to: 3n }])
    await take(store, topic)
    const kept: unknown[] = []
    const keepPositions: RestoreOptions['keepPositions'] = async (overwritten) => {
      kept.push(...overwritten)
      expect(await placesOf(groupId, to)).toMatchObject([{ offset: 1n }])
      throw new Error('the disk is full')
    }
    await restore(store, to, false, { keepPositions })
    expect(kept).toEqual([])
    await cluster.commitOffsets(groupId, [{ topic: to, partition: 0, to: 1n }])
    await expect(restore(store, to, true, { keepPositions })).rejects.toThrow('the disk is full')
    expect(kept).toEqual([{ groupId, topic: to, partition: 0, offset: 1n }])
    expect(await placesOf(groupId, to)).toMatchObject([{ offset: 1n }])
    const { positions } = await restore(store, to, true)
    expect(positions).toMatchObject([{ before: 1n, position: 3n, problem: null }])
    expect(await placesOf(groupId, to)).toMatchObject([{ offset: 3n }])
  })

  if (engine.name === 'apache') {
    it('that share have the offsets at which they start', async () => {
      const topic = await newTopic()
      const [store, to, groupId] = [memoryStore(), `${topic}.restored`, `${topic}-share`]
      await cluster.setShareGroupStarts(groupId, [{ topic, partition: 0, to: 2n }])
      await expect.poll(() => placesOf(groupId, topic)).toMatchObject([{ offset: 2n }])
      const { groups } = await take(store, topic)
      expect(groups!.find((group) => group.groupId === groupId)).toMatchObject({
        type: 'share',
        offsets: [{ next: 2n }],
      })
      const { isComplete, positions } = await restore(store, to)
      expect(positions).toMatchObject([{ groupId, type: 'share', position: 2n, unread: 2n, problem: null }])
      expect(isComplete).toBe(true)
      expect(await placesOf(groupId, to)).toMatchObject([{ offset: 2n }])
    })
  }
})

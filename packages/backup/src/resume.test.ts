// Restores that are killed on the way, with batches that were sent and not answered; and what only the largest batches show.
import type { BatchAppender, Cluster } from '@selfmonitor/cluster'
import { connectCluster } from '@selfmonitor/cluster'
import { encodeBatch, type RecordInput } from '@selfmonitor/protocol/records'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { planRestore, type RestoreRequest } from './restore/plan.ts'
import { runRestore } from './restore/run.ts'
import { takeBackup } from './take/take.ts'
import { memoryStore } from './test-support/memory-store.ts'
import { produceBatches, readRecords } from './test-support/records.ts'

type Append = BatchAppender['append']

/** One after the other, in the order of the calls. */
function inTurn(append: Append): Append {
  let last: Promise<unknown> = Promise.resolve()
  return (...call) => {
    const next = last.then(() => append(...call))
    last = next
    return next
  }
}

describeEngines('a restore that was interrupted', (engine) => {
  const now = Date.now()
  let cluster: Cluster
  let clusterId: string
  let topics = 0
  beforeAll(async () => {
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
    clusterId = (await cluster.info()).clusterId
  })
  afterAll(async () => cluster.close())

  async function newTopic(): Promise<string> {
    const name = `resume-${now.toString(36)}-${topics++}`
    await cluster.createTopics([{ name, partitions: 1, replicationFactor: 1 }])
    return name
  }

  const text = (value: string): RecordInput => ({ value: Buffer.from(value), timestamp: BigInt(now) })

  it.each([1, 10])(
    'appends once what a killed process had sent when %i batches were there, whether it comes first or late',
    async (before) => {
      const topic = await newTopic()
      const store = memoryStore()
      await produceBatches(cluster, topic, 0, ...Array.from({ length: 20 }, (_, at) => [text(`${at}`)]))
      await takeBackup(cluster, store, { tool: 'test', include: (name) => name === topic, segmentBytes: 2_000 })
      const to = `${topic}.killed`
      const request: RestoreRequest = {
        point: { kind: 'latest' },
        nameOf: () => to,
        includeGroup: () => false,
        resume: false,
      }
      const sent: Buffer[] = []
      const dying: Cluster = {
        ...cluster,
        async appendBatches() {
          const appender = await cluster.appendBatches()
          let appended = 0
          const append = inTurn(async (name: string, partition: number, batch: Buffer) => {
            if (appended++ < before) return appender.append(name, partition, batch)
            sent.push(Buffer.from(batch))
            if (sent.length === 2) throw new Error('killed')
            return null
          })
          return { ...appender, append }
        },
      }
      const plan = await planRestore(store, clusterId, dying, request, now)
      await expect(runRestore(dying, plan)).rejects.toThrow('killed')

      // What was on its way arrives before the first batch of the next process, and some once more behind it.
      const late = await cluster.appendBatches()
      const resuming: Cluster = {
        ...cluster,
        async appendBatches() {
          const appender = await cluster.appendBatches()
          let appended = 0
          const append = inTurn(async (name: string, partition: number, batch: Buffer) => {
            if (appended++ === 0) for (const one of sent.slice(0, 2)) await late.append(to, 0, one)
            const offset = await appender.append(name, partition, batch)
            if (appended === 5) await late.append(to, 0, sent[0]!).catch(() => {})
            return offset
          })
          return { ...appender, append }
        },
      }
      const again = await planRestore(store, clusterId, resuming, { ...request, resume: true }, now)
      const { isComplete, partitions } = await runRestore(resuming, again)
      await late.close()
      expect({ isComplete, resumedAt: partitions[0]!.resumedAt }).toEqual({
        isComplete: true,
        resumedAt: BigInt(before),
      })
      expect(await readRecords(cluster, to, 0)).toEqual(await readRecords(cluster, topic, 0))
    },
  )

  it('ends when another process appends to a topic that it restores', async () => {
    const topic = await newTopic()
    const store = memoryStore()
    await produceBatches(cluster, topic, 0, [text('a')], [text('b')], [text('c')])
    await takeBackup(cluster, store, { tool: 'test', include: (name) => name === topic, segmentBytes: 2_000 })
    const to = `${topic}.shared`
    const shared: Cluster = {
      ...cluster,
      async appendBatches() {
        const appender = await cluster.appendBatches()
        let appended = 0
        const append = inTurn(async (name: string, partition: number, batch: Buffer) => {
          if (appended++ === 1) await produceBatches(cluster, to, 0, [text('of another')])
          return appender.append(name, partition, batch)
        })
        return { ...appender, append }
      },
    }
    const point = { kind: 'latest' } as const
    const request: RestoreRequest = { point, nameOf: () => to, includeGroup: () => false, resume: false }
    const plan = await planRestore(store, clusterId, shared, request, now)
    await expect(runRestore(shared, plan)).rejects.toMatchObject({ code: 'NOT_EQUAL' })
  })

  if (engine.name === 'apache')
    it('brings back a batch that decompresses to more than 128 MiB', async () => {
      const topic = await newTopic()
      const store = memoryStore()
      const value = Buffer.alloc(1024 * 1024)
      const records = Array.from({ length: 130 }, () => ({ value, timestamp: BigInt(now) }))
      const identity = { ...(await cluster.initProducer()), baseSequence: 0 }
      const appender = await cluster.appendBatches()
      await appender.append(topic, 0, encodeBatch(records, { ...identity, compression: 'zstd' }))
      await appender.close()
      await takeBackup(cluster, store, { tool: 'test', include: (name) => name === topic })
      const request = {
        point: { kind: 'latest' },
        nameOf: () => `${topic}.large`,
        includeGroup: null,
        resume: false,
      } as const
      const plan = await planRestore(store, clusterId, cluster, request, now)
      const { isComplete, partitions } = await runRestore(cluster, plan)
      expect({ isComplete, records: partitions[0]!.records }).toEqual({ isComplete: true, records: 130n })
    })
})

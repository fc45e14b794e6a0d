// Random histories of a topic and its groups: whatever happened, a group that goes on in the restored topic gets every event that it had
// not handled and that a backup saw, each once, in order.
import { connectCluster } from '@selfmonitor/cluster'
import { encodeBatch } from '@selfmonitor/protocol/records'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { planRestore } from './restore/plan.ts'
import { runRestore } from './restore/run.ts'
import { takeBackup } from './take/take.ts'
import { memoryStore } from './test-support/memory-store.ts'
import { verifyBackup } from './verify.ts'

type Step =
  | { readonly kind: 'produce'; readonly partition: number; readonly records: number; readonly compressed: boolean }
  /** A group commits a place: a share of what the log has, in per cent. */
  | { readonly kind: 'commit'; readonly group: number; readonly partition: number; readonly percent: number }
  | { readonly kind: 'delete records'; readonly partition: number; readonly percent: number }
  | { readonly kind: 'recreate' }
  | { readonly kind: 'backup'; readonly segmentBytes: number }

const partition = fc.integer({ min: 0, max: 1 })
const percent = fc.integer({ min: 0, max: 100 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('produce' as const),
      partition,
      records: fc.integer({ min: 1, max: 5 }),
      compressed: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      group: fc.integer({ min: 0, max: 1 }),
      partition,
      percent,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete records' as const), partition, percent }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('recreate' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('backup' as const), segmentBytes: fc.constantFrom(1, 300, 100_000) }),
  },
)

/** What there is of one partition. */
interface Partition {
  start: number
  end: number
  readonly values: Map<number, string>
  readonly backedUp: Map<number, string>
  readonly committed: Map<number, number>
}

const newPartition = (): Partition => ({
  start: 0,
  end: 0,
  values: new Map(),
  backedUp: new Map(),
  committed: new Map(),
})

describeEngines('any history', (engine) => {
  let histories = 0
  const names = `histories-${Date.now().toString(36)}`

  async function check(steps: readonly Step[]): Promise<void> {
    const cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
    const topic = `${names}-${histories++}`
    const groupId = (group: number): string => `${topic}-${group}`
    const store = memoryStore()
    let model = [newPartition(), newPartition()]
    let produced = 0
    const create = () => cluster.createTopics([{ name: topic, partitions: 2, replicationFactor: 1 }])
    const backUp = async (segmentBytes: number): Promise<void> => {
      await takeBackup(cluster, store, { tool: 'test', include: (name) => name === topic, segmentBytes })
      for (const one of model) {
        for (let offset = one.start; offset < one.end; offset++) one.backedUp.set(offset, one.values.get(offset)!)
      }
    }
    const run: { readonly [Kind in Step['kind']]: (step: Extract<Step, { kind: Kind }>) => Promise<void> } = {
      async produce({ partition: at, records, compressed }) {
        const one = model[at]!
        const values = Array.from({ length: records }, () => `v${produced++}`)
        const identity = await cluster.initProducer()
        const appender = await cluster.appendBatches()
        const inputs = values.map((value) => ({ value: Buffer.from(value), timestamp: BigInt(Date.now()) }))
        const compression = compressed ? 'zstd' : 'none'
        await appender.append(topic, at, encodeBatch(inputs, { ...identity, baseSequence: 0, compression }))
        await appender.close()
        for (const value of values) one.values.set(one.end++, value)
      },
      async commit({ group, partition: at, percent: share }) {
        const one = model[at]!
        const to = one.start + Math.floor(((one.end - one.start) * share) / 100)
        await cluster.commitOffsets(groupId(group), [{ topic, partition: at, to: BigInt(to) }])
        one.committed.set(group, to)
      },
      async 'delete records'({ partition: at, percent: share }) {
        const one = model[at]!
        one.start += Math.floor(((one.end - one.start) * share) / 100)
        await cluster.deleteRecords([{ topic, partition: at, offset: BigInt(one.start) }])
      },
      async recreate() {
        await cluster.deleteTopics([topic])
        await create()
        // A change is sent once, and for a moment a broker of the new topic does not know that it leads it.
        for (const at of [0, 1]) {
          await expect
            .poll(() => cluster.deleteRecords([{ topic, partition: at, offset: 0n }]).then(() => 'leads', String))
            .toBe('leads')
        }
        model = [newPartition(), newPartition()]
      },
      backup: ({ segmentBytes }) => backUp(segmentBytes),
    }
    await create()
    for (const one of steps) await run[one.kind](one as never)
    await backUp(100_000)

    const { clusterId } = await cluster.info()
    expect((await verifyBackup(store, clusterId)).findings).toEqual([])
    const to = `${topic}.restored`
    const request = { point: { kind: 'latest' }, nameOf: () => to, includeGroup: () => true, resume: false } as const
    const restored = await runRestore(cluster, await planRestore(store, clusterId, cluster, request, Date.now()))
    expect(restored.isComplete).toBe(true)

    for (const [at, one] of model.entries()) {
      const values: string[] = []
      const [end] = await cluster.listOffsets([{ topic: to, partition: at }], 'latest')
      for await (const event of cluster.read([{ topic: to, partition: at, next: 0n, end: end!.offset! }])) {
        if (event.kind === 'records') values.push(...event.records.map(({ value }) => String(value)))
      }
      const inOrder = [...one.backedUp].sort(([a], [b]) => a - b)
      expect(values).toEqual(inOrder.map(([, value]) => value))
      for (const [group, committed] of one.committed) {
        const lag = (await cluster.groupLag(groupId(group))).find(
          (found) => found.topic === to && found.partition === at,
        )
        const unhandled = inOrder.filter(([offset]) => offset >= committed).map(([, value]) => value)
        expect(values.slice(Number(lag!.committedOffset))).toEqual(unhandled)
      }
    }
    await cluster.deleteTopics([topic, to])
    await cluster.close()
  }

  it('is brought back', { timeout: 120_000 }, async () => {
    const numRuns = engine.name === 'embedded' ? 30 : 4
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), check), { numRuns })
  })
})

// A log that was cut and has grown again, as a broker tells it: by the epochs of its leaders (KIP-320, KIP-595).
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApacheCluster, startApache } from '@selfmonitor/apache'
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import { encodeBatch } from '@selfmonitor/protocol/records'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { freePorts } from '../../../test/support/ports.ts'
import { takeBackup } from './take/take.ts'
import { memoryStore } from './test-support/memory-store.ts'

describe.skipIf('missing' in inject('apache'))(
  'a log with another history than the backup',
  { timeout: 120_000 },
  () => {
    let kafka: ApacheCluster
    let cluster: Cluster
    let dataDir: string
    beforeAll(async () => {
      dataDir = await mkdtemp(join(tmpdir(), 'cut-log-'))
      const [port] = await freePorts(1)
      kafka = await startApache({ dataDir, port: port!, heapMb: 256 })
      cluster = connectCluster({ bootstrapServers: kafka.bootstrapServers })
    }, 120_000)
    afterAll(async () => {
      await cluster?.close()
      await kafka?.close()
      await rm(dataDir, { recursive: true, force: true })
    })

    async function produce(topic: string, ...values: string[]): Promise<void> {
      const identity = await cluster.initProducer()
      const appender = await cluster.appendBatches()
      for (const [baseSequence, value] of values.entries()) {
        const record = { value: Buffer.from(value), timestamp: BigInt(Date.now()) }
        await appender.append(topic, 0, encodeBatch([record], { ...identity, baseSequence }))
      }
      await appender.close()
    }

    it('is found, also where it has more records again', async () => {
      const topic = 'orders'
      await cluster.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }])
      await produce(topic, 'a', 'b')
      // A restart gives the partition a new leader epoch; one between the two has no record.
      const { nodeId } = kafka.nodes[0]!
      await kafka.stopNode(nodeId)
      await kafka.startNode(nodeId)
      await produce(topic, 'c', 'd')
      const epochs: number[] = []
      for await (const event of cluster.readBatches([{ topic, partition: 0, next: 0n, end: 4n }])) {
        if (event.kind === 'batches') epochs.push(...event.batches.map(({ header }) => header.partitionLeaderEpoch))
      }
      const [older, newer] = [epochs[1]!, epochs[2]!]
      expect(newer).toBeGreaterThan(older + 1)

      const store = memoryStore()
      const take = (of: Cluster) => takeBackup(of, store, { tool: 'test', include: (name) => name === topic })
      // The first backup saw the log of a leader between them, whose third record is lost.
      const lost: Cluster = {
        ...cluster,
        partitionBounds: async (places) =>
          (await cluster.partitionBounds(places)).map((one) => ({ ...one, lastStable: 3n, end: 3n })),
        async *readBatches(ranges, options) {
          for await (const event of cluster.readBatches(ranges, options)) {
            yield event.kind === 'batches' ? { ...event, leaderEpoch: older + 1 } : event
          }
        },
      }
      expect((await take(lost)).problems).toEqual([])
      const second = await take(cluster)
      expect(second.problems).toEqual([
        {
          part: `topic ${topic} partition 0`,
          code: 'LOG_CUT',
          message: expect.stringContaining('another history, at offset 2'),
        },
      ])
      expect(second.added.records).toBe(0n)
      expect(second.manifest.topics[0]!.partitions[0]).toMatchObject({ end: 3n, records: 3n, leaderEpoch: older + 1 })
    })
  },
)

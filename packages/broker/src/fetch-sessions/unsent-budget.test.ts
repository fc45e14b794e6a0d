import { encodeBatch } from '@selfmonitor/protocol'
import { describe, expect, it } from 'vitest'
import { startBroker } from '../start-broker.ts'
import { type RawClient, rawClient, requestBytes } from '../test-support/raw-client.ts'
import { createUnsentBudget } from './unsent-budget.ts'

const mib = 1024 * 1024

describe('the budget of unsent answers', () => {
  it('grants what is left, and counts what is held beyond it', () => {
    const budget = createUnsentBudget(100)
    expect(budget.reserve(70)).toBe(70)
    expect(budget.reserve(70)).toBe(30)
    expect(budget.reserve(1)).toBe(0)
    budget.hold(10)
    budget.free(30)
    expect(budget.reserve(50)).toBe(20)
    budget.free(20 + 70 + 10)
    expect(budget.reserve(100)).toBe(100)
  })
})

describe('clients that fetch much and read nothing', () => {
  it('get what all may hold together and no more; once they have read, each gets all again', {
    timeout: 60_000,
  }, async () => {
    const batches = 48
    const broker = await startBroker({ config: { 'num.partitions': '1' } })
    const fetch = {
      ...{
        replicaId: -1,
        maxWaitMs: 100,
        minBytes: 1,
        maxBytes: 64 * mib,
        isolationLevel: 0,
        sessionId: 0,
        sessionEpoch: -1,
      },
      topics: [{ topic: 'large', partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 64 * mib }] }],
    }
    const clients: RawClient[] = []
    const connect = async () => {
      const client = await rawClient(broker.bootstrapServers)
      clients.push(client)
      return client
    }
    try {
      const reader = await connect()
      await reader.call('Metadata', 4, { topics: [{ name: 'large' }], allowAutoTopicCreation: true })
      const records = Buffer.from(
        encodeBatch([{ timestamp: BigInt(Date.now()), value: Buffer.alloc(mib - 1000, 'x') }]),
      )
      for (let i = 0; i < batches; i += 1) {
        const { responses } = await reader.call('Produce', 7, {
          acks: -1,
          timeoutMs: 30_000,
          topicData: [{ name: 'large', partitionData: [{ index: 0, records: Buffer.from(records) }] }],
        })
        expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(0)
      }
      const fetchedBatches = async () => {
        const { responses } = await reader.call('Fetch', 11, fetch)
        return Math.round((responses[0]!.partitions[0]!.records as Buffer).length / mib)
      }
      expect(await fetchedBatches()).toBe(batches)

      const greedy = await Promise.all(Array.from({ length: 10 }, connect))
      broker.requests.clear()
      for (const client of greedy) {
        client.socket.pause()
        client.send(requestBytes('Fetch', 11, 1, fetch))
      }
      // What each gets is decided when its request is begun.
      while (broker.requests.list().length < greedy.length) await new Promise((done) => setImmediate(done))
      const sizes = []
      for (const client of greedy) {
        client.socket.resume()
        sizes.push((await client.nextFrame()).length)
      }
      const total = sizes.reduce((sum, size) => sum + size, 0)
      expect(total).toBeGreaterThan(200 * mib)
      expect(total).toBeLessThan((256 + greedy.length) * mib)
      expect(await fetchedBatches()).toBe(batches)
    } finally {
      for (const client of clients) client.close()
      await broker.close()
    }
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, startBroker } from '../index.ts'
import { rawClient } from '../test-support/raw-client.ts'
import { createSharedAnswers } from './shared-answers.ts'

describe('an answer for many clients', () => {
  const encode = (size: number, log: number[]) => () => {
    log.push(size)
    return [Buffer.alloc(size)]
  }

  it('is encoded once for each state and kind', async () => {
    const answers = createSharedAnswers()
    const [before, after] = [{}, {}]
    const encoded: number[] = []
    const first = await answers.answer(before, 'v12', encode(10, encoded))
    expect(await answers.answer(before, 'v12', encode(10, encoded))).toBe(first)
    await answers.answer(before, 'v9', encode(20, encoded))
    await answers.answer(after, 'v12', encode(30, encoded))
    expect(encoded).toEqual([10, 20, 30])
  })

  it('leaves with a turn of the event loop before the next one, when it is large', async () => {
    const answers = createSharedAnswers()
    const state = {}
    const order: string[] = []
    const ask = (name: string) =>
      answers.answer(state, 'v12', () => [Buffer.alloc(100_000)]).then(() => order.push(name))
    const all = [ask('first'), ask('second'), ask('third')]
    const other = new Promise<void>((resolve) =>
      setImmediate(() => setImmediate(() => resolve(void order.push('another request')))),
    )
    await Promise.all([...all, other])
    expect(order.indexOf('another request')).toBeLessThan(order.indexOf('third'))
    expect(order.filter((name) => name !== 'another request')).toEqual(['first', 'second', 'third'])
  })
})

describe('Metadata of all topics', () => {
  let broker: Broker
  beforeAll(async () => {
    broker = await startBroker()
  })
  afterAll(() => broker?.close())

  it('shows every change at once, in every version', async () => {
    const client = await rawClient(broker.bootstrapServers)
    const names = async (version: number) => {
      const { topics } = await client.call('Metadata', version, { topics: version === 0 ? [] : null })
      return topics.map(({ name, partitions }) => `${name} ${partitions.length}`)
    }
    const create = (name: string) =>
      client.call('CreateTopics', 7, { topics: [{ name, numPartitions: 2, replicationFactor: 1 }], timeoutMs: 5000 })
    for (let version = 0; version <= 13; version++) expect(await names(version)).toEqual([])
    await create('a')
    for (let version = 0; version <= 13; version++) expect(await names(version)).toEqual(['a 2'])
    await client.call('CreatePartitions', 3, { topics: [{ name: 'a', count: 3, assignments: null }], timeoutMs: 5000 })
    await create('b')
    expect(await names(12)).toEqual(['a 3', 'b 2'])
    await client.call('DeleteTopics', 6, { topics: [{ name: 'a' }], timeoutMs: 5000 })
    expect([await names(0), await names(13)]).toEqual([['b 2'], ['b 2']])
    client.close()
  })
})

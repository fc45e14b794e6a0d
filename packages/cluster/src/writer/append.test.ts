// Batches are copied from one topic to another, as a restore does, on both engines.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBroker } from '@selfmonitor/broker'
import { encodeBatch, patchProducer } from '@selfmonitor/protocol/records'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { connectCluster } from '../cluster.ts'
import type { Cluster } from '../types.ts'
import type { ProducerIdentity } from '../write-types.ts'

const timestamp = BigInt(Date.now())

function batchOf(identity: ProducerIdentity, baseSequence: number, values: readonly string[]): Buffer {
  const records = values.map((value) => ({ value: Buffer.from(value), timestamp }))
  return encodeBatch(records, { ...identity, baseSequence })
}

async function valuesOf(cluster: Cluster, topic: string): Promise<string[]> {
  const [end] = await cluster.listOffsets([{ topic, partition: 0 }], 'latest')
  const values: string[] = []
  for await (const event of cluster.read([{ topic, partition: 0, next: 0n, end: end!.offset! }])) {
    if (event.kind === 'records') values.push(...event.records.map(({ value }) => String(value)))
  }
  return values
}

describeEngines('appending batches', (engine) => {
  const run = Date.now().toString(36)
  let cluster: Cluster
  let topics = 0
  beforeAll(() => {
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
  })
  afterAll(async () => cluster.close())

  async function newTopic(config: Record<string, string> = {}): Promise<string> {
    const name = `append-${run}-${topics++}`
    await cluster.createTopics([{ name, partitions: 1, replicationFactor: 1, config }])
    return name
  }

  it('keeps their order, and appends one that is sent twice once', async () => {
    const topic = await newTopic()
    const identity = await cluster.initProducer()
    const appender = await cluster.appendBatches()
    onTestFinished(() => appender.close())
    const numbers = Array.from({ length: 300 }, (_, index) => index)
    const offsets = await Promise.all(
      numbers.map((index) => appender.append(topic, 0, batchOf(identity, 2 * index, [`${index}a`, `${index}b`]))),
    )
    expect(offsets).toEqual(numbers.map((index) => BigInt(2 * index)))
    // As after a crash: the same producer, and batches of which it is not known whether they were appended.
    const again = await cluster.appendBatches()
    onTestFinished(() => again.close())
    await again.append(topic, 0, batchOf(identity, 598, ['299a', '299b']))
    await again.append(topic, 0, batchOf(identity, 600, ['300a']))
    expect(await valuesOf(cluster, topic)).toEqual([...numbers.flatMap((index) => [`${index}a`, `${index}b`]), '300a'])
  })

  it('copies batches of another log without touching their records', async () => {
    const [from, to] = [await newTopic(), await newTopic()]
    const identity = await cluster.initProducer()
    const appender = await cluster.appendBatches()
    onTestFinished(() => appender.close())
    const types = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
    for (const [index, compression] of types.entries()) {
      const records = [
        { key: null, value: Buffer.from(compression.repeat(500)), timestamp, headers: [{ key: 'a', value: null }] },
        { key: Buffer.alloc(0), value: null, timestamp: timestamp - 5n },
      ]
      await appender.append(from, 0, encodeBatch(records, { ...identity, baseSequence: 2 * index, compression }))
    }
    const batches = async (topic: string): Promise<Buffer[]> => {
      const found: Buffer[] = []
      for await (const event of cluster.readBatches([{ topic, partition: 0, next: 0n, end: 10n }])) {
        if (event.kind === 'batches') found.push(...event.batches.map(({ bytes }) => Buffer.from(bytes)))
      }
      return found
    }
    const originals = await batches(from)
    const other = await cluster.initProducer()
    for (const [index, batch] of originals.entries()) {
      const copy = Buffer.from(batch)
      patchProducer(copy, { ...other, baseSequence: 2 * index })
      await appender.append(to, 0, copy)
    }
    const recordsOf = (all: readonly Buffer[]): Buffer[] => all.map((batch) => batch.subarray(61))
    expect(recordsOf(await batches(to))).toEqual(recordsOf(originals))
    expect(originals).toHaveLength(types.length)
  })

  it('says what the broker refused, and refuses what is behind it', async () => {
    const topic = await newTopic({ 'max.message.bytes': '1000' })
    const identity = await cluster.initProducer()
    const appender = await cluster.appendBatches()
    onTestFinished(() => appender.close())
    const results = await Promise.allSettled([
      appender.append(topic, 0, batchOf(identity, 0, ['fits'])),
      appender.append(topic, 0, batchOf(identity, 1, ['x'.repeat(2000)])),
      appender.append(topic, 0, batchOf(identity, 2, ['behind it'])),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(results[1]).toMatchObject({ reason: { code: 'MESSAGE_TOO_LARGE', resource: `topic ${topic} partition 0` } })
    expect(await valuesOf(cluster, topic)).toEqual(['fits'])
  })

  it('says that sequence numbers are missing, instead of appending with a hole', async () => {
    const topic = await newTopic()
    const identity = await cluster.initProducer()
    const appender = await cluster.appendBatches()
    onTestFinished(() => appender.close())
    await appender.append(topic, 0, batchOf(identity, 0, ['a']))
    await expect(appender.append(topic, 0, batchOf(identity, 7, ['b']))).rejects.toMatchObject({
      code: 'OUT_OF_ORDER_SEQUENCE_NUMBER',
    })
  })
})

describe('a batch that is refused', () => {
  it('is certainly not written, unless an earlier sending of it has no answer', async () => {
    const broker = await startBroker()
    const cluster = connectCluster({ bootstrapServers: broker.bootstrapServers })
    onTestFinished(async () => {
      await cluster.close()
      await broker.close()
    })
    await cluster.createTopics([{ name: 't', partitions: 1, replicationFactor: 1 }])
    const refused = async (): Promise<unknown> => {
      const appender = await cluster.appendBatches()
      const batch = batchOf(await cluster.initProducer(), 0, ['a'])
      return await appender
        .append('t', 0, batch)
        .catch((error: unknown) => error)
        .finally(() => appender.close())
    }
    const refusal = { api: 'Produce', topic: 't', action: { error: 'TOPIC_AUTHORIZATION_FAILED' } } as const
    broker.faults.add(refusal)
    expect(await refused()).toMatchObject({ code: 'TOPIC_AUTHORIZATION_FAILED', isUnwritten: true })
    broker.faults.clear()
    broker.faults.add({ ...refusal, nth: 1, action: { close: true } })
    broker.faults.add({ ...refusal, nth: 2 })
    expect(await refused()).toMatchObject({ code: 'TOPIC_AUTHORIZATION_FAILED', isUnwritten: false })
  })
})

describe('a broker that is stopped while batches are appended', () => {
  it('gets each of them once when it is there again', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'append-'))
    let broker = await startBroker({ dataDir })
    const { port } = new URL(`kafka://${broker.bootstrapServers}`)
    const cluster = connectCluster({ bootstrapServers: broker.bootstrapServers })
    await cluster.createTopics([{ name: 't', partitions: 1, replicationFactor: 1 }])
    const identity = await cluster.initProducer()
    const appender = await cluster.appendBatches()
    onTestFinished(async () => {
      await appender.close()
      await cluster.close()
      await broker.close()
      rmSync(dataDir, { recursive: true })
    })
    const values: string[] = []
    for (let round = 0; round < 3; round++) {
      const sent = Array.from({ length: 40 }, (_, index) => {
        const value = `${round}-${index}`
        values.push(value)
        return appender.append('t', 0, batchOf(identity, values.length - 1, [value]))
      })
      await sent[3]
      await broker.close()
      broker = await startBroker({ dataDir, port: Number(port) })
      await Promise.all(sent)
    }
    expect(await valuesOf(cluster, 't')).toEqual(values)
  })
})

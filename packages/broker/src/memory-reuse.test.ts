// Memory for requests and answers is used again (buffer-pool.ts): what one client is sent must never be what another one
// sent or reads meanwhile.
import { decodeRecords, decodeResponse, encodeBatch, iterateBatches } from '@selfmonitor/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { startBroker } from './start-broker.ts'
import { type RawClient, rawClient, requestBytes } from './test-support/raw-client.ts'
import type { Broker } from './types.ts'

const valueBytes = 200_000
const batches = 60

describe('memory that is used again', () => {
  let broker: Broker
  const clients: RawClient[] = []
  async function connect(): Promise<RawClient> {
    const client = await rawClient(broker.bootstrapServers)
    clients.push(client)
    return client
  }
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close()
    await broker.close()
  })

  const produceBody = (name: string, fill: number) => {
    const value = Buffer.alloc(valueBytes, fill)
    const records = encodeBatch([{ key: null, value, timestamp: BigInt(Date.now()) }])
    return { acks: -1, timeoutMs: 10_000, topicData: [{ name, partitionData: [{ index: 0, records }] }] }
  }
  const fetchBody = (topic: string, fetchOffset: bigint) => ({
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 50_000_000,
    topics: [{ topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 50_000_000 }] }],
  })
  /** Offset and the one byte that each value consists of. */
  function contentOf(frame: Buffer): [bigint, number | 'mixed'][] {
    const records = decodeResponse('Fetch', 11, frame).body.responses[0]!.partitions[0]!.records!
    return [...iterateBatches(records)].flatMap(({ position }) =>
      [...decodeRecords(records, position)].map(({ offset, value }): [bigint, number | 'mixed'] => [
        offset,
        value!.equals(Buffer.alloc(valueBytes, value![0])) ? value![0]! : 'mixed',
      ]),
    )
  }

  it('sends a slow consumer what it asked for, whatever others write and read before it takes its answer', async () => {
    broker = await startBroker()
    const busy = await connect()
    const topics = ['slow', 'busy'].map((name) => ({ name, numPartitions: 1, replicationFactor: 1 }))
    await busy.call('CreateTopics', 5, { topics, timeoutMs: 10_000 })
    for (let fill = 1; fill <= batches; fill++) await busy.call('Produce', 9, produceBody('slow', fill))

    // Answers in buffers of the pool, together more than the sockets hold, left unread.
    const slow = await connect()
    slow.socket.pause()
    const offsets = Array.from({ length: batches }, (_, index) => BigInt(index))
    for (const [id, offset] of offsets.entries()) {
      slow.send(requestBytes('Fetch', 11, id, { ...fetchBody('slow', offset), maxBytes: 1 }))
    }
    slow.send(requestBytes('Fetch', 11, batches, fetchBody('slow', 0n)))

    for (let fill = 1; fill <= batches; fill++) {
      await busy.call('Produce', 9, produceBody('busy', 255))
      await busy.call('Fetch', 11, fetchBody('busy', BigInt(fill - 1)))
    }

    slow.socket.resume()
    for (const offset of offsets) expect(contentOf(await slow.nextFrame())).toEqual([[offset, Number(offset) + 1]])
    expect(contentOf(await slow.nextFrame())).toEqual(offsets.map((offset) => [offset, Number(offset) + 1]))
  })

  it('stores what each producer sent when many requests are on their way at once', async () => {
    broker = await startBroker()
    const admin = await connect()
    await admin.call('CreateTopics', 5, {
      topics: [{ name: 'many', numPartitions: 1, replicationFactor: 1 }],
      timeoutMs: 10_000,
    })
    const producers = await Promise.all([connect(), connect(), connect()])
    for (const [index, producer] of producers.entries()) {
      for (let id = 0; id < 20; id++) producer.send(requestBytes('Produce', 9, id, produceBody('many', index + 1)))
    }
    for (const producer of producers) {
      for (let id = 0; id < 20; id++) {
        const { body } = decodeResponse('Produce', 9, await producer.nextFrame())
        expect(body.responses[0]!.partitionResponses[0]!.errorCode).toBe(0)
      }
    }
    admin.send(requestBytes('Fetch', 11, 99, fetchBody('many', 0n)))
    const fills = contentOf(await admin.nextFrame()).map(([, fill]) => fill)
    expect(fills.sort()).toEqual([1, 2, 3].flatMap((fill) => Array.from({ length: 20 }, () => fill)))
  })
})

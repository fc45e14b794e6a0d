// What a broker checks in the records of a produced batch, on the embedded broker and on Apache Kafka.
import {
  type CompressionType,
  compress,
  computeBatchCrc,
  encodeBatch,
  kafkaErrorByCode,
  type RecordInput,
  readBatchHeader,
} from '@selfmonitor/protocol'
import { beforeAll, describe, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { type RawClient, rawClient } from '../test-support/raw-client.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const name = (code: number) => kafkaErrorByCode(code)!.name
const run = Math.random().toString(36).slice(2, 8)
const hour = 3_600_000n
let topics = 0

/** A batch whose header was changed, with a checksum that fits. */
function withHeader(batch: Buffer, change: (batch: Buffer) => void): Buffer {
  const copy = Buffer.from(batch)
  change(copy)
  copy.writeUInt32BE(computeBatchCrc(copy, readBatchHeader(copy)), 17)
  return copy
}

/** A sound header and a fitting checksum, but the records are these bytes. */
function withPayload(payload: Buffer, compression: CompressionType, records: number): Buffer {
  const head = encodeBatch([{ timestamp: BigInt(Date.now()) }], { compression }).subarray(0, 61)
  const batch = Buffer.concat([head, payload])
  return withHeader(batch, (bytes) => {
    bytes.writeInt32BE(bytes.length - 12, 8)
    bytes.writeInt32BE(records - 1, 23)
    bytes.writeInt32BE(records, 57)
  })
}

describeEngines('the records of a produced batch', (engine) => {
  let client: RawClient
  beforeAll(async () => {
    client = await rawClient(engine.bootstrapServers)
    return () => client.close()
  })

  async function createTopic(configs: Record<string, string> = {}): Promise<string> {
    const topic = `produced-records-${run}-${++topics}`
    const settings = Object.entries(configs).map(([name, value]) => ({ name, value }))
    await client.call('CreateTopics', 5, {
      topics: [{ name: topic, numPartitions: 1, replicationFactor: 1, assignments: [], configs: settings }],
      timeoutMs: 10_000,
    })
    await expect.poll(async () => (await list(topic, -1n)).error).toBe('NONE')
    return topic
  }

  async function produce(topic: string, records: Buffer) {
    const { responses } = await client.call('Produce', 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 5000,
      topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
    })
    const { errorCode, recordErrors } = responses[0]!.partitionResponses[0]!
    return { error: name(errorCode), wrong: recordErrors.map(({ batchIndex }) => batchIndex) }
  }

  async function list(topic: string, timestamp: bigint) {
    const { topics: found } = await client.call('ListOffsets', 7, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp }] }],
    })
    const { errorCode, offset, timestamp: at } = found[0]!.partitions[0]!
    return { error: name(errorCode), offset, timestamp: at }
  }

  describe.each(codecs)('%s', (compression) => {
    const encode = (records: readonly RecordInput[]) => encodeBatch(records, { compression })

    it('say what its greatest timestamp is, whatever its header says', async () => {
      const topic = await createTopic()
      const now = BigInt(Date.now())
      // kafkajs writes the greatest of the explicit timestamps.
      const batch = encode([now - 5n * hour, now, now - hour].map((timestamp) => ({ timestamp })))
      const understated = withHeader(batch, (bytes) => bytes.writeBigInt64BE(now - 5n * hour, 35))
      expect(await produce(topic, understated)).toEqual({ error: 'NONE', wrong: [] })
      expect(await list(topic, now - hour)).toEqual({ error: 'NONE', offset: 1n, timestamp: now })
      expect(await list(topic, -3n)).toEqual({ error: 'NONE', offset: 1n, timestamp: now })
    })

    it('fail when they do not parse, so that they cannot stop a consumer', async () => {
      const topic = await createTopic()
      const two = Buffer.concat(['0c0000000101', '00', '0c0000020101', '00'].map((hex) => Buffer.from(hex, 'hex')))
      expect(await produce(topic, withPayload(compress(compression, two), compression, 2))).toMatchObject({
        error: 'NONE',
      })
      const garbage = compress(compression, Buffer.from('these are not records, whatever the checksum says'))
      const refused = [
        await produce(topic, withPayload(garbage, compression, 2)),
        // One record more and one less than there are.
        await produce(topic, withPayload(compress(compression, two), compression, 1)),
        await produce(topic, withPayload(compress(compression, Buffer.concat([two, two])), compression, 5)),
      ]
      if (compression !== 'none') {
        refused.push(await produce(topic, withPayload(Buffer.from('nor is this compressed at all'), compression, 1)))
        refused.push(await produce(topic, withPayload(compress(compression, two), compression, 2 ** 31 - 1)))
      }
      for (const { error } of refused) {
        // For some of these Kafka has no error of its own and answers UNKNOWN_SERVER_ERROR; neither is tried again.
        if (engine.name === 'embedded') expect(error).toBe('INVALID_RECORD')
        else expect(['INVALID_RECORD', 'CORRUPT_MESSAGE', 'UNKNOWN_SERVER_ERROR']).toContain(error)
      }
      expect((await list(topic, -1n)).offset).toBe(2n)
    })

    it('are named when their timestamps are out of the range', async () => {
      const topic = await createTopic({
        'message.timestamp.before.max.ms': String(2n * hour),
        'message.timestamp.after.max.ms': String(hour),
      })
      const now = BigInt(Date.now())
      const batch = encode([now, now - 3n * hour, -1n, now + 2n * hour].map((timestamp) => ({ timestamp })))
      expect(await produce(topic, batch)).toEqual({ error: 'INVALID_TIMESTAMP', wrong: [1, 3] })
      expect(await produce(topic, encode([now - hour, -1n].map((timestamp) => ({ timestamp }))))).toEqual({
        error: 'NONE',
        wrong: [],
      })
    })
  })

  it('are named when they lack a key or have a wrong timestamp; one wrong timestamp decides the error', async () => {
    const topic = await createTopic({ 'cleanup.policy': 'compact', 'message.timestamp.before.max.ms': String(hour) })
    const now = BigInt(Date.now())
    const key = Buffer.from('k')
    const missing = { timestamp: now, key: null }
    const old = { timestamp: now - 2n * hour, key }
    const both = { timestamp: now - 2n * hour, key: null }
    expect(await produce(topic, encodeBatch([missing, old]))).toEqual({ error: 'INVALID_TIMESTAMP', wrong: [0, 1] })
    expect(await produce(topic, encodeBatch([both]))).toEqual({ error: 'INVALID_RECORD', wrong: [0] })
    expect(await produce(topic, encodeBatch([{ timestamp: now, key }, missing]))).toEqual({
      error: 'INVALID_RECORD',
      wrong: [1],
    })
  })

  it('must not claim the broker’s timestamp', async () => {
    const topic = await createTopic({ 'message.timestamp.type': 'LogAppendTime' })
    const batch = encodeBatch([{ timestamp: 5n }], { timestampType: 'LogAppendTime' })
    expect((await produce(topic, batch)).error).toBe('INVALID_TIMESTAMP')
    expect((await produce(topic, encodeBatch([{ timestamp: 5n }]))).error).toBe('NONE')
  })
})

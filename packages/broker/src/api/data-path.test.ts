// The data APIs over the wire, byte for byte what a client sends, on the embedded broker and on Apache Kafka.
import {
  type BatchOptions,
  decodeRecords,
  encodeBatch,
  errorCodes,
  iterateBatches,
  kafkaErrorByCode,
  type RequestInput,
  zeroUuid,
} from '@selfmonitor/protocol'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { type RawClient, rawClient } from '../test-support/raw-client.ts'

const name = (code: number) => kafkaErrorByCode(code)!.name
const run = Math.random().toString(36).slice(2, 8)
let topics = 0

function batch(values: readonly string[], options: BatchOptions & { timestamps?: readonly bigint[] } = {}): Buffer {
  const now = BigInt(Date.now())
  return encodeBatch(
    values.map((value, index) => ({
      key: Buffer.from('k'),
      value: Buffer.from(value),
      timestamp: options.timestamps?.[index] ?? now,
    })),
    options,
  )
}

function valuesOf(records: Buffer | null): string[] {
  if (records === null) return []
  return [...iterateBatches(records)].flatMap(({ position }) =>
    [...decodeRecords(records, position)].map(({ offset, value }) => `${offset}:${value}`),
  )
}

describeEngines('the data path', (engine) => {
  const clients: RawClient[] = []
  const connect = async () => {
    const client = await rawClient(engine.bootstrapServers)
    clients.push(client)
    return client
  }
  let client: RawClient
  beforeAll(async () => {
    client = await rawClient(engine.bootstrapServers)
    return () => client.close()
  })
  afterEach(() => {
    for (const one of clients.splice(0)) one.close()
  })

  async function createTopic(configs: Record<string, string> = {}, numPartitions = 1) {
    const topic = `data-path-${run}-${++topics}`
    await client.call('CreateTopics', 5, {
      topics: [
        {
          name: topic,
          numPartitions,
          replicationFactor: 1,
          assignments: [],
          configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
        },
      ],
      timeoutMs: 10_000,
    })
    // Apache Kafka answers before the leader of the partition knows it.
    for (let partition = 0; partition < numPartitions; partition++) {
      const known = async () => (await list(topic, -1n, { partition })).error
      await expect.poll(known).toBe('NONE')
    }
    const { topics: described } = await client.call('Metadata', 12, { topics: [{ name: topic, topicId: zeroUuid }] })
    return { topic, topicId: described[0]!.topicId }
  }

  async function produce(topic: string, records: Buffer | null, { version = 9, acks = -1, partition = 0 } = {}) {
    const { responses } = await client.call('Produce', version, {
      transactionalId: null,
      acks,
      timeoutMs: 5000,
      topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
    })
    const { errorCode, baseOffset, ...rest } = responses[0]!.partitionResponses[0]!
    return { error: name(errorCode), baseOffset, ...rest }
  }

  async function list(topic: string, timestamp: bigint, { version = 7, partition = 0, currentLeaderEpoch = -1 } = {}) {
    const { topics: found } = await client.call('ListOffsets', version, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: topic, partitions: [{ partitionIndex: partition, currentLeaderEpoch, timestamp }] }],
      ...(version >= 10 && { timeoutMs: 5000 }),
    })
    const { errorCode, offset, timestamp: at, leaderEpoch } = found[0]!.partitions[0]!
    return { error: name(errorCode), offset, timestamp: at, leaderEpoch }
  }

  /** Apache Kafka must first get a block of ids from its controller. */
  async function initProducerId() {
    let answer = await client.call('InitProducerId', 4, { transactionalId: null, transactionTimeoutMs: 60_000 })
    await expect
      .poll(async () => {
        if (answer.errorCode === errorCodes.COORDINATOR_LOAD_IN_PROGRESS) {
          answer = await client.call('InitProducerId', 4, { transactionalId: null, transactionTimeoutMs: 60_000 })
        }
        return name(answer.errorCode)
      })
      .toBe('NONE')
    return answer
  }

  interface FetchOptions extends Partial<RequestInput<'Fetch'>> {
    readonly version?: number
    readonly offset?: bigint
    readonly partitions?: readonly number[]
    readonly partitionMaxBytes?: number
    readonly currentLeaderEpoch?: number
    readonly lastFetchedEpoch?: number
    readonly on?: RawClient
  }

  async function fetchRaw({ topic, topicId }: { topic: string; topicId: string }, options: FetchOptions = {}) {
    const { version = 11, offset = 0n, partitions = [0], partitionMaxBytes = 1_000_000, on = client } = options
    const { currentLeaderEpoch = -1, lastFetchedEpoch = -1, ...rest } = options
    for (const key of ['version', 'offset', 'partitions', 'partitionMaxBytes', 'on'])
      delete rest[key as keyof typeof rest]
    const wanted = partitions.map((partition) => ({
      partition,
      currentLeaderEpoch,
      fetchOffset: offset,
      ...(version >= 12 && { lastFetchedEpoch }),
      partitionMaxBytes,
    }))
    return on.call('Fetch', version, {
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 10_000_000,
      topics:
        wanted.length === 0 ? [] : [version >= 13 ? { topicId, partitions: wanted } : { topic, partitions: wanted }],
      ...rest,
    })
  }

  async function fetch(of: { topic: string; topicId: string }, options: FetchOptions = {}) {
    const { responses } = await fetchRaw(of, options)
    const { errorCode, records, highWatermark, lastStableOffset, logStartOffset, ...rest } =
      responses[0]!.partitions[0]!
    const values = valuesOf(records)
    return { error: name(errorCode), values, highWatermark, lastStableOffset, logStartOffset, ...rest }
  }

  describe('Produce', () => {
    it('appends at every version, and answers with the offset', async () => {
      const { topic, topicId } = await createTopic()
      for (let version = 3; version <= 12; version++) {
        expect(await produce(topic, batch([`v${version}`]), { version }), `v${version}`).toMatchObject({
          error: 'NONE',
          baseOffset: BigInt(version - 3),
        })
      }
      const { responses } = await client.call('Produce', 13, {
        transactionalId: null,
        acks: 1,
        timeoutMs: 1000,
        topicData: [{ topicId, partitionData: [{ index: 0, records: batch(['by id']) }] }],
      })
      expect(responses[0]).toMatchObject({ topicId, partitionResponses: [{ errorCode: 0, baseOffset: 10n }] })
    })

    it('refuses what is not one sound batch, with the right error', async () => {
      const { topic } = await createTopic({ 'max.message.bytes': '1000' })
      const damaged = batch(['damaged'])
      damaged[damaged.length - 1]! ^= 1
      const errors = [
        await produce(topic, damaged),
        await produce(topic, Buffer.concat([batch(['a']), batch(['b'])])),
        await produce(topic, batch(['x'.repeat(2000)])),
        await produce(topic, batch(['x'], { timestamps: [BigInt(Date.now() + 10_000_000)] })),
        await produce(topic, batch(['x'], { isControl: true })),
        await produce(topic, batch(['x']), { acks: 7 }),
        await produce(topic, batch(['x']), { partition: 9 }),
        await produce(`missing-${run}`, batch(['x'])),
        await produce(topic, batch(['x'], { compression: 'zstd' }), { version: 6 }),
      ].map(({ error, baseOffset }) => `${error} ${baseOffset}`)
      expect(errors).toEqual([
        'CORRUPT_MESSAGE -1',
        'INVALID_RECORD -1',
        'MESSAGE_TOO_LARGE -1',
        'INVALID_TIMESTAMP -1',
        'INVALID_RECORD -1',
        'INVALID_REQUIRED_ACKS -1',
        'UNKNOWN_TOPIC_OR_PARTITION -1',
        'UNKNOWN_TOPIC_OR_PARTITION -1',
        'UNSUPPORTED_COMPRESSION_TYPE -1',
      ])
      expect((await list(topic, -1n)).offset).toBe(0n)
    })

    it('names the records without a key on a compacted topic', async () => {
      const { topic } = await createTopic({ 'cleanup.policy': 'compact' })
      const records = encodeBatch([{ value: Buffer.from('v'), timestamp: 1n }])
      expect(await produce(topic, records)).toMatchObject({
        error: 'INVALID_RECORD',
        recordErrors: [{ batchIndex: 0 }],
      })
    })

    it('checks the sequence of an idempotent producer', async () => {
      const { topic } = await createTopic()
      const { producerId, producerEpoch } = await initProducerId()
      expect(producerEpoch).toBe(0)
      const send = async (baseSequence: number, epoch = 0, values = ['a', 'b']) => {
        const { error, baseOffset } = await produce(
          topic,
          batch(values, { producerId, producerEpoch: epoch, baseSequence }),
        )
        return `${error} ${baseOffset}`
      }
      expect([
        await send(0),
        await send(2),
        await send(0),
        await send(5),
        await send(0, 1),
        await send(4, 0),
        await send(2, 1, ['c']),
      ]).toEqual([
        'NONE 0',
        'NONE 2',
        'NONE 0',
        'OUT_OF_ORDER_SEQUENCE_NUMBER -1',
        'NONE 4',
        'INVALID_PRODUCER_EPOCH -1',
        'NONE 6',
      ])
    })

    it('gives the log start offset with errors of the log, and none with errors that it finds before', async () => {
      const { topic } = await createTopic({ 'max.message.bytes': '1000' })
      await produce(topic, batch(['a', 'b', 'c']))
      await client.call('DeleteRecords', 2, {
        topics: [{ name: topic, partitions: [{ partitionIndex: 0, offset: 2n }] }],
        timeoutMs: 5000,
      })
      const { producerId } = await initProducerId()
      const sequenced = (baseSequence: number) => batch(['x'], { producerId, producerEpoch: 0, baseSequence })
      await produce(topic, sequenced(0))
      const late = batch(['x'], { timestamps: [BigInt(Date.now() + 10_000_000)] })
      const refusals = [
        await produce(topic, sequenced(7)),
        await produce(topic, late),
        await produce(topic, batch(['x'.repeat(2000)])),
        await produce(topic, null, { partition: 5 }),
      ]
      expect(refusals.map(({ error, logStartOffset }) => `${error} ${logStartOffset}`)).toEqual([
        'OUT_OF_ORDER_SEQUENCE_NUMBER 2',
        'INVALID_TIMESTAMP 2',
        'MESSAGE_TOO_LARGE -1',
        'UNKNOWN_TOPIC_OR_PARTITION -1',
      ])
    })

    it('names the records whose timestamps are out of range', async () => {
      const { topic } = await createTopic()
      const now = BigInt(Date.now())
      const refusal = await produce(topic, batch(['a', 'b', 'c', 'd'], { timestamps: [now, now * 2n, now, now * 2n] }))
      expect(refusal.error).toBe('INVALID_TIMESTAMP')
      expect(refusal.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([1, 3])
    })

    it('refuses the whole request when it has records of a transaction and no transactional id', async () => {
      const first = await createTopic()
      const second = await createTopic()
      const { producerId, producerEpoch } = await initProducerId()
      const inTransaction = batch(['x'], { producerId, producerEpoch, baseSequence: 0, isTransactional: true })
      const { responses } = await client.call('Produce', 9, {
        transactionalId: null,
        acks: -1,
        timeoutMs: 5000,
        topicData: [
          { name: first.topic, partitionData: [{ index: 0, records: batch(['plain']) }] },
          { name: second.topic, partitionData: [{ index: 0, records: inTransaction }] },
        ],
      })
      const errors = responses.flatMap(({ partitionResponses }) => partitionResponses.map((p) => name(p.errorCode)))
      expect(errors).toEqual(['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'])
      expect((await fetch(first)).values).toEqual([])
    })

    it('gives no answer to acks=0, and closes the connection when such a request is refused', async () => {
      const target = await createTopic()
      const other = await connect()
      const send = (topic: string, value: string) =>
        other.call('Produce', 9, {
          transactionalId: null,
          acks: 0,
          timeoutMs: 1000,
          topicData: [{ name: topic, partitionData: [{ index: 0, records: batch([value]) }] }],
        })
      const unanswered = send(target.topic, 'quiet').catch((error: Error) => error.message)
      const values = async () => (await fetch(target)).values
      await expect.poll(values).toEqual(['0:quiet'])
      const closed = send(`missing-${run}`, 'x').catch((error: Error) => error.message)
      await other.closed
      expect(await Promise.all([unanswered, closed])).toEqual([
        'the connection was closed',
        'the connection was closed',
      ])
    })

    it('stamps records with the time of the append when the topic is configured so', async () => {
      const target = await createTopic({ 'message.timestamp.type': 'LogAppendTime' })
      const before = BigInt(Date.now() - 1)
      const { logAppendTimeMs } = await produce(target.topic, batch(['x'], { timestamps: [5n] }))
      expect(logAppendTimeMs).toBeGreaterThanOrEqual(before)
      const { responses } = await fetchRaw(target)
      const [record] = [...decodeRecords(responses[0]!.partitions[0]!.records!)]
      expect(record!.timestamp).toBe(logAppendTimeMs)
    })
  })

  describe('Fetch', () => {
    it('gives whole batches at every version, from the one that contains the offset', async () => {
      const target = await createTopic()
      await produce(target.topic, batch(['a', 'b', 'c']))
      await produce(target.topic, batch(['d'], { compression: 'gzip' }))
      for (let version = 4; version <= 17; version++) {
        expect(await fetch(target, { version, offset: 1n }), `v${version}`).toMatchObject({
          error: 'NONE',
          values: ['0:a', '1:b', '2:c', '3:d'],
          highWatermark: 4n,
          lastStableOffset: 4n,
          logStartOffset: version >= 5 ? 0n : -1n,
          preferredReadReplica: -1,
        })
      }
    })

    it('keeps within the limits, but for the first batch', async () => {
      const target = await createTopic({}, 3)
      const size = batch(['x'.repeat(1000)]).length
      for (const partition of [0, 1, 2]) {
        for (let i = 0; i < 3; i++) await produce(target.topic, batch([`${i}`.repeat(1000)]), { partition })
      }
      const counts = async (options: FetchOptions) => {
        const { responses } = await fetchRaw(target, { partitions: [0, 1, 2], ...options })
        return responses[0]!.partitions.map(({ records }) => [...iterateBatches(records ?? Buffer.alloc(0))].length)
      }
      expect(await counts({ partitionMaxBytes: size * 2 })).toEqual([2, 2, 2])
      expect(await counts({ maxBytes: size * 4 })).toEqual([3, 1, 0])
      expect(await counts({ partitionMaxBytes: 10 })).toEqual([1, 0, 0])
      expect(await counts({ maxBytes: 1 })).toEqual([1, 0, 0])
    })

    it('waits for records, and is woken by them', async () => {
      const target = await createTopic()
      const other = await connect()
      const waiting = fetch(target, { maxWaitMs: 20_000, on: other })
      await produce(target.topic, batch(['news']))
      expect((await waiting).values).toEqual(['0:news'])

      const more = fetch(target, { maxWaitMs: 20_000, minBytes: 3000, on: other, offset: 1n })
      for (let i = 0; i < 3; i++) await produce(target.topic, batch(['x'.repeat(1000)]))
      expect((await more).values.length).toBe(3)

      const timed = await fetch(target, { maxWaitMs: 50, minBytes: 1_000_000, offset: 4n })
      expect(timed).toMatchObject({ error: 'NONE', values: [] })
    })

    it('refuses offsets out of range, unknown partitions and wrong epochs', async () => {
      const target = await createTopic()
      await produce(target.topic, batch(['a']))
      const wait = { maxWaitMs: 20_000 }
      const errors = [
        await fetch(target, { offset: 2n, ...wait }),
        await fetch(target, { partitions: [4], ...wait }),
        await fetch({ ...target, topic: `missing-${run}` }, wait),
        await fetch({ ...target, topicId: 'AAAAAAAAAAAAAAAAAAAAZA' }, { version: 13, ...wait }),
        await fetch(target, { currentLeaderEpoch: 99, ...wait }),
      ].map(({ error, highWatermark }) => `${error} ${highWatermark}`)
      expect(errors).toEqual([
        'OFFSET_OUT_OF_RANGE -1',
        'UNKNOWN_TOPIC_OR_PARTITION -1',
        'UNKNOWN_TOPIC_OR_PARTITION -1',
        'UNKNOWN_TOPIC_ID -1',
        'UNKNOWN_LEADER_EPOCH -1',
      ])
    })

    it('tells a client that its records were cut', async () => {
      const target = await createTopic()
      await produce(target.topic, batch(['a']))
      expect(await fetch(target, { version: 12, offset: 9n, lastFetchedEpoch: 0 })).toMatchObject({
        error: 'NONE',
        values: [],
        divergingEpoch: { epoch: 0, endOffset: 1n },
      })
    })

    it('keeps a session, in which only changes are answered', async () => {
      const target = await createTopic({}, 2)
      const opened = await fetchRaw(target, { partitions: [0, 1], sessionId: 0, sessionEpoch: 0 })
      const { sessionId } = opened
      expect(sessionId).not.toBe(0)
      expect(opened.responses[0]!.partitions.length).toBe(2)
      await produce(target.topic, batch(['news']), { partition: 1 })
      const next = async (sessionEpoch: number, extra: Partial<RequestInput<'Fetch'>> = {}) => {
        const { errorCode, responses, ...rest } = await fetchRaw(target, {
          partitions: [],
          sessionId,
          sessionEpoch,
          ...extra,
        })
        const partitions = responses.flatMap(({ partitions }) => partitions)
        return [name(errorCode), rest.sessionId, partitions.map((p) => `${p.partitionIndex} ${valuesOf(p.records)}`)]
      }
      expect(await next(1)).toEqual(['NONE', sessionId, ['1 0:news']])
      const forget = [{ topic: target.topic, partitions: [1] }]
      expect(await next(2, { forgottenTopicsData: forget })).toEqual(['NONE', sessionId, []])
      expect(await next(2)).toEqual(['INVALID_FETCH_SESSION_EPOCH', 0, []])
      expect(await next(3)).toEqual(['NONE', sessionId, []])
      await next(-1)
      expect(await next(4)).toEqual(['FETCH_SESSION_ID_NOT_FOUND', 0, []])
    })
  })

  describe('ListOffsets', () => {
    it('finds the ends and the first record with a timestamp, exactly', async () => {
      const { topic } = await createTopic()
      const now = BigInt(Date.now())
      const at = (ms: number) => now + BigInt(ms)
      await produce(topic, batch(['a', 'b'], { timestamps: [at(10), at(30)], compression: 'lz4' }))
      await produce(topic, batch(['c', 'd'], { timestamps: [at(20), at(40)] }))
      const found = async (timestamp: bigint, version = 7) => {
        const { error, offset, timestamp: time } = await list(topic, timestamp, { version })
        return `${error} ${offset} ${time < 0n ? time : time - now}`
      }
      expect([
        await found(-1n),
        await found(-2n),
        await found(-3n),
        await found(-4n, 8),
        await found(-5n, 9),
        await found(at(0)),
        await found(at(11)),
        await found(at(30)),
        await found(at(31)),
        await found(at(41)),
        await found(-1n, 1),
        await found(-3n, 6),
        await found(-4n, 7),
        await found(-77n, 9),
      ]).toEqual([
        'NONE 4 -1',
        'NONE 0 -1',
        'NONE 3 40',
        'NONE 0 -1',
        'NONE -1 -1',
        'NONE 0 10',
        'NONE 1 30',
        'NONE 1 30',
        'NONE 3 40',
        'NONE -1 -1',
        'NONE 4 -1',
        'UNSUPPORTED_VERSION -1 -1',
        'UNSUPPORTED_VERSION -1 -1',
        'UNSUPPORTED_VERSION -1 -1',
      ])
    })

    it('gives the leader epoch, and refuses a wrong one', async () => {
      const { topic } = await createTopic()
      expect(await list(topic, -1n)).toMatchObject({ leaderEpoch: 0 })
      expect(await list(topic, -2n)).toMatchObject({ leaderEpoch: 0 })
      expect(await list(topic, -3n)).toMatchObject({ error: 'NONE', offset: -1n, leaderEpoch: -1 })
      expect(await list(topic, -1n, { currentLeaderEpoch: 5 })).toMatchObject({ error: 'UNKNOWN_LEADER_EPOCH' })
      expect(await list(topic, -1n, { partition: 3 })).toMatchObject({
        error: 'UNKNOWN_TOPIC_OR_PARTITION',
        offset: -1n,
      })
    })
  })

  describe('DeleteRecords', () => {
    it('moves the start, up to the end with -1, and refuses what it must', async () => {
      const target = await createTopic()
      const compacted = await createTopic({ 'cleanup.policy': 'compact' })
      for (let i = 0; i < 5; i++) await produce(target.topic, batch([`${i}`]))
      const remove = async (topic: string, offset: bigint, partitionIndex = 0) => {
        const { topics: answered } = await client.call('DeleteRecords', 2, {
          topics: [{ name: topic, partitions: [{ partitionIndex, offset }] }],
          timeoutMs: 5000,
        })
        const { errorCode, lowWatermark } = answered[0]!.partitions[0]!
        return `${name(errorCode)} ${lowWatermark}`
      }
      expect([
        await remove(target.topic, 2n),
        await remove(target.topic, 9n),
        await remove(target.topic, -5n),
        await remove(target.topic, 1n, 8),
        await remove(compacted.topic, 0n),
      ]).toEqual([
        'NONE 2',
        'OFFSET_OUT_OF_RANGE -1',
        'OFFSET_OUT_OF_RANGE -1',
        'UNKNOWN_TOPIC_OR_PARTITION -1',
        'POLICY_VIOLATION -1',
      ])
      expect((await list(target.topic, -2n)).offset).toBe(2n)
      expect(await fetch(target, { offset: 1n })).toMatchObject({ error: 'OFFSET_OUT_OF_RANGE' })
      expect(await remove(target.topic, -1n)).toBe('NONE 5')
    })
  })

  describe('OffsetForLeaderEpoch', () => {
    it('ends the current epoch at the end of the log, and knows no other', async () => {
      const { topic } = await createTopic()
      await produce(topic, batch(['a', 'b']))
      const end = async (leaderEpoch: number, currentLeaderEpoch = -1, partition = 0) => {
        const { topics: answered } = await client.call('OffsetForLeaderEpoch', 4, {
          replicaId: -1,
          topics: [{ topic, partitions: [{ partition, currentLeaderEpoch, leaderEpoch }] }],
        })
        const answer = answered[0]!.partitions[0]!
        return `${name(answer.errorCode)} ${answer.leaderEpoch} ${answer.endOffset}`
      }
      expect([await end(0), await end(3), await end(0, 7), await end(0, -1, 5)]).toEqual([
        'NONE 0 2',
        'NONE -1 -1',
        'UNKNOWN_LEADER_EPOCH -1 -1',
        'UNKNOWN_TOPIC_OR_PARTITION -1 -1',
      ])
    })
  })

  describe('InitProducerId', () => {
    it('gives each producer another id, and refuses a request that contradicts itself', async () => {
      const ask = (body: Partial<RequestInput<'InitProducerId'>>) =>
        client.call('InitProducerId', 4, { transactionalId: null, transactionTimeoutMs: 1000, ...body })
      const ids = [await initProducerId(), await initProducerId(), await initProducerId()].map(
        ({ producerId }) => producerId,
      )
      expect(new Set(ids).size).toBe(3)
      expect(name((await ask({ transactionalId: '' })).errorCode)).toBe('INVALID_REQUEST')
      expect(name((await ask({ producerId: 5n })).errorCode)).toBe('INVALID_REQUEST')
    })
  })

  describe('DescribeLogDirs', () => {
    it('gives the size of each partition and of the volume', async () => {
      const { topic } = await createTopic({}, 2)
      const sent = batch(['x'.repeat(500)])
      await produce(topic, sent)
      const { results } = await client.call('DescribeLogDirs', 4, { topics: [{ topic, partitions: [0, 1] }] })
      expect(results.length).toBe(1)
      const [{ topics: described, totalBytes, usableBytes, errorCode }] = results as [(typeof results)[number]]
      expect(errorCode).toBe(errorCodes.NONE)
      expect(described.map(({ name }) => name)).toEqual([topic])
      const sizes = described[0]!.partitions.map((p) => [p.partitionIndex, p.partitionSize, p.offsetLag])
      expect(sizes.sort()).toEqual([
        [0, BigInt(sent.length), 0n],
        [1, 0n, 0n],
      ])
      expect(totalBytes >= usableBytes && usableBytes > 0n).toBe(true)
    })
  })
})

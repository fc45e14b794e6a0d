import { Producer } from '@platformatic/kafka'
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { followLog, type LogNow, type Position, type Range, type RawRecord, readRecords } from './reader.ts'

describe('a position in a log that changes under its reader', () => {
  const at = (next: bigint, end: bigint | null): Position => ({
    topic: 'a',
    topicId: 'old',
    partition: 0,
    leader: 1,
    next,
    latestMs: 0,
    end,
  })
  const log = (more: Partial<LogNow>): LogNow => ({ topicId: 'old', leader: 1, earliest: 0n, latest: 10n, ...more })

  it.each([
    ['stays where nothing was lost', at(3n, 10n), log({}), { next: 3n, end: 10n }, undefined],
    ['never grows a range', at(3n, 5n), log({}), { next: 3n, end: 5n }, undefined],
    ['goes past deleted records', at(3n, 10n), log({ earliest: 7n }), { next: 7n, end: 10n }, /from offset 3 to 7/],
    ['ends where all of its range is deleted', at(3n, 5n), log({ earliest: 7n }), { next: 7n, end: 5n }, /deleted/],
    ['ends where the log ends now', at(3n, 20n), log({}), { next: 3n, end: 10n }, /cut back to offset 10/],
    ['ends where it is, past the log’s new end', at(15n, 20n), log({}), { next: 15n, end: 15n }, /cut back/],
    ['follows from the log’s new end', at(15n, null), log({}), { next: 10n, end: null }, /reading on from there/],
    ['ends with its topic', at(3n, 10n), log({ topicId: 'new' }), { next: 3n, end: 3n }, /created again/],
    ['follows a new topic from its start', at(3n, null), log({ topicId: 'new' }), { next: 0n, end: null }, /beginning/],
    ['waits for offsets that nobody tells', at(3n, 9n), log({ earliest: null, latest: null }), { next: 3n }, undefined],
  ] as const)('%s', (_, position, now, expected, said) => {
    const words = followLog(position, now)
    if (said === undefined) expect(words).toBeUndefined()
    else expect(words).toMatch(said)
    expect(position).toMatchObject({ ...expected, topicId: now.topicId })
  })
})

describeEngines('reading partitions', (engine) => {
  const id = `reader${Date.now().toString(36)}`
  let cluster: Cluster
  let producer: Producer<string, string, string, string>
  const said: string[] = []

  beforeAll(() => {
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
    producer = new Producer({
      clientId: id,
      bootstrapBrokers: engine.bootstrapServers.split(','),
      serializers: {
        key: (text) => Buffer.from(text ?? ''),
        value: (text) => Buffer.from(text ?? ''),
        headerKey: (text) => Buffer.from(text ?? ''),
        headerValue: (text) => Buffer.from(text ?? ''),
      },
    })
  })
  afterAll(async () => {
    await producer.close()
    const mine = (await cluster.listTopics()).filter(({ name }) => name.startsWith(id))
    if (mine.length > 0) await cluster.deleteTopics(mine.map(({ name }) => name))
    await cluster.close()
  })

  const create = async (name: string, config: Record<string, string> = {}): Promise<string> => {
    await cluster.createTopics([{ name, partitions: 1, replicationFactor: 1, config }])
    return name
  }
  const write = async (topic: string, values: readonly string[], timestamp?: number): Promise<void> => {
    await producer.send({
      messages: values.map((value) => ({
        topic,
        key: 'k',
        value,
        partition: 0,
        ...(timestamp === undefined ? {} : { timestamp: BigInt(timestamp) }),
      })),
    })
  }
  const read = (range: Range, signal = new AbortController().signal): AsyncGenerator<RawRecord> =>
    readRecords({
      cluster,
      bootstrapServers: engine.bootstrapServers,
      security: {},
      ranges: [range],
      signal,
      timeoutMs: 10_000,
      onTrouble: (text) => said.push(text),
    })
  const all = async (range: Range): Promise<RawRecord[]> => {
    const records: RawRecord[] = []
    for await (const record of read(range)) records.push(record)
    return records
  }
  const value = ({ value: done }: IteratorResult<RawRecord>): string | undefined => done?.value?.toString()

  it('gives the broker’s time of a topic with LogAppendTime, and the producer’s of others', async () => {
    const longAgo = Date.parse('2020-01-01T00:00:00Z')
    const before = Date.now()
    for (const [type, expected] of [
      ['LogAppendTime', (ms: number) => ms >= before && ms <= Date.now()],
      ['CreateTime', (ms: number) => ms === longAgo],
    ] as const) {
      const topic = await create(`${id}.${type}`, { 'message.timestamp.type': type })
      await write(topic, ['a', 'b'], longAgo)
      const records = await all({ topic, partition: 0, next: 0n, end: 2n })
      expect({ type, times: records.map(({ timestampMs }) => expected(timestampMs)) }).toEqual({
        type,
        times: [true, true],
      })
    }
  })

  it('ends when the rest of its range is deleted', async () => {
    const topic = await create(`${id}.retention`)
    await write(topic, ['a', 'b', 'c'])
    await cluster.deleteRecords([{ topic, partition: 0, offset: 3n }])
    expect(await all({ topic, partition: 0, next: 1n, end: 3n })).toEqual([])
    expect(said.at(-1)).toContain('from offset 1 to 3 were deleted')
  })

  it('ends where the log ends, when it is shorter than the range', async () => {
    const topic = await create(`${id}.short`)
    await write(topic, ['a'])
    const records = await all({ topic, partition: 0, next: 0n, end: 5n })
    expect(records.map((record) => String(record.value))).toEqual(['a'])
    expect(said.at(-1)).toContain('cut back to offset 1')
  })

  it('ends when its topic is deleted and created again, and follows the new one from its start', {
    timeout: 60_000,
  }, async () => {
    const topic = await create(`${id}.again`)
    await write(topic, ['a'])
    const finite = read({ topic, partition: 0, next: 0n, end: 5n })
    const stop = new AbortController()
    const following = read({ topic, partition: 0, next: 0n, end: null }, stop.signal)
    expect([value(await finite.next()), value(await following.next())]).toEqual(['a', 'a'])
    await cluster.deleteTopics([topic])
    await create(topic)
    await write(topic, ['new'])
    expect((await finite.next()).done).toBe(true)
    expect(value(await following.next())).toBe('new')
    stop.abort()
    await following.return(undefined)
  })
})

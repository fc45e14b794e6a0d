// `selfmonitor topics consume | produce | purge` against a live cluster, beside kafkajs.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Kafka, logLevel, type Message } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { selfmonitor } from './test-io.ts'
import { liveCommands } from './test-support/live-commands.ts'

describeEngines('records on the command line', (engine) => {
  const live = liveCommands(engine, 'clirec')
  const { id, cli, folder } = live
  const kafka = () => new Kafka({ brokers: engine.bootstrapServers.split(','), logLevel: logLevel.NOTHING })

  async function create(name: string, partitions = 2, config: Record<string, string> = {}): Promise<string> {
    const topic = `${id}.${name}`
    await live.cluster.createTopics([
      { name: topic, partitions, replicationFactor: 1, config: { 'retention.ms': '-1', ...config } },
    ])
    return topic
  }
  async function send(topic: string, messages: Message[]): Promise<void> {
    // Otherwise kafkajs may write a record twice.
    const producer = kafka().producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    await producer.send({ topic, messages })
    await producer.disconnect()
  }
  const consume = async (topic: string, ...words: string[]): Promise<Record<string, unknown>[]> => {
    const { stdout } = await cli('topics', 'consume', topic, '-o', 'json', ...words)
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  }
  const produce = (topic: string, stdin: string, ...words: string[]) =>
    selfmonitor(['topics', 'produce', topic, ...words], { env: live.env, cwd: folder.path, stdin })
  /** Without what differs between two topics. */
  const content = (lines: Record<string, unknown>[]) =>
    lines.map(({ topic: _, offset: __, ...rest }) => JSON.stringify(rest)).sort()

  const strange: Message[] = [
    {
      key: 'a',
      value: '{"n":1,"big":1}',
      partition: 0,
      timestamp: '1700000000000',
      headers: { h: ['one', 'two'], bytes: Buffer.from([0xff]) },
    },
    { key: null as never, value: 'text, not JSON', partition: 1, timestamp: '1700000000001' },
    { key: Buffer.from([0xfe, 0]), value: Buffer.from([0xff, 0, 1]), partition: 0, timestamp: '1700000000002' },
    { key: 'gone', value: null, partition: 1, timestamp: '1700000000003' },
    { key: 'digits', value: '{"id":12345678901234567890}', partition: 0, timestamp: '1700000000004' },
    { key: 'bom', value: '\ufeffx', partition: 0, timestamp: '1700000000005' },
    { key: '', value: '', partition: 1, timestamp: '1700000000006' },
  ]

  it.each(['auto', 'raw', 'hex'])('come back from lines of format %s as they were', async (format) => {
    const [from, to] = [await create(`round.${format}`), await create(`round.${format}.copy`)]
    await send(from, strange)
    const { stdout } = await cli('topics', 'consume', from, '-o', 'json', '--format', format)
    expect(await produce(to, stdout)).toMatchObject({ code: 0, stdout: expect.stringMatching(/records +7\n/) })
    expect(content(await consume(to, '--format', 'raw'))).toEqual(content(await consume(from, '--format', 'raw')))
  })

  it('are Avro by the id of their schema, and refused when they do not fit', async () => {
    const [from, to] = [await create('avro'), await create('avro.copy')]
    const schema = {
      type: 'record',
      name: 'Pay',
      fields: [
        { name: 'id', type: 'long' },
        { name: 'note', type: ['null', 'string'], default: null },
        { name: 'hash', type: 'bytes' },
      ],
    }
    const schemaId = await live.registryClient.register(`${from}-value`, { schema: JSON.stringify(schema) })
    const value = { id: '9223372036854775807', note: 'n', hash: { base64: '/w==' } }
    expect((await produce(from, `${JSON.stringify(value)}\n`, '--format', 'avro', '--key', 'k')).code).toBe(0)
    const [line] = await consume(from)
    expect(line).toMatchObject({ key: 'k', format: 'avro', schema: 'Pay', value })
    expect((await produce(to, `${JSON.stringify(line)}\n`)).code).toBe(0)
    expect(content(await consume(to, '--format', 'raw'))).toEqual(content(await consume(from, '--format', 'raw')))
    const bad = await produce(to, `${JSON.stringify(line)}\n${JSON.stringify({ ...line, value: { id: 'x' } })}\n`)
    expect(bad).toMatchObject({ code: 1, stdout: '' })
    expect(bad.stderr).toMatch(
      /line 2: schema \d+: value\/id must be long.*The 1 record before it was written; nothing of it/,
    )
    expect(await consume(to)).toHaveLength(2)
    expect(
      (await produce(to, '{"id":1,"hash":{"base64":""}}', '--format', 'avro', '--value-schema', `${from}-value:1`))
        .code,
    ).toBe(0)
    expect((await consume(to)).at(-1)).toMatchObject({ value: { id: 1, note: null } })
    expect(await consume(to, '--where', 'value.id == 1.0')).toHaveLength(1)
    void schemaId
  })

  it('of a file are all checked before the first is sent', async () => {
    const topic = await create('file')
    writeFileSync(join(folder.path, 'bad.jsonl'), '{"value":1}\n\n{"valu":2}\n')
    expect(await produce(topic, '', '--file', 'bad.jsonl')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('line 3: it has no "value"'),
    })
    writeFileSync(join(folder.path, 'good.jsonl'), '{"value":1,"partition":7}\n')
    expect((await produce(topic, '', '--file', 'good.jsonl')).stderr).toContain('does not have partition 7')
    expect(await consume(topic)).toEqual([])
    expect((await produce(topic, '', '--file', 'good.jsonl', '--partition', 'key', '--check-only')).stderr).toContain(
      '1 record would be sent',
    )
    expect((await produce(topic, '', '--file', 'missing.jsonl')).stderr).toContain(
      '--file missing.jsonl: there is no such file',
    )
    expect(await consume(topic)).toEqual([])
  })

  it('that the brokers refuse are named by their line', async () => {
    const topic = await create('refused', 1, { 'max.message.bytes': '2000' })
    const lines = ['{"value":"small"}', JSON.stringify({ value: 'x'.repeat(300_000) }), '{"value":"small"}']
    const result = await produce(topic, lines.join('\n'))
    expect(result).toMatchObject({ code: 1, stdout: '' })
    expect(result.stderr).toMatch(/line 2: .*MESSAGE_TOO_LARGE.*Written: 1 record\./)
    expect(await consume(topic)).toHaveLength(1)
  })

  it('go to the partition of their key, as kafkajs sends them, with headers and a time that options give', async () => {
    const [ours, theirs] = [await create('keys', 5), await create('keys.js', 5)]
    const keys = Array.from({ length: 40 }, (_, n) => `user-${n}`)
    const lines = keys.map((key) => JSON.stringify({ key, value: key })).join('\n')
    const options = ['--header', 'a=b', '--timestamp', '2026-01-02T03:04:05Z', '--rate', '2000/s']
    expect((await produce(ours, lines, ...options)).code).toBe(0)
    await send(
      theirs,
      keys.map((key) => ({ key, value: key })),
    )
    const places = async (topic: string) =>
      (await consume(topic)).map(({ key, partition }) => `${key} ${partition}`).sort()
    expect(await places(ours)).toEqual(await places(theirs))
    expect((await consume(ours, '--max', '1'))[0]).toMatchObject({
      headers: [['a', 'b']],
      timestamp: Date.parse('2026-01-02T03:04:05Z'),
    })
  })

  it('are filtered by place, key and a condition, and read up to a number', async () => {
    const topic = await create('filter', 1)
    await send(
      topic,
      Array.from({ length: 20 }, (_, n) => ({
        key: `k${n % 2}`,
        value: JSON.stringify({ n, ...(n > 9 ? { late: true } : {}) }),
        timestamp: String(1_700_000_000_000 + n),
      })),
    )
    const ns = async (...words: string[]) =>
      (await consume(topic, ...words)).map(({ value }) => (value as { n: number }).n)
    expect(await ns('--from', 'offset:17')).toEqual([17, 18, 19])
    expect(await ns('--from', '2023-11-14T22:13:20.005Z', '--until', 'offset:8')).toEqual([5, 6, 7])
    expect(await ns('--last', '2')).toEqual([18, 19])
    expect(await ns('--key', 'k1', '--max', '2')).toEqual([1, 3])
    expect(await ns('--where', 'value.n % 5 == 0 && offset >= 10 && key == "k1"')).toEqual([15])
    const failing = await cli('topics', 'consume', topic, '--where', 'value.late', '-o', 'json')
    expect(failing.stdout.trim().split('\n')).toHaveLength(10)
    expect(failing.stderr).toContain('--where failed for 10 records, which do not match: No such key: late.')
    expect((await cli('topics', 'consume', topic, '--partition', '3')).stderr).toContain('does not have partition 3')
    expect((await cli('topics', 'consume', topic, '--last', '1')).stdout).toMatch(
      /json +k1 +\[0\]@19 +\{"n":19,"late":true\}\n/,
    )
    expect((await cli('topics', 'consume', topic, '--last', '1', '--format', 'raw')).stdout).toBe(
      '{"n":19,"late":true}\n',
    )
  })

  it('keep every digit of their numbers, as JSON and as Avro', async () => {
    const topic = await create('digits', 1)
    const texts = ['{"id":12345678901234567890,"price":1.10}', '{"id":9007199254740993,"price":0.12345678901234567890}']
    expect((await produce(topic, texts.join('\n'), '--format', 'json')).code).toBe(0)
    expect((await produce(topic, texts.map((text) => `{"value":${text}}`).join('\n'))).code).toBe(0)
    const fields = [{ name: 'id', type: ['null', 'long'] }]
    const schema = JSON.stringify({ type: 'record', name: 'Long', fields })
    const long = await live.registryClient.register(`${topic}-value`, { schema })
    for (const id of ['9007199254740993', '"9007199254740993"']) {
      expect(await produce(topic, `{"schemaId":${long.id},"value":{"id":${id}}}`)).toMatchObject({ code: 0 })
    }
    expect(await produce(topic, `{"schemaId":${long.id},"value":{"id":9223372036854775808}}`)).toMatchObject({
      code: 1,
    })
    const { stdout } = await cli('topics', 'consume', topic, '-o', 'json')
    const values = [...stdout.matchAll(/"value":(.*)\}\n/g)].map(([, value]) => value)
    expect(values).toEqual([...texts, ...texts, ...Array(2).fill('{"id":"9007199254740993"}')])
    expect((await cli('topics', 'consume', topic)).stdout).toContain('"id":12345678901234567890,"price":1.10')
    const copy = await create('digits.copy', 1)
    expect((await produce(copy, stdout)).code).toBe(0)
    const raw = async (of: string) => (await consume(of, '--format', 'raw')).map(({ value }) => value)
    expect(await raw(copy)).toEqual(await raw(topic))
  })

  it('that are not all sent or printed when the command is stopped are an error', async () => {
    const topic = await create('stopped', 1)
    const interrupt = new AbortController()
    const io = { env: live.env, cwd: folder.path, signal: interrupt.signal }
    const lines = Array.from({ length: 60 }, (_, n) => `{"value":${n}}\n`).join('')
    const stopped = selfmonitor(['topics', 'produce', topic, '--rate', '10/s'], { ...io, stdin: lines })
    await expect.poll(async () => (await consume(topic)).length).toBeGreaterThan(0)
    interrupt.abort('SIGTERM')
    const { code, stdout, stderr } = await stopped
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('error Interrupted: records that are not counted here were not sent.'),
    })
    const [, sent] = /records +(\d+)\n/.exec(stdout)!
    expect(await consume(topic)).toHaveLength(Number(sent))
    expect(await selfmonitor(['topics', 'consume', topic], io)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Interrupted: not all records were read.'),
    })
  })

  it('are followed until enough have come', async () => {
    const topic = await create('follow', 1)
    await send(topic, [{ value: 'before' }])
    const seen = Promise.withResolvers<void>()
    const following = selfmonitor(
      ['topics', 'consume', topic, '--follow', '--from', 'earliest', '--max', '2', '-o', 'json'],
      {
        env: live.env,
        onOutput: () => seen.resolve(),
      },
    )
    await seen.promise
    await send(topic, [{ value: 'after' }, { value: 'too many' }])
    expect(
      (await following).stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).value),
    ).toEqual(['before', 'after'])
  })

  describe('that are purged', () => {
    it('are gone up to the end, an offset or a time, after a preview with counts', async () => {
      const topic = await create('purge')
      await send(
        topic,
        Array.from({ length: 10 }, (_, n) => ({
          value: String(n),
          partition: n % 2,
          timestamp: String(1_700_000_000_000 + n),
        })),
      )
      await live.cluster.commitOffsets(`${id}-slow`, [{ topic, partition: 0, to: 1n }])
      const refused = await cli('topics', 'purge', topic)
      expect(refused).toMatchObject({ code: 2, stdout: '' })
      expect(refused.stderr).toMatch(/PARTITION +START +NEW START +RECORDS\n +0 +0 +5 +5\n +1 +0 +5 +5\n/)
      expect(refused.stderr).toContain(`! ${id}-slow has not read 4 offsets of them.`)
      expect((await cli('topics', 'purge', topic, '--partition', '1', '--before', 'offset:2', '--yes')).code).toBe(0)
      expect((await consume(topic, '--partition', '1')).map(({ offset }) => offset)).toEqual(['2', '3', '4'])
      expect((await cli('topics', 'purge', topic, '--before', '1700000000004', '--yes')).code).toBe(0)
      expect((await consume(topic)).map(({ value }) => value).sort()).toEqual([4, 5, 6, 7, 8, 9])
      expect((await cli('topics', 'purge', topic, '--yes', '-o', 'json')).code).toBe(0)
      expect(await consume(topic)).toEqual([])
      expect((await cli('topics', 'purge', topic, '--yes')).stderr).toContain('nothing to delete')
      const production = await cli('topics', 'produce', topic, '--env', 'production')
      expect(production).toMatchObject({ code: 2, stderr: expect.stringContaining(`--confirm ${topic}`) })
    })

    it('are not those of a topic that is only compacted, with the reason of the brokers', async () => {
      const topic = await create('compacted', 1, { 'cleanup.policy': 'compact' })
      await send(topic, [{ key: 'a', value: '1' }])
      expect(await cli('topics', 'purge', topic, '--yes')).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(
          /has cleanup\.policy=compact: Kafka deletes records only of topics whose policy includes delete/,
        ),
      })
      // The same answer as theirs.
      await expect(live.cluster.deleteRecords([{ topic, partition: 0, offset: 1n }])).rejects.toMatchObject({
        code: 'POLICY_VIOLATION',
      })
    })
  })
})

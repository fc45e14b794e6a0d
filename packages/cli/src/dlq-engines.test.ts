// `selfmonitor dlq` against a live cluster: letters of the library, of Spring and of Kafka Connect.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Cluster, ReadRecord } from '@selfmonitor/cluster'
import { connectEvents, PermanentError } from '@selfmonitor/events'
import { createCodec } from '@selfmonitor/events/codec'
import { openJournal } from '@selfmonitor/events/dead-letters/replay'
import { envelopeSchema } from '@selfmonitor/platform/shapes'
import { encodeBatch } from '@selfmonitor/protocol/records'
import { type IHeaders, Kafka, logLevel, type Message } from 'kafkajs'
import { beforeAll, describe, expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { until } from '../../../test/support/events.ts'
import { letterTopicRow } from './events/letters.ts'
import { selfmonitor } from './test-io.ts'
import { liveCommands } from './test-support/live-commands.ts'

const bin = fileURLToPath(new URL('../bin/selfmonitor.js', import.meta.url))

const int = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
const long = (value: number | bigint): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes
}

describeEngines('the commands for dead letters', (engine) => {
  const live = liveCommands(engine, 'clidlq')
  const { id, cli, folder } = live

  async function createTopics(...names: string[]): Promise<void> {
    const config = { 'retention.ms': '-1' }
    await live.cluster.createTopics(names.map((name) => ({ name, partitions: 2, replicationFactor: 1, config })))
  }
  async function send(topic: string, messages: Message[]): Promise<void> {
    const kafka = new Kafka({ brokers: engine.bootstrapServers.split(','), logLevel: logLevel.NOTHING })
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    await producer.send({ topic, messages })
    await producer.disconnect()
  }
  async function recordsOf(topic: string): Promise<ReadRecord[]> {
    const records: ReadRecord[] = []
    const places = [0, 1].map((partition) => ({ topic, partition }))
    const ends = await live.cluster.listOffsets(places, 'latest')
    const ranges = ends.map(({ offset, ...place }) => ({ ...place, next: 0n, end: offset }))
    for await (const event of live.cluster.read(ranges)) if (event.kind === 'records') records.push(...event.records)
    return records
  }
  const headersOf = ({ headers }: ReadRecord): Record<string, string | undefined> =>
    Object.fromEntries(headers.map(({ key, value }) => [key, value?.toString()]))
  const dataOf = async (...words: string[]) => JSON.parse((await cli('dlq', ...words, '-o', 'json')).stdout)

  describe('of the library', () => {
    const carts = `${id}.carts`
    const dlq = `${carts}.dlq`
    const cart = {
      type: 'record',
      name: 'Cart',
      namespace: 'shop',
      fields: [
        { name: 'owner', type: 'string' },
        { name: 'total', type: 'long' },
      ],
    }

    beforeAll(async () => {
      await createTopics(carts)
      await live.registryClient.register(`${carts}-value`, { schema: JSON.stringify(cart) })
      const stream = await connectEvents({
        service: `${id}-billing`,
        bootstrapServers: engine.bootstrapServers,
        registryUrl: live.registry.url,
        schemas: { [carts]: JSON.stringify(cart) },
        logger: { debug() {}, info() {}, warn() {}, error() {} },
      })
      for (const [owner, total] of [
        ['ada', -1],
        ['grace', -20],
        ['joan', 5],
        ['mary', -3],
      ] as const) {
        await stream.emit(
          carts,
          { owner, total },
          { key: owner, headers: { trace: owner }, timestampMs: 1_700_000_000_000 },
        )
      }
      stream.on(carts, (record) => {
        const { owner, total } = record.value as { owner: string; total: number }
        throw new PermanentError(total < 0 ? `the cart of "${owner}" has ${total}` : 'no owner')
      })
      await stream.run()
      const count = async (): Promise<number> => {
        const known = (await live.cluster.listTopics()).some(({ name }) => name === dlq)
        return known ? (await recordsOf(dlq)).length : 0
      }
      await until('four dead letters', async () => (await count()) === 4)
      await stream.close()
    }, 60_000)

    it('are listed with who failed, and grouped by cause', async () => {
      expect((await cli('dlq', 'list')).stdout).toMatch(
        new RegExp(
          `^TOPIC +LETTERS +WAITING .*\n(.*\n)*${dlq} +4 +4 +0 +0 +[\\d-]+ [\\d:]+ +[\\d-]+ [\\d:]+ +${id}-billing\n`,
        ),
      )
      const causes = await dataOf('causes', dlq)
      expect(causes).toMatchObject([
        { letters: 3, waiting: 3, error: 'PermanentError', message: expect.stringContaining('the cart of') },
        { letters: 1, waiting: 1, message: 'no owner', by: [`${id}-billing`] },
      ])
      expect((await cli('dlq', 'causes', dlq)).stdout).toContain('PermanentError: no owner')
    })

    it('are shown decoded, with their bytes, and why they failed', async () => {
      const [{ example }] = await dataOf('causes', dlq)
      const place = [dlq, String(example.partition), String(example.offset)]
      const shown = await cli('dlq', 'show', ...place)
      expect(shown.stdout).toMatch(
        /state +waiting\norigin +.*carts\[\d\]@\d\ncause +[0-9a-f]{16}\nerror +PermanentError\nmessage +the cart of/,
      )
      expect(shown.stdout).toMatch(
        /value \(avro, schema \d+\)\n\{\n {2}"owner": "\w+",\n {2}"total": -\d+\n\}\n\nbytes \(\d+\)\n00000000 {2}00 00/,
      )
      const data = await dataOf('show', ...place)
      expect(data.attempts).toBe(1)
      expect(Buffer.from(data.bytes.base64, 'base64').toString('hex')).toBe(data.bytes.hex)
      expect(await cli('dlq', 'show', dlq, '0', '999')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('There is no letter at'),
      })
    })

    it('are replayed by a condition, once, to where and when they were', async () => {
      const words = ['dlq', 'replay', dlq, '--where', 'value.total < -2 && by.endsWith("billing")']
      const refused = await cli(...words)
      expect(refused).toMatchObject({ code: 2, stdout: '' })
      expect(refused.stderr).toMatch(
        /CAUSE +LETTERS +ERROR\n[0-9a-f]{16} +2 +PermanentError: the cart.*\n {2}→ .*carts: 2 letters\n.*on cluster/s,
      )
      const before = await recordsOf(carts)
      expect(await cli(...words, '--yes')).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/sent +2\nleft alone +0\n/),
      })
      const after = await recordsOf(carts)
      const added = after.filter(
        ({ partition, offset }) => !before.some((one) => one.partition === partition && one.offset === offset),
      )
      expect(added.map(({ key }) => key!.toString()).sort()).toEqual(['grace', 'mary'])
      for (const record of added) {
        const original = before.find(({ key }) => key!.equals(record.key!))!
        expect(record).toMatchObject({
          partition: original.partition,
          value: original.value,
          timestampMs: 1_700_000_000_000,
        })
        const { trace, ...others } = headersOf(record)
        expect(trace).toBe(record.key!.toString())
        expect(Object.keys(others).every((name) => name.startsWith('dlq.replayed.'))).toBe(true)
        expect(others['dlq.replayed.times']).toBe('1')
      }
      expect((await cli(...words, '--yes')).stderr).toContain('No letters wait to be sent.')
      expect(await recordsOf(carts)).toHaveLength(after.length)
      expect(await dataOf('list', dlq)).toMatchObject([{ letters: '4', waiting: '2', replayed: 2, discarded: 0 }])
    })

    it('are edited: validated by the schema, and sent with a trace', async () => {
      const letter = (await recordsOf(dlq)).find(({ key }) => key!.toString() === 'ada')!
      const place = [dlq, String(letter.partition), String(letter.offset)]
      const file = join(folder.path, 'value.json')
      writeFileSync(file, '{"owner":"ada","total":"much"}')
      expect(await cli('dlq', 'edit', ...place, '--value-file', file, '--yes')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('The new value was not sent: schema'),
      })
      const env = { ...live.env, PATH: process.env.PATH, EDITOR: `sed -i s/-1/41/` }
      expect(await selfmonitor(['dlq', 'edit', ...place], { env: { ...live.env } })).toMatchObject({ code: 2 })
      expect(await selfmonitor(['dlq', 'edit', ...place, '--yes'], { env })).toMatchObject({ code: 0 })
      const sent = (await recordsOf(carts)).filter(({ key }) => key!.toString() === 'ada').at(-1)!
      expect((await createCodec(live.registryClient).decodeAny(sent.value!)).value).toEqual({ owner: 'ada', total: 41 })
      expect(headersOf(sent)).toMatchObject({
        'dlq.replayed.edited': 'true',
        'dlq.replayed.from': `${dlq}/${letter.partition}/${letter.offset}`,
      })
      expect((await cli('dlq', 'show', ...place)).stdout).toMatch(/state +edited and sent to .*carts\[\d\] by /)
      expect(await cli('dlq', 'edit', ...place, '--value-file', file)).toMatchObject({
        stderr: expect.stringContaining('--again'),
      })
    })

    it('are discarded with a reason, and then left alone', async () => {
      const [, { cause }] = (await dataOf('causes', dlq)) as [unknown, { cause: string }]
      expect(await cli('dlq', 'discard', dlq, '--yes')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('No letters are selected'),
      })
      const words = ['dlq', 'discard', dlq, '--cause', cause.slice(0, 6), '--reason', 'test data', '--yes']
      expect(await cli(...words)).toMatchObject({ code: 0, stdout: expect.stringMatching(/discarded +1\n/) })
      expect((await cli('dlq', 'replay', dlq, '--yes')).stderr).toContain('No letters wait to be sent.')
      expect(await dataOf('list', dlq)).toMatchObject([{ letters: '4', waiting: '0', replayed: 3, discarded: 1 }])
      expect(await recordsOf(dlq)).toHaveLength(4)
    })

    it('of which a place or an expression is wrong are refused', async () => {
      expect((await cli('dlq', 'replay', dlq, '--offset', '7:1', '--yes')).stderr).toContain(
        'does not have the partition',
      )
      expect((await cli('dlq', 'replay', dlq, '--where', 'total > 1', '--yes')).stderr).toContain(
        'Unknown variable: total',
      )
      expect((await cli('dlq', 'replay', dlq, '--again', '--where', 'value.missing == 1', '--yes')).stderr).toContain(
        '--where failed for 4 records, which do not match: No such key: missing.',
      )
      expect((await cli('dlq', 'replay', dlq, '--again', '--to', dlq, '--yes')).stderr).toContain(
        '--to names the topic',
      )
    })
  })

  it('of Spring and of Kafka Connect are understood, and replayed without their headers', async () => {
    const [orders, spring, connect] = [`${id}.orders`, `${id}.orders-dlt`, `dlq-${id}.sink`]
    await createTopics(orders, spring, connect)
    const trace = (frame: string): string =>
      `org.springframework.kafka.listener.ListenerExecutionFailedException: x\n\tat org.springframework.kafka.Foo.bar(Foo.java:1)\n\tat ${frame}\n`
    const springHeaders = (offset: number, message: string): IHeaders => ({
      tenant: 'acme',
      'kafka_dlt-original-topic': orders,
      'kafka_dlt-original-partition': int(1),
      'kafka_dlt-original-offset': long(offset),
      'kafka_dlt-original-timestamp': long(1_700_000_000_000),
      'kafka_dlt-original-consumer-group': 'shop',
      'kafka_dlt-exception-fqcn': 'org.springframework.kafka.listener.ListenerExecutionFailedException',
      'kafka_dlt-exception-cause-fqcn': 'java.lang.IllegalStateException',
      'kafka_dlt-exception-message': message,
      'kafka_dlt-exception-stacktrace': trace(`com.shop.Orders.book(Orders.java:${offset})`),
    })
    await send(spring, [
      { key: 'a', value: 'one', headers: springHeaders(3, 'ada is not there') },
      { key: 'b', value: 'two', headers: springHeaders(4, 'grace is away') },
    ])
    const connectHeaders = {
      '__connect.errors.topic': orders,
      '__connect.errors.partition': '0',
      '__connect.errors.offset': '9',
      '__connect.errors.connector.name': 's3-sink',
      '__connect.errors.stage': 'VALUE_CONVERTER',
      '__connect.errors.exception.class.name': 'org.apache.kafka.connect.errors.DataException',
      '__connect.errors.exception.message': 'Failed to deserialize data 17',
    }
    await send(connect, [
      { key: 'c', value: Buffer.from([0xff, 0]), timestamp: '1700000000005', partition: 0, headers: connectHeaders },
    ])

    expect(await dataOf('causes', spring)).toMatchObject([
      { letters: 2, error: 'java.lang.IllegalStateException', by: ['shop'] },
    ])
    expect(await dataOf('list')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ topic: spring, letters: '2', by: ['shop'], origins: [orders] }),
        expect.objectContaining({ topic: connect, letters: '1', by: ['s3-sink'] }),
      ]),
    )
    expect((await cli('dlq', 'show', connect, '0', '0')).stdout).toMatch(
      /stage +VALUE_CONVERTER\n[\s\S]*neither text nor in Confluent’s format[\s\S]*ff 00/,
    )
    for (const topic of [spring, connect]) expect((await cli('dlq', 'replay', topic, '--yes')).code).toBe(0)
    const records = await recordsOf(orders)
    const byKey = new Map(records.map((record) => [record.key!.toString(), record]))
    expect(byKey.get('b')).toMatchObject({ partition: 1, timestampMs: 1_700_000_000_000, value: Buffer.from('two') })
    expect(Object.keys(headersOf(byKey.get('b')!))).toEqual(['tenant', ...replayedHeaders])
    expect(byKey.get('c')).toMatchObject({
      partition: 0,
      timestampMs: 1_700_000_000_005,
      value: Buffer.from([0xff, 0]),
    })
    expect(Object.keys(headersOf(byKey.get('c')!))).toEqual(replayedHeaders)
  })
  const replayedHeaders = ['from', 'batch', 'at', 'by', 'times'].map((name) => `dlq.replayed.${name}`)

  it('that do not say where they came from need a target', async () => {
    const [plain, repair] = [`${id}.plain.dlq`, `${id}.repair`]
    await createTopics(plain, repair)
    await send(plain, [{ key: 'a', value: '1' }])
    expect((await cli('dlq', 'replay', plain, '--yes')).stderr).toContain('1 letter of')
    expect((await cli('dlq', 'replay', plain, '--to', repair, '--yes')).code).toBe(0)
    expect((await recordsOf(repair)).map(({ value }) => value!.toString())).toEqual(['1'])
  })

  it('are sent once each when the command is killed in the middle', { timeout: 60_000 }, async () => {
    const [topic, dlq] = [`${id}.killed`, `${id}.killed.dlq`]
    await createTopics(topic, dlq)
    const headers = (n: number): IHeaders => ({
      'dlq.original.topic': topic,
      'dlq.original.partition': String(n % 2),
      'dlq.original.offset': String(n),
    })
    await send(
      dlq,
      Array.from({ length: 300 }, (_, n) => ({
        key: `k${n}`,
        value: String(n),
        partition: n % 2,
        headers: headers(n),
      })),
    )
    for (let kills = 0; kills < 3; kills++) {
      const had = (await recordsOf(topic)).length
      const child = spawn(process.execPath, [bin, 'dlq', 'replay', dlq, '--rate', '200/s', '--yes'], {
        env: { PATH: process.env.PATH, ...live.env },
        stdio: 'ignore',
      })
      const closed = once(child, 'close')
      await until('some letters are sent', async () => (await recordsOf(topic)).length > had || child.exitCode !== null)
      child.kill('SIGKILL')
      await closed
    }
    expect((await cli('dlq', 'replay', dlq, '--yes')).code).toBe(0)
    // kafkajs may have written a letter twice: each letter counts by its place.
    const letters = (await recordsOf(dlq)).map(({ partition, offset }) => `${dlq}/${partition}/${offset}`)
    const sent = (await recordsOf(topic)).map((record) => headersOf(record)['dlq.replayed.from'])
    expect(sent.sort()).toEqual(letters.sort())
  })

  /** A topic and its letters, half of them in each of two partitions. */
  async function prepare(name: string, count: number): Promise<{ topic: string; dlq: string }> {
    const [topic, dlq] = [`${id}.${name}`, `${id}.${name}.dlq`]
    await createTopics(topic, dlq)
    // Not with kafkajs, which may write a record twice.
    const appender = await live.cluster.appendBatches()
    const identity = await live.cluster.initProducer()
    const header = (key: string, value: string | number) => ({ key, value: Buffer.from(String(value)) })
    for (const partition of [0, 1]) {
      const records = Array.from({ length: count / 2 }, (_, n) => ({
        key: Buffer.from(`k${n}`),
        value: Buffer.from(String(n)),
        timestamp: BigInt(Date.now()),
        headers: [
          header('dlq.original.topic', topic),
          header('dlq.original.partition', partition),
          header('dlq.original.offset', n),
        ],
      }))
      await appender.append(dlq, partition, encodeBatch(records, { ...identity, baseSequence: 0 }))
    }
    await appender.close()
    return { topic, dlq }
  }
  it('keep every digit of their numbers when they are edited', async () => {
    const [topic, dlq] = [`${id}.digits`, `${id}.digits.dlq`]
    await createTopics(topic, dlq)
    await live.registryClient.register(`${dlq}-value`, { schema: envelopeSchema(topic) })
    const codec = createCodec(live.registryClient)
    const envelope = { event_id: 'e', event_type: 't', user_id: 'u', timestamp: 1 }
    const event = (await codec.encoderFor(dlq)).encode({ ...envelope, data: '{"id":12345678901234567890,"n":1.10}' })
    const headers = { 'dlq.original.topic': topic, 'dlq.original.partition': '0' }
    await send(dlq, [
      { value: event, partition: 0, headers },
      { value: '{"id":12345678901234567890,"n":1.10}', partition: 1, headers },
    ])
    const shown = (await cli('dlq', 'show', dlq, '1', '0')).stdout
    expect(shown).toContain('"id": 12345678901234567890,')
    for (const partition of ['0', '1']) {
      const env = { ...live.env, PATH: process.env.PATH, EDITOR: 'sed -i s/1.10/1.20/' }
      expect(await selfmonitor(['dlq', 'edit', dlq, partition, '0', '--yes'], { env })).toMatchObject({ code: 0 })
    }
    const values = (await recordsOf(topic)).map(({ value }) => value!)
    const [edited] = values.filter((value) => value[0] === 0)
    const data = '{"id":12345678901234567890,"n":1.20}'
    expect(await codec.decode(edited!)).toMatchObject({ ...envelope, data })
    expect(values.filter((value) => value[0] !== 0).map(String)).toEqual([data])
  })

  it('and groups move no cursor, whatever their texts have', async () => {
    const hostile = '\u001b[2J\u009b1A\u202e'
    const [topic, dlq, group] = [`${id}.hostile`, `${id}.hostile.dlq`, `${id}-${hostile}`]
    await createTopics(topic, dlq)
    const headers = {
      'dlq.original.topic': topic,
      'dlq.error.class': hostile,
      'dlq.service': hostile,
      [hostile]: hostile,
    }
    await send(dlq, [{ key: hostile, value: `"${hostile}"`, partition: 0, headers }])
    const admin = new Kafka({ brokers: engine.bootstrapServers.split(','), logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    await admin.setOffsets({ groupId: group, topic: dlq, partitions: [{ partition: 0, offset: '0' }] })
    await admin.disconnect()
    const commands = [
      ['dlq', 'list', dlq],
      ['dlq', 'causes', dlq],
      ['dlq', 'show', dlq, '0', '0'],
      ['dlq', 'replay', dlq],
      ['events', 'tail', dlq, '--headers'],
      ['topics', 'consume', dlq],
      ['topics', 'purge', dlq],
      ['groups', 'list'],
      ['groups', 'describe', group],
      ['groups', 'describe', hostile],
      ['groups', 'lag', group],
    ]
    for (const words of commands) {
      const { stdout, stderr } = await cli(...words)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are looked for
      expect(stdout + stderr, words.join(' ')).not.toMatch(/[\u001b\u009b\u202e]/)
      if (!words.includes('purge')) expect(stdout + stderr, words.join(' ')).toContain('\\u001b[2J')
    }
  })

  const interruptible = () => {
    const interrupt = new AbortController()
    const running = (...words: string[]) =>
      selfmonitor(words, { cwd: folder.path, env: live.env, signal: interrupt.signal })
    return { interrupt: () => interrupt.abort('SIGTERM'), running }
  }

  it('that were not all sent or discarded when the command was stopped are an error, and the next one finishes', async () => {
    const { topic, dlq } = await prepare('stopped', 40)
    const { running, interrupt } = interruptible()
    const stopped = running('dlq', 'replay', dlq, '--rate', '10/s', '--yes')
    await expect.poll(async () => (await recordsOf(topic)).length).toBeGreaterThan(0)
    interrupt()
    expect(await stopped).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/sent +\d+\n/),
      stderr: expect.stringContaining('error Interrupted: the same command sends the rest.'),
    })
    // One that is stopped before it has read the letters changes nothing.
    for (const words of [['replay'], ['discard', '--where', 'true']]) {
      const begun = interruptible()
      begun.interrupt()
      expect(await begun.running('dlq', ...words, dlq, '--yes')).toMatchObject({ code: 1, stdout: '' })
    }
    expect(await dataOf('list', dlq)).toMatchObject([{ letters: '40', discarded: 0 }])
    expect((await cli('dlq', 'replay', dlq, '--yes')).code).toBe(0)
    expect(await recordsOf(topic)).toHaveLength(40)
  })

  it('that are sent once more are continued with the time that the interrupted run said', async () => {
    const { topic, dlq } = await prepare('more', 40)
    expect((await cli('dlq', 'replay', dlq, '--yes')).code).toBe(0)
    const { running, interrupt } = interruptible()
    const stopped = running('dlq', 'replay', dlq, '--again', '--rate', '10/s', '--yes')
    await expect.poll(async () => (await recordsOf(topic)).length).toBeGreaterThan(40)
    interrupt()
    const [, time] = /continue with (--again-before \S+)/.exec((await stopped).stderr)!
    expect((await cli('dlq', 'replay', dlq, ...time!.split(' '), '--yes')).code).toBe(0)
    expect(await recordsOf(topic)).toHaveLength(80)
  })

  it('are counted, and not the offsets between them', async () => {
    const { dlq } = await prepare('counted', 4)
    const [topic] = await live.cluster.describeTopics([dlq])
    const { state } = await openJournal(live.cluster, 'read')
    // As where every second offset has the marker of a transaction.
    const gappy: Cluster = {
      ...live.cluster,
      async *read(...of) {
        for await (const event of live.cluster.read(...of)) {
          if (event.kind === 'records') {
            yield { ...event, records: event.records.filter(({ offset }) => offset % 2n === 0n) }
          }
        }
      },
    }
    const all = await recordsOf(dlq)
    const even = BigInt(all.filter(({ offset }) => offset % 2n === 0n).length)
    expect(await letterTopicRow(gappy, topic!, state)).toMatchObject({ letters: even, waiting: even, isCounted: true })
    expect(await letterTopicRow(gappy, topic!, state, 1n)).toMatchObject({
      letters: BigInt(all.length),
      waiting: BigInt(all.length),
      isCounted: false,
    })
  })

  // The embedded broker has no transactions.
  const onlyApache = engine.name === 'apache' ? it : () => {}
  onlyApache('are counted without the markers of transactions', async () => {
    const { topic, dlq } = await prepare('transactions', 2)
    const kafka = new Kafka({ brokers: engine.bootstrapServers.split(','), logLevel: logLevel.NOTHING })
    const producer = kafka.producer({ transactionalId: id, idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    for (const ends of ['commit', 'abort'] as const) {
      const transaction = await producer.transaction()
      await transaction.send({
        topic: dlq,
        messages: [{ value: ends, partition: 0, headers: { 'dlq.original.topic': topic } }],
      })
      await transaction[ends]()
    }
    await producer.disconnect()
    await expect
      .poll(() => dataOf('list', dlq))
      .toMatchObject([{ letters: '3', waiting: '3', isCounted: true, replayed: 0 }])
    expect((await cli('dlq', 'replay', dlq, '--yes')).code).toBe(0)
    expect(await dataOf('list', dlq)).toMatchObject([{ letters: '3', waiting: '0', replayed: 3 }])
  })
})

// Tools of Kafka's ecosystem on the embedded broker: Kafka Streams, Kafka Connect, MirrorMaker 2, each Kafka's own.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { orMissing } from '../deployment/static/fetch.ts'
import {
  createConnector,
  distributedWorker,
  findJavaPrograms,
  killed,
  type Program,
  propertiesText,
  startJava,
  workerProperties,
} from '../support/java-ecosystem.ts'
import { freePorts } from '../support/ports.ts'

const folderOfSources = fileURLToPath(new URL('ecosystem', import.meta.url))

const programs = await orMissing(findJavaPrograms)

describe.skipIf('missing' in programs)('on the embedded broker', () => {
  let work: string
  let broker: Broker
  const running: Program[] = []

  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), 'selfmonitor-ecosystem-'))
    broker = await startBroker()
  })
  afterEach(async () => {
    for (const program of running.splice(0)) await killed(program)
  })
  afterAll(async () => {
    await broker.close()
    await rm(work, { recursive: true, force: true })
  })

  /** Starts a Java program in a folder of its own. */
  function start(what: readonly string[]): Program {
    if ('missing' in programs) throw new Error(programs.missing)
    const program = startJava(programs.value, work, what)
    running.push(program)
    return program
  }

  const client = (of: Broker) => new Kafka({ brokers: [of.bootstrapServers], logLevel: logLevel.NOTHING })

  async function createTopic(of: Broker, topic: string, numPartitions = 3): Promise<void> {
    const admin = client(of).admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic, numPartitions }] })
    await admin.disconnect()
  }

  async function produce(of: Broker, topic: string, values: readonly string[]): Promise<void> {
    const producer = client(of).producer()
    await producer.connect()
    await producer.send({ topic, messages: values.map((value) => ({ value })) })
    await producer.disconnect()
  }

  /** Reads a topic from its beginning until `enough`, or until the program has ended. */
  async function readUntil(
    of: Broker,
    topic: string,
    program: Program,
    enough: (records: readonly { key: string | null; value: string | null }[]) => boolean,
  ): Promise<void> {
    const records: { key: string | null; value: string | null }[] = []
    const consumer = client(of).consumer({ groupId: `reader-${topic}-${Date.now()}` })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    const found = new Promise<void>((resolve) => {
      void consumer.run({
        async eachMessage({ message }) {
          records.push({ key: message.key?.toString() ?? null, value: message.value?.toString() ?? null })
          if (enough(records)) resolve()
        },
      })
    })
    const ended = program.ended.then(() => {
      throw new Error(`the program ended early:\n${program.output()}`)
    })
    const late = AbortSignal.timeout(120_000)
    const timeout = new Promise<never>((_, reject) => {
      late.onabort = () => reject(new Error(`only ${JSON.stringify(records)} after two minutes:\n${program.output()}`))
    })
    try {
      await Promise.race([found, ended, timeout])
    } finally {
      late.onabort = null
      ended.catch(() => {})
      await consumer.disconnect()
    }
  }

  it('Kafka Streams counts, at least once, and takes its counts from the changelog when its state is lost', {
    timeout: 300_000,
  }, async () => {
    await createTopic(broker, 'lines')
    await createTopic(broker, 'counts')
    const state = join(work, 'state')
    const source = join(folderOfSources, 'CountWords.java')
    const counts = (records: readonly { key: string | null; value: string | null }[]) =>
      Object.fromEntries(records.map(({ key, value }) => [key, value]))

    await produce(broker, 'lines', ['to be', 'or not', 'to be'])
    const first = start([source, broker.bootstrapServers, 'lines', 'counts', state])
    await readUntil(broker, 'counts', first, (records) => {
      const { to, be, or, not } = counts(records)
      return to === '2' && be === '2' && or === '1' && not === '1'
    })
    first.process.stdin!.end()
    expect(await first.ended, first.output()).toBe(0)

    await rm(state, { recursive: true })
    await produce(broker, 'lines', ['to sleep'])
    const second = start([source, broker.bootstrapServers, 'lines', 'counts', state])
    await readUntil(broker, 'counts', second, (records) => counts(records).to === '3' && counts(records).sleep === '1')
    second.process.stdin!.end()
    expect(await second.ended, second.output()).toBe(0)
  })

  it('Kafka Connect carries a file into a topic and the topic into a file, and continues after a restart', {
    timeout: 300_000,
  }, async () => {
    const [port] = await freePorts(1)
    await writeFile(join(work, 'connect.properties'), workerProperties(broker.bootstrapServers, port!))
    const source = join(work, 'source.txt')
    const sink = join(work, 'sink.txt')
    await writeFile(source, 'one\ntwo\n')
    const worker = () => start([distributedWorker, join(work, 'connect.properties')])
    const url = `http://127.0.0.1:${port}`
    const sinkIs = (text: string) =>
      expect.poll(() => readFile(sink, 'utf8').catch(() => ''), { timeout: 120_000, interval: 200 }).toBe(text)

    const first = worker()
    await expect
      .poll(
        () =>
          fetch(`${url}/connectors`).then(
            ({ status }) => status,
            () => first.output() && 0,
          ),
        { timeout: 120_000 },
      )
      .toBe(200)
    const file = 'org.apache.kafka.connect.file.FileStream'
    await createTopic(broker, 'file-lines', 1)
    expect(
      await createConnector(url, 'source', {
        'connector.class': `${file}SourceConnector`,
        file: source,
        topic: 'file-lines',
      }),
    ).toBe(201)
    expect(
      await createConnector(url, 'sink', {
        'connector.class': `${file}SinkConnector`,
        file: sink,
        topics: 'file-lines',
      }),
    ).toBe(201)
    await sinkIs('one\ntwo\n')
    first.process.kill('SIGTERM')
    await first.ended

    await writeFile(source, 'one\ntwo\nthree\n')
    worker()
    await sinkIs('one\ntwo\nthree\n')
  })

  it('MirrorMaker 2 copies topics and the offsets of groups to another cluster', { timeout: 300_000 }, async () => {
    const target = await startBroker()
    try {
      await createTopic(broker, 'orders')
      await produce(broker, 'orders', ['a', 'b', 'c', 'd'])
      await consumeAll(broker, 'orders', 'billing', 4)
      await writeFile(
        join(work, 'mm2.properties'),
        propertiesText({
          clusters: 'primary, backup',
          'primary.bootstrap.servers': broker.bootstrapServers,
          'backup.bootstrap.servers': target.bootstrapServers,
          'primary->backup.enabled': 'true',
          'backup->primary.enabled': 'false',
          'primary->backup.topics': 'orders',
          'primary->backup.groups': 'billing',
          'replication.factor': '1',
          'checkpoints.topic.replication.factor': '1',
          'heartbeats.topic.replication.factor': '1',
          'offset-syncs.topic.replication.factor': '1',
          'offset.storage.replication.factor': '1',
          'status.storage.replication.factor': '1',
          'config.storage.replication.factor': '1',
          'offset.lag.max': '0',
          'emit.checkpoints.interval.seconds': '1',
          'sync.group.offsets.enabled': 'true',
          'sync.group.offsets.interval.seconds': '1',
          'refresh.topics.interval.seconds': '2',
          'refresh.groups.interval.seconds': '2',
          'dedicated.mode.enable.internal.rest': 'false',
          'plugin.discovery': 'service_load',
        }),
      )
      const mirror = start(['org.apache.kafka.connect.mirror.MirrorMaker', join(work, 'mm2.properties')])
      const values = (records: readonly { value: string | null }[]) => records.map(({ value }) => value).sort()
      const copied = (...wanted: readonly string[]) =>
        readUntil(target, 'primary.orders', mirror, (records) => values(records).join() === wanted.join())
      await expect.poll(() => topicsOf(target), { timeout: 120_000, interval: 500 }).toContain('primary.orders')
      await copied('a', 'b', 'c', 'd')
      // The group's offsets are translated by what is copied after they were committed.
      await produce(broker, 'orders', ['e'])
      await consumeAll(broker, 'orders', 'billing', 5)
      await copied('a', 'b', 'c', 'd', 'e')
      await expect
        .poll(() => committed(target, 'billing', 'primary.orders'), { timeout: 120_000, interval: 500 })
        .toBeGreaterThan(0)
    } finally {
      await target.close()
    }
  })

  async function topicsOf(of: Broker): Promise<string[]> {
    const admin = client(of).admin()
    await admin.connect()
    const topics = await admin.listTopics()
    await admin.disconnect()
    return topics
  }

  /** Reads what there is from the group's offsets on, until the group has read `total` of the topic in all, and commits. */
  async function consumeAll(of: Broker, topic: string, groupId: string, total: number): Promise<void> {
    const before = await committed(of, groupId, topic)
    const consumer = client(of).consumer({ groupId })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    let seen = before
    await new Promise<void>((resolve) => {
      void consumer.run({
        async eachMessage() {
          if (++seen >= total) resolve()
        },
      })
    })
    // Stopping commits what was handled.
    await consumer.stop()
    await consumer.disconnect()
    expect(await committed(of, groupId, topic)).toBe(total)
  }

  /** The sum of the group's offsets in a topic; 0 where it has none. */
  async function committed(of: Broker, groupId: string, topic: string): Promise<number> {
    const admin = client(of).admin()
    await admin.connect()
    const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
    await admin.disconnect()
    return (found?.partitions ?? []).reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0)
  }
})

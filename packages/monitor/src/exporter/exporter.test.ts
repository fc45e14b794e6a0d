// The exporter on both engines, compared with what Apache Kafka's own tools and kcat say.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fetchDistribution, type KafkaDistribution, run, runTool, type ToolName } from '@selfmonitor/apache'
import { startBroker } from '@selfmonitor/broker'
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { freePorts } from '../../../../test/support/ports.ts'
import { missingTool } from '../../../../test/support/tools.ts'
import { type Exporter, startExporter } from './start.ts'

const hasTools = !('missing' in inject('apache'))

/** A scrape: the samples by `name{labels}` without the label cluster. */
async function scrape(url: string, headers: Record<string, string> = {}): Promise<Map<string, string>> {
  const response = await fetch(`${url}/metrics`, { headers })
  expect(response.status).toBe(200)
  return new Map(
    (await response.text())
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const at = line.lastIndexOf(' ')
        return [line.slice(0, at).replace(/cluster="[^"]*",?/, ''), line.slice(at + 1)] as const
      }),
  )
}

let counter = 0
const unique = (name: string) => `exporter-${name}-${process.pid}-${++counter}`

describeEngines('the exporter', (engine) => {
  let cluster: Cluster
  let exporter: Exporter
  let topic: string
  const group = unique('group')
  let distribution: KafkaDistribution
  /** Collections that have ended. */
  let collections = 0

  const kcat = async (args: readonly string[], stdin?: string): Promise<string> => {
    const { exitCode, stdout, stderr } = await run('kcat', ['-b', engine.bootstrapServers, ...args], { stdin })
    expect(exitCode, stderr).toBe(0)
    return stdout
  }
  const produce = (name: string, partition: number, lines: readonly string[]): Promise<string> =>
    kcat(['-P', '-t', name, '-p', String(partition)], `${lines.join('\n')}\n`)
  async function tool(name: ToolName, ...args: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await runTool(distribution, name, [
      ...['--bootstrap-server', engine.bootstrapServers],
      ...args,
    ])
    expect(exitCode, stderr).toBe(0)
    return stdout
  }
  /** Samples of a collection that began after now. */
  async function fresh(): Promise<Map<string, string>> {
    const seen = collections
    await expect.poll(() => collections, { timeout: 30_000, interval: 50 }).toBeGreaterThan(seen + 1)
    return scrape(exporter.url)
  }

  beforeAll(async () => {
    if (hasTools) distribution = await fetchDistribution()
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
    topic = unique('topic')
    await cluster.createTopics([
      { name: topic, partitions: 2, replicationFactor: 1, config: { 'retention.ms': '3600000' } },
    ])
    exporter = await startExporter({
      connect: { bootstrapServers: engine.bootstrapServers, timeoutMs: 10_000 },
      listen: { port: 0 },
      version: 'test',
      collect: {
        ...{ intervalMs: 50, cluster: 'tested', topics: { exclude: ['never-.*'] } },
        everyMs: { logDirs: 0, configs: 0, brokers: 0 },
      },
      onSnapshot: () => collections++,
    })
  }, 60_000)
  afterAll(async () => {
    await exporter?.close()
    await cluster?.deleteTopics([topic])
    await cluster?.close()
  })

  describe.skipIf(missingTool('kcat', '-V') !== null || !hasTools)('says what others say', { timeout: 60_000 }, () => {
    beforeAll(async () => {
      await produce(topic, 0, ['a', 'b', 'c', 'd'])
      await produce(topic, 1, ['e'])
      await cluster.resetOffsets(group, [
        { topic, partition: 0, from: null, to: 1n, clamped: false },
        { topic, partition: 1, from: null, to: 1n, clamped: false },
      ])
    })

    it('of lag: kafka-consumer-groups', async () => {
      const table = await tool('kafka-consumer-groups', '--describe', '--group', group)
      const rows = table.split('\n').map((line) => line.trim().split(/\s+/))
      const samples = await fresh()
      for (const partition of ['0', '1']) {
        const [, , , committed, end, lag] = rows.find(([, of, at]) => of === topic && at === partition)!
        const labels = `{group="${group}",topic="${topic}",partition="${partition}"}`
        expect(samples.get(`kafka_consumer_lag${labels}`)).toBe(lag)
        expect(samples.get(`kafka_consumer_committed_offset_total${labels}`)).toBe(committed)
        expect(samples.get(`kafka_partition_end_offset_total{topic="${topic}",partition="${partition}"}`)).toBe(end)
      }
      expect(samples.get(`kafka_consumer_group_topic_lag{group="${group}",topic="${topic}"}`)).toBe('3')
      expect(samples.get(`kafka_consumer_group_state{group="${group}",state="Empty"}`)).toBe('1')
      expect(samples.get(`kafka_consumer_group_members{group="${group}"}`)).toBe('0')
    })

    it('of the age of the next unread message: kcat', async () => {
      const stdout = await kcat(['-C', '-t', topic, '-p', '0', '-o', '1', '-c', '1', '-f', '%T\n'])
      const samples = await fresh()
      const seconds = Number(samples.get(`kafka_consumer_lag_seconds{group="${group}",topic="${topic}",partition="0"}`))
      const snapshot = exporter.snapshot()!
      const atMs = snapshot.groups.state === 'read' ? snapshot.groups.atMs : 0
      // The exporter may have collected again between the scrape and now.
      expect(Math.abs((atMs - Number(stdout)) / 1_000 - seconds)).toBeLessThan(10)
      expect(samples.get(`kafka_consumer_lag_seconds{group="${group}",topic="${topic}",partition="1"}`)).toBe('0')
      const used = Number(
        samples.get(`kafka_consumer_retention_used_ratio{group="${group}",topic="${topic}",partition="0"}`),
      )
      expect(used).toBeCloseTo(seconds / 3600, 3)
    })

    it('of sizes on disk: kafka-log-dirs', async () => {
      const said = await tool('kafka-log-dirs', '--describe', '--topic-list', topic)
      const { brokers } = JSON.parse(said.split('\n').find((line) => line.startsWith('{'))!) as {
        brokers: { logDirs: { partitions: { partition: string; size: number }[] }[] }[]
      }
      const [dir] = brokers[0]!.logDirs.filter(({ partitions }) => partitions.length > 0)
      const samples = await fresh()
      for (const { partition, size } of dir!.partitions) {
        const number = partition.slice(partition.lastIndexOf('-') + 1)
        expect(samples.get(`kafka_log_size{topic="${topic}",partition="${number}"}`)).toBe(String(size))
      }
    })

    it('of topics, their ids and their leaders: kafka-topics and kcat', async () => {
      const said = await tool('kafka-topics', '--describe', '--topic', topic)
      const id = /TopicId: (\S+)/.exec(said)![1]
      const samples = await fresh()
      expect(samples.get(`kafka_topic_id_info{topic="${topic}",topic_id="${id}"}`)).toBe('1')
      expect(samples.get(`kafka_topic_partitions{topic="${topic}"}`)).toBe('2')
      const metadata = JSON.parse(await kcat(['-L', '-J'])) as { brokers: { id: number }[] }
      expect(samples.get('kafka_brokers{}')).toBe(String(metadata.brokers.length))
      for (const { id: broker } of metadata.brokers)
        expect(samples.get(`kafka_broker_up{broker="${broker}"}`)).toBe('1')
      expect(samples.get(`kafka_under_replicated_partitions{topic="${topic}"}`)).toBe('0')
      expect(samples.get(`kafka_offline_partitions{topic="${topic}"}`)).toBe('0')
      expect(samples.get(`kafka_under_min_isr_partitions{topic="${topic}"}`)).toBe('0')
    })

    it('of messages that were deleted before they were read', async () => {
      await fresh()
      await cluster.deleteRecords([{ topic, partition: 0, offset: 3n }])
      const samples = await fresh()
      const labels = `{group="${group}",topic="${topic}",partition="0"}`
      expect(samples.get(`kafka_consumer_group_lost_messages_total${labels}`)).toBe('2')
      expect(samples.get(`kafka_consumer_retention_used_ratio${labels}`)).toBe('1')
      expect(samples.get(`kafka_partition_start_offset_total{topic="${topic}",partition="0"}`)).toBe('3')
    })

    it('of the quorum: kafka-metadata-quorum; and nothing where there is none', async () => {
      const samples = await fresh()
      if (engine.name === 'embedded') {
        expect([...samples.keys()].filter((key) => key.includes('quorum'))).toEqual([])
        return
      }
      const said = await tool('kafka-metadata-quorum', 'describe', '--status')
      expect(samples.get('kafka_quorum_leader_id{}')).toBe(/LeaderId:\s+(\d+)/.exec(said)![1])
      expect(samples.get('kafka_quorum_epochs_total{}')).toBe(/LeaderEpoch:\s+(\d+)/.exec(said)![1])
      expect(samples.get('kafka_active_controllers{}')).toBe('1')
    })

    it('of a group that was deleted: nothing any more', async () => {
      const doomed = unique('doomed')
      await cluster.resetOffsets(doomed, [{ topic, partition: 0, from: null, to: 3n, clamped: false }])
      const has = (samples: Map<string, string>) => [...samples.keys()].some((key) => key.includes(doomed))
      expect(has(await fresh())).toBe(true)
      await tool('kafka-consumer-groups', '--delete', '--group', doomed)
      expect(has(await fresh())).toBe(false)
    })

    it('of a topic that was created again: its new id and a recreation, and after its deletion nothing', async () => {
      const name = unique('again')
      const create = () => cluster.createTopics([{ name, partitions: 1, replicationFactor: 1 }])
      await create()
      await produce(name, 0, ['x', 'y'])
      expect((await fresh()).get(`kafka_partition_end_offset_total{topic="${name}",partition="0"}`)).toBe('2')
      await cluster.deleteTopics([name])
      await create()
      const samples = await fresh()
      const [described] = await cluster.describeTopics([name])
      expect(samples.get(`kafka_topic_id_info{topic="${name}",topic_id="${described!.id}"}`)).toBe('1')
      expect(samples.get(`kafka_partition_end_offset_total{topic="${name}",partition="0"}`)).toBe('0')
      await cluster.deleteTopics([name])
      expect([...(await fresh()).keys()].filter((key) => key.includes(name))).toEqual([])
    })
  })

  it('answers in OpenMetrics and compressed where that is asked for, with the same samples', async () => {
    await fresh()
    const openmetrics = { accept: 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4' }
    const response = await fetch(`${exporter.url}/metrics`, { headers: openmetrics })
    expect(response.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
    expect((await response.text()).endsWith('# EOF\n')).toBe(true)
    const plain = await fetch(`${exporter.url}/metrics`, { headers: { 'accept-encoding': 'identity' } })
    expect(plain.headers.get('content-encoding')).toBeNull()
    const compressed = await fetch(`${exporter.url}/metrics`, { headers: { 'accept-encoding': 'gzip' } })
    expect(compressed.headers.get('content-encoding')).toBe('gzip')
    expect((await compressed.text()).split('\n')[0]).toBe((await plain.text()).split('\n')[0])
  })

  it('says that it is ready, and shows what it collects on a page', async () => {
    await fresh()
    expect((await fetch(`${exporter.url}/-/ready`)).status).toBe(200)
    expect(await (await fetch(`${exporter.url}/`)).text()).toContain('Cluster tested')
    expect((await fetch(`${exporter.url}/nothing`)).status).toBe(404)
    // Only where the brokers are in the exporter's process.
    expect((await fetch(`${exporter.url}/metrics/broker`)).status).toBe(404)
    expect((await fetch(`${exporter.url}/metrics`, { method: 'POST' })).status).toBe(405)
  })
})

describeEngines('the end-to-end probe', (engine) => {
  it('sends messages to each broker, and sees them come back', { timeout: 60_000 }, async () => {
    const cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
    const topic = unique('probe')
    const exporter = await startExporter({
      connect: { bootstrapServers: engine.bootstrapServers, timeoutMs: 10_000 },
      ...{ listen: { port: 0 }, version: 'test', collect: { intervalMs: 50 }, probe: { topic, intervalMs: 50 } },
    })
    try {
      const value = (name: string) => async () => {
        const page = await fetch(`${exporter.url}/metrics`)
        return page.status === 200 ? Number((await scrape(exporter.url)).get(`kafka_e2e_${name}{}`) ?? 0) : 0
      }
      await expect.poll(value('messages_consumed_total'), { timeout: 30_000 }).toBeGreaterThan(3)
      await expect.poll(value('commit_latency_seconds_count'), { timeout: 30_000 }).toBeGreaterThan(0)
      const samples = await scrape(exporter.url)
      const of = (name: string) => Number(samples.get(`kafka_e2e_${name}{}`))
      expect(of('messages_lost_total')).toBe(0)
      expect(of('roundtrip_latency_seconds_count')).toBe(of('messages_consumed_total'))
      expect(of('produce_latency_seconds_count')).toBe(of('messages_produced_total'))
      const [described] = await cluster.describeTopics([topic])
      expect(described!.partitions).toHaveLength((await cluster.info()).brokers.length)
    } finally {
      await exporter.close()
      await cluster.deleteTopics([topic])
      await cluster.close()
    }
  })
})

describe('the probe of a cluster that grows', () => {
  it('sends messages to brokers that are added, and loses none', { timeout: 60_000 }, async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'selfmonitor-probe-'))
    const [port] = (await freePorts(1)) as [number]
    let broker = await startBroker({ dataDir, port })
    const cluster = connectCluster({ bootstrapServers: broker.bootstrapServers })
    const exporter = await startExporter({
      connect: { bootstrapServers: broker.bootstrapServers, timeoutMs: 5_000 },
      ...{ listen: { port: 0 }, version: 'test', collect: { intervalMs: 50 } },
      probe: { topic: 'probe', intervalMs: 50, followMs: 100 },
    })
    const consumed = () => exporter.snapshot()?.probe?.consumed ?? 0
    const ends = async () => {
      const [topic] = await cluster.describeTopics(['probe']).catch(() => [])
      const at = (topic?.partitions ?? []).map(({ partition }) => ({ topic: 'probe', partition }))
      return (await cluster.listOffsets(at, 'latest').catch(() => [])).map(({ offset }) => Number(offset))
    }
    try {
      await expect.poll(consumed, { timeout: 20_000 }).toBeGreaterThan(2)
      expect(await ends()).toHaveLength(1)
      await broker.close()
      broker = await startBroker({ dataDir, port, brokers: 3 })
      await expect.poll(async () => (await ends()).filter((end) => end > 2), { timeout: 30_000 }).toHaveLength(3)
      const [topic] = await cluster.describeTopics(['probe'])
      expect(new Set(topic!.partitions.map(({ replicas }) => replicas[0]))).toEqual(
        new Set((await cluster.info()).brokers.map(({ id }) => id)),
      )
      const before = consumed()
      await expect.poll(consumed, { timeout: 20_000 }).toBeGreaterThan(before + 6)
      expect(exporter.snapshot()!.probe!.lost).toBe(0)
    } finally {
      await exporter.close()
      await cluster.close()
      await broker.close()
      await rm(dataDir, { recursive: true, force: true })
    }
  })

  it('starts anew with a topic that was deleted', { timeout: 60_000 }, async () => {
    const broker = await startBroker()
    const cluster = connectCluster({ bootstrapServers: broker.bootstrapServers })
    const exporter = await startExporter({
      connect: { bootstrapServers: broker.bootstrapServers, timeoutMs: 5_000 },
      ...{ listen: { port: 0 }, version: 'test', collect: { intervalMs: 50 } },
      probe: { topic: 'probe', intervalMs: 50, followMs: 100 },
    })
    const consumed = () => exporter.snapshot()?.probe?.consumed ?? 0
    try {
      await expect.poll(consumed, { timeout: 20_000 }).toBeGreaterThan(2)
      const [{ id } = { id: '' }] = await cluster.describeTopics(['probe'])
      await cluster.deleteTopics(['probe'])
      await expect
        .poll(async () => (await cluster.listTopics()).find(({ name }) => name === 'probe')?.id ?? id, {
          timeout: 20_000,
        })
        .not.toBe(id)
      const before = consumed()
      await expect.poll(consumed, { timeout: 20_000 }).toBeGreaterThan(before + 2)
    } finally {
      await exporter.close()
      await cluster.close()
      await broker.close()
    }
  })
})

describe('an exporter whose Kafka goes away', () => {
  it('serves what it has, says how old it is, and goes on when Kafka is back', { timeout: 60_000 }, async () => {
    let broker = await startBroker()
    const { port } = new URL(`http://${broker.bootstrapServers}`)
    const cluster = connectCluster({ bootstrapServers: broker.bootstrapServers })
    await cluster.createTopics([{ name: 'orders', partitions: 1, replicationFactor: 1 }])
    const exporter = await startExporter({
      connect: { bootstrapServers: broker.bootstrapServers, timeoutMs: 2_000 },
      ...{ listen: { port: 0 }, version: 'test', collect: { intervalMs: 50 } },
    })
    const stale = async () => (await scrape(exporter.url)).get('kafka_exporter_stale{part="offsets"}')
    try {
      await expect.poll(async () => (await fetch(`${exporter.url}/-/ready`)).status).toBe(200)
      expect(await stale()).toBe('0')
      await broker.close()
      await expect.poll(stale, { timeout: 20_000 }).toBe('1')
      const samples = await scrape(exporter.url)
      expect(samples.get('kafka_partition_end_offset_total{topic="orders",partition="0"}')).toBe('0')
      expect(samples.get('kafka_brokers{}')).toBe('1')
      expect((await fetch(`${exporter.url}/-/ready`)).status).toBe(200)
      broker = await startBroker({ port: Number(port) })
      await expect.poll(stale, { timeout: 20_000 }).toBe('0')
    } finally {
      await exporter.close()
      await cluster.close()
      await broker.close()
    }
  })

  it('is not ready and says so while there never was one, and answers at once', async () => {
    const broker = await startBroker()
    broker.faults.add({ api: 'Metadata', action: { drop: true } })
    const exporter = await startExporter({
      connect: { bootstrapServers: broker.bootstrapServers, timeoutMs: 20_000 },
      ...{ listen: { port: 0 }, version: 'test' },
    })
    try {
      expect((await fetch(`${exporter.url}/-/healthy`)).status).toBe(200)
      expect((await fetch(`${exporter.url}/-/ready`)).status).toBe(503)
      expect((await fetch(`${exporter.url}/metrics`)).status).toBe(503)
    } finally {
      await exporter.close()
      await broker.close()
    }
  })

  it('answers 500 for a page that cannot be made, and logs why', async () => {
    const broker = await startBroker()
    const errors: unknown[] = []
    const mistake = new Error('a mistake')
    const exporter = await startExporter({
      connect: { bootstrapServers: broker.bootstrapServers },
      ...{ listen: { port: 0 }, version: 'test' },
      brokerMetrics() {
        throw mistake
      },
      logger: { debug() {}, info() {}, warn() {}, error: (said: unknown) => errors.push(said) },
    })
    try {
      expect((await fetch(`${exporter.url}/metrics/broker`)).status).toBe(500)
      expect(errors).toEqual([{ err: mistake, path: '/metrics/broker' }])
      expect((await fetch(`${exporter.url}/-/healthy`)).status).toBe(200)
    } finally {
      await exporter.close()
      await broker.close()
    }
  })

  it('refuses to listen where others can reach it, unless told to', async () => {
    const options = { connect: { bootstrapServers: '127.0.0.1:1' }, version: 'test' }
    await expect(startExporter({ ...options, listen: { host: '0.0.0.0', port: 0 } })).rejects.toMatchObject({
      code: 'LISTEN_INSECURE',
    })
  })
})

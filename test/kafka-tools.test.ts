// Apache Kafka's own command-line tools against both engines: the same script on each, and the embedded broker has to
// make them print what real Kafka makes them print.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fetchDistribution, type KafkaDistribution, runTool, type ToolName } from '@selfmonitor/apache'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

interface Step {
  readonly tool: ToolName
  readonly args: readonly string[]
  readonly stdin?: string
  /** Which lines of the output count, where the resources of other tests are listed as well. */
  readonly keep?: (line: string) => boolean
}

const apache = inject('apache')

describe.skipIf('missing' in apache)("Apache Kafka's own tools", () => {
  const real = (apache as { bootstrapServers: string }).bootstrapServers
  let distribution: KafkaDistribution
  let broker: Broker

  beforeAll(async () => {
    distribution = await fetchDistribution()
    broker = await startBroker()
  })
  afterAll(() => broker?.close())

  // Names of this run alone: the Kafka may be one that many runs share.
  const mark = `tools${randomBytes(3).toString('hex')}`
  const unique = (name: string) => name.replace(/^tools(?=[ .-])/, mark)

  /** The output of a step, without parts that always differ: addresses, ids, times, and Java's own warnings. */
  function normalise(text: string): string[] {
    return text
      .replaceAll(mark, 'tools')
      .replaceAll(/127\.0\.0\.1:\d+/g, 'HOST:PORT')
      .replaceAll(/127\.0\.0\.1/g, 'HOST')
      .replaceAll(/TopicId: \S+/g, 'TopicId: ID')
      .replaceAll(/-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '-UUID')
      .replaceAll(/^(\[.*\] )?WARN.*$/gm, '')
      .replaceAll(/\[\d{4}-\d\d-\d\d [\d:,]+\]/g, '[TIME]')
      .replaceAll(/[ \t]+/g, ' ')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
  }

  async function transcript(bootstrapServers: string, steps: readonly Step[]): Promise<string[]> {
    const lines: string[] = []
    for (const { tool, args, stdin, keep = () => true } of steps) {
      const result = await runTool(distribution, tool, ['--bootstrap-server', bootstrapServers, ...args.map(unique)], {
        ...(stdin === undefined ? {} : { stdin }),
        timeoutMs: 60_000,
      })
      lines.push(
        `$ ${tool} ${args.join(' ')} → ${result.exitCode}`,
        ...normalise(result.stdout).filter(keep),
        ...normalise(result.stderr),
      )
    }
    return lines
  }

  async function expectSame(steps: readonly Step[]): Promise<string[]> {
    const [embedded, kafka] = await Promise.all([transcript(broker.bootstrapServers, steps), transcript(real, steps)])
    expect(embedded).toEqual(kafka)
    return embedded
  }

  it('kafka-topics creates, describes, grows and deletes topics with the same output', {
    timeout: 120_000,
  }, async () => {
    const topic = ['--topic', 'tools.topics']
    const printed = await expectSame([
      {
        tool: 'kafka-topics',
        args: [
          '--create',
          ...topic,
          '--partitions',
          '3',
          '--config',
          'retention.ms=86400000',
          '--config',
          'cleanup.policy=compact,delete',
        ],
      },
      { tool: 'kafka-topics', args: ['--create', ...topic] },
      { tool: 'kafka-topics', args: ['--create', '--topic', 'tools.replicated', '--replication-factor', '3'] },
      { tool: 'kafka-topics', args: ['--create', '--topic', 'tools topics'] },
      { tool: 'kafka-topics', args: ['--create', '--topic', 'tools.bad', '--config', 'retention.ms=soon'] },
      { tool: 'kafka-topics', args: ['--describe', ...topic] },
      { tool: 'kafka-topics', args: ['--alter', ...topic, '--partitions', '5'] },
      { tool: 'kafka-topics', args: ['--alter', ...topic, '--partitions', '4'] },
      { tool: 'kafka-topics', args: ['--describe', ...topic] },
      { tool: 'kafka-topics', args: ['--delete', ...topic] },
      { tool: 'kafka-topics', args: ['--describe', ...topic] },
    ])
    expect(printed).toContain('Created topic tools.topics.')
    expect(printed.filter((line) => line.includes('Partition: 4')).length).toBe(1)
  })

  it('kafka-configs shows and changes settings with the same output', { timeout: 120_000 }, async () => {
    const entity = ['--entity-type', 'topics', '--entity-name', 'tools.configs']
    const printed = await expectSame([
      { tool: 'kafka-topics', args: ['--create', '--topic', 'tools.configs', '--config', 'segment.bytes=1048576'] },
      {
        tool: 'kafka-configs',
        args: [...entity, '--alter', '--add-config', 'retention.ms=1000,max.message.bytes=2000000'],
      },
      { tool: 'kafka-configs', args: [...entity, '--describe'] },
      { tool: 'kafka-configs', args: [...entity, '--alter', '--delete-config', 'retention.ms'] },
      { tool: 'kafka-configs', args: [...entity, '--describe'] },
      { tool: 'kafka-configs', args: [...entity, '--alter', '--add-config', 'no.such.setting=1'] },
      { tool: 'kafka-configs', args: [...entity, '--describe', '--all'] },
    ])
    expect(printed.some((line) => line.includes('max.message.bytes=2000000'))).toBe(true)
  })

  it('kafka-configs finds the groups and client metrics that have settings, without their names', {
    timeout: 120_000,
  }, async () => {
    const alter = (type: string, ...change: readonly string[]): Step => ({
      tool: 'kafka-configs',
      args: ['--entity-type', type, '--entity-name', `tools.${type}`, '--alter', ...change],
    })
    const describeAll = (type: string): Step => ({
      tool: 'kafka-configs',
      args: ['--entity-type', type, '--describe'],
      keep: (line) => line.includes('tools.'),
    })
    const printed = await expectSame([
      alter('groups', '--add-config', 'consumer.session.timeout.ms=50000'),
      alter('client-metrics', '--add-config', 'interval.ms=60000,metrics=org.apache.kafka.producer.'),
      describeAll('groups'),
      describeAll('client-metrics'),
    ])
    expect(printed.filter((line) => line.startsWith('Dynamic configs for '))).toEqual([
      'Dynamic configs for group tools.groups are:',
      'Dynamic configs for client-metric tools.client-metrics are:',
    ])
  })

  it('the console producer and consumer carry keys, headers and every compression', { timeout: 180_000 }, async () => {
    const consume = [
      '--topic',
      'tools.console',
      '--from-beginning',
      '--timeout-ms',
      '8000',
      '--formatter-property',
      'print.key=true',
      '--formatter-property',
      'print.headers=true',
      '--formatter-property',
      'print.offset=true',
    ]
    const printed = await expectSame([
      { tool: 'kafka-topics', args: ['--create', '--topic', 'tools.console', '--partitions', '1'] },
      ...['none', 'gzip', 'snappy', 'lz4', 'zstd'].map(
        (codec): Step => ({
          tool: 'kafka-console-producer',
          args: [
            '--topic',
            'tools.console',
            '--compression-codec',
            codec,
            '--reader-property',
            'parse.key=true',
            '--reader-property',
            'parse.headers=true',
          ],
          stdin: `codec:${codec}\tkey-${codec}\tfirst of ${codec}\ncodec:${codec}\tkey-${codec}\tsecond of ${codec}\n`,
        }),
      ),
      { tool: 'kafka-console-consumer', args: [...consume, '--max-messages', '10'] },
      { tool: 'kafka-get-offsets', args: ['--topic', 'tools.console'] },
      { tool: 'kafka-get-offsets', args: ['--topic', 'tools.console', '--time', 'earliest'] },
      { tool: 'kafka-get-offsets', args: ['--topic', 'tools.console', '--time', '1000'] },
    ])
    expect(printed.filter((line) => /(first|second) of/.test(line)).length).toBe(10)
    expect(printed).toContain('tools.console:0:10')
    expect(printed.filter((line) => line === 'tools.console:0:0')).toHaveLength(2)
  })

  it('kafka-consumer-groups describes, resets and deletes groups with the same output', {
    timeout: 180_000,
  }, async () => {
    const group = ['--group', 'tools-group']
    const printed = await expectSame([
      { tool: 'kafka-topics', args: ['--create', '--topic', 'tools.groups', '--partitions', '2'] },
      {
        tool: 'kafka-console-producer',
        args: ['--topic', 'tools.groups', '--reader-property', 'parse.key=true'],
        stdin: 'k\tone\nk\ttwo\nk\tthree\n',
      },
      {
        tool: 'kafka-console-consumer',
        args: ['--topic', 'tools.groups', '--from-beginning', '--max-messages', '3', ...group, '--timeout-ms', '15000'],
      },
      { tool: 'kafka-consumer-groups', args: ['--describe', ...group] },
      { tool: 'kafka-consumer-groups', args: ['--describe', '--state', ...group] },
      {
        tool: 'kafka-consumer-groups',
        args: [...group, '--reset-offsets', '--to-earliest', '--topic', 'tools.groups', '--execute'],
      },
      {
        tool: 'kafka-consumer-groups',
        args: [...group, '--reset-offsets', '--shift-by', '1', '--topic', 'tools.groups', '--dry-run'],
      },
      { tool: 'kafka-consumer-groups', args: [...group, '--delete-offsets', '--topic', 'tools.groups'] },
      { tool: 'kafka-consumer-groups', args: ['--delete', ...group] },
      { tool: 'kafka-consumer-groups', args: ['--describe', ...group] },
    ])
    expect(printed.some((line) => line.includes('tools-group') && line.includes('tools.groups'))).toBe(true)
  })

  it('the verifiable producer and consumer agree on every record', { timeout: 120_000 }, async () => {
    for (const bootstrapServers of [broker.bootstrapServers, real]) {
      const topic = unique('tools.verifiable')
      const create = await runTool(distribution, 'kafka-topics', [
        '--bootstrap-server',
        bootstrapServers,
        '--create',
        '--topic',
        topic,
        '--partitions',
        '3',
      ])
      expect(create.exitCode).toBe(0)
      const produced = await runTool(distribution, 'kafka-verifiable-producer', [
        '--bootstrap-server',
        bootstrapServers,
        '--topic',
        topic,
        '--max-messages',
        '5000',
        '--acks',
        '-1',
      ])
      expect(produced.stdout).toContain('"sent":5000,"acked":5000')
      const consumed = await runTool(distribution, 'kafka-verifiable-consumer', [
        '--bootstrap-server',
        bootstrapServers,
        '--topic',
        topic,
        '--group-id',
        'verifiable',
        '--max-messages',
        '5000',
        '--reset-policy',
        'earliest',
      ])
      const counts = [
        ...consumed.stdout.matchAll(
          /"name":"records_consumed","count":(\d+)|"count":(\d+),.*?"name":"records_consumed"/g,
        ),
      ].map((m) => Number(m[1] ?? m[2]))
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(5000)
    }
  })

  it('kafka-producer-perf-test and kafka-consumer-perf-test run to their end', { timeout: 120_000 }, async () => {
    const topic = ['--topic', unique('tools.perf')]
    const produced = await runTool(distribution, 'kafka-producer-perf-test', [
      ...topic,
      '--num-records',
      '20000',
      '--record-size',
      '1000',
      '--throughput',
      '-1',
      '--bootstrap-server',
      broker.bootstrapServers,
      '--command-property',
      'acks=all',
    ])
    expect(produced.stdout).toContain('20000 records sent')
    const consumed = await runTool(distribution, 'kafka-consumer-perf-test', [
      '--bootstrap-server',
      broker.bootstrapServers,
      ...topic,
      '--num-records',
      '20000',
    ])
    expect(consumed.exitCode).toBe(0)
    expect(consumed.stdout).toMatch(/, 20000,/)
  })

  it('kafka-delete-records, kafka-log-dirs and kafka-broker-api-versions are answered', {
    timeout: 120_000,
  }, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'selfmonitor-tools-'))
    const file = `${dir}/before.json`
    try {
      await writeFile(
        file,
        JSON.stringify({ version: 1, partitions: [{ topic: unique('tools.delete'), partition: 0, offset: 2 }] }),
      )
      const printed = await expectSame([
        { tool: 'kafka-topics', args: ['--create', '--topic', 'tools.delete', '--partitions', '1'] },
        { tool: 'kafka-console-producer', args: ['--topic', 'tools.delete'], stdin: 'one\ntwo\nthree\n' },
        { tool: 'kafka-delete-records', args: ['--offset-json-file', file] },
        { tool: 'kafka-get-offsets', args: ['--topic', 'tools.delete', '--time', 'earliest'] },
      ])
      expect(printed).toContain('tools.delete:0:2')
      const dirs = await runTool(distribution, 'kafka-log-dirs', [
        '--bootstrap-server',
        broker.bootstrapServers,
        '--describe',
        '--topic-list',
        unique('tools.delete'),
      ])
      expect(dirs.stdout).toContain(`"partition":"${unique('tools.delete')}-0"`)
      const versions = await runTool(distribution, 'kafka-broker-api-versions', [
        '--bootstrap-server',
        broker.bootstrapServers,
      ])
      expect(versions.stdout).toMatch(/Produce\(0\): 0 to \d+/)
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })
})

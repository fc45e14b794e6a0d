import { describe, expect, it } from 'vitest'
import type { Snapshot } from '../snapshot/types.ts'
import { minutes, nowMs, snapshotOf } from '../test-support/snapshot.ts'
import { families, labelsOf, samplesOf } from './families.ts'
import type { computations } from './samples/index.ts'
import { type Metric, type MetricKey, metrics } from './table.ts'
import { everything } from './test-support/everything.ts'
import { linesOf, pageOf } from './test-support/text.ts'
import { viewOf } from './view.ts'

const exporter = { version: '1.2.3', requests: 17 }
const view = viewOf(everything(), exporter)
const valueIn = (key: keyof typeof computations, ...labels: string[]) =>
  samplesOf(key, view, 'partition').find((sample) => sample.labels.join() === labels.join())?.value
const keys = Object.keys(metrics) as MetricKey[]

describe('the table of metrics', () => {
  it('has a sample of each metric where the snapshot has all parts, with the labels of its row', () => {
    const lines = [...families(view, 'partition')]
    const rendered = new Map(lines.map((family) => [family.metric.name, family]))
    for (const key of keys) {
      const metric: Metric = metrics[key]
      const family = rendered.get(metric.name)
      expect(family, metric.name).toBeDefined()
      const names = [
        ...linesOf(family!)
          .split('\n')[0]!
          .matchAll(/([a-z_]+)="(?:[^"\\]|\\.)*"/g),
      ].map(([, name]) => name)
      const expected = ['cluster', ...metric.labels]
      expect(names).toEqual(metric.type === 'histogram' ? [...expected, 'le'] : expected)
    }
    expect(rendered.size).toBe(keys.length)
  })

  it('has no sample twice', () => {
    for (const granularity of ['partition', 'topic'] as const) {
      for (const family of families(view, granularity)) {
        const names = linesOf(family)
          .trimEnd()
          .split('\n')
          .map((line) => line.slice(0, line.lastIndexOf(' ')))
        expect(new Set(names).size).toBe(names.length)
      }
    }
  })

  it('loses the label partition with the granularity topic', () => {
    for (const key of keys.filter((one) => one !== 'exporterSeries')) {
      const names = labelsOf(metrics[key], 'topic')
      expect(names).not.toContain('partition')
      for (const { labels } of samplesOf(key as keyof typeof computations, view, 'topic'))
        expect(labels).toHaveLength(names.length)
    }
    const byTopic = (key: keyof typeof computations) =>
      samplesOf(key, view, 'topic').find(({ labels }) => labels.includes('orders'))?.value
    expect(byTopic('endOffset')).toBe(300n)
    expect(byTopic('lsoLag')).toBe(10n)
    expect(byTopic('lag')).toBeUndefined()
    expect(byTopic('groupTopicLag')).toBe(40n)
    expect(byTopic('retentionUsed')).toBe(0.2)
  })
})

// Kafka's Partition.effectiveMinIsr.
it.each([
  { least: '2', replicas: [1], isr: [1], under: 0 },
  { least: '2', replicas: [1], isr: [], under: 1 },
  { least: '3', replicas: [1, 2], isr: [1, 2], under: 0 },
  { least: '3', replicas: [1, 2], isr: [2], under: 1 },
  { least: '2', replicas: [1, 2, 3], isr: [1, 3], under: 0 },
  { least: '2', replicas: [1, 2, 3], isr: [3], under: 1 },
])(
  'counts $under under min.insync.replicas=$least with $isr of $replicas in sync: no more are asked for than there are replicas',
  ({ least, replicas, isr, under }) => {
    const topics = {
      orders: { partitions: 1, replicas, isr, leader: isr[0] ?? -1, config: { 'min.insync.replicas': least } },
    }
    const one = viewOf(snapshotOf({ topics }), exporter)
    expect(samplesOf('underMinIsr', one, 'partition').map(({ value }) => value)).toEqual([under])
  },
)

describe('values', () => {
  it.each<[keyof typeof computations, string[], number | bigint]>([
    ['brokers', [], 3],
    ['brokerUp', ['4'], 0],
    ['brokerUp', ['1'], 1],
    ['controllers', [], 1],
    ['brokerLeaders', ['1'], 2],
    ['brokerReplicas', ['2'], 4],
    ['preferredLeaders', [], 1],
    ['quorumLag', ['2', 'voter'], 20n],
    ['quorumLag', ['3', 'observer'], 10n],
    ['endOffset', ['orders', '0'], 100n],
    ['lsoLag', ['orders', '0'], 10n],
    ['messagesPerSecond', ['orders'], 4],
    // 5,000 bytes of 100 messages on the leader of one partition.
    ['bytesPerSecond', ['orders'], 200],
    ['logSize', ['orders', '2'], 5_000n],
    ['lag', ['billing', 'orders', '0'], 40n],
    ['groupTopicLag', ['billing', 'orders'], 40n],
    ['lagSeconds', ['billing', 'orders', '0'], 120],
    ['lagSeconds', ['billing', 'orders', '1'], 0],
    ['groupTopicLagSeconds', ['billing', 'orders'], 120],
    // From 0 to 40 messages in two minutes.
    ['lagVelocity', ['billing', 'orders'], 1 / 3],
    ['catchUp', ['billing', 'orders'], Number.POSITIVE_INFINITY],
    ['retentionUsed', ['billing', 'orders', '0'], 0.2],
    ['commitStaleness', ['billing', 'orders', '0'], 180],
    ['commitStaleness', ['billing', 'orders', '1'], 0],
    ['lost', ['billing', 'orders', '0'], 12n],
    ['committed', ['billing', 'orders', '0'], 60n],
    ['groupState', ['billing', 'Stable'], 1],
    ['groupState', ['billing', 'Empty'], 0],
    ['groupInfo', ['workers', 'share', '1'], 1],
    ['shareLag', ['workers', 'orders', '2'], 5n],
    ['transactionAge', ['orders', '1'], 300],
    ['transactionAge', ['orders', '0'], 0],
    ['connectorUp', ['sink'], 0],
    ['connectorTasksFailed', ['sink'], 1],
    ['exporterRequests', [], 17],
    ['exporterStale', ['metadata'], 0],
  ])('%s of %j is %s', (key, labels, expected) => {
    expect(valueIn(key, ...labels)).toEqual(expected)
  })

  it('of a share group are not those of a consumer group', () => {
    expect(samplesOf('lag', view, 'partition').map(({ labels }) => labels[0])).not.toContain('workers')
  })

  it('are left out where they are not known, never 0', () => {
    const unknown = snapshotOf({
      topics: { orders: {} },
      groups: {
        billing: { partitions: [{ topic: 'orders', partition: 0, committed: 5n, lag: 95n, nextUnread: null }] },
      },
      parts: { offsets: { state: 'never', problem: { code: 'TIMEOUT', message: '' } } },
    })
    const of = (key: keyof typeof computations) => samplesOf(key, viewOf(unknown, exporter), 'partition')
    expect([of('lagSeconds'), of('endOffset'), of('quorumLeader'), of('catchUp'), of('probeLost')]).toEqual([
      [],
      [],
      [],
      [],
      [],
    ])
    expect(of('exporterStale')).toContainEqual({ labels: ['offsets'], value: 1 })
    expect(of('lag')).toHaveLength(1)
  })

  it('of a group that only transaction markers are left to: a lag, and 0 seconds', () => {
    const idle = snapshotOf({
      topics: { orders: {} },
      groups: {
        billing: { partitions: [{ topic: 'orders', partition: 0, committed: 99n, lag: 1n, nextUnread: 'none' }] },
      },
    })
    const of = (key: keyof typeof computations) => samplesOf(key, viewOf(idle, exporter), 'partition')[0]?.value
    expect([of('lag'), of('lagSeconds'), of('commitStaleness'), of('retentionUsed')]).toEqual([1n, 0, 0, 0])
  })

  it('are as old as their part, and say so, once Kafka does not answer', () => {
    const before = everything()
    const problem = { code: 'CANNOT_CONNECT', message: 'no' }
    const stale = { ...before, finishedAtMs: nowMs + minutes(10), groups: { ...before.groups, problem } } as Snapshot
    const of = (key: keyof typeof computations) => samplesOf(key, viewOf(stale, exporter), 'partition')
    expect(of('lagSeconds')).toContainEqual({ labels: ['billing', 'orders', '0'], value: 120 })
    expect(of('exporterStale')).toContainEqual({ labels: ['groups'], value: 1 })
    expect(of('exporterSuccess')).toContainEqual({ labels: ['groups'], value: nowMs / 1_000 })
  })

  it('say nothing of a part that the cluster does not have', () => {
    const quorum = { state: 'never', problem: { code: 'UNSUPPORTED_API', message: 'none here' } } as const
    const samples = samplesOf('exporterStale', viewOf(snapshotOf({ parts: { quorum } }), exporter), 'partition')
    expect(samples.map(({ labels }) => labels[0])).not.toContain('quorum')
  })
})

describe('the text', () => {
  const text = (format: 'prometheus' | 'openmetrics') => pageOf(view, format)

  it('escapes values of labels, and writes infinity as Prometheus reads it', () => {
    expect(text('prometheus')).toContain(String.raw`kafka_topic_partitions{cluster="test",topic="odd\"name\\"} 1`)
    expect(text('prometheus')).toMatch(/^kafka_consumer_group_topic_catch_up_seconds\{.*\} \+Inf$/m)
  })

  it('is the same in however many parts it is encoded', () => {
    const names = Array.from({ length: 2_000 }, (_, i) => `zahlungen-für-größe-€-${i}`)
    const large = viewOf(snapshotOf({ topics: Object.fromEntries(names.map((name) => [name, {}])) }), exporter)
    const family = [...families(large, 'partition')].find(({ metric }) => metric.name === 'kafka_topic_partitions')!
    expect(family.lines.length).toBeGreaterThan(2)
    const lines = linesOf(family).trimEnd().split('\n')
    expect(lines.map((line) => /topic="(.*)"/.exec(line)![1])).toEqual(names)
  })

  it('has cumulative buckets', () => {
    const lines = text('prometheus')
      .split('\n')
      .filter((line) => line.startsWith('kafka_e2e_produce_latency_seconds'))
    expect(lines[0]).toBe('kafka_e2e_produce_latency_seconds_bucket{cluster="test",le="0.005"} 1')
    expect(lines.slice(-3)).toEqual([
      'kafka_e2e_produce_latency_seconds_bucket{cluster="test",le="+Inf"} 16',
      'kafka_e2e_produce_latency_seconds_sum{cluster="test"} 3.5',
      'kafka_e2e_produce_latency_seconds_count{cluster="test"} 16',
    ])
  })

  it('names counters without their suffix in OpenMetrics, and ends', () => {
    expect(text('prometheus')).toContain('# TYPE kafka_consumer_committed_offset_total counter\n')
    expect(text('openmetrics')).toContain(
      '# TYPE kafka_consumer_committed_offset counter\nkafka_consumer_committed_offset_total{',
    )
    expect(text('openmetrics').endsWith('\n# EOF\n')).toBe(true)
  })

  it('counts its own series', () => {
    const series = text('prometheus')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    expect(text('prometheus')).toContain(`kafka_exporter_series{cluster="test"} ${series.length}\n`)
  })
})

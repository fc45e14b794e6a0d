// The metrics of a stream, on both engines: as OpenTelemetry's own SDK gets them, and as text for Prometheus without an SDK.
import { DataPointType, InstrumentType, type MetricData } from '@opentelemetry/sdk-metrics'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { type EventsRig, until, useEvents } from '../../../../test/support/events.ts'
import { missingPrometheus, runMonitoringTool } from '../../../../test/support/prometheus.ts'
import type { EventStreamOptions } from '../index.ts'
import { durationBuckets, libraryMetrics, prometheusLabel, prometheusName } from './metrics-table.ts'
import { startSdk, type TestSdk } from './test-support/sdk.ts'

/** Emits four events: two are handled, one fails three times, one has no handler; and one that the broker refuses. */
async function traffic(rig: EventsRig, options: EventStreamOptions = {}) {
  const topic = await rig.topic('orders', { config: { 'max.message.bytes': '2000' } })
  const stream = await rig.connect(options)
  stream.on(topic, 'paid', () => {})
  stream.on(topic, 'broken', () => {
    throw new TypeError('no')
  })
  if (options.metrics === undefined) stream.metrics()
  await stream.run()
  const user = { userId: 'u' }
  await stream.emit(topic, 'paid', {}, user)
  await stream.emitMany([
    { topic, eventType: 'paid', data: {}, ...user },
    { topic, eventType: 'other', data: {}, ...user },
  ])
  await stream.emit(topic, 'broken', {}, user)
  await expect(stream.emit(topic, 'paid', { text: 'x'.repeat(5000) }, user)).rejects.toThrow('MESSAGE_TOO_LARGE')
  await until('all is handled', () => {
    const { handled, deadLettered, skipped } = stream.stats()
    return handled === 2 && deadLettered === 1 && skipped === 1
  })
  await stream.close()
  return { stream, topic }
}

/** What every run of `traffic` counts, by Prometheus' names: values of counters, counts of histograms. */
const expectedOf = (topic: string, group: string): Record<string, number> => {
  const of = (operation: string, ...more: string[]) =>
    [
      'messaging_system="kafka"',
      `messaging_operation_name="${operation}"`,
      `messaging_destination_name="${topic}"`,
      ...more,
    ]
      .toSorted()
      .join(',')
  const ofGroup = `messaging_consumer_group_name="${group}"`
  const outcome = `${ofGroup},messaging_destination_name="${topic}"`
  const send = 'messaging_operation_type="send"'
  const process = 'messaging_operation_type="process"'
  const refused = 'error_type="MESSAGE_TOO_LARGE"'
  return {
    [`messaging_client_operation_duration_seconds_count{${of('send', send)}}`]: 4,
    [`messaging_client_operation_duration_seconds_count{${of('send', send, refused)}}`]: 1,
    [`messaging_client_sent_messages_total{${of('send')}}`]: 4,
    [`messaging_client_sent_messages_total{${of('send', refused)}}`]: 1,
    [`messaging_client_consumed_messages_total{${of('poll', ofGroup)}}`]: 4,
    [`messaging_process_duration_seconds_count{${of('process', process, ofGroup)}}`]: 2,
    [`messaging_process_duration_seconds_count{${of('process', process, ofGroup, 'error_type="TypeError"')}}`]: 3,
    [`selfmonitor_events_consumed_total{${outcome}}`]: 3,
    [`selfmonitor_events_retried_total{${outcome}}`]: 2,
    [`selfmonitor_events_dead_lettered_total{${outcome}}`]: 1,
    [`selfmonitor_events_skipped_total{${outcome}}`]: 1,
  }
}

/** Series of a text for Prometheus that concern a topic, without the server's address, which tests do not choose; labels sorted. */
function seriesOf(text: string, topic: string): Record<string, number> {
  const found: Record<string, number> = {}
  for (const line of text.split('\n')) {
    const match = /^(\w+)\{(.*)\} (\S+)$/.exec(line)
    if (match === null || !line.includes(`messaging_destination_name="${topic}"`)) continue
    const labels = match[2]!.match(/\w+="(?:[^"\\]|\\.)*"/g)!.filter((label) => !/^(server_|otel_scope)/.test(label))
    found[`${match[1]}{${labels.toSorted().join(',')}}`] = Number(match[3])
  }
  return found
}

describeEngines('metrics of a stream', (engine) => {
  const rig = useEvents(engine)

  it('are text for Prometheus without an SDK', async () => {
    const { stream, topic } = await traffic(rig)
    const text = stream.metrics()
    expect(seriesOf(text, topic)).toMatchObject(expectedOf(topic, stream.service))
    for (const row of Object.values(libraryMetrics)) {
      expect(text).toContain(`# TYPE ${prometheusName(row)} ${row.type}\n`)
    }
    const server = /server_address="([^"]+)",server_port="(\d+)"/.exec(text)
    expect(`${server?.[1]}:${server?.[2]}`).toBe(engine.bootstrapServers)
  })

  it.skipIf(missingPrometheus() !== null)('pass promtool check metrics', async () => {
    const { stream } = await traffic(rig)
    const { exitCode, stdout, stderr } = await runMonitoringTool('promtool', ['check', 'metrics'], {
      stdin: stream.metrics(),
    })
    expect({ exitCode, output: stdout + stderr }).toEqual({ exitCode: 0, output: '' })
  })

  it('have every outcome from the start, so that an alert sees the first dead letter', async () => {
    const topic = await rig.topic('orders')
    const stream = await rig.connect()
    stream.on(topic, '*', () => {})
    await stream.run()
    expect(seriesOf(stream.metrics(), topic)).toEqual(
      Object.fromEntries(
        ['consumed', 'retried', 'dead_lettered', 'skipped'].map((name) => [
          `selfmonitor_events_${name}_total{messaging_consumer_group_name="${stream.service}",messaging_destination_name="${topic}"}`,
          0,
        ]),
      ),
    )
  })

  it('count durations from the first call on, outcomes from the start', async () => {
    const topic = await rig.topic('orders')
    const stream = await rig.connect()
    stream.on(topic, '*', () => {})
    await stream.run()
    await stream.emit(topic, 'paid', {}, { userId: 'u' })
    await until('it is handled', () => stream.stats().handled === 1)
    const text = stream.metrics()
    expect(text).toContain(`messaging_destination_name="${topic}"} 1\n`)
    expect(text).not.toContain('messaging_client_sent_messages_total{')
    await stream.emit(topic, 'paid', {}, { userId: 'u' })
    expect(stream.metrics()).toContain('messaging_client_sent_messages_total{')
  })

  describe('with an OpenTelemetry SDK', () => {
    let sdk: TestSdk
    beforeAll(() => {
      sdk = startSdk()
    })
    afterAll(async () => {
      await sdk?.stop()
    })

    it('are instruments of the table, with only the attributes of the table', async () => {
      await traffic(rig, { metrics: false })
      const found = new Map<string, MetricData>((await sdk.metrics()).map((data) => [data.descriptor.name, data]))
      for (const row of Object.values(libraryMetrics)) {
        const data = found.get(row.name)
        expect(data?.descriptor).toMatchObject({
          name: row.name,
          unit: row.unit,
          description: row.help,
          type: row.type === 'counter' ? InstrumentType.COUNTER : InstrumentType.HISTOGRAM,
        })
        for (const point of data!.dataPoints) {
          for (const name of Object.keys(point.attributes)) expect(row.attributes).toContain(name)
        }
        if (data!.dataPointType === DataPointType.HISTOGRAM) {
          expect(data!.dataPoints[0]!.value.buckets.boundaries).toEqual([...durationBuckets])
        }
      }
      const ours = [...found.keys()].filter((name) => /^(messaging|selfmonitor)\./.test(name))
      expect(ours.toSorted()).toEqual(
        Object.values(libraryMetrics)
          .map(({ name }) => name)
          .toSorted(),
      )
    })

    it('have the names and values that OpenTelemetry’s exporter for Prometheus gives, and the same as without an SDK', async () => {
      const { stream, topic } = await traffic(rig, { metrics: true })
      // The exporter for JavaScript leaves the unit out, which the specification wants and the collector's exporter adds.
      const text = (await sdk.prometheusText()).replaceAll(/^(messaging_\w+_duration)_/gm, '$1_seconds_')
      const theirs = seriesOf(text, topic)
      expect(theirs).toMatchObject(expectedOf(topic, stream.service))
      const ours = seriesOf(stream.metrics(), topic)
      const counts = (series: Record<string, number>) =>
        Object.entries(series).filter(([name]) => !/_sum\{|_bucket\{/.test(name) && !name.includes('"commit"'))
      expect(new Map(counts(ours))).toEqual(new Map(counts(theirs)))
      const buckets = (series: Record<string, number>) =>
        Object.keys(series)
          .filter((name) => name.includes('_bucket{'))
          .toSorted()
      expect(buckets(ours)).toEqual(buckets(theirs))
    })
  })
})

describe('the table of metrics', () => {
  it('has names as the conventions for Prometheus want them', () => {
    expect(prometheusName(libraryMetrics.operationDuration)).toBe('messaging_client_operation_duration_seconds')
    expect(prometheusName(libraryMetrics.deadLettered)).toBe('selfmonitor_events_dead_lettered_total')
    expect(prometheusLabel('messaging.destination.name')).toBe('messaging_destination_name')
  })
})

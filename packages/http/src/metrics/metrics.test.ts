import { describe, expect, it } from 'vitest'
import {
  createMeasurements,
  histogramLines,
  type MeasuredMetric,
  metricHead,
  metricsText,
  sampleLine,
} from './index.ts'

const skipped: MeasuredMetric = { name: 'skipped_total', type: 'counter', help: 'Events without a handler.' }
const duration: MeasuredMetric = {
  name: 'duration_seconds',
  type: 'histogram',
  help: 'Of a handler.',
  buckets: [0.005, 1, 10],
}

describe('measurements', () => {
  it('add up, and keep series of other labels apart', () => {
    const all = createMeasurements()
    const add = (topic: string) => all.series(skipped, { topic, group: null })
    add('a')(1)
    add('b')(1)
    add('a')(2)
    expect(all.text()).toBe(
      [
        '# HELP skipped_total Events without a handler.',
        '# TYPE skipped_total counter',
        'skipped_total{topic="a"} 3',
        'skipped_total{topic="b"} 1',
        '',
      ].join('\n'),
    )
  })

  it('have a series that was asked for before it was added to', () => {
    const all = createMeasurements()
    all.series(skipped, {})
    expect(all.text()).toContain('\nskipped_total 0\n')
  })

  it('count a value in its bucket and all above it; a bound belongs to its bucket', () => {
    const all = createMeasurements()
    const add = all.series(duration, { error: null, topic: 'a' })
    for (const seconds of [0.005, 0.006, 100]) add(seconds)
    expect(all.text().split('\n').slice(2)).toEqual([
      'duration_seconds_bucket{topic="a",le="0.005"} 1',
      'duration_seconds_bucket{topic="a",le="1"} 2',
      'duration_seconds_bucket{topic="a",le="10"} 2',
      'duration_seconds_bucket{topic="a",le="+Inf"} 3',
      'duration_seconds_sum{topic="a"} 100.011',
      'duration_seconds_count{topic="a"} 3',
      '',
    ])
  })
})

describe('the text of metrics', () => {
  it('has backslashes before what would end a label or a line', () => {
    const samples = [{ labels: { topic: 'a"b\\c\nd' }, value: 1 }]
    expect(metricsText([{ name: 'lag', type: 'gauge', help: 'a "b" \\ c\nd', samples }])).toBe(
      '# HELP lag a "b" \\\\ c\\nd\n# TYPE lag gauge\nlag{topic="a\\"b\\\\c\\nd"} 1\n',
    )
  })

  it('names a counter of OpenMetrics without its suffix, and escapes quotes in its help', () => {
    expect(metricHead({ name: 'x_total', type: 'counter', help: 'a "b"' }, 'openmetrics')).toBe(
      '# HELP x a \\"b\\"\n# TYPE x counter\n',
    )
  })

  it('has a point in every bound of a histogram of OpenMetrics', () => {
    expect(histogramLines('x', 'a="b"', [0.5, 1], [1, 0, 2], 7, 'openmetrics')).toBe(
      [
        'x_bucket{a="b",le="0.5"} 1',
        'x_bucket{a="b",le="1.0"} 1',
        'x_bucket{a="b",le="+Inf"} 3',
        'x_sum{a="b"} 7',
        'x_count{a="b"} 3',
        '',
      ].join('\n'),
    )
  })

  it('writes whole numbers of any size, and infinities as Prometheus does', () => {
    const values = [2n ** 63n - 1n, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 0.1]
    expect(values.map((value) => sampleLine('x', '', value))).toEqual([
      'x 9223372036854775807\n',
      'x +Inf\n',
      'x -Inf\n',
      'x NaN\n',
      'x 0.1\n',
    ])
  })
})

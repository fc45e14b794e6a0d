// Snapshot → the text of each metric. The lines are rendered once for each snapshot: both formats have the same.
import { histogramLines, labelValue, sampleLine } from '@selfmonitor/http/metrics'
import { Lines } from './lines.ts'
import { computations, type Emit, type Value } from './samples/index.ts'
import { type Metric, type MetricKey, metrics, probeBuckets } from './table.ts'
import type { View } from './view.ts'

export type Granularity = 'topic' | 'partition'

export interface Sample {
  readonly labels: readonly string[]
  readonly value: Value
}

/** One metric with its samples, as text in UTF-8. */
export interface Family {
  readonly metric: Metric
  /** One after the other they are the text. */
  readonly lines: readonly Buffer[]
  readonly series: number
}

/** The labels that the metric has with this granularity. */
export function labelsOf({ labels, byTopic }: Metric, granularity: Granularity): readonly string[] {
  return granularity === 'topic' && byTopic !== undefined ? labels.slice(0, -1) : labels
}

/** The samples of a metric. With `topic` those of a topic's partitions become one. */
export function samplesOf(key: Exclude<MetricKey, 'exporterSeries'>, view: View, granularity: Granularity): Sample[] {
  const { byTopic }: Metric = metrics[key]
  const samples: Sample[] = []
  if (granularity === 'partition' || byTopic === undefined) {
    computations[key](view, (labels, value) => samples.push({ labels, value }))
    return samples
  }
  if (byTopic === 'left out') return samples
  const totals = new Map<string, { labels: readonly string[]; value: number | bigint }>()
  computations[key](view, (labels, value) => {
    const rest = labels.slice(0, -1)
    const id = rest.join('\n')
    const known = totals.get(id)
    totals.set(id, {
      labels: rest,
      value: known === undefined ? plain(value) : merge(byTopic, known.value, plain(value)),
    })
  })
  return [...totals.values()]
}

function plain(value: Value): number | bigint {
  if (typeof value === 'object') throw new TypeError('a histogram has no partitions')
  return value
}

function merge(how: 'sum' | 'max', a: number | bigint, b: number | bigint): number | bigint {
  if (how === 'max') return b > a ? b : a
  return typeof a === 'bigint' && typeof b === 'bigint' ? a + b : Number(a) + Number(b)
}

/**
 * Renders every metric that has samples, one after the other, so that the caller can do something else in between.
 * Arrays of labels that are shared by several metrics are written once.
 */
export function* families(view: View, granularity: Granularity): Generator<Family> {
  const cluster = `cluster="${labelValue(view.snapshot.cluster)}"`
  const texts = new Map<readonly string[], string>()
  let all = 0
  for (const key of Object.keys(computations) as (keyof typeof computations)[]) {
    const metric: Metric = metrics[key]
    const names = labelsOf(metric, granularity)
    const isShared = metric.labels.length > 0 && granularity === 'partition'
    const textOf = (labels: readonly string[]): string => {
      const known = texts.get(labels)
      if (known !== undefined) return known
      // `join` makes one flat string; a chain of concatenations would be a tree of pieces that is kept and walked for each metric.
      const text = [cluster, ...labels.map((value, i) => `${names[i]}="${labelValue(value)}"`)].join(',')
      if (isShared) texts.set(labels, text)
      return text
    }
    const lines = new Lines()
    let series = 0
    const emit: Emit = (labels, value) => {
      if (typeof value === 'object') {
        // Lines of both formats.
        lines.add(histogramLines(metric.name, textOf(labels), probeBuckets, value.counts, value.sum, 'openmetrics'))
        series += probeBuckets.length + 3
      } else {
        lines.add(sampleLine(metric.name, textOf(labels), value))
        series++
      }
    }
    if (granularity === 'partition') computations[key](view, emit)
    else for (const { labels, value } of samplesOf(key, view, granularity)) emit(labels, value)
    all += series
    if (series > 0) yield { metric, lines: lines.parts(), series }
  }
  const { exporterSeries } = metrics
  const lines = [Buffer.from(sampleLine(exporterSeries.name, cluster, all + 1))]
  yield { metric: exporterSeries, lines, series: 1 }
}

// Counters and histograms of a process, and their text for Prometheus. Pure.
import { histogramLines, labelsText, type MetricHead, metricHead, sampleLine } from './text.ts'

export type MeasuredMetric =
  | (MetricHead & { readonly type: 'counter' })
  /** `buckets`: upper bounds in ascending order, in the metric's unit. */
  | (MetricHead & { readonly type: 'histogram'; readonly buckets: readonly number[] })

/** Values by label; one that is null is left out. */
export type MetricLabels = Readonly<Record<string, string | number | null>>

/** Adds to one series: 1 or more to a counter, a value in the metric's unit to a histogram. */
export type Add = (value: number) => void

interface Series {
  readonly labels: string
  /** Of a histogram the sum of its values. */
  value: number
  /** Of a histogram: how many values are in each bucket; the last is for those above all bounds. */
  readonly counts: Float64Array | null
}

export interface Measurements {
  /**
   * @param metric the same object each time
   * @returns the function that adds to the series with these labels; from now on the text has it, with 0 at first
   */
  series(metric: MeasuredMetric, labels: MetricLabels): Add
  /** All series of all metrics, in the order in which the metrics came. */
  text(): string
}

export function createMeasurements(): Measurements {
  const families = new Map<MeasuredMetric, Map<string, Series>>()
  return {
    series(metric, labels) {
      const family = families.get(metric) ?? new Map<string, Series>()
      families.set(metric, family)
      const text = textOf(labels)
      const series = family.get(text) ?? newSeries(metric, text)
      family.set(text, series)
      return adder(metric, series)
    },
    text: () => [...families].map(([metric, family]) => familyText(metric, family.values())).join(''),
  }
}

function textOf(labels: MetricLabels): string {
  return labelsText(Object.entries(labels).flatMap(([name, value]) => (value === null ? [] : [[name, String(value)]])))
}

function newSeries(metric: MeasuredMetric, labels: string): Series {
  const counts = metric.type === 'histogram' ? new Float64Array(metric.buckets.length + 1) : null
  return { labels, value: 0, counts }
}

function adder(metric: MeasuredMetric, series: Series): Add {
  const { counts } = series
  if (counts === null || metric.type !== 'histogram') {
    return (value) => {
      series.value += value
    }
  }
  const { buckets } = metric
  return (value) => {
    series.value += value
    let at = 0
    while (at < buckets.length && value > buckets[at]!) at++
    counts[at]!++
  }
}

function familyText(metric: MeasuredMetric, all: Iterable<Series>): string {
  let text = metricHead(metric, 'prometheus')
  for (const { labels, value, counts } of all) {
    text +=
      counts === null || metric.type !== 'histogram'
        ? sampleLine(metric.name, labels, value)
        : histogramLines(metric.name, labels, metric.buckets, counts, value, 'prometheus')
  }
  return text
}

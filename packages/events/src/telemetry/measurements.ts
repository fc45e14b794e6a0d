// Counters and histograms of a process without an OpenTelemetry SDK, and their text for Prometheus. Pure.
//
// The text is version 0.0.4 of Prometheus' exposition format: https://prometheus.io/docs/instrumenting/exposition_formats/
import { durationBuckets, type LibraryMetric, prometheusLabel, prometheusName } from './metrics-table.ts'

/** Values of attributes; one that is null is left out. */
export type Labels = Readonly<Record<string, string | number | null>>

/** Adds to one series: 1 or more to a counter, a value in the metric's unit to a histogram. */
export type Add = (value: number) => void

interface Series {
  /** `{a="b"}` without the braces. */
  readonly labels: string
  value: number
  /** Of a histogram: how many values, and how many are in each bucket; the last is for those above all bounds. */
  count: number
  readonly buckets: Float64Array | null
}

export interface Measurements {
  /** @returns the function that adds to the series with these labels */
  series(metric: LibraryMetric, labels: Labels): Add
  /** All series of all metrics, in the order in which the metrics came. */
  text(): string
}

export function createMeasurements(): Measurements {
  const families = new Map<LibraryMetric, Map<string, Series>>()
  return {
    series(metric, labels) {
      const family = families.get(metric) ?? new Map<string, Series>()
      families.set(metric, family)
      const rendered = renderLabels(labels)
      const series = family.get(rendered) ?? newSeries(metric, rendered)
      family.set(rendered, series)
      return adder(series)
    },
    text: () => [...families].map(([metric, family]) => familyText(metric, [...family.values()])).join(''),
  }
}

function newSeries({ type }: LibraryMetric, labels: string): Series {
  const buckets = type === 'histogram' ? new Float64Array(durationBuckets.length + 1) : null
  return { labels, value: 0, count: 0, buckets }
}

function adder(series: Series): Add {
  const { buckets } = series
  if (buckets === null) {
    return (value) => {
      series.value += value
    }
  }
  return (value) => {
    series.value += value
    series.count++
    let at = 0
    while (at < durationBuckets.length && value > durationBuckets[at]!) at++
    buckets[at]!++
  }
}

function familyText(metric: LibraryMetric, all: readonly Series[]): string {
  const name = prometheusName(metric)
  const lines = [`# HELP ${name} ${escapeHelp(metric.help)}`, `# TYPE ${name} ${metric.type}`]
  for (const series of all) {
    if (series.buckets === null) lines.push(`${name}${braces(series.labels)} ${series.value}`)
    else lines.push(...histogramLines(name, series, series.buckets))
  }
  return `${lines.join('\n')}\n`
}

function histogramLines(name: string, { labels, value, count }: Series, buckets: Float64Array): string[] {
  const before = labels === '' ? '' : `${labels},`
  let below = 0
  const lines = [...durationBuckets, '+Inf'].map((bound, at) => {
    below += buckets[at]!
    return `${name}_bucket{${before}le="${bound}"} ${below}`
  })
  return [...lines, `${name}_sum${braces(labels)} ${value}`, `${name}_count${braces(labels)} ${count}`]
}

const braces = (labels: string): string => (labels === '' ? '' : `{${labels}}`)

function renderLabels(labels: Labels): string {
  return Object.entries(labels)
    .flatMap(([name, value]) => (value === null ? [] : [`${prometheusLabel(name)}="${escapeValue(String(value))}"`]))
    .join(',')
}

const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
const escapeValue = (text: string): string => escapeHelp(text).replaceAll('"', '\\"')

// The library's metrics for Prometheus, in a process without an OpenTelemetry SDK.
import { type Add, createMeasurements, type MeasuredMetric } from '@selfmonitor/http/metrics'
import { durationBuckets, type LibraryMetric, prometheusLabel, prometheusName } from './metrics-table.ts'

/** Values of attributes, by OpenTelemetry's names; one that is null is left out. */
export type Labels = Readonly<Record<string, string | number | null>>

export interface LibraryMeasurements {
  /** @returns the function that adds to the series with these labels */
  series(metric: LibraryMetric, labels: Labels): Add
  /** All series of all metrics, in the order in which the metrics came. */
  text(): string
}

/** Under the names that OpenTelemetry's exporters give to metrics and attributes. */
export function createLibraryMeasurements(): LibraryMeasurements {
  const all = createMeasurements()
  const measured = new Map<LibraryMetric, MeasuredMetric>()
  return {
    series(metric, labels) {
      const known = measured.get(metric) ?? measuredMetric(metric)
      measured.set(metric, known)
      const renamed = Object.entries(labels).map(([name, value]) => [prometheusLabel(name), value] as const)
      return all.series(known, Object.fromEntries(renamed))
    },
    text: () => all.text(),
  }
}

function measuredMetric(metric: LibraryMetric): MeasuredMetric {
  const head = { name: prometheusName(metric), help: metric.help }
  return metric.type === 'counter'
    ? { ...head, type: 'counter' }
    : { ...head, type: 'histogram', buckets: durationBuckets }
}

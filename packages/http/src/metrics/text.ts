// Metrics as text, in Prometheus' format (version 0.0.4) and in OpenMetrics 1.0. Both have the same lines of samples and differ in the
// lines above them and at the end. Pure.
// https://prometheus.io/docs/instrumenting/exposition_formats/ and https://prometheus.io/docs/specs/om/open_metrics_spec/

export type TextFormat = 'prometheus' | 'openmetrics'

export const metricsContentTypes: Readonly<Record<TextFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** The last line of a text. */
export const metricsEnd: Readonly<Record<TextFormat, string>> = { prometheus: '', openmetrics: '# EOF\n' }

/** What is said of a metric once, above its samples. */
export interface MetricHead {
  /** Of a counter with `_total`; of a histogram without `_bucket`, `_sum` and `_count`. */
  readonly name: string
  readonly type: string
  readonly help: string
}

/** A metric with its samples. */
export interface MetricSamples extends MetricHead {
  readonly samples: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]
}

/** @returns Prometheus' text of metrics that are no histograms */
export function metricsText(families: readonly MetricSamples[]): string {
  return families
    .map(({ samples, ...family }) => {
      const lines = samples.map(({ labels, value }) =>
        sampleLine(family.name, labelsText(Object.entries(labels)), value),
      )
      return metricHead(family, 'prometheus') + lines.join('')
    })
    .join('')
}

/** The lines above a metric's samples. */
export function metricHead({ name, type, help }: MetricHead, format: TextFormat): string {
  // OpenMetrics names a counter without its suffix, and wants quotes in a help text escaped.
  const family = format === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name
  const escaped = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  const text = format === 'openmetrics' ? escaped.replaceAll('"', '\\"') : escaped
  return `# HELP ${family} ${text}\n# TYPE ${family} ${type}\n`
}

/** Labels with their values, as they are between the braces of a sample. */
export function labelsText(labels: readonly (readonly [name: string, value: string])[]): string {
  // `join` makes one flat string; a chain of concatenations would be a tree of pieces, which costs a large page memory and time.
  return labels.map(([name, value]) => `${name}="${labelValue(value)}"`).join(',')
}

const special = /[\\"\n]/

/** A label's value: backslash, quote and line feed have a backslash before them. */
export function labelValue(value: string): string {
  if (!special.test(value)) return value
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

/** @param labels of `labelsText`; empty for none */
export function sampleLine(name: string, labels: string, value: number | bigint): string {
  return labels === '' ? `${name} ${numberText(value)}\n` : `${name}{${labels}} ${numberText(value)}\n`
}

/**
 * The lines of one series of a histogram.
 * @param labels of `labelsText`; empty for none
 * @param bounds upper bounds of the buckets, in ascending order
 * @param counts how many values are in each bucket and no smaller one; the last is for those above all bounds
 * @param sum of all values
 * @param format OpenMetrics wants a point in every bound. Prometheus reads both; other programs that write its format have none
 */
export function histogramLines(
  name: string,
  labels: string,
  bounds: readonly number[],
  counts: ArrayLike<number>,
  sum: number,
  format: TextFormat,
): string {
  const before = labels === '' ? '' : `${labels},`
  let total = 0
  let lines = ''
  for (let i = 0; i <= bounds.length; i++) {
    total += counts[i]!
    lines += sampleLine(`${name}_bucket`, `${before}le="${boundText(bounds[i], format)}"`, total)
  }
  return lines + sampleLine(`${name}_sum`, labels, sum) + sampleLine(`${name}_count`, labels, total)
}

function boundText(bound: number | undefined, format: TextFormat): string {
  if (bound === undefined) return '+Inf'
  return format === 'openmetrics' && Number.isInteger(bound) ? `${bound}.0` : String(bound)
}

function numberText(value: number | bigint): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return String(value)
}

// Metrics as text, for tests.
import { metricHead, metricsEnd, type TextFormat } from '@selfmonitor/http/metrics'
import { type Family, families } from '../families.ts'
import type { View } from '../view.ts'

export const linesOf = ({ lines }: Family): string => Buffer.concat(lines).toString()

/** Every metric, with the granularity `partition`. */
export const pageOf = (view: View, format: TextFormat): string =>
  [...families(view, 'partition')].map((family) => metricHead(family.metric, format) + linesOf(family)).join('') +
  metricsEnd[format]

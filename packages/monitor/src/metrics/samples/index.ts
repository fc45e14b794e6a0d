// How each metric of the table is computed.
import type { MetricKey } from '../table.ts'
import { clusterSamples } from './cluster.ts'
import { exporterSamples } from './exporter.ts'
import { groupSamples } from './groups.ts'
import { topicSamples } from './topics.ts'
import type { Compute } from './types.ts'

export type { Compute, Emit, Value } from './types.ts'

/** `exporterSeries` is the number of all others: the encoder counts them. */
export const computations: Readonly<Record<Exclude<MetricKey, 'exporterSeries'>, Compute>> = {
  ...clusterSamples,
  ...topicSamples,
  ...groupSamples,
  ...exporterSamples,
}

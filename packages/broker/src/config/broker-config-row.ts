// The form of a broker setting in the tables of this folder.
import type { ConfigDefinition } from './definition.ts'

/** `read-only`: given at the start only (in Kafka listeners can change, here they cannot); `cluster-wide`: may change. */
export type UpdateMode = 'read-only' | 'cluster-wide'

export type BrokerConfigRow = readonly [
  name: string,
  type: ConfigDefinition['type'],
  /** Null: not set. */
  defaultValue: string | null,
  update: UpdateMode,
  doc: string,
  check?: ConfigDefinition['check'],
]

/** Settings of a feature of Kafka that this broker does not have. */
export interface AbsentFeature {
  /** Why only the default is accepted; null where another value does no harm, as with sizes of thread pools. */
  readonly whyFixed: string | null
  readonly rows: readonly BrokerConfigRow[]
}

/** The two settings of a window over which Kafka measures a quota. */
export function quotaWindow(prefix: string, samplesDoc: string): readonly BrokerConfigRow[] {
  return [
    [`${prefix}.num`, 'int', '11', 'read-only', samplesDoc],
    [`${prefix}.size.seconds`, 'int', '1', 'read-only', 'Length of each of those samples.'],
  ]
}

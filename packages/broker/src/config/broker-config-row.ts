// How a broker setting is written down in the tables of this folder.
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

/** Settings of something that Kafka has and this broker does not. */
export interface AbsentFeature {
  /** Why another value than the default is refused; null where it does no harm, as with sizes of thread pools. */
  readonly refused: string | null
  readonly rows: readonly BrokerConfigRow[]
}

// Settings and members of groups, as they are read one by one and for a whole cluster.

export type ConfigSource = 'topic' | 'dynamic-broker' | 'dynamic-default-broker' | 'static-broker' | 'default' | 'other'

export interface ConfigEntry {
  readonly name: string
  /** null when the value is secret. */
  readonly value: string | null
  readonly source: ConfigSource
  readonly readOnly: boolean
  readonly sensitive: boolean
}

export type GroupState =
  | 'Stable'
  | 'Empty'
  | 'Dead'
  | 'PreparingRebalance'
  | 'CompletingRebalance'
  | 'Assigning'
  | 'Reconciling'
  /** A streams group (KIP-1071) whose topology cannot run yet. */
  | 'NotReady'
  | 'Unknown'

export interface GroupMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly host: string
  readonly assignment: readonly { readonly topic: string; readonly partitions: readonly number[] }[]
}

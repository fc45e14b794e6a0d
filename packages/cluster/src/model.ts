// Brokers, topics, settings and members of groups, as they are read one by one and for a whole cluster.

export interface BrokerInfo {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

export interface ClusterInfo {
  readonly clusterId: string
  readonly controllerId: number
  readonly brokers: readonly BrokerInfo[]
}

export interface PartitionInfo {
  readonly partition: number
  /** -1 when the partition has no leader. */
  readonly leader: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  /** Replicas whose broker, or the log directory they are in, is offline. */
  readonly offlineReplicas: readonly number[]
}

export interface TopicInfo {
  readonly name: string
  readonly id: string
  readonly internal: boolean
  readonly partitions: readonly PartitionInfo[]
}

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

// The state that all parts of a running broker share; `openContext` creates it once, and every request handler gets it.
import type { BrokerConfig, PresentedBroker } from './config/index.ts'
import type { FetchState } from './fetch-sessions/state.ts'
import type { GroupCoordinator } from './group/index.ts'
import type { LogManager } from './log/index.ts'
import type { MetadataStore } from './metadata/index.ts'
import type { BrokerCounters } from './metrics/index.ts'
import type { Clock, Logger } from './types.ts'

export interface BrokerContext {
  readonly clusterId: string
  readonly dataDir: string
  readonly clock: Clock
  readonly logger: Logger
  /** Broker-level settings; the same object as `metadata.brokerConfig`. */
  readonly config: BrokerConfig
  readonly metadata: MetadataStore
  readonly logs: LogManager
  readonly groups: GroupCoordinator
  readonly fetches: FetchState
  /** What the metrics are made of. */
  readonly counters: BrokerCounters
  /** Sorted by node id; filled once every port is bound, before the first request. */
  readonly brokers: readonly PresentedBroker[]
  /** The presented broker that coordinates this group or transactional id: its hash over the brokers. */
  coordinatorOf(key: string): PresentedBroker
}

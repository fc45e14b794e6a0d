// Every broker setting of Kafka that belongs to a feature this broker does not have.
import type { AbsentFeature } from '../broker-config-row.ts'
import { machinery, quorum, quorumTiming, quotas, replication, transactions, twoPhase } from './cluster.ts'
import { newerGroups } from './groups.ts'
import { authorization, plugins, sasl, ssl } from './security.ts'
import { tiered } from './tiered.ts'

export const absentFeatures: readonly AbsentFeature[] = [
  plugins,
  authorization,
  sasl,
  ssl,
  replication,
  quotas,
  quorum,
  quorumTiming,
  transactions,
  twoPhase,
  machinery,
  newerGroups,
  tiered,
]

// The settings of single groups for which a broker has a default or bounds (KIP-848, KIP-932, KIP-1071): one row says what is known of
// the group's setting and of the broker's settings that belong to it.
import type { BrokerConfigRow, UpdateMode } from './broker-config-row.ts'

export type GroupProtocol = 'consumer' | 'share' | 'streams'

/** All of them are whole numbers. */
export interface BoundedGroupSetting {
  readonly protocol: GroupProtocol
  /** Its name without the protocol: `session.timeout.ms`. */
  readonly name: string
  readonly default: number
  /** The smallest value that Kafka ever allows a group. */
  readonly atLeast: number
  /** The broker's bounds, where it has them. */
  readonly min?: number
  readonly max?: number
  readonly doc: string
}

const protocols: readonly GroupProtocol[] = ['consumer', 'share', 'streams']

// biome-ignore format: one setting a line
export const boundedGroupSettings: readonly BoundedGroupSetting[] = [
  ...protocols.flatMap((protocol): readonly BoundedGroupSetting[] => [
    { protocol, name: 'assignment.interval.ms', default: 1000, atLeast: 0, min: 0, max: 15000, doc: 'The shortest time between two assignments.' },
    { protocol, name: 'heartbeat.interval.ms', default: 5000, atLeast: 1, min: 5000, max: 15000, doc: 'How often members report.' },
    { protocol, name: 'session.timeout.ms', default: 45000, atLeast: 1, min: 45000, max: 60000, doc: 'How long a member may go without a heartbeat.' },
  ]),
  { protocol: 'share', name: 'delivery.count.limit', default: 5, atLeast: 2, min: 2, max: 10, doc: 'How often a record is delivered at most.' },
  { protocol: 'share', name: 'partition.max.record.locks', default: 2000, atLeast: 100, min: 100, max: 4000, doc: 'Records of a partition that may be locked at a time.' },
  { protocol: 'share', name: 'record.lock.duration.ms', default: 30000, atLeast: 1000, min: 15000, max: 60000, doc: 'How long a record stays locked.' },
  { protocol: 'streams', name: 'initial.rebalance.delay.ms', default: 3000, atLeast: 0, doc: 'How long a new group waits for more members.' },
  { protocol: 'streams', name: 'num.standby.replicas', default: 0, atLeast: 0, max: 2, doc: 'Standby replicas of each task.' },
]

/** The broker setting that bounds a group's. */
export function boundName({ protocol, name }: BoundedGroupSetting, bound: 'min' | 'max'): string {
  // The bound of standby replicas is not called after the setting alone.
  return `group.${protocol}.${bound}.${name === 'num.standby.replicas' ? 'standby.replicas' : name}`
}

/** The broker's settings that belong to a group's: its default and its bounds. */
export function brokerRowsOf(setting: BoundedGroupSetting): readonly BrokerConfigRow[] {
  const { protocol, name, min, max } = setting
  const update: UpdateMode = name === 'assignment.interval.ms' ? 'cluster-wide' : 'read-only'
  // As Kafka declares them: zero is allowed for settings without a minimum, and for a minimum that is zero.
  const check = { atLeast: min === undefined ? 0 : 1 }
  const rows: BrokerConfigRow[] = [
    [`group.${protocol}.${name}`, 'int', String(setting.default), update, `For ${protocol} groups: ${name}.`, check],
  ]
  if (min !== undefined) {
    const doc = `The least that a ${protocol} group may set as its ${name}.`
    rows.push([boundName(setting, 'min'), 'int', String(min), 'read-only', doc, { atLeast: min === 0 ? 0 : 1 }])
  }
  if (max !== undefined) {
    const doc = `The most that a ${protocol} group may set as its ${name}.`
    rows.push([boundName(setting, 'max'), 'int', String(max), 'read-only', doc, check])
  }
  return rows
}

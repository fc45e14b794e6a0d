// The settings of single groups (KIP-848, KIP-932, KIP-1071) in the Kafka that this broker is, as a table. They are kept and described
// as Kafka does; all of them are about groups of the newer protocols, so none has an effect here yet.

import { type ConfigDefinition, ConfigError, parseValue } from './definition.ts'
import { brokerValue } from './resolve.ts'
import type { BrokerLayers } from './types.ts'

export interface GroupConfigDefinition extends ConfigDefinition {
  /** The broker setting that holds where the group has none. */
  readonly brokerSynonym: string | null
  /** Broker settings between which the value must be. */
  readonly bounds: { readonly min?: string; readonly max?: string }
}

type Row = readonly [name: string, defaultValue: string, doc: string, limits?: Limits]
interface Limits {
  readonly check?: ConfigDefinition['check']
  readonly type?: ConfigDefinition['type']
  /** Whether the broker has a default, a minimum, a maximum for it. Default: all three. */
  readonly broker?: readonly ('default' | 'min' | 'max')[]
}

const rows: readonly Row[] = [
  ['consumer.assignment.interval.ms', '1000', 'The shortest time between two assignments.', { check: { atLeast: 0 } }],
  ['consumer.heartbeat.interval.ms', '5000', 'How often members report.'],
  ['consumer.session.timeout.ms', '45000', 'How long a member may go without a heartbeat.'],
  ['share.assignment.interval.ms', '1000', 'The shortest time between two assignments.', { check: { atLeast: 0 } }],
  [
    'share.auto.offset.reset',
    'latest',
    'Where a new share group begins: latest, earliest, or by_duration:<ISO 8601 duration>.',
    { type: 'string', broker: [] },
  ],
  ['share.delivery.count.limit', '5', 'How often a record is delivered at most.', { check: { atLeast: 2 } }],
  ['share.heartbeat.interval.ms', '5000', 'How often members report.'],
  [
    'share.isolation.level',
    'read_uncommitted',
    'Whether records of open transactions are delivered.',
    { type: 'string', check: { oneOf: ['read_committed', 'read_uncommitted'] }, broker: [] },
  ],
  [
    'share.partition.max.record.locks',
    '2000',
    'Records of a partition that may be locked at a time.',
    { check: { atLeast: 100 } },
  ],
  ['share.record.lock.duration.ms', '30000', 'How long a record stays locked.', { check: { atLeast: 1000 } }],
  [
    'share.renew.acknowledge.enable',
    'true',
    'Whether a member may lengthen the lock of a record.',
    { type: 'boolean', broker: [] },
  ],
  ['share.session.timeout.ms', '45000', 'How long a member may go without a heartbeat.'],
  ['streams.assignment.interval.ms', '1000', 'The shortest time between two assignments.', { check: { atLeast: 0 } }],
  ['streams.heartbeat.interval.ms', '5000', 'How often members report.'],
  [
    'streams.initial.rebalance.delay.ms',
    '3000',
    'How long a new group waits for more members.',
    { check: { atLeast: 0 }, broker: ['default'] },
  ],
  [
    'streams.num.standby.replicas',
    '0',
    'Standby replicas of each task.',
    { check: { atLeast: 0 }, broker: ['default', 'max'] },
  ],
  ['streams.session.timeout.ms', '45000', 'How long a member may go without a heartbeat.'],
]

function definition([name, defaultValue, doc, limits = {}]: Row): GroupConfigDefinition {
  const { type = 'int', check = type === 'int' ? { atLeast: 1 } : undefined } = limits
  const broker = limits.broker ?? ['default', 'min', 'max']
  const [protocol, ...rest] = name.split('.')
  const bound = (limit: 'min' | 'max') => {
    // The limit of standby replicas is not called after the setting alone.
    const setting = name === 'streams.num.standby.replicas' ? 'standby.replicas' : rest.join('.')
    return broker.includes(limit) ? { [limit]: `group.${protocol}.${limit}.${setting}` } : {}
  }
  return {
    name,
    type,
    default: defaultValue,
    doc,
    brokerSynonym: broker.includes('default') ? `group.${name}` : null,
    bounds: { ...bound('min'), ...bound('max') },
    ...(check && { check }),
  }
}

export const groupConfigs: readonly GroupConfigDefinition[] = rows.map(definition)

const byName = new Map(groupConfigs.map((config) => [config.name, config]))

/**
 * Checks the settings of one group, as Kafka's `GroupConfig` does.
 * @throws ConfigError in Kafka's words
 */
export function validateGroupConfigs(layers: BrokerLayers, settings: ReadonlyMap<string, string>): void {
  const unknown = [...settings.keys()].find((name) => !byName.has(name))
  if (unknown !== undefined) throw new ConfigError(`Unknown group config name: ${unknown}`)
  for (const [name, text] of settings) {
    const { bounds, ...config } = byName.get(name)!
    const value = parseValue(config, text)
    if (name === 'share.auto.offset.reset') checkOffsetReset(text)
    if (bounds.min !== undefined && Number(value) < Number(brokerValue(layers, bounds.min))) {
      throw new ConfigError(`${name} must be greater than or equal to ${bounds.min}`)
    }
    if (bounds.max !== undefined && Number(value) > Number(brokerValue(layers, bounds.max))) {
      throw new ConfigError(`${name} must be less than or equal to ${bounds.max}`)
    }
  }
}

function checkOffsetReset(text: string): void {
  if (/^(latest|earliest|by_duration:P(?=[\dT])(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?)$/.test(text)) return
  throw new ConfigError(
    `Invalid value ${text} for configuration share.auto.offset.reset: Invalid value \`${text}\` for configuration ` +
      "share.auto.offset.reset. The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.",
  )
}

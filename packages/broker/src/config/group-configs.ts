// The settings of single groups (KIP-848, KIP-932, KIP-1071) of the Kafka release that this broker implements. They are kept and described
// as Kafka does. All of them are about groups of the newer protocols, so none has an effect here yet.

import { type BoundedGroupSetting, boundedGroupSettings, boundName } from './bounded-group-settings.ts'
import { type ConfigDefinition, ConfigError, parseValue } from './definition.ts'
import { brokerValue } from './resolve.ts'
import type { BrokerLayers } from './types.ts'

export interface GroupConfigDefinition extends ConfigDefinition {
  /** The broker setting that applies when the group has none. */
  readonly brokerSynonym: string | null
  /** Broker settings between which the value must be. */
  readonly bounds: { readonly min?: string; readonly max?: string }
}

/** The settings of share groups that the broker has neither a default nor bounds for. */
const shareSettings: readonly ConfigDefinition[] = [
  {
    name: 'share.auto.offset.reset',
    type: 'string',
    default: 'latest',
    doc: 'Where a new share group begins: latest, earliest, or by_duration:<ISO 8601 duration>.',
  },
  {
    name: 'share.isolation.level',
    type: 'string',
    default: 'read_uncommitted',
    doc: 'Whether records of open transactions are delivered.',
    check: { oneOf: ['read_committed', 'read_uncommitted'] },
  },
  {
    name: 'share.renew.acknowledge.enable',
    type: 'boolean',
    default: 'true',
    doc: 'Whether a member may lengthen the lock of a record.',
  },
]

function definition(setting: BoundedGroupSetting): GroupConfigDefinition {
  const name = `${setting.protocol}.${setting.name}`
  return {
    name,
    type: 'int',
    default: String(setting.default),
    doc: setting.doc,
    check: { atLeast: setting.atLeast },
    brokerSynonym: `group.${name}`,
    bounds: {
      ...(setting.min !== undefined && { min: boundName(setting, 'min') }),
      ...(setting.max !== undefined && { max: boundName(setting, 'max') }),
    },
  }
}

export const groupConfigs: readonly GroupConfigDefinition[] = [
  ...boundedGroupSettings.map(definition),
  ...shareSettings.map((setting) => ({ ...setting, brokerSynonym: null, bounds: {} })),
].sort((a, b) => (a.name < b.name ? -1 : 1))

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

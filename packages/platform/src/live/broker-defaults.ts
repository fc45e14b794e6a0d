// The defaults of topic settings that decide how long records are kept. For a topic with its own setting, Kafka does not return the
// default: DescribeConfigs lists no synonym of `retention.ms`. So the brokers' own settings are read.
import type { Cluster, ConfigEntry } from '@selfmonitor/cluster'
import { ClusterError } from '@selfmonitor/cluster/errors'

/** The settings whose change may lose records. */
export const lossKeys: readonly string[] = [
  'retention.ms',
  'retention.bytes',
  'cleanup.policy',
  'remote.storage.enable',
  'unclean.leader.election.enable',
]

const hour = 3_600_000
const minute = 60_000

/**
 * The broker's settings behind a topic's, the one that counts first, with what their unit is in the topic's. Source: the
 * topic configuration reference, "Server Default Property", and KafkaConfig's order of `log.retention.*`.
 */
const brokerSettings: Readonly<Record<string, readonly (readonly [name: string, unit: number | null])[]>> = {
  'retention.ms': [
    ['log.retention.ms', 1],
    ['log.retention.minutes', minute],
    ['log.retention.hours', hour],
  ],
  'retention.bytes': [['log.retention.bytes', 1]],
  'cleanup.policy': [['log.cleanup.policy', null]],
  'unclean.leader.election.enable': [['unclean.leader.election.enable', null]],
}

/** These have no setting of the broker as default. */
const fixed: Readonly<Record<string, string>> = { 'remote.storage.enable': 'false' }

/**
 * Asks every broker, because their settings may differ, and uses the one that keeps least.
 *
 * @returns values by the topic's names; what cannot be read, or not by this account, is missing
 */
export async function readBrokerDefaults(
  cluster: Cluster,
  brokerIds: readonly number[],
): Promise<ReadonlyMap<string, string>> {
  const perBroker: ReadonlyMap<string, string>[] = []
  for (const id of brokerIds) {
    try {
      perBroker.push(topicDefaults(await cluster.brokerConfigs(id)))
    } catch (error) {
      if (!(error instanceof ClusterError)) {
        throw error
      }
      return new Map()
    }
  }
  const [first = new Map<string, string>(), ...others] = perBroker
  return others.reduce(keepingLeast, first)
}

/** The values that a topic without its own settings has on one broker. */
export function topicDefaults(entries: readonly ConfigEntry[]): ReadonlyMap<string, string> {
  const values = new Map(entries.map(({ name, value }) => [name, value]))
  const result = new Map(Object.entries(fixed))
  for (const [setting, sources] of Object.entries(brokerSettings)) {
    for (const [name, unit] of sources) {
      const value = values.get(name) ?? null
      if (value !== null && value !== '') {
        // -1 hours or minutes mean what -1 milliseconds mean: without limit.
        result.set(setting, unit === null || Number(value) < 0 ? value : String(Number(value) * unit))
        break
      }
    }
  }
  return result
}

function keepingLeast(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const result = new Map<string, string>()
  for (const [key, value] of a) {
    const other = b.get(key)
    if (other === undefined) {
      continue
    }
    const limited = [value, other].map(Number).filter((number) => number >= 0)
    if (key.startsWith('retention.')) {
      result.set(key, limited.length === 0 ? '-1' : String(Math.min(...limited)))
    } else if (value === other) {
      result.set(key, value)
    }
  }
  return result
}

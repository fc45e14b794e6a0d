// The settings of a client metrics subscription (KIP-714). They are kept and described as Kafka does; no client is asked for metrics.
import { type ConfigDefinition, ConfigError, parseValue, splitList } from './definition.ts'

export const clientMetricsConfigs: readonly ConfigDefinition[] = [
  { name: 'interval.ms', type: 'int', default: '300000', doc: 'How often clients send their metrics.' },
  { name: 'match', type: 'list', default: '', doc: 'Which clients: pairs of property and regular expression.' },
  { name: 'metrics', type: 'list', default: '', doc: 'Which metrics, by the beginning of their names; "*" is all.' },
]

const properties: ReadonlySet<string> = new Set([
  'client_id',
  'client_instance_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
])

/** A rule of a subscription that is broken; Kafka answers INVALID_REQUEST where the value itself is well formed. */
export class ClientMetricsError extends Error {
  override readonly name = 'ClientMetricsError'
  readonly code = 'INVALID_REQUEST'
}

/** @throws ConfigError or ClientMetricsError, in Kafka's words */
export function validateClientMetrics(settings: ReadonlyMap<string, string>): void {
  for (const [name, text] of settings) {
    const definition = clientMetricsConfigs.find((config) => config.name === name)
    if (!definition) throw new ClientMetricsError(`Unknown client metrics configuration: ${name}`)
    const value = parseValue(definition, text)
    if (name === 'interval.ms' && (Number(value) < 100 || Number(value) > 3_600_000)) {
      throw new ClientMetricsError(
        `Invalid value ${text} for interval.ms, interval must be between 100 and 3600000 (1 hour)`,
      )
    }
    if (name === 'match') for (const pattern of splitList(text)) checkPattern(pattern)
  }
}

function checkPattern(pattern: string): void {
  const [property, expression, ...more] = pattern.split('=').map((part) => part.trim())
  try {
    if (expression === undefined || more.length > 0 || !properties.has(property!)) throw new SyntaxError()
    new RegExp(expression)
  } catch {
    throw new ConfigError(`Illegal client matching pattern: ${pattern}`)
  }
}

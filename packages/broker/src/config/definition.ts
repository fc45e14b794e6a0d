// A setting as data: its name, type, default, rule and one sentence; and the functions that read a value by it.

export type ConfigType = 'boolean' | 'string' | 'int' | 'short' | 'long' | 'double' | 'list' | 'class' | 'password'

export type Check =
  | { readonly atLeast: number }
  | { readonly between: readonly [number, number] }
  /** KIP-390's rule for gzip: a level in the range, or -1 for the codec's own default. */
  | { readonly betweenOr: readonly [number, number, number] }
  | { readonly oneOf: readonly string[] }
  | { readonly eachOf: readonly string[] }
  | { readonly throttledReplicas: true }

export interface ConfigDefinition {
  readonly name: string
  readonly type: ConfigType
  /** Null: not set. */
  readonly default: string | null
  readonly check?: Check
  readonly doc: string
}

/** A value that a setting does not allow. The message is in Kafka's words, since tools and tests compare it. */
export class ConfigError extends Error {
  readonly code = 'INVALID_CONFIG'
  constructor(message: string) {
    super(message)
    this.name = 'ConfigError'
  }
}

export type ConfigValue = boolean | number | string | readonly string[] | null

const longMax = 9223372036854775807n
const ranges = {
  short: { min: -32768n, max: 32767n, name: 'SHORT' },
  int: { min: -2147483648n, max: 2147483647n, name: 'INT' },
  long: { min: -longMax - 1n, max: longMax, name: 'LONG' },
} as const

/**
 * Reads `text` as the setting's type and checks its rule.
 *
 * Whole numbers come back as `number`: longs above 2^53 lose their last digits, which only matters for "no limit".
 * @throws ConfigError in the words of Kafka's `ConfigDef`.
 */
export function parseValue(definition: ConfigDefinition, text: string): ConfigValue {
  const value = parseType(definition, text.trim())
  if (definition.check) checkValue(definition, definition.check, value, text.trim())
  return value
}

function parseType({ name, type }: ConfigDefinition, text: string): ConfigValue {
  switch (type) {
    case 'boolean': {
      const lower = text.toLowerCase()
      if (lower !== 'true' && lower !== 'false') throw invalid(text, name, 'Expected value to be either true or false')
      return lower === 'true'
    }
    case 'short':
    case 'int':
    case 'long': {
      const range = ranges[type]
      if (!/^[+-]?\d+$/.test(text)) throw invalid(text, name, `Not a number of type ${range.name}`)
      const whole = BigInt(text.replace(/^\+/, ''))
      if (whole < range.min || whole > range.max) throw invalid(text, name, `Not a number of type ${range.name}`)
      return Number(whole)
    }
    case 'double': {
      if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text))
        throw invalid(text, name, 'Not a number of type DOUBLE')
      return Number(text)
    }
    case 'list':
      return splitList(text)
    case 'string':
    case 'class':
    case 'password':
      return text
  }
}

function checkValue(definition: ConfigDefinition, check: Check, value: ConfigValue, text: string): void {
  const { name } = definition
  if ('atLeast' in check) {
    if ((value as number) < check.atLeast) throw invalid(text, name, `Value must be at least ${check.atLeast}`)
  } else if ('between' in check) {
    const [low, high] = check.between
    if ((value as number) < low) throw invalid(text, name, `Value must be at least ${low}`)
    if ((value as number) > high) throw invalid(text, name, `Value must be no more than ${high}`)
  } else if ('betweenOr' in check) {
    const [low, high, other] = check.betweenOr
    const number = value as number
    if (number !== other && (number < low || number > high)) {
      throw invalid(text, name, `Value must be between ${low} and ${high} or equal to ${other}`)
    }
  } else if ('oneOf' in check) {
    if (!check.oneOf.includes(value as string)) {
      throw invalid(text, name, `String must be one of: ${check.oneOf.join(', ')}`)
    }
  } else if ('eachOf' in check) {
    for (const item of value as readonly string[]) {
      if (!check.eachOf.includes(item)) throw invalid(item, name, `String must be one of: ${check.eachOf.join(', ')}`)
    }
  } else {
    const items = value as readonly string[]
    const all = items.length === 1 && items[0] === '*'
    if (!all && !items.every((item) => /^\d+:\d+$/.test(item))) {
      throw invalid(
        `[${items.join(', ')}]`,
        name,
        `${name} must be the literal '*' or a list of replicas in the following format: ` +
          '[partitionId]:[brokerId],[partitionId]:[brokerId],...',
      )
    }
  }
}

/** The parts of a list value, as Kafka's `ConfigDef` splits it: at commas, blanks around them dropped. */
export function splitList(text: string): readonly string[] {
  return text.trim() === '' ? [] : text.split(',').map((item) => item.trim())
}

function invalid(value: string, name: string, why: string): ConfigError {
  return new ConfigError(`Invalid value ${value} for configuration ${name}: ${why}`)
}

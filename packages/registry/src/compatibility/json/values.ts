// JSON values as schemas speak of them: their types, equality, and multiples.

/** `fraction`: numbers that are not integers, so that `number` is two types and sets of types can be compared. */
export type ValueType = 'null' | 'boolean' | 'string' | 'array' | 'object' | 'integer' | 'fraction'

export type Numeric = number | bigint

export const allTypes: readonly ValueType[] = ['null', 'boolean', 'string', 'array', 'object', 'integer', 'fraction']

export function isSubset<Value>(of: Iterable<Value>, all: ReadonlySet<Value>): boolean {
  return [...of].every((value) => all.has(value))
}

export function isDisjoint<Value>(from: Iterable<Value>, other: ReadonlySet<Value>): boolean {
  return ![...from].some((value) => other.has(value))
}

/** The values of a type of JSON Schema. */
export function valueTypes(name: unknown): readonly ValueType[] {
  if (name === 'number') return ['integer', 'fraction']
  return allTypes.filter((type) => type === name && type !== 'fraction')
}

export function isNumeric(value: unknown): value is Numeric {
  return typeof value === 'number' || typeof value === 'bigint'
}

export function typeOfValue(value: unknown): ValueType {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'bigint') return 'integer'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'fraction'
  return typeof value as 'boolean' | 'string' | 'object'
}

/** A text that equal values share, whatever the order of their keys. */
export function valueKey(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(valueKey).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${valueKey(item)}`).join(',')}}`
  }
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value)
}

/** The number as an integer and a count of decimal places. */
function decimal(value: Numeric): { readonly digits: bigint; readonly places: number } {
  if (typeof value === 'bigint') return { digits: value, places: 0 }
  const [mantissa, exponent = '0'] = value.toString().split('e') as [string, string?]
  const [whole, fraction = ''] = mantissa.split('.') as [string, string?]
  const places = fraction.length - Number(exponent)
  const digits = BigInt(whole + fraction)
  return places >= 0 ? { digits, places } : { digits: digits * 10n ** BigInt(-places), places: 0 }
}

/** Exactly, in the decimal numbers that a schema has: 0.3 is a multiple of 0.1. */
export function isMultiple(value: Numeric, of: Numeric): boolean {
  const [a, b] = [decimal(value), decimal(of)]
  if (b.digits === 0n) return false
  const places = Math.max(a.places, b.places)
  return (a.digits * 10n ** BigInt(places - a.places)) % (b.digits * 10n ** BigInt(places - b.places)) === 0n
}

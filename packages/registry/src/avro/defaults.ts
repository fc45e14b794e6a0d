// Whether a JSON value can be the default of a field: the value check of Java Avro (`Schema.isValidDefault`, 1.12).
import { isArray, isNumber, isObject, type JsonValue } from '../json/index.ts'
import type { AvroSchema } from './schema.ts'

/**
 * True when `value` fits `schema`; for a union, when it fits any branch.
 * @param unfinished records that are still being defined: no value of them can be a default inside themselves
 */
export function isValidDefault(
  schema: AvroSchema,
  value: JsonValue | undefined,
  unfinished: ReadonlySet<AvroSchema> = new Set(),
): boolean {
  if (value === undefined) return false
  const fits = (type: AvroSchema, item: JsonValue | undefined) => isValidDefault(type, item, unfinished)
  switch (schema.type) {
    case 'string':
    case 'bytes':
    case 'enum':
    case 'fixed':
      return typeof value === 'string'
    case 'int':
      return isInteger(value, 31n)
    case 'long':
      return isInteger(value, 63n)
    case 'float':
    case 'double':
      return isNumber(value)
    case 'boolean':
      return typeof value === 'boolean'
    case 'null':
      return value === null
    case 'array':
      return isArray(value) && value.every((item) => fits(schema.items, item))
    case 'map':
      return isObject(value) && [...value.values()].every((item) => fits(schema.values, item))
    case 'union':
      return schema.branches.some((branch) => fits(branch, value))
    case 'record':
      return (
        isObject(value) &&
        !unfinished.has(schema) &&
        schema.fields.every(({ name, type, default: own }) => fits(type, value.has(name) ? value.get(name) : own))
      )
  }
}

/** The texts that Java's `Double.parseDouble` reads, hexadecimal ones aside. */
const javaDouble = /^[+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?)$/

/** Java Avro takes a text as the default of a floating-point field; undefined when it is not a number. */
export function parseJavaDouble(text: string): JsonValue | undefined {
  const trimmed = text.trim()
  if (!javaDouble.test(trimmed)) return undefined
  return {
    kind: 'double',
    value: Number(/\d[fFdD]$/.test(trimmed) ? trimmed.slice(0, -1) : trimmed.replace(/[+-]NaN/, 'NaN')),
  }
}

function isInteger(value: JsonValue, bits: bigint): boolean {
  if (!isNumber(value) || value.kind !== 'integer') return false
  const number = BigInt(value.digits)
  const limit = 1n << bits
  return number >= -limit && number < limit
}

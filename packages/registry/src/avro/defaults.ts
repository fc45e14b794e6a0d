// Whether a JSON value can be the default of a field: the value check of Java Avro (`Schema.isValidDefault`, 1.12).
import { isArray, isNumber, isObject, type JsonValue } from './json.ts'
import type { AvroSchema } from './schema.ts'

/** True when `value` fits `schema`; for a union, when it fits any branch. */
export function isValidDefault(schema: AvroSchema, value: JsonValue | undefined): boolean {
  if (value === undefined) return false
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
      return isArray(value) && value.every((item) => isValidDefault(schema.items, item))
    case 'map':
      return isObject(value) && [...value.values()].every((item) => isValidDefault(schema.values, item))
    case 'union':
      return schema.branches.some((branch) => isValidDefault(branch, value))
    case 'record':
      return (
        isObject(value) &&
        schema.fields.every(({ name, type, default: own }) =>
          isValidDefault(type, value.has(name) ? value.get(name) : own),
        )
      )
  }
}

function isInteger(value: JsonValue, bits: bigint): boolean {
  if (!isNumber(value) || value.kind !== 'integer') return false
  const number = BigInt(value.digits)
  const limit = 1n << bits
  return number >= -limit && number < limit
}

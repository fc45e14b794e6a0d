// Avro values as JSON that people read and edit, and back. Not Avro's own JSON encoding: unions are unwrapped where the value tells
// which branch it is, and bytes are `{"base64": "…"}`. Longs that a number cannot hold are text, as are NaN and the infinities.
import type avro from 'avsc'
import { isRawNumber, type RawNumber, wholeOrNumber } from './exact-json.ts'

/** @param value as `Codec.decodeAny` gives it */
export function avroToJson(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return value.map(avroToJson)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, avroToJson(inner)]))
}

/**
 * The value that a type encodes; fields that are missing get their default. What does not fit stays as it is, for the type's own check.
 * @param json may have numbers of `parseExact`, of which a long keeps every digit
 * @param unknown is told of fields that the schema does not have
 */
export function jsonToAvro(
  type: avro.Type,
  json: unknown,
  unknown: (path: readonly string[]) => void,
  path: readonly string[] = [],
): unknown {
  const inner = (of: avro.Type, part: unknown, name: string): unknown => jsonToAvro(of, part, unknown, [...path, name])
  const { typeName } = type
  if (isRawNumber(json) && !typeName.startsWith('union:')) return wholeOrNumberOf(typeName, json)
  if (typeName.startsWith('logical:')) return json
  switch (typeName) {
    case 'record':
    case 'error': {
      if (!isObject(json)) return json
      const { fields } = type as avro.types.RecordType
      const declared = new Set(fields.map(({ name }) => name))
      for (const name of Object.keys(json)) if (!declared.has(name)) unknown([...path, name])
      return Object.fromEntries(
        fields.map((field) => [
          field.name,
          Object.hasOwn(json, field.name) ? inner(field.type, json[field.name], field.name) : field.defaultValue(),
        ]),
      )
    }
    case 'array':
      return Array.isArray(json)
        ? json.map((item, at) => inner((type as avro.types.ArrayType).itemsType, item, String(at)))
        : json
    case 'map': {
      if (!isObject(json)) return json
      const { valuesType } = type as avro.types.MapType
      return Object.fromEntries(Object.entries(json).map(([name, item]) => [name, inner(valuesType, item, name)]))
    }
    case 'union:unwrapped':
      return unwrapped((type as avro.types.UnwrappedUnionType).types, json, path)
    case 'union:wrapped': {
      if (!isObject(json)) return json
      const [[name, item] = [], ...more] = Object.entries(json)
      const branch = (type as avro.types.WrappedUnionType).types.find((one) => one.branchName === name)
      return branch === undefined || name === undefined || more.length > 0
        ? json
        : { [name]: inner(branch, item, name) }
    }
    case 'bytes':
    case 'fixed':
      return bytesOf(json)
    case 'float':
    case 'double':
      return json === 'NaN' || json === 'Infinity' || json === '-Infinity' ? Number(json) : json
    case 'long':
    case 'abstract:long':
      return typeof json === 'string' && /^-?\d{1,19}$/.test(json) ? BigInt(json) : json
    default:
      return json
  }
}

function wholeOrNumberOf(typeName: string, raw: RawNumber): bigint | number {
  return typeName === 'long' || typeName === 'abstract:long' ? wholeOrNumber(raw) : Number(raw.rawJSON)
}

/** The first branch that the value fits. */
function unwrapped(branches: readonly avro.Type[], json: unknown, path: readonly string[]): unknown {
  for (const branch of branches) {
    let fits = true
    const value = jsonToAvro(
      branch,
      json,
      () => {
        fits = false
      },
      path,
    )
    if (fits && branch.isValid(value)) return value
  }
  // For the message: of the only branch that is not null.
  const [only, ...others] = branches.filter(({ typeName }) => typeName !== 'null')
  if (only !== undefined && others.length === 0 && json !== null) return jsonToAvro(only, json, () => {}, path)
  return isRawNumber(json) ? Number(json.rawJSON) : json
}

function bytesOf(json: unknown): unknown {
  if (!isObject(json)) return json
  const { base64, ...more } = json
  return typeof base64 === 'string' && Object.keys(more).length === 0 ? Buffer.from(base64, 'base64') : json
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

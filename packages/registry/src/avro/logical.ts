// Logical types that are valid for their Avro type; an invalid one is only a property (https://avro.apache.org/docs/1.12.0/specification/#logical-types).
import { isNumber, type JsonObject, type JsonValue } from '../json/index.ts'
import type { AvroSchema } from './schema.ts'

const baseTypes: Readonly<Record<string, AvroSchema['type']>> = {
  date: 'int',
  'time-millis': 'int',
  'time-micros': 'long',
  'timestamp-millis': 'long',
  'timestamp-micros': 'long',
  'timestamp-nanos': 'long',
  'local-timestamp-millis': 'long',
  'local-timestamp-micros': 'long',
  'local-timestamp-nanos': 'long',
  'big-decimal': 'bytes',
}

/** The properties that make up a schema's logical type, in the order they are written; none when it has no valid one. */
export function logicalTypeProps(schema: AvroSchema & { props: JsonObject }): [string, JsonValue][] {
  const name = schema.props.get('logicalType')
  if (typeof name !== 'string') return []
  if (name === 'decimal') return decimalProps(schema)
  if (name === 'uuid') {
    const valid = schema.type === 'string' || (schema.type === 'fixed' && schema.size === 16)
    return valid ? [['logicalType', name]] : []
  }
  return baseTypes[name] === schema.type ? [['logicalType', name]] : []
}

function decimalProps(schema: AvroSchema & { props: JsonObject }): [string, JsonValue][] {
  if (schema.type !== 'bytes' && schema.type !== 'fixed') return []
  const precision = wholeNumber(schema.props.get('precision'))
  const scaleProp = schema.props.get('scale')
  const scale = scaleProp === undefined ? 0 : wholeNumber(scaleProp)
  if (precision === undefined || scale === undefined || precision <= 0 || scale < 0 || scale > precision) return []
  if (schema.type === 'fixed' && precision > Math.floor(Math.log10(2) * (8 * schema.size - 1))) return []
  const props: [string, JsonValue][] = [
    ['logicalType', 'decimal'],
    ['precision', schema.props.get('precision')!],
  ]
  return scale === 0 ? props : [...props, ['scale', scaleProp!]]
}

function wholeNumber(value: JsonValue | undefined): number | undefined {
  return isNumber(value) && value.kind === 'integer' ? Number(value.digits) : undefined
}

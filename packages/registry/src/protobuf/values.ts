// The values of options, as the fields that they set have them.
import type { ScalarValue } from './codec.ts'
import type { Enum, Field, OptionValue } from './model.ts'
import { integerOf } from './reader.ts'

/** The range of each integer type. */
const ranges: Readonly<Record<string, readonly [bigint, bigint]>> = {
  int32: [-(1n << 31n), (1n << 31n) - 1n],
  sint32: [-(1n << 31n), (1n << 31n) - 1n],
  sfixed32: [-(1n << 31n), (1n << 31n) - 1n],
  uint32: [0n, (1n << 32n) - 1n],
  fixed32: [0n, (1n << 32n) - 1n],
  int64: [-(1n << 63n), (1n << 63n) - 1n],
  sint64: [-(1n << 63n), (1n << 63n) - 1n],
  sfixed64: [-(1n << 63n), (1n << 63n) - 1n],
  uint64: [0n, (1n << 64n) - 1n],
  fixed64: [0n, (1n << 64n) - 1n],
}

/** A value does not fit the field; the message is that of protoc, without the name of the option. */
export class ValueError extends Error {
  readonly code = 'PROTOBUF_VALUE'
}

/**
 * @param literal whether it is within a message literal, where more spellings are allowed
 * @throws {ValueError}
 */
export function scalarValue(field: Pick<Field, 'type'>, value: OptionValue, literal: boolean): ScalarValue {
  const { target, name } = field.type
  if (target?.kind === 'enum') return enumValue(target, value, literal)
  const range = ranges[name]
  if (range) return integerValue(name, range, value)
  if (name === 'bool') {
    const text = value.kind === 'name' || (literal && value.kind === 'number') ? value.text : ''
    if (text === 'true' || (literal && ['True', 't', '1'].includes(text))) return true
    if (text === 'false' || (literal && ['False', 'f', '0'].includes(text))) return false
    throw new ValueError('Value must be "true" or "false" for boolean')
  }
  if (name === 'float' || name === 'double') return numberValue(name, value)
  if (value.kind !== 'string') throw new ValueError(`Value must be quoted string for ${name}`)
  return name === 'string' ? value.bytes.toString('utf8') : value.bytes
}

function integerValue(name: string, [min, max]: readonly [bigint, bigint], value: OptionValue): ScalarValue {
  const magnitude = value.kind === 'number' ? value.text.replace(/^-/, '') : ''
  if (value.kind !== 'number' || !/^(?:\d+|0[xX][0-9a-fA-F]+)$/.test(magnitude)) {
    throw new ValueError(`Value must be ${min < 0n ? 'integer' : 'non-negative integer'} for ${name}`)
  }
  const number = value.text.startsWith('-') ? -integerOf(magnitude) : integerOf(magnitude)
  if (min === 0n && value.text.startsWith('-')) throw new ValueError(`Value must be non-negative integer for ${name}`)
  if (number < min || number > max) throw new ValueError(`Value out of range for ${name}`)
  return name.endsWith('64') ? number : Number(number)
}

function numberValue(name: string, value: OptionValue): number {
  if (value.kind === 'number') {
    const magnitude = value.text.replace(/^-/, '')
    const number = /^(?:0[xX][0-9a-fA-F]+|0[0-7]+)$/.test(magnitude) ? Number(integerOf(magnitude)) : Number(magnitude)
    return value.text.startsWith('-') ? -number : number
  }
  const named = value.kind === 'name' && Object.hasOwn(namedNumbers, value.text) ? namedNumbers[value.text] : undefined
  if (named === undefined) throw new ValueError(`Value must be number for ${name}`)
  return named
}

const namedNumbers: Readonly<Record<string, number>> = {
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
  nan: Number.NaN,
  '-nan': Number.NaN,
}

function enumValue(target: Enum, value: OptionValue, literal: boolean): number {
  if (literal && value.kind === 'number' && /^-?\d+$/.test(value.text)) return Number(value.text)
  if (value.kind !== 'name') throw new ValueError('Value must be identifier for enum-valued')
  const found = target.values.find(({ name }) => name === value.text)
  if (!found) {
    throw new ValueError(`Enum type "${target.fullName}" has no value named "${value.text}" for`)
  }
  return found.number
}

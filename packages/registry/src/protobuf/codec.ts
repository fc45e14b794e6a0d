// The wire format of messages whose declarations are linked: for descriptors and the options in them.
// https://protobuf.dev/programming-guides/encoding/
import { type Enum, type Field, fieldsOf, type Message } from './model.ts'

/** 64-bit integers are bigint, enum values numbers. */
export type ScalarValue = string | number | bigint | boolean | Buffer
export type Value = ScalarValue | MessageValue
export type MessageValue = Map<Field, Value | Value[]>

/** Fields whose lists are packed although their type is not the reason: set by `[packed = true]` or the edition. */
export type IsPacked = (field: Field) => boolean

const varintTypes = new Set(['int32', 'int64', 'uint32', 'uint64', 'sint32', 'sint64', 'bool'])
const fixed32Types = new Set(['fixed32', 'sfixed32', 'float'])
const fixed64Types = new Set(['fixed64', 'sfixed64', 'double'])

type WireType = 0 | 1 | 2 | 3 | 4 | 5

function wireTypeOf({ type, group, mapKey }: Field): WireType {
  if (mapKey) return 2
  if (type.target) return group ? 3 : type.target.kind === 'enum' ? 0 : 2
  if (varintTypes.has(type.name)) return 0
  if (fixed32Types.has(type.name)) return 5
  return fixed64Types.has(type.name) ? 1 : 2
}

/** @returns the bytes, fields by their number */
export function encodeMessage(message: MessageValue, isPacked: IsPacked = () => false): Buffer {
  const parts: Buffer[] = []
  const fields = [...message].toSorted(([a], [b]) => a.number - b.number)
  for (const [field, value] of fields) {
    const values = Array.isArray(value) ? value : [value]
    const wireType = wireTypeOf(field)
    if (Array.isArray(value) && wireType !== 2 && wireType !== 3 && isPacked(field)) {
      const packed = Buffer.concat(values.map((one) => encodeScalar(field, one as ScalarValue)))
      if (values.length > 0) parts.push(tag(field.number, 2), varint(BigInt(packed.length)), packed)
      continue
    }
    for (const one of values) {
      parts.push(tag(field.number, wireType))
      if (wireType === 3) parts.push(encodeMessage(one as MessageValue, isPacked), tag(field.number, 4))
      else if (wireType === 2) {
        const bytes =
          one instanceof Map
            ? encodeMessage(one, isPacked)
            : typeof one === 'string'
              ? Buffer.from(one, 'utf8')
              : (one as Buffer)
        parts.push(varint(BigInt(bytes.length)), bytes)
      } else parts.push(encodeScalar(field, one as ScalarValue))
    }
  }
  return Buffer.concat(parts)
}

function tag(number: number, wireType: WireType): Buffer {
  return varint((BigInt(number) << 3n) | BigInt(wireType))
}

function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Buffer.from(bytes)
}

function encodeScalar({ type }: Field, value: ScalarValue): Buffer {
  if (type.target) return varint(BigInt(value as number))
  const buffer = Buffer.alloc(8)
  switch (type.name) {
    case 'bool':
      return varint(value ? 1n : 0n)
    case 'sint32':
    case 'sint64': {
      const signed = BigInt(value as number)
      return varint(signed < 0n ? -signed * 2n - 1n : signed * 2n)
    }
    case 'float':
      buffer.writeFloatLE(value as number)
      return buffer.subarray(0, 4)
    case 'double':
      buffer.writeDoubleLE(value as number)
      return buffer
    case 'fixed32':
    case 'sfixed32':
      buffer.writeUInt32LE(Number(BigInt.asUintN(32, BigInt(value as number))))
      return buffer.subarray(0, 4)
    case 'fixed64':
    case 'sfixed64':
      buffer.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value as bigint)))
      return buffer
    default:
      return varint(BigInt(value as number | bigint))
  }
}

const entryFields = new WeakMap<Field, { readonly key: Field; readonly value: Field }>()

/** The two fields of a map's entry message. */
export function mapEntryFields(field: Field): { readonly key: Field; readonly value: Field } {
  let found = entryFields.get(field)
  if (!found) {
    const base = { ...field, label: 'optional', mapKey: undefined, group: undefined, options: [] } as const
    found = {
      key: { ...base, name: 'key', number: 1, type: field.mapKey! },
      value: { ...base, name: 'value', number: 2 },
    }
    entryFields.set(field, found)
  }
  return found
}

/** The message of a map's entries, as far as reading needs it. */
function mapEntry(field: Field): Message {
  const { key, value } = mapEntryFields(field)
  return { ...nothing, members: [key, value] }
}

/** Bytes are not a message of the type. */
export class WireError extends Error {
  readonly code = 'PROTOBUF_WIRE'
}

/**
 * @param extensions the extensions of a message that are known, by number
 * @returns the known fields; others are skipped
 * @throws {WireError}
 */
export function decodeMessage(
  type: Message,
  bytes: Buffer,
  extensions: (extendee: Message, number: number) => Field | undefined = () => undefined,
): MessageValue {
  return new Decoder(bytes, extensions).message(type, undefined)
}

const deepestMessage = 100

class Decoder {
  readonly #bytes: Buffer
  readonly #extensions: (extendee: Message, number: number) => Field | undefined
  #index = 0
  #end: number
  #depth = 0

  constructor(bytes: Buffer, extensions: (extendee: Message, number: number) => Field | undefined) {
    this.#bytes = bytes
    this.#extensions = extensions
    this.#end = bytes.length
  }

  /** @param group the number of the group that the message is */
  message(type: Message, group: number | undefined): MessageValue {
    if (++this.#depth > deepestMessage) throw new WireError('messages are nested too deeply')
    const byNumber = new Map(fieldsOf(type).map((field) => [field.number, field]))
    const found: MessageValue = new Map()
    for (;;) {
      if (this.#index >= this.#end) {
        if (group !== undefined) throw new WireError('a group has no end')
        break
      }
      const key = Number(BigInt.asUintN(32, this.#varint()))
      const number = key >>> 3
      const wireType = (key & 7) as WireType
      if (number === 0) throw new WireError('a field has the number 0')
      if (wireType === 4) {
        if (number !== group) throw new WireError('a group ends that did not begin')
        break
      }
      const field = byNumber.get(number) ?? this.#extensions(type, number)
      if (!field) this.#skip(wireType, number)
      else this.#field(found, field, wireType)
    }
    this.#depth--
    return found
  }

  #field(found: MessageValue, field: Field, wireType: WireType): void {
    const expected = wireTypeOf(field)
    if (wireType === 2 && expected !== 2 && expected !== 3) {
      const end = this.#limit()
      const outer = this.#end
      this.#end = end
      while (this.#index < end) add(found, field, this.#scalar(field))
      this.#end = outer
      return
    }
    if (wireType !== expected) {
      this.#skip(wireType, field.number)
      return
    }
    if (expected === 3) add(found, field, this.message(field.type.target as Message, field.number))
    else if (expected === 2) {
      const end = this.#limit()
      const target = field.mapKey ? mapEntry(field) : field.type.target
      if (target) {
        const outer = this.#end
        this.#end = end
        add(found, field, this.message(target as Message, undefined))
        this.#end = outer
        return
      }
      const bytes = this.#bytes.subarray(this.#index, end)
      this.#index = end
      add(found, field, field.type.name === 'string' ? bytes.toString('utf8') : Buffer.from(bytes))
    } else add(found, field, this.#scalar(field))
  }

  #limit(): number {
    const length = Number(this.#varint())
    if (length > this.#end - this.#index) throw new WireError('a field is longer than the message')
    return this.#index + length
  }

  #varint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#take(1)[0]!
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return BigInt.asUintN(64, value)
    }
    throw new WireError('a number has more than ten bytes')
  }

  #take(count: number): Buffer {
    if (count > this.#end - this.#index) throw new WireError('the message is cut off')
    this.#index += count
    return this.#bytes.subarray(this.#index - count, this.#index)
  }

  #scalar({ type }: Field): ScalarValue {
    if (type.target) return Number(BigInt.asIntN(32, this.#varint()))
    switch (type.name) {
      case 'bool':
        return this.#varint() !== 0n
      case 'int32':
        return Number(BigInt.asIntN(32, this.#varint()))
      case 'uint32':
        return Number(BigInt.asUintN(32, this.#varint()))
      case 'int64':
        return BigInt.asIntN(64, this.#varint())
      case 'sint32':
        return Number(zigzag(this.#varint()))
      case 'sint64':
        return zigzag(this.#varint())
      case 'float':
        return this.#take(4).readFloatLE()
      case 'double':
        return this.#take(8).readDoubleLE()
      case 'fixed32':
        return this.#take(4).readUInt32LE()
      case 'sfixed32':
        return this.#take(4).readInt32LE()
      case 'fixed64':
        return this.#take(8).readBigUInt64LE()
      case 'sfixed64':
        return this.#take(8).readBigInt64LE()
      default:
        return this.#varint()
    }
  }

  #skip(wireType: WireType, number: number): void {
    if (wireType === 0) this.#varint()
    else if (wireType === 1) this.#take(8)
    else if (wireType === 5) this.#take(4)
    else if (wireType === 2) this.#index = this.#limit()
    else if (wireType === 3) this.message(nothing, number)
    else throw new WireError(`wire type ${wireType} does not exist`)
  }
}

const nothing: Message = {
  kind: 'message',
  name: '',
  fullName: '',
  members: [],
  options: [],
  visibility: undefined,
  at: { line: 0, column: 0 },
}

function zigzag(value: bigint): bigint {
  return (value >> 1n) ^ -(value & 1n)
}

function add(found: MessageValue, field: Field, value: Value): void {
  const before = found.get(field)
  if (field.label === 'repeated' || field.mapKey) {
    if (Array.isArray(before)) before.push(value)
    else found.set(field, [value])
  } else if (value instanceof Map && before instanceof Map) {
    for (const [inner, one] of value) before.set(inner, one)
  } else found.set(field, value)
}

/** The name of an enum's value, or the number where it has none. */
export function enumName(target: Enum, number: number): string | undefined {
  return target.values.find((value) => value.number === number)?.name
}

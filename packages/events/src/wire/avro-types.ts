// Avro schemas as avsc's types, with the values that JavaScript wants: exact 64-bit numbers and exact decimals.
//
// - A `long` is a number. One outside ±(2^53 - 1) is refused rather than rounded.
// - A `long` with logicalType "bigint" is a bigint. (The name is ours; others ignore it, as the specification wants.)
// - `decimal` is text with all its digits, '12.30'.
import avro from 'avsc'

/** How the schema is used: as what the reader expects, or only to read what a writer wrote with it. */
export type AvroRole = 'reader' | 'writer'

/**
 * @param schema text of the schema
 * @param named types of the schemas that it refers to; those that it defines are added
 * @throws Error of avsc
 */
export function avroType(schema: string, named: Record<string, avro.Type>, role: AvroRole): avro.Type {
  return avro.Type.forSchema(JSON.parse(schema) as avro.Schema, {
    registry: named,
    omitRecordMethods: true,
    logicalTypes: role === 'reader' ? { bigint: BigIntType, decimal: DecimalType } : { decimal: DecimalType },
    ...(role === 'reader' ? {} : { typeHook: longOfAnySize }),
  })
}

const minLong = -(2n ** 63n)
const maxLong = 2n ** 63n - 1n

function isLong(value: unknown): value is bigint {
  return typeof value === 'bigint' && value >= minLong && value <= maxLong
}

function toBytes(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeBigInt64LE(value)
  return bytes
}

const compareLongs = (a: bigint | number, b: bigint | number): -1 | 0 | 1 => (a < b ? -1 : a > b ? 1 : 0)

const bigLong = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: toBytes,
  fromJSON: (value: number | string) => BigInt(value),
  toJSON: (value: bigint) => value.toString(),
  isValid: isLong,
  compare: compareLongs,
})

/** A number where it is exact, else a bigint: what a writer's long is before the reader's type takes it. */
const anyLong = avro.types.LongType.__with({
  fromBuffer(bytes: Buffer) {
    const value = bytes.readBigInt64LE()
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
  },
  toBuffer: (value: bigint | number) => toBytes(BigInt(value)),
  fromJSON: (value: number | string) => Number(value),
  toJSON: (value: bigint | number) => value.toString(),
  isValid: (value: unknown) => isLong(value) || Number.isSafeInteger(value),
  compare: compareLongs,
})

function longOfAnySize(schema: avro.Schema): avro.Type | undefined {
  return schema === 'long' || (schema as { type?: unknown }).type === 'long' ? anyLong : undefined
}

class BigIntType extends avro.types.LogicalType {
  constructor(schema: avro.Schema) {
    if ((schema as { type?: unknown }).type !== 'long') throw new Error('"bigint" is a logical type of long')
    super(schema, { typeHook: () => bigLong })
  }

  protected override _fromValue(value: unknown): unknown {
    return value
  }

  protected override _toValue(value: unknown): unknown {
    // A whole number means the same, and JSON has nothing else.
    if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
    return isLong(value) ? value : undefined
  }

  protected override _resolve(writer: avro.Type): ((value: unknown) => unknown) | undefined {
    if (!avro.Type.isType(writer, 'int', 'long', 'abstract:long', 'logical:bigint')) return undefined
    return (value) => BigInt(value as number | bigint)
  }
}

const decimalPattern = /^(-?)(\d+)(?:\.(\d+))?$/
const shownCharacters = 40

const digits = (count: number): string => (count === 1 ? '1 digit' : `${count} digits`)

/** https://avro.apache.org/docs/1.12.0/specification/#decimal: the unscaled value, big-endian two's complement. */
export class DecimalType extends avro.types.LogicalType {
  readonly #scale: number
  readonly #precision: number
  /** Of a fixed, undefined for bytes. */
  readonly #size: number | undefined

  constructor(schema: avro.Schema, options?: unknown) {
    super(schema, options)
    const { type, precision, scale = 0, size } = schema as { [key: string]: unknown }
    if (type !== 'bytes' && type !== 'fixed') throw new Error('decimal is a logical type of bytes and fixed')
    if (!Number.isInteger(precision) || (precision as number) < 1) throw new Error('decimal needs a precision')
    if (!Number.isInteger(scale) || (scale as number) < 0 || (scale as number) > (precision as number)) {
      throw new Error('the scale of a decimal is from 0 to its precision')
    }
    this.#precision = precision as number
    this.#scale = scale as number
    this.#size = type === 'fixed' ? (size as number) : undefined
  }

  /** For messages: what is expected here. */
  get expected(): string {
    const ofThem = this.#scale === 0 ? 'none' : `at most ${this.#scale}`
    return `a decimal as text, such as '${decimalText(Buffer.from([this.#precision > 1 ? 12 : 1]), this.#scale)}', of at most ${this.#precision} digits, ${ofThem} of them after the point (precision ${this.#precision}, scale ${this.#scale})`
  }

  /** For messages: what is wrong with a text, which is repeated only when it is a number. */
  problemOf(text: string): string {
    const match = decimalPattern.exec(text)
    if (match === null) {
      return /^[-+]?[\d.,eE+-]{1,40}$/.test(text) ? `'${text}' is not written as one` : 'the text is not a decimal'
    }
    const [, , whole = '', fraction = ''] = match
    const shown = text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text
    if (fraction.length > this.#scale) {
      return `'${shown}' has ${digits(fraction.length)} after the point, the schema allows ${this.#scale}`
    }
    const before = whole.replace(/^0+/, '').length
    const allowed = this.#precision - this.#scale
    return before > allowed
      ? `'${shown}' has ${digits(before)} before the point, the schema allows ${allowed}`
      : `'${shown}' does not fit into the ${this.#size} bytes of the schema's fixed type`
  }

  protected override _fromValue(value: unknown): string {
    return decimalText(value as Buffer, this.#scale)
  }

  protected override _toValue(value: unknown): Buffer | undefined {
    return typeof value === 'string' ? decimalBytes(value, this.#precision, this.#scale, this.#size) : undefined
  }

  protected override _resolve(writer: avro.Type): ((value: unknown) => unknown) | undefined {
    // With the scale that it was written with: the text says it.
    if (writer instanceof DecimalType) return (value) => value
    return avro.Type.isType(writer, 'bytes', 'fixed') ? (value) => this._fromValue(value) : undefined
  }
}

function decimalText(bytes: Buffer, scale: number): string {
  let unscaled = bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString('hex')}`)
  if (bytes.length > 0 && bytes[0]! >= 0x80) unscaled -= 1n << BigInt(bytes.length * 8)
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  return `${unscaled < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(digits.length - scale)}`}`
}

/** @returns undefined when the text is not a decimal of this precision and scale */
function decimalBytes(text: string, precision: number, scale: number, size: number | undefined): Buffer | undefined {
  const match = decimalPattern.exec(text)
  if (match === null) return undefined
  const [, sign, whole, fraction = ''] = match
  if (fraction.length > scale) return undefined
  const digits = `${whole}${fraction.padEnd(scale, '0')}`.replace(/^0+(?=\d)/, '')
  if (digits.length > precision) return undefined
  const unscaled = sign === '-' ? -BigInt(digits) : BigInt(digits)
  // One bit more than the magnitude needs, for the sign.
  const magnitude = unscaled < 0n ? -unscaled - 1n : unscaled
  const needed = Math.floor(magnitude === 0n ? 1 : magnitude.toString(2).length / 8 + 1)
  const length = size ?? needed
  if (length < needed) return undefined
  const hex = BigInt.asUintN(length * 8, unscaled)
    .toString(16)
    .padStart(length * 2, '0')
  return Buffer.from(hex, 'hex')
}

// Avro schemas as avsc's types, for values that pass through: all 64 bits of a long, decimals as their bytes.
import avro from 'avsc'

/** Longs within this are numbers, others bigints. */
const isSafe = (value: bigint): boolean =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)

const long = avro.types.LongType.__with({
  fromBuffer(bytes: Buffer) {
    const value = bytes.readBigInt64LE()
    return isSafe(value) ? Number(value) : value
  },
  toBuffer(value: bigint | number) {
    const bytes = Buffer.allocUnsafe(8)
    bytes.writeBigInt64LE(BigInt(value))
    return bytes
  },
  fromJSON: (value: number | string) => Number(value),
  toJSON: (value: bigint | number) => value.toString(),
  isValid: (value: unknown) =>
    Number.isSafeInteger(value) || (typeof value === 'bigint' && BigInt.asIntN(64, value) === value),
  compare: (a: bigint | number, b: bigint | number) => (a < b ? -1 : a > b ? 1 : 0),
})

const isLong = (schema: avro.Schema): boolean => schema === 'long' || (schema as { type?: unknown }).type === 'long'

/** @throws Error of avsc for a text that is not a schema */
export function avroType(schema: string): avro.Type {
  return avro.Type.forSchema(JSON.parse(schema) as avro.Schema, {
    omitRecordMethods: true,
    typeHook: (one) => (isLong(one) ? long : undefined),
  })
}

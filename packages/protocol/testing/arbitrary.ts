// Random messages, derived from their declarations, for property tests.
import fc from 'fast-check'
import type { Field, Fields, FieldType, Message, PrimitiveType } from '../src/codec/declaration.ts'
import { defaultOf } from '../src/codec/defaults.ts'
import { includes } from '../src/codec/versions.ts'

/** Values as they must read back: fields that the version lacks have their defaults. */
export function messages(message: Message, version: number): fc.Arbitrary<Record<string, unknown>> {
  return structs(message.fields, version)
}

function structs(fields: Fields, version: number): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(
    Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [
        name,
        includes(field.versions, version) ? fieldValues(field, version) : fc.constant(null).map(defaultOf(field)),
      ]),
    ),
  )
}

function fieldValues(field: Field, version: number): fc.Arbitrary<unknown> {
  const values = typeValues(field.type, version)
  const nullable = includes(field.nullable, version) ? fc.option(values, { nil: null }) : values
  // The default itself must come up often: tagged fields are left out then.
  const usable = field.default !== null || includes(field.nullable, version)
  return usable
    ? fc.oneof(
        { weight: 4, arbitrary: nullable },
        fc.constant(null).map(defaultOf(field)).filter(isWritable(field, version)),
      )
    : nullable
}

function isWritable(field: Field, version: number): (value: unknown) => boolean {
  return (value) => value !== null || includes(field.nullable, version)
}

function typeValues(type: FieldType, version: number): fc.Arbitrary<unknown> {
  if (typeof type === 'string') return primitives(type)
  if (type.kind === 'struct') return structs(type.fields, version)
  const elements = typeof type.element === 'string' ? primitives(type.element) : structs(type.element.fields, version)
  return fc.array(elements, { maxLength: 3 })
}

const buffers = fc
  .oneof({ weight: 9, arbitrary: fc.uint8Array({ maxLength: 40 }) }, fc.constant(new Uint8Array(3000).fill(7)))
  .map((bytes) => Buffer.from(bytes))

function primitives(type: PrimitiveType): fc.Arbitrary<unknown> {
  switch (type) {
    case 'bool':
      return fc.boolean()
    case 'int8':
      return fc.integer({ min: -0x80, max: 0x7f })
    case 'int16':
      return fc.integer({ min: -0x8000, max: 0x7fff })
    case 'uint16':
      return fc.integer({ min: 0, max: 0xffff })
    case 'int32':
      return fc.integer()
    case 'uint32':
      return fc.integer({ min: 0, max: 0xffffffff })
    case 'int64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    case 'float64':
      return fc.double()
    case 'string':
      return fc.oneof(
        { weight: 9, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
        fc.constant('ä'.repeat(200)),
      )
    case 'uuid':
      return fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('base64url'))
    case 'bytes':
    case 'records':
      return buffers
    default:
      return type satisfies never
  }
}

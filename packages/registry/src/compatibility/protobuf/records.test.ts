// A pair of schemas that is called compatible, tried with records: written by one's descriptor, read by the other's.
import {
  createFileRegistry,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonObject,
  toBinary,
  toJson,
} from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { describeFile, linkText } from '../../protobuf/index.ts'
import { checkProtobufReader } from './index.ts'

interface Field {
  readonly label: 'optional' | 'required' | 'repeated' | 'map' | 'oneof o' | 'oneof q'
  readonly type: string
}

/** The fields of the messages M and N by their numbers; undefined where there is none. */
interface Schema {
  readonly syntax: 'proto2' | 'proto3'
  readonly M: readonly (Field | undefined)[]
  readonly N: readonly (Field | undefined)[]
}

const numbers = [
  'int32',
  'int64',
  'uint32',
  'uint64',
  'bool',
  'E',
  'sint32',
  'sint64',
  'fixed32',
  'sfixed32',
  'fixed64',
  'double',
  'float',
]
const types = [...numbers, 'string', 'bytes', 'string', 'N', 'N']

const anyField: fc.Arbitrary<Field | undefined> = fc.oneof(
  { arbitrary: fc.constant(undefined), weight: 1 },
  {
    arbitrary: fc.record({
      label: fc.constantFrom('optional', 'optional', 'required', 'repeated', 'map', 'oneof o', 'oneof q'),
      type: fc.constantFrom(...types),
    }),
    weight: 3,
  },
)

/** Mostly a change that may be compatible. */
function changed(before: Field | undefined): fc.Arbitrary<Field | undefined> {
  const near = before
    ? fc.record({
        label: fc.constantFrom(before.label, before.label, 'optional', 'oneof o', 'repeated'),
        type: numbers.slice(0, 6).includes(before.type)
          ? fc.constantFrom(...numbers.slice(0, 6))
          : fc.constant(before.type),
      })
    : anyField
  return fc.oneof(
    { arbitrary: fc.constant(before), weight: 8 },
    { arbitrary: near as fc.Arbitrary<Field | undefined>, weight: 3 },
    { arbitrary: anyField, weight: 1 },
  )
}

const fields = fc.array(anyField, { minLength: 4, maxLength: 4 })
/** N has none of itself, so that its required fields end somewhere. */
const withoutN = (list: readonly (Field | undefined)[]): (Field | undefined)[] =>
  list.map((field) => (field?.type === 'N' ? { ...field, type: 'string' } : field))
const syntax = fc.constantFrom('proto2' as const, 'proto3' as const)
const pair: fc.Arbitrary<[Schema, Schema]> = fc
  .record({ syntax, M: fields, N: fields.map(withoutN) })
  .chain((writer) =>
    fc
      .record({ syntax, M: fc.tuple(...writer.M.map(changed)), N: fc.tuple(...writer.N.map(changed)).map(withoutN) })
      .map((reader) => [writer, reader]),
  )

function textOf({ syntax, M, N }: Schema): string {
  const message = (name: string, list: readonly (Field | undefined)[]): string => {
    const line = (index: number): string => {
      const { label, type } = list[index]!
      const end = `f${index + 1} = ${index + 1};`
      if (label === 'map') return `map<string, ${type}> ${end}`
      if (label.startsWith('oneof')) return `${type} ${end}`
      // proto3 has no required; its optional is written to have presence on both sides.
      return `${label === 'required' && syntax === 'proto3' ? 'optional' : label} ${type} ${end}`
    }
    const of = (label: string) => list.flatMap((field, index) => (field?.label === label ? [line(index)] : []))
    const oneofs = ['oneof o', 'oneof q'].map((label) =>
      of(label).length === 0 ? '' : `${label} { ${of(label).join(' ')} }`,
    )
    const others = list.flatMap((field, index) => (field && !field.label.startsWith('oneof') ? [line(index)] : []))
    return `message ${name} { ${[...others, ...oneofs].join(' ')} }`
  }
  return `syntax = "${syntax}"; ${message('M', M)} ${message('N', N)} enum E { Z = 0; Y = 1; }`
}

function descriptorOf(text: string): DescMessage {
  const bytes = describeFile(linkText(text, new Map()), 'test.proto')
  return createFileRegistry(fromBinary(FileDescriptorProtoSchema, bytes), () => undefined).getMessage('M')!
}

/** A value of a type in JSON, that every type of the same kind can hold. */
function anyValue(type: string, schema: Schema): fc.Arbitrary<unknown> {
  if (type === 'N') return recordOf('N', schema)
  if (type === 'bool') return fc.boolean()
  if (type === 'string') return fc.constantFrom('', 'a', 'b')
  if (type === 'bytes') return fc.constantFrom('', 'YQ==', 'Yg==')
  if (type === 'double' || type === 'float') return fc.constantFrom(0, 0.5)
  return fc.constantFrom(0, 1)
}

/** A record of a message: every required field, at most one field of a oneof, any of the others. */
function recordOf(name: 'M' | 'N', schema: Schema): fc.Arbitrary<JsonObject> {
  const entries = schema[name].flatMap((field, index): fc.Arbitrary<[string, unknown] | undefined>[] => {
    if (!field) return []
    const value = anyValue(field.type, schema)
    const whole =
      field.label === 'repeated'
        ? fc.array(value, { maxLength: 3 })
        : field.label === 'map'
          ? fc.dictionary(fc.constantFrom('k', 'l'), value, { maxKeys: 2 })
          : value
    const entry = whole.map((one) => [`f${index + 1}`, one] as [string, unknown])
    return [field.label === 'required' ? entry : fc.option(entry, { nil: undefined })]
  })
  return fc.tuple(...entries).map((list) => {
    const seen = new Set<string>()
    const kept = list.filter((entry) => {
      const label = entry && schema[name][Number(entry[0].slice(1)) - 1]!.label
      if (!label?.startsWith('oneof')) return entry !== undefined
      const isFirst = !seen.has(label)
      seen.add(label)
      return isFirst
    })
    return Object.fromEntries(kept as [string, unknown][]) as JsonObject
  })
}

/** A value without what its type makes of it: numbers as numbers, bytes as text. */
function plain(type: string, value: unknown, schema: Schema, other: Schema): unknown {
  if (type === 'N') return sharedOf('N', value as JsonObject, schema, other)
  if (type === 'bytes') return Buffer.from(value as string, 'base64').toString()
  if (type === 'string') return value
  if (type === 'E') return value === 'Y' || value === 1 ? 1 : 0
  return Number(value)
}

/** The fields that both schemas have. A value that is not set is the default; of a list that the other has as one, the last counts. */
function sharedOf(name: 'M' | 'N', record: JsonObject, schema: Schema, other: Schema): unknown {
  return schema[name].map((field, index) => {
    const theirs = other[name][index]
    if (!field || !theirs) return undefined
    const value = record[`f${index + 1}`]
    const read = (one: unknown): unknown => plain(field.type, one, schema, other)
    if (field.label === 'map') {
      const entries = Object.entries((value ?? {}) as JsonObject).toSorted(([a], [b]) => (a < b ? -1 : 1))
      return entries.map(([key, one]) => [key, read(one)])
    }
    const list = field.label === 'repeated' ? ((value ?? []) as unknown[]) : value === undefined ? [] : [value]
    if (field.label === 'repeated' && theirs.label === 'repeated') return list.map(read)
    // A list of messages read as one message is the merge of all, so that only whether there is one is compared.
    if (field.type === 'N' && (field.label === 'repeated' || theirs.label === 'repeated')) return list.length > 0
    if (field.type === 'N') return list.map(read)
    return list.length === 0 ? zeroOf(field.type) : read(list.at(-1))
  })
}

function zeroOf(type: string): unknown {
  return type === 'string' || type === 'bytes' ? '' : 0
}

it('a compatible reader gets what was written from every record', () => {
  let compatible = 0
  fc.assert(
    fc.property(
      pair.chain(([writer, reader]) =>
        fc.tuple(
          fc.constant(writer),
          fc.constant(reader),
          fc.array(recordOf('M', writer), { minLength: 3, maxLength: 3 }),
        ),
      ),
      ([writer, reader, records]) => {
        const [from, to] = [textOf(writer), textOf(reader)]
        const problems = checkProtobufReader(linkText(to, new Map()), linkText(from, new Map()))
        if (problems.length > 0) return
        compatible++
        const [writes, reads] = [descriptorOf(from), descriptorOf(to)]
        for (const record of records) {
          const bytes = toBinary(writes, fromJson(writes, record))
          const found = toJson(reads, fromBinary(reads, bytes)) as JsonObject
          expect(sharedOf('M', found, reader, writer), `${from}\n${to}\n${JSON.stringify(record)}`).toEqual(
            sharedOf('M', record, writer, reader),
          )
        }
      },
    ),
    { numRuns: 1500 },
  )
  expect(compatible).toBeGreaterThan(100)
})

it('a change that is called incompatible loses or misreads some record', () => {
  const read = (from: string, to: string, record: JsonObject): unknown => {
    const [writes, reads] = [descriptorOf(from), descriptorOf(to)]
    return toJson(reads, fromBinary(reads, toBinary(writes, fromJson(writes, record))))
  }
  const message = (body: string): string => `syntax = "proto3"; message M { ${body} }`
  expect(read(message('int32 f = 1;'), message('sint32 f = 1;'), { f: 1 })).toEqual({ f: -1 })
  expect(() => read(message('int32 f = 1;'), message('string f = 1;'), { f: 1 })).toThrow('premature EOF')
  expect(
    read(message('int32 f = 1; int32 g = 2;'), message('oneof o { int32 f = 1; int32 g = 2; }'), { f: 1, g: 2 }),
  ).toEqual({ g: 2 })
})

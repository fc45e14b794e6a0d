// What the registry writes of each kind of problem, as readIncompatibility reads it.
import { describe, expect, it } from 'vitest'
import type { AvroIncompatibility } from './avro.ts'
import { describeJsonProblem, sentences } from './json/messages.ts'
import type { JsonProblemType } from './json/problem.ts'
import { describeAvroProblem, type Side } from './messages.ts'
import { describeProtobufProblem, type ProtobufIncompatibility } from './protobuf/index.ts'
import { readIncompatibility } from './read-messages.ts'

const avroTypes: Readonly<Record<AvroIncompatibility['type'], true>> = {
  FIXED_SIZE_MISMATCH: true,
  TYPE_MISMATCH: true,
  NAME_MISMATCH: true,
  MISSING_ENUM_SYMBOLS: true,
  MISSING_UNION_BRANCH: true,
  READER_FIELD_MISSING_DEFAULT_VALUE: true,
}
const protobufTypes: Readonly<Record<ProtobufIncompatibility['type'], true>> = {
  PACKAGE_CHANGED: true,
  MESSAGE_REMOVED: true,
  FIELD_KIND_CHANGED: true,
  FIELD_SCALAR_KIND_CHANGED: true,
  FIELD_NAMED_TYPE_CHANGED: true,
  FIELD_NUMERIC_LABEL_CHANGED: true,
  REQUIRED_FIELD_ADDED: true,
  REQUIRED_FIELD_REMOVED: true,
  ONEOF_FIELD_REMOVED: true,
  MULTIPLE_FIELDS_MOVED_TO_ONEOF: true,
}

interface Row {
  readonly type: string
  readonly line: (reader: Side, writer: Side) => string
}
const at = { path: '/a', message: 'm' }
const rows: readonly Row[] = [
  ...(Object.keys(avroTypes) as AvroIncompatibility['type'][]).map((type) => ({
    type,
    line: (reader: Side, writer: Side) => describeAvroProblem({ type, ...at }, reader, writer),
  })),
  ...(Object.keys(protobufTypes) as ProtobufIncompatibility['type'][]).map((type) => ({
    type,
    line: (reader: Side, writer: Side) => describeProtobufProblem({ type, path: '#/a', message: 'm' }, reader, writer),
  })),
  ...(Object.keys(sentences) as JsonProblemType[]).map((type) => ({
    type,
    line: (reader: Side, writer: Side) => describeJsonProblem({ type, path: '#/a', message: '' }, reader, writer),
  })),
]

describe('the line of a problem says which schema reads, and where', () => {
  // The sentence names no schema; a package has no place.
  const sides = (type: string): boolean => type !== 'NAME_MISMATCH'
  const placed = (type: string): boolean => sides(type) && type !== 'PACKAGE_CHANGED'

  it.each(rows)('$type', ({ type, line }) => {
    const context = [`{oldSchema: '{"a":1}'}`]
    const read = (reader: Side, writer: Side) => {
      const [reason] = readIncompatibility([line(reader, writer), ...context], '{"a":2}').reasons
      return { type: reason!.type, direction: reason!.direction, path: reason!.path }
    }
    const path = placed(type) ? '/a' : null
    expect(read('new', 'old')).toEqual({ type, direction: sides(type) ? 'backward' : null, path })
    expect(read('old', 'new')).toEqual({ type, direction: sides(type) ? 'forward' : null, path })
  })
})

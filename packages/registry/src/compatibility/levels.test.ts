import { describe, expect, it } from 'vitest'
import { parseAvro } from '../avro/index.ts'
import type { CompatibilityLevel, Incompatibility } from '../types.ts'
import { type AvroIncompatibility, checkAvroReader } from './avro.ts'
import { type Comparable, compatibilityLevels, findConflict, isCompatibilityLevel } from './levels.ts'
import { describeAvroProblem } from './messages.ts'

interface Schema extends Comparable<Schema> {
  readonly avro: ReturnType<typeof parseAvro>
}

function schema(text: string): Schema {
  const avro = parseAvro(text)
  return {
    schemaType: 'AVRO',
    avro,
    problemsReading: (writer): readonly Incompatibility[] => checkAvroReader(avro, writer.avro),
    describe: (problem, reader, writer) => describeAvroProblem(problem as AvroIncompatibility, reader, writer),
  }
}

const record = (...fields: string[]) => `{"type":"record","name":"U","fields":[${fields.join(',')}]}`
const id = '{"name":"id","type":"int"}'
const optional = '{"name":"x","type":"int","default":0}'
const required = '{"name":"x","type":"int"}'

function conflict(level: CompatibilityLevel, candidate: string, ...versions: string[]) {
  return findConflict<Schema>(
    level,
    schema(candidate),
    versions.map((text, index) => ({ version: index + 1, text, parse: () => schema(text) })),
  )
}

describe('the compatibility levels', () => {
  it('are seven', () => {
    expect(compatibilityLevels).toHaveLength(7)
    expect(isCompatibilityLevel('FULL')).toBe(true)
    expect(isCompatibilityLevel('full')).toBe(false)
  })

  // The change that each level allows or forbids, from version 1 to the candidate.
  const changes: [what: string, from: string, to: string, compatible: CompatibilityLevel[]][] = [
    ['adding an optional field', record(id), record(id, optional), ['BACKWARD', 'FORWARD', 'FULL']],
    ['adding a required field', record(id), record(id, required), ['FORWARD']],
    ['removing an optional field', record(id, optional), record(id), ['BACKWARD', 'FORWARD', 'FULL']],
    ['removing a required field', record(id, required), record(id), ['BACKWARD']],
    ['changing a type', record('{"name":"id","type":"string"}'), record(id), []],
  ]
  for (const [what, from, to, compatible] of changes) {
    it(`${what} is compatible under ${compatible.join(', ') || 'NONE only'}`, () => {
      for (const level of ['BACKWARD', 'FORWARD', 'FULL'] as const) {
        expect(conflict(level, to, from) === undefined, level).toBe(compatible.includes(level))
        expect(conflict(`${level}_TRANSITIVE`, to, from) === undefined, level).toBe(compatible.includes(level))
      }
      expect(conflict('NONE', to, from)).toBeUndefined()
    })
  }

  it('compare with the latest version only, unless they are transitive', () => {
    const versions = [record(id, required), record(id), record(id, optional)]
    const candidate = record(id, '{"name":"x","type":"string","default":""}')
    for (const level of ['BACKWARD', 'FORWARD', 'FULL'] as const) {
      expect(conflict(level, candidate, record(id, optional), record(id))).toBeUndefined()
      expect(conflict(`${level}_TRANSITIVE`, candidate, record(id, optional), record(id))?.version).toBe(1)
      expect(conflict(level, candidate, ...versions)?.version).toBe(3)
    }
  })

  it('find nothing to object when there is no version', () => {
    for (const level of compatibilityLevels) expect(conflict(level, record(id))).toBeUndefined()
  })

  it('say under BACKWARD what the new schema cannot read, in the words of the registry', () => {
    expect(conflict('BACKWARD', record(id, required), record(id))?.messages).toEqual([
      "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'x' at path '/fields/1' in the new schema has no default value and is missing in the old schema', additionalInfo:'x'}",
      '{oldSchemaVersion: 1}',
      `{oldSchema: '${record(id)}'}`,
    ])
  })

  it('say under FORWARD what the old schema cannot read', () => {
    expect(conflict('FORWARD', record(id), record(id, required))?.messages[0]).toBe(
      "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'x' at path '/fields/1' in the old schema has no default value and is missing in the new schema', additionalInfo:'x'}",
    )
  })

  it('list under FULL the problems of the old schema before those of the new one', () => {
    const found = conflict('FULL', record(id, '{"name":"n","type":"int"}'), record(id, required))
    expect(found?.problems.map(({ reader, message }) => [reader, message])).toEqual([
      ['old', 'x'],
      ['new', 'n'],
    ])
  })

  it('shorten an old schema of more than 10 KiB', () => {
    const long = record(id, `{"name":"d","type":"string","doc":"${'x'.repeat(11_000)}"}`)
    const messages = conflict('BACKWARD', record('{"name":"id","type":"string"}'), long)?.messages
    expect(messages?.at(-1)).toMatch(/^\{oldSchema: <truncated to 10240 characters> '/)
    expect(messages?.at(-1)).toHaveLength(10_240 + "{oldSchema: <truncated to 10240 characters> ''}".length)
  })

  it('report a version that cannot be parsed as a conflict', () => {
    const broken = findConflict<Schema>('BACKWARD', schema(record(id)), [
      { version: 4, text: '?', parse: () => schema('?') },
    ])
    expect(broken?.version).toBe(4)
    expect(broken?.messages[0]).toMatch(/^Unexpected exception during compatibility check: unexpected character/)
  })
})

describe('each kind of problem has its own words', () => {
  const cases: [from: string, to: string, message: string][] = [
    [
      '{"type":"fixed","name":"F","size":8}',
      '{"type":"fixed","name":"F","size":4}',
      "{errorType:'FIXED_SIZE_MISMATCH', description:'The size of FIXED type field at path '/size' in the new schema does not match with the old schema', additionalInfo:'expected: 8, found: 4'}",
    ],
    [
      '"string"',
      '"int"',
      "{errorType:'TYPE_MISMATCH', description:'The type (path '/') of a field in the new schema does not match with the old schema', additionalInfo:'reader type: INT not compatible with writer type: STRING'}",
    ],
    [
      '{"type":"enum","name":"E","symbols":["A"]}',
      '{"type":"enum","name":"G","symbols":["A"]}',
      "{errorType:'NAME_MISMATCH', description:'The name of the schema has changed (path '/name')', additionalInfo:'expected: E'}",
    ],
    [
      '{"type":"enum","name":"E","symbols":["A","B"]}',
      '{"type":"enum","name":"E","symbols":["A"]}',
      "{errorType:'MISSING_ENUM_SYMBOLS', description:'The new schema is missing enum symbols '[B]' at path '/symbols' in the old schema', additionalInfo:'[B]'}",
    ],
    [
      '["int","string"]',
      '["int"]',
      "{errorType:'MISSING_UNION_BRANCH', description:'The new schema is missing a type inside a union field at path '/1' in the old schema', additionalInfo:'reader union lacking writer type: STRING'}",
    ],
  ]
  for (const [from, to, message] of cases) {
    it(message.slice(12, message.indexOf("',")), () => {
      expect(conflict('BACKWARD', to, from)?.messages[0]).toBe(message)
    })
  }
})

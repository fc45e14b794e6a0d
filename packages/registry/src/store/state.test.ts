import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SchemaValue, StoreRecord } from './records.ts'
import { createState } from './state.ts'

function schema(subject: string, version: number, id: number, more: Partial<SchemaValue> = {}): StoreRecord {
  const value = { subject, version, id, schemaType: 'AVRO', references: [], schema: `"${id}"`, deleted: false, ...more }
  return { key: { keytype: 'SCHEMA', subject, version }, value }
}

const tombstone = (subject: string, version: number): StoreRecord => ({
  key: { keytype: 'SCHEMA', subject, version },
  value: null,
})

function stateOf(...records: StoreRecord[]) {
  const state = createState()
  for (const record of records) state.apply(record)
  return state
}

const numbers = (values: readonly SchemaValue[]) => values.map((value) => value.version)

describe('the state of the registry', () => {
  it('has the versions of a subject in order, whatever the order of their records', () => {
    expect(numbers(stateOf(schema('s', 2, 2), schema('s', 1, 1)).versions('s', false))).toEqual([1, 2])
  })

  it('hides soft-deleted versions, and finds them by id still', () => {
    const state = stateOf(schema('s', 1, 1), schema('s', 2, 2), schema('s', 1, 1, { deleted: true }))
    expect(numbers(state.versions('s', false))).toEqual([2])
    expect(numbers(state.versions('s', true))).toEqual([1, 2])
    expect(state.withId('.', 1)).toHaveLength(1)
  })

  it('forgets a version at its tombstone, and never gives its id away again', () => {
    const state = stateOf(schema('s', 1, 1), schema('s', 2, 2), tombstone('s', 2))
    expect(numbers(state.versions('s', true))).toEqual([1])
    expect(state.withId('.', 2)).toEqual([])
    expect(state.nextId('.', { schemaType: 'AVRO', schema: '"2"', references: [] })).toBe(3)
    expect(state.maxId('.')).toBe(2)
  })

  it('soft-deletes with DELETE_SUBJECT the versions up to the one it names', () => {
    const deleted: StoreRecord = { key: { keytype: 'DELETE_SUBJECT', subject: 's' }, value: { version: 2 } }
    const state = stateOf(schema('s', 1, 1), schema('s', 2, 2), deleted, schema('s', 3, 3))
    expect(numbers(state.versions('s', false))).toEqual([3])
    expect(state.subjects(false)).toEqual(['s'])
  })

  it('forgets with CLEAR_SUBJECT what is soft-deleted, and nothing else', () => {
    const clear: StoreRecord = { key: { keytype: 'CLEAR_SUBJECT', subject: null }, value: {} }
    const state = stateOf(schema('s', 1, 1, { deleted: true }), schema('s', 2, 2), schema('t', 1, 3), clear)
    expect(numbers(state.versions('s', true))).toEqual([2])
    expect(numbers(state.versions('t', true))).toEqual([1])
  })

  it('forgets with CLEAR_SUBJECT of a context what is soft-deleted there', () => {
    const clear = (subject: string | null): StoreRecord => ({ key: { keytype: 'CLEAR_SUBJECT', subject }, value: {} })
    const deleted = [schema('s', 1, 1, { deleted: true }), schema(':.lab:s', 1, 1, { deleted: true })]
    expect(stateOf(...deleted, clear(null)).subjects(true)).toEqual([':.lab:s'])
    expect(stateOf(...deleted, clear(':.lab:')).subjects(true)).toEqual(['s'])
  })

  it('knows contexts by their records, and by their subjects', () => {
    const context = (value: object | null): StoreRecord => ({ key: { keytype: 'CONTEXT', context: '.empty' }, value })
    expect(stateOf(context({}), schema(':.lab:s', 1, 1)).contexts()).toEqual(['.', '.empty', '.lab'])
    expect(stateOf(context({}), context(null)).contexts()).toEqual(['.'])
  })

  it('gives one id to a schema in every subject of a context', () => {
    const state = stateOf(schema('a', 1, 5, { schema: '"int"' }), schema('b', 1, 5, { schema: '"int"' }))
    const same = { schemaType: 'AVRO', schema: '"int"', references: [] }
    expect(state.nextId('.', same)).toBe(5)
    expect(state.nextId('.lab', same)).toBe(1)
    expect(state.nextId('.', { ...same, references: [{ name: 'x', subject: 'a', version: 1 }] })).toBe(6)
  })

  it('keeps contexts apart', () => {
    const state = stateOf(schema(':.lab:s', 1, 1), schema('s', 1, 1, { schema: '"other"' }))
    expect(state.contexts()).toEqual(['.', '.lab'])
    expect(state.withId('.lab', 1)[0]?.subject).toBe(':.lab:s')
    expect(state.withId('.', 1)[0]?.subject).toBe('s')
  })

  it('knows who refers to a version, until the referrer is deleted', () => {
    const references = [{ name: 'Money', subject: 'money', version: 1 }]
    const state = stateOf(schema('money', 1, 1), schema('order', 1, 2, { references }))
    expect(state.referrers('money', 1, false).map((value) => value.subject)).toEqual(['order'])
    state.apply(schema('order', 1, 2, { references, deleted: true }))
    expect(state.referrers('money', 1, false)).toEqual([])
    expect(state.referrers('money', 1, true)).toHaveLength(1)
  })

  it('takes a reference without a context for one inside the context of its schema', () => {
    const references = [{ name: 'Money', subject: 'money', version: 1 }]
    const state = stateOf(schema('money', 1, 1), schema(':.lab:order', 1, 2, { references }))
    expect(state.referrers('money', 1, false)).toEqual([])
    expect(state.referrers(':.lab:money', 1, false).map((value) => value.subject)).toEqual([':.lab:order'])
  })

  it('gives the same answers from the compacted topic as from the whole one', () => {
    const record = fc.oneof(
      fc
        .record({
          subject: fc.constantFrom('a', 'b'),
          version: fc.integer({ min: 1, max: 3 }),
          id: fc.integer({ min: 1, max: 4 }),
          deleted: fc.boolean(),
        })
        .map(({ subject, version, id, deleted }) => schema(subject, version, id, { deleted })),
      fc
        .record({ subject: fc.constantFrom('a', 'b'), version: fc.integer({ min: 1, max: 3 }) })
        .map(({ subject, version }) => tombstone(subject, version)),
      fc.constantFrom('NONE', 'FULL', null).map(
        (level): StoreRecord => ({
          key: { keytype: 'CONFIG', subject: 'a' },
          value: level === null ? null : { compatibilityLevel: level },
        }),
      ),
    )
    fc.assert(
      fc.property(fc.array(record, { maxLength: 40 }), (records) => {
        // What the log cleaner leaves: the last record of each key, in the order of the log.
        const last = new Map(records.map((item, index) => [JSON.stringify(item.key), index]))
        const compacted = records.filter((item, index) => last.get(JSON.stringify(item.key)) === index)
        expect(answers(stateOf(...compacted))).toEqual(answers(stateOf(...records)))
      }),
    )
  })
})

function answers(state: ReturnType<typeof createState>) {
  return {
    subjects: state.subjects(true),
    versions: ['a', 'b'].map((subject) => state.versions(subject, true)),
    // The first version of an id may depend on records that compaction removed; the set of its versions may not.
    ids: [1, 2, 3, 4].map((id) =>
      state
        .withId('.', id)
        .map(({ subject, version }) => `${subject} ${version}`)
        .toSorted(),
    ),
    level: state.config('a')?.compatibilityLevel,
  }
}

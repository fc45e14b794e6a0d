import { describe, expect, it } from 'vitest'
import type { RegistryState, SubjectState, VersionState } from '../format/schema-state.ts'
import { ownerOf, ownerOfSubject, planSubjects, type SchemaInput } from './schema-plan.ts'

const version = (number: number, id: number, name: string, more: Partial<VersionState> = {}): VersionState => ({
  ...{ version: number, id, deleted: false, schemaType: 'AVRO', references: [] },
  schema: `{"type":"record","name":"${name}","fields":[]}`,
  ...more,
})
const subject = (name: string, ...versions: readonly VersionState[]): SubjectState => ({
  ...{ subject: name, versions: [...versions], config: null, mode: null },
})
const registry = (...subjects: readonly SubjectState[]): RegistryState => ({ subjects: [...subjects], contexts: [] })

const plan = (backup: RegistryState, target: RegistryState, more: Partial<SchemaInput> = {}) =>
  planSubjects({
    ...{ backup, target, includesUnnamed: false, alsoIds: new Set<string>(), resume: false },
    ...{ topics: [{ from: 'x', to: 'x' }], allTopics: ['x', 'x-y'] },
    ...more,
  })
const idsOf = ({ ids }: ReturnType<typeof plan>) => ids.map(({ context, id, to }) => `${context}${id} ${to}`)

describe('the topic that a subject is named after', () => {
  it.each([
    ['x-value', 'x', ['value'], '-value'],
    ['x-y-key', 'x-y', ['key'], '-key'],
    ['x-com.acme.Order', 'x', ['key', 'value'], '-com.acme.Order'],
    ['x-y-com.acme.Order', 'x-y', ['key', 'value'], '-com.acme.Order'],
  ])('of %s is %s', (name, topic, parts, suffix) => {
    expect(ownerOf(name, ['x', 'x-y'])).toEqual({ topic, parts, suffix })
  })

  it.each(['com.acme.Order', 'z-value', 'x', 'x-z-value'])('is none for %s', (name) => {
    expect(ownerOf(name, ['x', 'x-y'])).toBeNull()
  })
})

describe('a subject with - behind the name of a topic', () => {
  const ownerIn = (schemaType: string, ofValues: string) => {
    const one = subject('x-eu-Created', version(1, 2, 'Created', { schemaType }))
    const values = subject('x-value', version(1, 1, 'X', { schemaType: ofValues }))
    return ownerOfSubject(one, new Map([one, values].map((each) => [each.subject, each])), ['x'])?.topic ?? null
  }

  it('belongs to another topic, unless it has the payloads of an event type', () => {
    expect([ownerIn('AVRO', 'AVRO'), ownerIn('JSON', 'JSON'), ownerIn('JSON', 'AVRO')]).toEqual([null, null, 'x'])
  })
})

describe('the plan of schemas', () => {
  it('has the subjects of the restored topics, and what they refer to, before what refers to it', () => {
    const references = [{ name: 'B', subject: 'b', version: 1 }]
    const backup = registry(
      subject('a', version(1, 1, 'A')),
      subject('b', version(1, 2, 'B')),
      subject('x-value', version(1, 3, 'X', { references })),
      subject('x-y-value', version(1, 4, 'Y')),
    )
    const { imports } = plan(backup, registry(), { topics: [{ from: 'x', to: 'z' }] })
    expect(imports.map((one) => `${one.subject} ${one.version} ${one.id}`)).toEqual(['b 1 2', 'z-value 1 3'])
  })

  it('gives ids that neither registry has, in each context apart', () => {
    const backup = registry(
      subject('x-value', version(1, 1, 'X'), version(2, 9, 'X2')),
      subject(':.lab:x-value', version(1, 1, 'Lab')),
    )
    const target = registry(subject('other', version(1, 1, 'Other'), version(2, 4, 'Other2')))
    expect(idsOf(plan(backup, target))).toEqual(['1 10', '9 9', '.lab1 1'])
  })

  it('takes the id under which the target has the schema, and adds the version without touching the others', () => {
    const backup = registry(subject('x-value', version(1, 1, 'X'), version(2, 2, 'X2')))
    const target = registry(subject('x-value', version(1, 1, 'Theirs')), subject('other', version(1, 7, 'X')))
    const { imports, subjects } = plan(backup, target)
    expect(imports.map((one) => `${one.version} ${one.id}`)).toEqual(['3 7', '2 2'])
    expect(subjects).toMatchObject([{ subject: 'x-value', there: [1] }])
  })

  it('cannot move a version that another schema refers to', () => {
    const references = [{ name: 'B', subject: 'b', version: 1 }]
    const backup = registry(subject('b', version(1, 1, 'B')), subject('x-value', version(1, 2, 'X', { references })))
    const { conflicts } = plan(backup, registry(subject('b', version(1, 5, 'Theirs'))))
    expect(conflicts).toEqual(['x-value version 1 refers to version 1 of b, which is another schema in the target'])
  })

  it('has the schemas of other topics only where records use them', () => {
    const backup = registry(subject('x-value', version(1, 1, 'X')), subject('x-y-value', version(1, 2, 'Y')))
    expect(idsOf(plan(backup, registry()))).toEqual(['1 1'])
    expect(idsOf(plan(backup, registry(), { alsoIds: new Set(['2:']) }))).toEqual(['1 1', '2 2'])
  })
})

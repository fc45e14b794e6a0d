// Tags inside schemas, and reserved fields. The expectations follow the answers of a Confluent Schema Registry 7.9 to such requests.
import { describe, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { int, record, useRegistry } from '../test-support/api.ts'

const field = (path: string, ...tags: readonly string[]) => ({
  schemaEntity: { entityPath: path, entityType: 'sr_field' },
  tags,
})
const whole = (path: string, ...tags: readonly string[]) => ({
  schemaEntity: { entityPath: path, entityType: 'sr_record' },
  tags,
})
const numbered = (version: number, more: object = {}) => ({
  properties: { 'confluent:version': String(version), ...more },
})
const user = '{"type":"record","name":"User","fields":[{"name":"name","type":"string"}]}'
/** With tags of the field and of the record. */
const tagged = (ofField: string, ofRecord = '') => {
  const tags = (list: string) => (list === '' ? '' : `,"confluent:tags":[${list}]`)
  return `{"type":"record","name":"User","fields":[{"name":"name","type":"string"${tags(ofField)}}]${tags(ofRecord)}}`
}

describeEngines('tags and reserved fields in the registry', (engine) => {
  const { subjectName, call, get, put, register, lookUp, idOf, fails, answers } = useRegistry(engine)
  const tag = (subject: string, version: number | string, body: unknown) =>
    call('POST', `/subjects/${subject}/versions/${version}/tags`, body)

  describe('tags', () => {
    it('are written into the schema, which becomes a new version with its number', async () => {
      const subject = subjectName()
      const id = await idOf(subject, user)
      const second = await tag(subject, 1, { newVersion: 2, tagsToAdd: [field('User.name', 'PII')] })
      expect(second.body).toMatchObject({ version: 2, metadata: numbered(2), schema: tagged('"PII"') })
      const change = { tagsToAdd: [whole('User', 'INTERNAL')], tagsToRemove: [field('User.name', 'PII')] }
      expect((await tag(subject, 2, change)).body).toMatchObject({ version: 3, schema: tagged('', '"INTERNAL"') })
      const both = tagged('"A","B"', '"INTERNAL"')
      expect((await tag(subject, 3, { tagsToAdd: [field('User.name', 'A', 'B')] })).body).toMatchObject({
        schema: both,
      })
      // It has the tag, and is a new version all the same.
      const again = await tag(subject, 'latest', { tagsToAdd: [field('User.name', 'A')] })
      expect(again.body).toMatchObject({ version: 5, metadata: numbered(5), schema: both })
      await answers(lookUp(subject, user), { subject, version: 1, id, schema: user })
    })

    it('find entities by their full names and by those without the namespace, also inside others', async () => {
      const subject = subjectName()
      await idOf(
        subject,
        '{"type":"record","name":"Dep","namespace":"com.x","fields":[{"name":"v","type":"int"},' +
          '{"name":"in","type":["null",{"type":"array","items":{"type":"record","name":"In","fields":[{"name":"w","type":"int"}]}}]}]}',
      )
      const answer = await tag(subject, 1, {
        tagsToAdd: [field('com.x.Dep.v', 'N'), field('Dep.v', 'X'), field('com.x.In.w', 'W'), whole('In', 'R')],
      })
      expect((answer.body as { schema: string }).schema).toBe(
        '{"type":"record","name":"Dep","namespace":"com.x","fields":[{"name":"v","type":"int","confluent:tags":["N","X"]},' +
          '{"name":"in","type":["null",{"type":"array","items":{"type":"record","name":"In","fields":[{"name":"w","type":"int","confluent:tags":["W"]}],"confluent:tags":["R"]}}]}]}',
      )
    })

    it('come with another contract, if the request has one', async () => {
      const subject = subjectName()
      const rule = (name: string) => ({ name, kind: 'CONDITION', mode: 'WRITE', type: 'CEL', expr: 'true' })
      await register(subject, user, {
        metadata: { properties: { owner: 'a' } },
        ruleSet: { domainRules: [rule('old')] },
      })
      const kept = await tag(subject, 1, {
        tagsToAdd: [field('User.name', 'P')],
        rulesToMerge: { domainRules: [rule('new')] },
      })
      expect(kept.body).toMatchObject({
        metadata: numbered(2, { owner: 'a' }),
        ruleSet: { domainRules: [rule('old'), rule('new')] },
      })
      const replaced = await tag(subject, 2, { metadata: { properties: { owner: 'b' } }, rulesToRemove: ['old'] })
      expect(replaced.body).toMatchObject({
        metadata: numbered(3, { owner: 'b' }),
        ruleSet: { domainRules: [rule('new')] },
      })
      await fails(tag(subject, 3, { rulesToMerge: { domainRules: [{ name: 'x' }] } }), 422, 42210)
    })

    it('of an old version leave it without the rules that the latest one has', async () => {
      const subject = subjectName()
      await idOf(subject, user)
      const rule = { name: 'r', kind: 'CONDITION', mode: 'WRITE', type: 'CEL', expr: 'true' }
      await register(subject, user, { ruleSet: { domainRules: [rule] } })
      const answer = await tag(subject, 1, { tagsToAdd: [field('User.name', 'P')] })
      expect(answer.body).toMatchObject({ version: 3, metadata: numbered(3) })
      expect(answer.body).not.toHaveProperty('ruleSet')
      expect((await lookUp(subject, tagged('"P"'))).body).toMatchObject({ version: 3 })
      const again = await tag(subject, 1, { newVersion: 3, tagsToAdd: [field('User.name', 'P')] })
      const { id, guid } = answer.body as { id: number; guid: string }
      expect(again.body).toEqual({ id, guid })
    })

    it('are refused where nothing has the path, and for a version that is not the next', async () => {
      const subject = subjectName()
      await idOf(subject, user)
      const nothing = (path: string) => `No matching path '${path}' found in the schema`
      for (const path of ['User.nope', 'Nope.name', 'User']) {
        await fails(tag(subject, 1, { tagsToAdd: [field(path, 'X')] }), 422, 42201, nothing(path))
      }
      await fails(tag(subject, 1, { newVersion: 9, tagsToAdd: [field('User.name', 'X')] }), 422, 42201, /not one more/)
      await fails(tag(subject, 9, { tagsToAdd: [] }), 404, 40402)
      await fails(tag('nowhere', 1, {}), 404, 40401)
      await answers(get(`/subjects/${subject}/versions`), [1])
    })

    it('are shown apart from the text when that is asked for', async () => {
      const subject = subjectName()
      const id = await idOf(subject, tagged('"PII"', '"R"'))
      const schemaTags = [whole('User', 'R'), field('User.name', 'PII')]
      await answers(get(`/schemas/ids/${id}?findTags=true`), { schema: tagged('"PII"', '"R"'), schemaTags })
      expect((await get(`/subjects/${subject}/versions/1?findTags=true`)).body).toMatchObject({ schemaTags })
      expect((await get(`/subjects/${subject}/versions/1`)).body).not.toHaveProperty('schemaTags')
    })

    it('may come with a registration, and may follow from the version before', async () => {
      const subject = subjectName()
      await register(subject, user, { schemaTagsToAdd: [field('User.name', 'PII')] })
      expect((await get(`/subjects/${subject}/versions/1`)).body).toMatchObject({
        schema: tagged('"PII"'),
        metadata: numbered(1),
      })
      const wider =
        '{"type":"record","name":"User","fields":[{"name":"name","type":"string"},{"name":"y","type":"int","default":0}]}'
      expect((await register(subject, wider, { propagateSchemaTags: true })).body).toMatchObject({
        version: 2,
        schema: wider.replace('"string"', '"string","confluent:tags":["PII"]'),
      })
      await answers(register(subject, wider, { propagateSchemaTags: true }), {
        id: ((await get(`/subjects/${subject}/versions/2`)).body as { id: number }).id,
      })
    })
  })

  describe('reserved fields', () => {
    const reserved = (names: string) => ({ metadata: { properties: { 'confluent:reserved': names } } })

    it('may be neither used nor given up where fields are validated', async () => {
      const subject = subjectName()
      await put(`/config/${subject}`, { compatibility: 'NONE', validateFields: true })
      await fails(
        register(subject, record('A', int('a'), int('b')), reserved('x, b')),
        409,
        40901,
        /conflicts with the reserved field b\..*\{validateFields: 'true', compatibility: 'NONE'\}/,
      )
      await idOf(subject, record('A', int('a')), reserved('future'))
      await fails(
        register(subject, record('A', int('b')), reserved('other')),
        409,
        40901,
        /reserved field future removed/,
      )
      await idOf(subject, record('A', int('a'), int('b')), reserved('future,extra'))
      const check = await call('POST', `/compatibility/subjects/${subject}/versions?verbose=true`, {
        schema: record('A', int('extra')),
        ...reserved('future,extra'),
      })
      expect(check.body).toMatchObject({
        is_compatible: false,
        messages: [/reserved field extra/, /validateFields/].map((text) => expect.stringMatching(text)),
      })
    })

    it.each([
      ['JSON', '{"type":"object","properties":{"email":{"type":"string"}}}'],
      [
        'PROTOBUF',
        'syntax = "proto3";\nmessage Test {\n  string id = 1;\n  oneof by {\n    string email = 2;\n  }\n}\n',
      ],
    ])('are those of %s, too', async (schemaType, schema) => {
      const subject = subjectName()
      await put(`/config/${subject}`, { validateFields: true })
      await fails(register(subject, schema, { schemaType, ...reserved('email') }), 409, 40901, /reserved field email/)
      await idOf(subject, schema, { schemaType, ...reserved('other') })
    })

    it('are only a note where they are not', async () => {
      const subject = subjectName()
      await idOf(subject, record('A', int('email')), reserved('email'))
      await idOf(subject, record('A', int('email')), reserved('other'))
    })
  })
})

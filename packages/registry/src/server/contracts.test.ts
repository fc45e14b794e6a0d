// Data contracts: metadata and rule sets of versions, and what the configuration adds to them. The expectations follow the answers of a
// Confluent Schema Registry 7.9 to such requests, except for rule sets, which only its commercial edition keeps.
import { describe, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { int, record, useRegistry } from '../test-support/api.ts'

const rule = (name: string, expr = 'true') => ({ name, kind: 'CONDITION', mode: 'WRITE', type: 'CEL', expr })
/** As it is answered. */
const kept = (name: string, expr = 'true') => ({ ...rule(name, expr), disabled: false })
const owner = (name: string) => ({ properties: { owner: name } })
const tagOfA = { schemaEntity: { entityPath: 'A', entityType: 'sr_record' }, tags: ['T'] }
const numbered = (version: number) => ({ properties: { 'confluent:version': String(version) } })

describeEngines('data contracts in the registry', (engine) => {
  const { subjectName, call, get, put, remove, register, idOf, fails, answers } = useRegistry(engine)
  const version = async (subject: string, number: number | 'latest' = 'latest') =>
    (await get(`/subjects/${subject}/versions/${number}`)).body as Record<string, unknown>
  const lookUp = (subject: string, schema: string, more: object = {}) =>
    call('POST', `/subjects/${subject}`, { schema, ...more })

  describe('metadata and rule sets', () => {
    it('are kept and answered wherever the schema is', async () => {
      const subject = subjectName()
      const metadata = { tags: { 'A.x': ['PII'] }, properties: { owner: 'a' }, sensitive: ['owner'] }
      const ruleSet = {
        domainRules: [rule('r')],
        encodingRules: [{ ...rule('e'), tags: ['PII'], params: { key: 'k' } }],
      }
      const schema = record('A', int('x'))
      const answer = await register(subject, schema, { metadata, ruleSet })
      const stored = {
        metadata,
        ruleSet: { domainRules: [kept('r')], encodingRules: [{ ...kept('e'), tags: ['PII'], params: { key: 'k' } }] },
      }
      expect(answer.body).toMatchObject({ version: 1, schema, ...stored })
      const { id } = answer.body as { id: number }
      expect(await version(subject, 1)).toMatchObject({ subject, version: 1, id, schema, ...stored })
      expect((await get(`/schemas/ids/${id}`)).body).toMatchObject({ schema, ...stored })
      expect((await lookUp(subject, schema, { metadata, ruleSet })).body).toMatchObject({ version: 1, ...stored })
      expect((await get(`/schemas?subjectPrefix=${subject}`)).body).toMatchObject([{ id, ...stored }])
    })

    it('are part of what a schema is: with other metadata the same text is another version with another id', async () => {
      const subject = subjectName()
      const first = await idOf(subject, '"int"', { metadata: owner('x') })
      await answers(register(subject, '"int"', { metadata: owner('x') }), { id: first })
      const second = await idOf(subject, '"int"', { metadata: owner('y') })
      expect(second).not.toBe(first)
      expect(await idOf(subjectName(), '"int"', { metadata: owner('x') })).toBe(first)
      const third = await idOf(subject, '"int"', { metadata: owner('y'), ruleSet: { domainRules: [rule('r')] } })
      expect(new Set([first, second, third]).size).toBe(3)
      await answers(get(`/subjects/${subject}/versions`), [1, 2, 3])
    })

    it('are inherited from the version before, unless the request has some, even empty ones', async () => {
      const subject = subjectName()
      await register(subject, record('A'), { metadata: owner('a'), ruleSet: { domainRules: [rule('r')] } })
      const next = await register(subject, record('A', '{"name":"x","type":"int","default":0}'))
      expect(next.body).toMatchObject({ version: 2, metadata: owner('a'), ruleSet: { domainRules: [kept('r')] } })
      await register(subject, record('A'), { metadata: {} })
      expect(await version(subject, 3)).toMatchObject({ metadata: {}, ruleSet: { domainRules: [kept('r')] } })
      await register(subject, record('A'), { metadata: { properties: {}, unknown: 1 } })
      await answers(get(`/subjects/${subject}/versions`), [1, 2, 3])
    })

    it('a registration without them finds the version that it would inherit them from', async () => {
      const subject = subjectName()
      const id = await idOf(subject, '"int"', { metadata: owner('x') })
      expect((await register(subject, '"int"')).body).toMatchObject({ id, version: 1, metadata: owner('x') })
      await fails(lookUp(subject, '"int"'), 404, 40403)
      expect((await lookUp(subject, '"int"', { metadata: owner('x') })).body).toMatchObject({ id })
    })

    it('may come without a text: the latest one gets them', async () => {
      const subject = subjectName()
      await idOf(subject, '"int"')
      const answer = await call('POST', `/subjects/${subject}/versions`, { metadata: owner('z') })
      expect(answer.body).toMatchObject({ version: 2, schema: '"int"', metadata: owner('z') })
      await fails(
        call('POST', `/subjects/${subjectName()}/versions`, { metadata: owner('z') }),
        422,
        42201,
        'Empty schema',
      )
    })

    it('keep numbers digit by digit, as texts', async () => {
      const subject = subjectName()
      const body = '{"schema":"\\"int\\"","metadata":{"properties":{"a":1.10,"b":12345678901234567890,"c":true}}}'
      expect((await call('POST', `/subjects/${subject}/versions`, body)).body).toMatchObject({
        metadata: { properties: { a: '1.10', b: '12345678901234567890', c: 'true' } },
      })
    })

    it('are refused where they have another form, or a rule makes no sense', async () => {
      const subject = subjectName()
      for (const metadata of ['x', { tags: { f: 'PII' } }, { sensitive: 'k' }, { properties: { k: {} } }]) {
        await fails(register(subject, '"int"', { metadata }), 422, 422, /metadata/)
      }
      await fails(
        register(subject, '"int"', { ruleSet: { domainRules: [{ ...rule('r'), mode: 'UPGRADE' }] } }),
        422,
        42210,
        'Invalid rule set: domainRules[0] "r": "UPGRADE" is not a valid mode; valid here are WRITE, READ, WRITEREAD',
      )
      await fails(
        put(`/config/${subject}`, { overrideRuleSet: { domainRules: [rule('')] } }),
        422,
        42210,
        /the rule has no name/,
      )
    })

    it('survive a soft delete', async () => {
      const subject = subjectName()
      await register(subject, '"int"', { metadata: owner('a') })
      await remove(`/subjects/${subject}/versions/1`)
      expect((await get(`/subjects/${subject}/versions/1?deleted=true`)).body).toMatchObject({ metadata: owner('a') })
    })
  })

  describe('defaults and overrides', () => {
    it('of the subject are laid under and over the metadata of a registration', async () => {
      const subject = subjectName()
      const config = { defaultMetadata: { properties: { d: '1' } }, overrideMetadata: { properties: { o: '1' } } }
      await answers(put(`/config/${subject}`, config), config)
      await answers(get(`/config/${subject}`), { compatibilityLevel: 'BACKWARD', ...config })
      expect((await register(subject, '"int"')).body).toMatchObject({ metadata: { properties: { d: '1', o: '1' } } })
      const both = await register(subject, '"int"', { metadata: { properties: { d: '2', o: '2' } } })
      expect(both.body).toMatchObject({ version: 2, metadata: { properties: { d: '2', o: '1' } } })
      expect((await register(subject, '"int"')).body).toMatchObject({ version: 2 })
    })

    it('of rules go by their names', async () => {
      const subject = subjectName()
      await put(`/config/${subject}`, {
        defaultRuleSet: { domainRules: [rule('base')] },
        overrideRuleSet: { domainRules: [rule('policy', 'override')] },
      })
      await register(subject, '"int"', { ruleSet: { domainRules: [rule('policy', 'own'), rule('own')] } })
      expect(await version(subject)).toMatchObject({
        ruleSet: { domainRules: [kept('base'), kept('policy', 'override'), kept('own')] },
      })
    })

    it('of the context apply to its subjects, the nearest scope first', async () => {
      const context = `.${subjectName()}`
      await put(`/contexts/${context}/config`, {
        defaultMetadata: owner('context'),
        overrideMetadata: { properties: { o: 'c' } },
      })
      await put(`/contexts/${context}/config/own`, { defaultMetadata: owner('subject') })
      const metadataOf = async (subject: string) =>
        (
          (await call('POST', `/contexts/${context}/subjects/${subject}/versions`, { schema: '"int"' })).body as {
            metadata: object
          }
        ).metadata
      expect(await metadataOf('other')).toEqual({ properties: { owner: 'context', o: 'c' } })
      expect(await metadataOf('own')).toEqual({ properties: { owner: 'subject', o: 'c' } })
    })

    it('stay where a change does not name them, and go when it names them with null', async () => {
      const subject = subjectName()
      await put(`/config/${subject}`, {
        compatibility: 'FULL',
        alias: 'x',
        defaultMetadata: owner('a'),
        compatibilityGroup: 'g',
      })
      await answers(
        put(`/config/${subject}`, { validateFields: true, compatibilityPolicy: 'LENIENT', compatibility: null }),
        {
          validateFields: true,
          compatibilityPolicy: 'LENIENT',
        },
      )
      await answers(get(`/config/${subject}`), {
        alias: 'x',
        validateFields: true,
        compatibilityLevel: 'FULL',
        compatibilityPolicy: 'LENIENT',
        compatibilityGroup: 'g',
        defaultMetadata: owner('a'),
      })
      await put(`/config/${subject}`, { alias: '', defaultMetadata: null, compatibilityGroup: null })
      await answers(get(`/config/${subject}`), {
        validateFields: true,
        compatibilityLevel: 'FULL',
        compatibilityPolicy: 'LENIENT',
      })
    })
  })

  describe('a compatibility group', () => {
    it('compares only versions that have the same value of a property', async () => {
      const subject = subjectName()
      const major = (value: string) => ({ metadata: { properties: { major: value } } })
      await put(`/config/${subject}`, { compatibility: 'BACKWARD', compatibilityGroup: 'major' })
      await idOf(subject, record('A', '{"name":"x","type":"string"}'), major('1'))
      await idOf(subject, record('A', int('x')), major('2'))
      await fails(register(subject, record('A', int('x')), major('1')), 409, 40901, /\{oldSchemaVersion: 1\}/)
      const check = (more: object) =>
        call('POST', `/compatibility/subjects/${subject}/versions`, {
          schema: record('A', '{"name":"x","type":"string"}'),
          ...more,
        })
      await answers(check(major('1')), { is_compatible: true })
      await answers(check(major('2')), { is_compatible: false })
      await answers(check(major('3')), { is_compatible: true })
    })

    it('of a schema without the property is the one that its registration would inherit or get from /config', async () => {
      const subject = subjectName()
      const major = (value: string) => ({ properties: { major: value } })
      await put(`/config/${subject}`, { compatibility: 'BACKWARD', compatibilityGroup: 'major' })
      await idOf(subject, record('A', int('x')), { metadata: major('1') })
      const other = record('A', '{"name":"x","type":"string"}')
      const check = async () => {
        const answer = await call('POST', `/compatibility/subjects/${subject}/versions`, { schema: other })
        return (answer.body as { is_compatible: boolean }).is_compatible
      }
      expect(await check()).toBe(false)
      await fails(register(subject, other), 409, 40901)
      await put(`/config/${subject}`, { overrideMetadata: major('2') })
      expect(await check()).toBe(true)
      expect((await register(subject, other)).body).toMatchObject({ version: 2, metadata: major('2') })
    })
  })

  describe('confluent:version', () => {
    it('is set where a registration asks for a version, and says the one that it became', async () => {
      const subject = subjectName()
      const first = await register(subject, '"string"', { version: -1 })
      expect(first.body).toMatchObject({ version: 1, metadata: numbered(1) })
      const { id } = first.body as { id: number }
      await answers(register(subject, '"string"', { version: -1 }), { id })
      await answers(register(subject, '"string"'), { id })
      await put(`/config/${subject}`, { compatibility: 'NONE' })
      // It is inherited, and has the number of its own version then.
      expect((await register(subject, '"int"')).body).toMatchObject({ version: 2, metadata: numbered(2) })
      expect(await version(subject)).toMatchObject({ metadata: numbered(2) })
    })

    it.each([{ version: -1 }, { version: 1 }, { schemaTagsToAdd: [tagOfA] }])(
      'a registration with empty metadata and %j that is sent again finds the version that it made',
      async (more) => {
        const subject = subjectName()
        const send = () => register(subject, record('A'), { metadata: {}, ...more })
        const first = await send()
        expect(first.body).toMatchObject({ version: 1, metadata: numbered(1) })
        for (let times = 0; times < 3; times++) {
          await answers(send(), { id: (first.body as { id: number }).id })
        }
        await answers(get(`/subjects/${subject}/versions`), [1])
      },
    )

    it('is no difference between a version with nothing else in its metadata and empty metadata', async () => {
      const subject = subjectName()
      const id = await idOf(subject, '"int"', { version: -1 })
      expect((await lookUp(subject, '"int"', { metadata: {} })).body).toMatchObject({ id, version: 1 })
      await answers(register(subject, '"int"', { metadata: {} }), { id })
      // Without a number on either side, empty metadata are not the same as none.
      const plain = subjectName()
      await register(plain, '"int"')
      await fails(lookUp(plain, '"int"', { metadata: {} }), 404, 40403)
    })

    it('compares: a version is found by its own number or without any, and another number makes a new version', async () => {
      const subject = subjectName()
      await register(subject, '"int"', { version: -1 })
      expect((await lookUp(subject, '"int"')).body).toMatchObject({ version: 1 })
      expect((await lookUp(subject, '"int"', { metadata: numbered(1) })).body).toMatchObject({ version: 1 })
      await fails(lookUp(subject, '"int"', { metadata: numbered(2) }), 404, 40403)
      expect((await register(subject, '"int"', { metadata: numbered(1) })).body).not.toHaveProperty('version')
      expect((await register(subject, '"int"', { metadata: numbered(7) })).body).toMatchObject({
        version: 2,
        metadata: numbered(2),
      })
    })

    it('a version in the request has to be the next one', async () => {
      const subject = subjectName()
      const id = await idOf(subject, '"string"')
      await fails(register(subject, '"string"', { version: 1 }), 422, 42201, /not one more than previous version 1/)
      expect((await register(subject, '"string"', { version: 2 })).body).toMatchObject({
        version: 2,
        metadata: numbered(2),
      })
      await answers(register(subject, '"string"', { version: 0 }), { id })
      await put(`/config/${subject}`, { compatibility: 'NONE' })
      const third = await idOf(subject, '"int"', { version: 3 })
      await answers(register(subject, '"int"', { version: 3 }), { id: third })
      await fails(register(subject, '"long"', { version: 3 }), 422, 42201, /not one more than previous version 3/)
    })

    it.each(['0', '-1', 'abc', '5'])(
      'a property of %s is replaced by the number that the version gets',
      async (text) => {
        const subject = subjectName()
        const metadata = { properties: { 'confluent:version': text, owner: 'a' } }
        await register(subject, '"int"', { metadata })
        expect(await version(subject, 1)).toMatchObject({
          metadata: { properties: { 'confluent:version': '1', owner: 'a' } },
        })
      },
    )
  })

  describe('/subjects/{subject}/metadata', () => {
    it('finds the latest version that has all properties', async () => {
      const subject = subjectName()
      await put(`/config/${subject}`, { compatibility: 'NONE' })
      await register(subject, '"string"', { metadata: { properties: { a: '1', b: '2' } } })
      await register(subject, '"int"', { metadata: { properties: { a: '1', b: '3' } } })
      const found = async (query: string) =>
        ((await get(`/subjects/${subject}/metadata${query}`)).body as { version: number }).version
      expect(await found('?key=a&value=1')).toBe(2)
      expect(await found('?key=a&value=1&key=b&value=2')).toBe(1)
      expect(await found('')).toBe(2)
      await fails(get(`/subjects/${subject}/metadata?key=zz&value=1`), 404, 40403, 'Schema not found')
      await fails(get(`/subjects/${subject}/metadata?key=toString&value=1`), 404, 40403)
      await fails(get('/subjects/nowhere/metadata?key=a&value=1'), 404, 40401)
      await remove(`/subjects/${subject}/versions/2`)
      await fails(get(`/subjects/${subject}/metadata?key=b&value=3`), 404, 40403)
      expect(await found('?key=b&value=3&deleted=true')).toBe(2)
    })
  })

  it('an import keeps them as they are, with the number of its source', async () => {
    const subject = subjectName()
    await put(`/mode/${subject}`, { mode: 'IMPORT' })
    await put(`/config/${subject}`, { defaultMetadata: owner('default') })
    await idOf(subject, '"int"', { id: 70_001, version: 4, metadata: numbered(4) })
    await idOf(subject, '"long"', { id: 70_002, version: 5, ruleSet: { domainRules: [{ name: 'old' }] } })
    expect(await version(subject, 4)).toMatchObject({ id: 70_001, metadata: numbered(4) })
    expect(await version(subject, 5)).toMatchObject({ ruleSet: { domainRules: [{ name: 'old', disabled: false }] } })
    await fails(
      register(subject, '"int"', { id: 70_001, version: 6, metadata: owner('x') }),
      422,
      42205,
      /Overwrite new schema/,
    )
    await remove(`/mode/${subject}`)
  })
})

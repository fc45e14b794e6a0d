import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { startTestRegistry, type TestRegistry } from '../test-support/app.ts'

const record = (name: string, ...fields: string[]) =>
  `{"type":"record","name":"${name}","fields":[${fields.join(',')}]}`
const int = (name: string) => `{"name":"${name}","type":"int"}`

describeEngines("the registry's REST API", (engine) => {
  let registry: TestRegistry
  let count = 0
  const subjectName = () => `s${++count}`

  beforeAll(async () => {
    registry = await startTestRegistry(engine.bootstrapServers)
  })
  afterAll(() => registry.close())

  const get = (path: string) => registry.call('GET', path)
  const register = (subject: string, schema: string, more: object = {}) =>
    registry.call('POST', `/subjects/${encodeURIComponent(subject)}/versions`, { schema, ...more })
  const ids: Record<string, number> = {}
  const idOf = async (subject: string, schema: string, more: object = {}) => {
    const answer = await register(subject, schema, more)
    expect(answer.status, answer.text).toBe(200)
    const { id } = answer.body as { id: number }
    ids[`${subject} ${schema}`] = id
    return id
  }
  const fails = async (
    answer: PromiseLike<{ status: number; body: unknown }>,
    status: number,
    errorCode: number,
    message?: string | RegExp,
  ) => {
    const { status: actual, body } = await answer
    const { error_code, message: text } = body as { error_code: number; message: string }
    expect([actual, error_code]).toEqual([status, errorCode])
    if (typeof message === 'string') expect(text).toBe(message)
    else if (message) expect(text).toMatch(message)
  }

  describe('the server', () => {
    it('answers at its root', async () => {
      const answer = await get('/')
      expect([answer.status, answer.text, answer.headers['content-type']]).toEqual([
        200,
        '{}',
        'application/vnd.schemaregistry.v1+json',
      ])
    })

    it('names its types, contexts, version and cluster', async () => {
      expect((await get('/schemas/types')).body).toEqual(['AVRO'])
      expect((await get('/contexts')).body).toEqual(['.'])
      expect((await get('/v1/metadata/version')).body).toMatchObject({
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      })
      const { scope } = (await get('/v1/metadata/id')).body as { scope: { clusters: Record<string, string> } }
      expect(scope.clusters['kafka-cluster']).toMatch(/.{10,}/)
    })

    it('answers 404 and 405 in its own form', async () => {
      await fails(get('/nothing'), 404, 404, 'HTTP 404 Not Found')
      const answer = await registry.call('PATCH', '/config', {})
      await fails(Promise.resolve(answer), 405, 405, 'HTTP 405 Method Not Allowed')
      expect(answer.headers.allow).toBe('GET, PUT, DELETE, HEAD, OPTIONS')
    })

    it('answers OPTIONS with the methods of a path, and TRACE with 405', async () => {
      const options = await registry.call('OPTIONS', '/subjects/a/versions/1', undefined, { accept: 'text/html' })
      expect([options.status, options.headers.allow, options.text]).toEqual([200, 'GET, DELETE, HEAD, OPTIONS', ''])
      await fails(registry.call('OPTIONS', '/nothing'), 404, 404)
      const trace = await registry.call('TRACE', '/subjects')
      await fails(Promise.resolve(trace), 405, 405)
      expect(trace.headers.allow).toBe('GET, HEAD, OPTIONS')
      await fails(registry.call('PATCH', '/subjects', 'x', { 'content-type': 'text/plain' }), 405, 405)
    })

    it('answers in the type that the client accepts', async () => {
      const typeOf = async (accept: string, path = '/subjects') => {
        const { status, headers } = await registry.call('GET', path, undefined, { accept })
        return [status, headers['content-type']]
      }
      const types = [
        'application/vnd.schemaregistry.v1+json',
        'application/vnd.schemaregistry+json',
        'application/json',
      ]
      for (const type of types) {
        expect(await typeOf(type)).toEqual([200, type])
        expect(await typeOf(type, '/subjects/none/versions')).toEqual([404, type])
      }
      expect(await typeOf('application/json;q=0.1, application/vnd.schemaregistry+json')).toEqual([200, types[1]])
      expect(await typeOf('text/html, */*;q=0.8')).toEqual([200, types[0]])
      expect(await typeOf('text/html')).toEqual([406, types[0]])
      await fails(
        registry.call('GET', '/subjects', undefined, { accept: 'text/html' }),
        406,
        406,
        /^HTTP 406 Not Acceptable: /,
      )
    })

    it('takes the content types of Confluent, and no others', async () => {
      const schema = JSON.stringify({ schema: '"int"' })
      const types = [
        'application/vnd.schemaregistry.v1+json',
        'application/vnd.schemaregistry+json',
        'application/json; charset=utf-8',
        'application/octet-stream',
      ]
      for (const type of types) {
        expect(
          (await registry.call('POST', '/subjects/types/versions', schema, { 'content-type': type })).status,
          type,
        ).toBe(200)
      }
      const answer = registry.call('POST', '/subjects/types/versions', schema, { 'content-type': 'text/xml' })
      await fails(
        answer,
        415,
        415,
        'HTTP 415 Unsupported Media Type: The Content-Type "text/xml" is not supported; send application/vnd.schemaregistry.v1+json',
      )
      const untyped = registry.call('POST', '/subjects/types/versions', schema, { 'content-type': '' })
      await fails(untyped, 415, 415, /The request has no Content-Type/)
    })

    it('says what is wrong with a body', async () => {
      const post = (body: unknown) => registry.call('POST', '/subjects/bodies/versions', body)
      await fails(post('{"schema":'), 400, 400, /The body is not JSON/)
      await fails(post({ schema: 5 }), 422, 422, /^schema: /)
      await fails(post({ schema: '"int"', references: [{ name: 'a' }] }), 422, 422, /references\.0\.subject/)
      await fails(post('[]'), 422, 422, /^body: /)
      await fails(post('x'.repeat(11 * 1024 * 1024)), 413, 413)
      await fails(post({}), 422, 42201, 'Empty schema')
      await fails(post({ schema: '"int"', ruleSet: { domainRules: [] } }), 422, 42210, /not supported/)
    })
  })

  describe('registering', () => {
    it('gives an id, and the same one for the same schema', async () => {
      const subject = subjectName()
      const id = await idOf(subject, '{"type": "record", "name": "A", "fields": []}')
      expect(await idOf(subject, record('A'))).toBe(id)
      expect((await get(`/subjects/${subject}/versions`)).body).toEqual([1])
    })

    it('gives one id to a schema under two subjects', async () => {
      const schema = record('Shared', int('x'))
      const [a, b] = [subjectName(), subjectName()]
      const id = await idOf(a, schema)
      expect(await idOf(b, schema)).toBe(id)
      expect((await get(`/schemas/ids/${id}/subjects`)).body).toEqual([a, b])
      expect((await get(`/schemas/ids/${id}/versions`)).body).toEqual([
        { subject: a, version: 1 },
        { subject: b, version: 1 },
      ])
    })

    it('stores the canonical text, and shows a version with the fields of Confluent in their order', async () => {
      const subject = subjectName()
      const id = await idOf(
        subject,
        '{"name": "C", "type": "record", "fields": [{"type": {"type": "string"}, "name": "x"}]}',
      )
      expect((await get(`/subjects/${subject}/versions/1`)).text).toBe(
        `{"subject":"${subject}","version":1,"id":${id},"schema":"{\\"type\\":\\"record\\",\\"name\\":\\"C\\",\\"fields\\":[{\\"name\\":\\"x\\",\\"type\\":\\"string\\"}]}"}`,
      )
      expect((await get(`/schemas/ids/${id}`)).text).toBe(
        '{"schema":"{\\"type\\":\\"record\\",\\"name\\":\\"C\\",\\"fields\\":[{\\"name\\":\\"x\\",\\"type\\":\\"string\\"}]}"}',
      )
      const text = '{"type":"record","name":"C","fields":[{"name":"x","type":"string"}]}'
      expect((await get(`/schemas/ids/${id}/schema`)).text).toBe(text)
      expect((await get(`/subjects/${subject}/versions/latest/schema`)).text).toBe(text)
    })

    it('takes subjects with slashes, colons, spaces and letters of the world', async () => {
      for (const subject of ['a/b', 'a:b', 'ein Größe-value', 'テスト', '%41', 'x'.repeat(249)]) {
        const id = await idOf(subject, record('U', int('x')))
        const path = `/subjects/${encodeURIComponent(subject)}`
        expect((await get(`${path}/versions/latest`)).body).toMatchObject({ subject, id })
        expect((await registry.call('DELETE', path)).body).toEqual([1])
      }
    })

    it('refuses subjects that are no names', async () => {
      for (const subject of ['%00', 'a%0Ab', '__GLOBAL']) {
        await fails(registry.call('POST', `/subjects/${subject}/versions`, { schema: '"int"' }), 422, 42208)
      }
    })

    it('refuses what is not a schema, and says where', async () => {
      const subject = subjectName()
      await fails(
        register(subject, '{"type":"record","name":"A","fields":[{"name":"x","type":"nope"}]}'),
        422,
        42201,
        /^Invalid schema \{subject=.*Undefined name: "nope".*\/fields\/0\/type/,
      )
      await fails(register(subject, '{ this'), 422, 42201, /details: unexpected character 't', expected a field name/)
      await fails(get(`/subjects/${subject}/versions`), 404, 40401)
    })

    it('refuses the types that it does not know yet', async () => {
      await fails(
        register(subjectName(), '{}', { schemaType: 'JSON' }),
        422,
        42201,
        'Invalid schema type JSON; this registry supports AVRO',
      )
      await fails(register(subjectName(), 'syntax = "proto3";', { schemaType: 'PROTOBUF' }), 422, 42201)
    })

    it('refuses an incompatible schema with 40901 and the reasons', async () => {
      const subject = subjectName()
      await idOf(subject, record('A', int('x')))
      const message =
        `Schema being registered is incompatible with an earlier schema for subject "${subject}", details: [` +
        "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'y' at path '/fields/1' in the new schema has no default value and is missing in the old schema', additionalInfo:'y'}, " +
        `{oldSchemaVersion: 1}, {oldSchema: '${record('A', int('x'))}'}, {validateFields: 'false', compatibility: 'BACKWARD'}]`
      await fails(register(subject, record('A', int('x'), int('y'))), 409, 40901, message)
    })

    it('normalises when asked, so that spellings share an id', async () => {
      const subject = subjectName()
      const first = '{"type":"string","b":1,"a":2}'
      const second = '{"type":"string","a":2,"b":1}'
      const normalized = (schema: string) =>
        registry.call('POST', `/subjects/${subject}/versions?normalize=true`, { schema })
      const { body } = await normalized(first)
      expect((await normalized(second)).body).toEqual(body)
      expect((await get(`/subjects/${subject}/versions/1/schema`)).text).toBe(second)
      const lookup = (query: string) => registry.call('POST', `/subjects/${subject}${query}`, { schema: first })
      await fails(lookup(''), 404, 40403, 'Schema not found')
      expect((await lookup('?normalize=true')).body).toMatchObject({ version: 1 })
    })

    it('accepts the version that comes next, and no other', async () => {
      const subject = subjectName()
      await idOf(subject, record('A', int('x')), { version: 1 })
      await fails(
        register(subject, record('A'), { version: 3 }),
        422,
        42201,
        'Version 3 is not one more than previous version 1',
      )
      await idOf(subject, record('A'), { version: 2 })
    })
  })

  describe('looking up', () => {
    it('finds a schema under its subject, spelled otherwise', async () => {
      const subject = subjectName()
      const id = await idOf(subject, record('A', int('x')))
      const answer = await registry.call('POST', `/subjects/${subject}`, {
        schema: record('A', '{ "type": {"type":"int"}, "name": "x" }'),
      })
      expect(answer.body).toEqual({ subject, version: 1, id, schema: record('A', int('x')) })
    })

    it('tells a missing subject from a missing schema', async () => {
      const subject = subjectName()
      const lookup = () => registry.call('POST', `/subjects/${subject}`, { schema: '"int"' })
      await fails(lookup(), 404, 40401, `Subject '${subject}' not found.`)
      await idOf(subject, '"string"')
      await fails(lookup(), 404, 40403, 'Schema not found')
    })

    it('finds a soft-deleted schema only when asked to', async () => {
      const subject = subjectName()
      const id = await idOf(subject, '"int"')
      await idOf(subject, '"long"')
      await registry.call('DELETE', `/subjects/${subject}/versions/1`)
      const lookup = (query: string) => registry.call('POST', `/subjects/${subject}${query}`, { schema: '"int"' })
      await fails(lookup(''), 404, 40403)
      expect((await lookup('?deleted=true')).body).toEqual({ subject, version: 1, id, schema: '"int"' })
    })

    it('refuses what is no version, id or page', async () => {
      const subject = subjectName()
      await idOf(subject, '"int"')
      for (const version of ['0', '-2', 'first', '1.5', '99999999999']) {
        await fails(get(`/subjects/${subject}/versions/${version}`), 422, 42202, /not a valid version id/)
      }
      await fails(get(`/subjects/${subject}/versions/2`), 404, 40402, 'Version 2 not found.')
      expect((await get(`/subjects/${subject}/versions/-1`)).body).toMatchObject({ version: 1 })
      await fails(get('/schemas/ids/100000'), 404, 40403, 'Schema 100000 not found')
      await fails(get('/schemas/ids/abc'), 404, 40403)
      await fails(get('/subjects?limit=x'), 400, 400)
    })

    it('gives the largest id when asked', async () => {
      const subject = subjectName()
      const first = await idOf(subject, record('Max1'))
      const last = await idOf(subjectName(), record('Max2'))
      const { body } = await get(`/schemas/ids/${first}?fetchMaxId=true`)
      expect((body as { maxId: number }).maxId).toBe(last)
    })

    it('lists subjects and schemas by prefix, page and state', async () => {
      for (const name of ['list-a', 'list-b', 'list-c']) await idOf(name, record('L', int('x')))
      await idOf('list-a', record('L'))
      await registry.call('DELETE', '/subjects/list-b')
      const subjects = async (query: string) => (await get(`/subjects?subjectPrefix=list-${query}`)).body
      expect(await subjects('')).toEqual(['list-a', 'list-c'])
      expect(await subjects('&deleted=true')).toEqual(['list-a', 'list-b', 'list-c'])
      expect(await subjects('&deletedOnly=true')).toEqual(['list-b'])
      expect(await subjects('&offset=1&limit=1')).toEqual(['list-c'])
      expect(await subjects('&limit=-1')).toEqual(['list-a', 'list-c'])
      const schemas = async (query: string) =>
        ((await get(`/schemas?subjectPrefix=list-${query}`)).body as { subject: string; version: number }[]).map(
          ({ subject, version }) => `${subject} ${version}`,
        )
      expect(await schemas('')).toEqual(['list-a 1', 'list-a 2', 'list-c 1'])
      expect(await schemas('&latestOnly=true')).toEqual(['list-a 2', 'list-c 1'])
      expect(await schemas('&deleted=true&offset=2&limit=1')).toEqual(['list-b 1'])
      expect((await get('/subjects?subjectPrefix=:*:')).body).toContain('list-a')
    })

    it('keeps contexts apart, each with its own ids', async () => {
      const id = await idOf(':.lab:orders', record('InLab'))
      expect(id).toBe(1)
      expect((await get('/contexts')).body).toEqual(['.', '.lab'])
      expect((await get(`/schemas/ids/1?subject=${encodeURIComponent(':.lab:')}`)).body).toEqual({
        schema: record('InLab'),
      })
      expect((await get('/schemas/ids/1')).body).not.toEqual({ schema: record('InLab') })
    })
  })

  describe('deleting', () => {
    it('a version: softly, then permanently, with the refusals in between', async () => {
      const subject = subjectName()
      await registry.call('PUT', `/config/${subject}`, { compatibility: 'NONE' })
      const first = await idOf(subject, record('D1'))
      await idOf(subject, record('D2'))
      const path = `/subjects/${subject}/versions/1`
      await fails(
        registry.call('DELETE', `${path}?permanent=true`),
        404,
        40407,
        `Subject '${subject}' Version 1 was not deleted first before being permanently deleted`,
      )
      expect((await registry.call('DELETE', path)).text).toBe('1')
      await fails(
        registry.call('DELETE', path),
        404,
        40406,
        `Subject '${subject}' Version 1 was soft deleted.Set permanent=true to delete permanently`,
      )
      await fails(get(path), 404, 40402, 'Version 1 not found.')
      expect((await get(`${path}?deleted=true`)).body).toMatchObject({ version: 1, id: first })
      expect((await get(`/subjects/${subject}/versions`)).body).toEqual([2])
      expect((await get(`/subjects/${subject}/versions?deleted=true`)).body).toEqual([1, 2])
      expect((await get(`/subjects/${subject}/versions?deletedOnly=true`)).body).toEqual([1])
      expect((await get(`/subjects/${subject}/versions?deleted=true&deletedAsNegative=true`)).body).toEqual([-1, 2])
      expect((await get(`/schemas/ids/${first}`)).status).toBe(200)
      expect((await get(`/schemas/ids/${first}/subjects`)).body).toEqual([])
      expect((await get(`/schemas/ids/${first}/subjects?deleted=true`)).body).toEqual([subject])
      expect((await registry.call('DELETE', `${path}?permanent=true`)).text).toBe('1')
      await fails(get(`${path}?deleted=true`), 404, 40402)
      await fails(get(`/schemas/ids/${first}`), 404, 40403, `Schema ${first} not found`)
    })

    it('a subject: softly, then permanently, with the refusals in between', async () => {
      const subject = subjectName()
      const path = `/subjects/${subject}`
      await fails(registry.call('DELETE', path), 404, 40401, `Subject '${subject}' not found.`)
      await idOf(subject, record('S', int('x')))
      await idOf(subject, record('S'))
      await registry.call('PUT', `/config/${subject}`, { compatibility: 'FULL' })
      await fails(
        registry.call('DELETE', `${path}?permanent=true`),
        404,
        40405,
        `Subject '${subject}' was not deleted first before being permanently deleted`,
      )
      expect((await registry.call('DELETE', path)).body).toEqual([1, 2])
      await fails(
        registry.call('DELETE', path),
        404,
        40404,
        `Subject '${subject}' was soft deleted.Set permanent=true to delete permanently`,
      )
      await fails(get(`/config/${subject}`), 404, 40408)
      await fails(get(`${path}/versions/latest`), 404, 40401)
      expect((await registry.call('DELETE', `${path}?permanent=true`)).body).toEqual([1, 2])
      await fails(get(`${path}/versions?deleted=true`), 404, 40401)
    })

    it('keeps a number used: the same schema again gets the next version, and its id', async () => {
      const subject = subjectName()
      const id = await idOf(subject, record('Again'))
      await registry.call('DELETE', `/subjects/${subject}`)
      expect(await idOf(subject, record('Again'))).toBe(id)
      expect((await get(`/subjects/${subject}/versions`)).body).toEqual([2])
    })

    it('gives a new id to a schema that was deleted permanently', async () => {
      const subject = subjectName()
      const id = await idOf(subject, record('Gone'))
      await registry.call('DELETE', `/subjects/${subject}`)
      await registry.call('DELETE', `/subjects/${subject}?permanent=true`)
      expect(await idOf(subject, record('Gone'))).toBeGreaterThan(id)
      expect((await get(`/subjects/${subject}/versions`)).body).toEqual([1])
    })

    it('does not compare with deleted versions', async () => {
      const subject = subjectName()
      await idOf(subject, record('X', int('x')))
      await registry.call('DELETE', `/subjects/${subject}`)
      await idOf(subject, record('X', '{"name":"x","type":"string"}'))
    })
  })

  describe('references', () => {
    const references = (subject: string) => [{ name: 'shop.Money', subject, version: 1 }]
    const money = '{"type":"record","name":"Money","namespace":"shop","fields":[{"name":"cents","type":"long"}]}'
    const order = '{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"price","type":"Money"}]}'

    it('let a schema use the types of another', async () => {
      const [base, referrer] = [subjectName(), subjectName()]
      await idOf(base, money)
      const id = await idOf(referrer, order, { references: references(base) })
      expect((await get(`/schemas/ids/${id}`)).body).toEqual({ schema: order, references: references(base) })
      expect((await get(`/subjects/${base}/versions/1/referencedby`)).body).toEqual([id])
      expect((await get(`/schemas/ids/${id}/schema?format=resolved`)).text).toBe(
        '{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"price","type":{"type":"record","name":"Money","fields":[{"name":"cents","type":"long"}]}}]}',
      )
      await fails(
        registry.call('DELETE', `/subjects/${base}/versions/1`),
        422,
        42206,
        `One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=${base},version=1}.`,
      )
      await fails(registry.call('DELETE', `/subjects/${base}`), 422, 42206)
      await registry.call('DELETE', `/subjects/${referrer}`)
      expect((await get(`/subjects/${base}/versions/1/referencedby`)).body).toEqual([])
      expect((await registry.call('DELETE', `/subjects/${base}`)).body).toEqual([1])
    })

    it('are part of what makes a schema the same', async () => {
      const [a, b, referrer] = [subjectName(), subjectName(), subjectName()]
      await idOf(a, money)
      await idOf(b, money)
      const id = await idOf(referrer, order, { references: references(a) })
      expect(await idOf(referrer, order, { references: references(b) })).not.toBe(id)
    })

    it('find the version that a text without references means', async () => {
      const [base, referrer] = [subjectName(), subjectName()]
      await idOf(base, money)
      const id = await idOf(referrer, order, { references: references(base) })
      const resolved =
        '{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"price","type":{"type":"record","name":"Money","fields":[{"name":"cents","type":"long"}]}}]}'
      expect((await registry.call('POST', `/subjects/${referrer}`, { schema: resolved })).body).toMatchObject({
        id,
        version: 1,
      })
    })

    it('may lead to further ones, and are compared with them', async () => {
      const [a, b, c] = [subjectName(), subjectName(), subjectName()]
      await idOf(a, money)
      await idOf(b, order, { references: references(a) })
      const cart = '{"type":"record","name":"Cart","namespace":"shop","fields":[{"name":"order","type":"Order"}]}'
      await idOf(c, cart, { references: [{ name: 'shop.Order', subject: b, version: -1 }] })
      expect((await get(`/subjects/${c}/versions/1`)).body).toMatchObject({
        references: [{ name: 'shop.Order', subject: b, version: 1 }],
      })
      const other = cart.replace('"type":"Order"', '"type":"string"')
      await fails(register(c, other), 409, 40901, /TYPE_MISMATCH/)
    })

    it('must be there', async () => {
      await fails(
        register(subjectName(), order, { references: references('nowhere') }),
        422,
        42201,
        /No schema reference found for subject "nowhere" and version 1/,
      )
    })
  })

  describe('checking compatibility', () => {
    const check = (subject: string, schema: string, version = '', query = '') =>
      registry.call('POST', `/compatibility/subjects/${subject}/versions${version}${query}`, { schema })

    it('answers yes or no, and why when it is asked', async () => {
      const subject = subjectName()
      await idOf(subject, record('K', int('x')))
      expect((await check(subject, record('K'))).text).toBe('{"is_compatible":true}')
      expect((await check(subject, record('K', int('y')))).text).toBe('{"is_compatible":false}')
      const { body } = await check(subject, record('K', int('y')), '/latest', '?verbose=true')
      expect((body as { messages: string[] }).messages[0]).toContain("errorType:'READER_FIELD_MISSING_DEFAULT_VALUE'")
    })

    it('looks at the version that is named', async () => {
      const subject = subjectName()
      await idOf(subject, record('K', int('x'), '{"name":"y","type":"int","default":0}'))
      await idOf(subject, record('K', int('x')))
      const text = record('K', int('x'), '{"name":"y","type":"string","default":""}')
      expect((await check(subject, text, '/2')).body).toEqual({ is_compatible: true })
      expect((await check(subject, text, '/1')).body).toEqual({ is_compatible: false })
      await fails(check(subject, text, '/3'), 404, 40402)
      await fails(check(subject, text, '/x'), 422, 42202)
    })

    it('finds nothing wrong with a subject that is not there', async () => {
      expect((await check('nowhere', '"int"')).body).toEqual({ is_compatible: true })
      expect((await check('nowhere', '"int"', '/latest')).body).toEqual({ is_compatible: true })
      await fails(check('nowhere', '"int"', '/1'), 404, 40401)
    })

    it('refuses what is no schema', async () => {
      await fails(check('nowhere', '{'), 422, 42201)
    })

    it('compares with every version when the level is transitive', async () => {
      const subject = subjectName()
      await idOf(subject, record('T', '{"name":"y","type":"int","default":0}'))
      await idOf(subject, record('T'))
      const candidate = record('T', '{"name":"y","type":"string","default":""}')
      expect((await check(subject, candidate)).body).toEqual({ is_compatible: true })
      await registry.call('PUT', `/config/${subject}`, { compatibility: 'BACKWARD_TRANSITIVE' })
      expect((await check(subject, candidate)).body).toEqual({ is_compatible: false })
      await fails(register(subject, candidate), 409, 40901, /\{oldSchemaVersion: 1\}/)
    })
  })

  describe('compatibility levels', () => {
    it('are set and read for a subject, and fall back to the global one', async () => {
      const subject = subjectName()
      await fails(
        get(`/config/${subject}`),
        404,
        40408,
        `Subject '${subject}' does not have subject-level compatibility configured`,
      )
      expect((await get(`/config/${subject}?defaultToGlobal=true`)).body).toEqual({ compatibilityLevel: 'BACKWARD' })
      expect((await registry.call('PUT', `/config/${subject}`, { compatibility: 'full_transitive' })).body).toEqual({
        compatibility: 'FULL_TRANSITIVE',
      })
      expect((await get(`/config/${subject}`)).body).toEqual({ compatibilityLevel: 'FULL_TRANSITIVE' })
      expect((await registry.call('DELETE', `/config/${subject}`)).body).toEqual({
        compatibilityLevel: 'FULL_TRANSITIVE',
      })
      await fails(registry.call('DELETE', `/config/${subject}`), 404, 40401)
    })

    it('are set, read and reset globally', async () => {
      expect((await get('/config')).body).toEqual({ compatibilityLevel: 'BACKWARD' })
      expect((await registry.call('PUT', '/config', { compatibility: 'NONE' })).body).toEqual({ compatibility: 'NONE' })
      expect((await get('/config')).body).toEqual({ compatibilityLevel: 'NONE' })
      const subject = subjectName()
      await idOf(subject, '"int"')
      await idOf(subject, '"boolean"')
      await registry.call('DELETE', '/config')
      expect((await get('/config')).body).toEqual({ compatibilityLevel: 'BACKWARD' })
      await fails(register(subject, '"bytes"'), 409, 40901)
    })

    it('are one of seven', async () => {
      await fails(
        registry.call('PUT', '/config', { compatibility: 'SOME' }),
        422,
        42203,
        /Valid values are none, backward/,
      )
      await fails(registry.call('PUT', '/config', {}), 422, 42203)
      await fails(
        registry.call('PUT', '/config', { compatibility: 'FULL', alias: 'x' }),
        422,
        42205,
        /alias is not supported/,
      )
    })

    it('stand beside normalisation, which a subject may ask for always', async () => {
      const subject = subjectName()
      await registry.call('PUT', `/config/${subject}`, { compatibility: 'NONE' })
      await registry.call('PUT', `/config/${subject}`, { normalize: true })
      expect((await get(`/config/${subject}`)).body).toEqual({ compatibilityLevel: 'NONE', normalize: true })
      const id = await idOf(subject, '{"type":"int","b":1,"a":2}')
      expect(await idOf(subject, '{"type":"int","a":2,"b":1}')).toBe(id)
    })
  })

  describe('modes', () => {
    it('READONLY forbids changes, and READWRITE allows them again', async () => {
      const subject = subjectName()
      await idOf(subject, '"int"')
      expect((await registry.call('PUT', `/mode/${subject}`, { mode: 'READONLY' })).body).toEqual({ mode: 'READONLY' })
      expect((await get(`/mode/${subject}`)).body).toEqual({ mode: 'READONLY' })
      const message = `Subject ${subject} is in read-only mode`
      await fails(register(subject, '"long"'), 422, 42205, message)
      await fails(registry.call('DELETE', `/subjects/${subject}`), 422, 42205, message)
      await fails(registry.call('DELETE', `/subjects/${subject}/versions/1`), 422, 42205, message)
      await fails(registry.call('PUT', `/config/${subject}`, { compatibility: 'NONE' }), 422, 42205, message)
      expect((await register(subject, '"int"')).status).toBe(200)
      expect((await registry.call('DELETE', `/mode/${subject}`)).body).toEqual({ mode: 'READONLY' })
      await idOf(subject, '"long"')
    })

    it('IMPORT takes ids and versions from elsewhere', async () => {
      const subject = subjectName()
      await fails(
        register(subject, record('Imported'), { id: 4242, version: 5 }),
        422,
        42205,
        `Subject ${subject} is not in import mode`,
      )
      await registry.call('PUT', `/mode/${subject}`, { mode: 'IMPORT' })
      expect(await idOf(subject, record('Imported'), { id: 4242, version: 5 })).toBe(4242)
      expect(await idOf(subject, record('Imported'), { id: 4242, version: 5 })).toBe(4242)
      expect((await get(`/subjects/${subject}/versions`)).body).toEqual([5])
      await fails(
        register(subject, record('Other'), { id: 4242, version: 6 }),
        422,
        42207,
        'Overwrite new schema with id 4242 is not permitted.',
      )
      await fails(
        register(subject, record('Other'), { id: 4243, version: 5 }),
        422,
        42205,
        /Version 5 of subject .* is another schema already/,
      )
      await fails(register(subject, record('Other')), 422, 42205, /in import mode/)
      await registry.call('DELETE', `/mode/${subject}`)
      expect(await idOf(subjectName(), record('AfterImport'))).toBeGreaterThan(4242)
    })

    it('IMPORT over existing schemas has to be forced', async () => {
      const subject = subjectName()
      await idOf(subject, '"int"')
      await fails(
        registry.call('PUT', `/mode/${subject}`, { mode: 'IMPORT' }),
        422,
        42205,
        'Cannot import since found existing subjects',
      )
      expect((await registry.call('PUT', `/mode/${subject}?force=true`, { mode: 'IMPORT' })).body).toEqual({
        mode: 'IMPORT',
      })
      expect((await get(`/subjects/${subject}/versions`)).body).toEqual([1])
    })

    it('IMPORT clears what was soft-deleted', async () => {
      const subject = subjectName()
      await idOf(subject, '"int"')
      await registry.call('DELETE', `/subjects/${subject}`)
      await registry.call('PUT', `/mode/${subject}`, { mode: 'IMPORT' })
      await fails(get(`/subjects/${subject}/versions?deleted=true`), 404, 40401)
    })

    it('have a global value, and say when a subject has none', async () => {
      expect((await get('/mode')).body).toEqual({ mode: 'READWRITE' })
      await fails(get('/mode/nowhere'), 404, 40409, "Subject 'nowhere' does not have subject-level mode configured")
      expect((await get('/mode/nowhere?defaultToGlobal=true')).body).toEqual({ mode: 'READWRITE' })
      await fails(registry.call('PUT', '/mode', { mode: 'SOMETIMES' }), 422, 42204)
      await registry.call('PUT', '/mode', { mode: 'READONLY' })
      await fails(register(subjectName(), '"int"'), 422, 42205)
      await fails(
        registry.call('PUT', '/config', { compatibility: 'NONE' }),
        422,
        42205,
        'The registry is in read-only mode',
      )
      await registry.call('DELETE', '/mode')
      expect((await get('/mode')).body).toEqual({ mode: 'READWRITE' })
    })
  })
})

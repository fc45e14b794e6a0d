import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { int, record, useRegistry, withoutGuids } from '../test-support/api.ts'

describeEngines("the registry's REST API", (engine) => {
  const { subjectName, call, get, register, lookUp, idOf, fails, answers } = useRegistry(engine)

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
      expect((await get('/schemas/types')).body).toEqual(['JSON', 'PROTOBUF', 'AVRO'])
      expect((await get('/contexts')).body).toEqual(['.'])
      expect((await get('/v1/metadata/version')).body).toMatchObject({
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      })
      const { scope } = (await get('/v1/metadata/id')).body as { scope: { clusters: Record<string, string> } }
      expect(scope.clusters['kafka-cluster']).toMatch(/.{10,}/)
    })

    it('answers 404 and 405 in its own form', async () => {
      await fails(get('/nothing'), 404, 404, 'HTTP 404 Not Found')
      const answer = await call('PATCH', '/config', {})
      await fails(Promise.resolve(answer), 405, 405, 'HTTP 405 Method Not Allowed')
      expect(answer.headers.allow).toBe('GET, PUT, DELETE, HEAD, OPTIONS')
    })

    it('answers OPTIONS with the methods of a path, and TRACE with 405', async () => {
      const options = await call('OPTIONS', '/subjects/a/versions/1', undefined, { accept: 'text/html' })
      expect([options.status, options.headers.allow, options.text]).toEqual([200, 'GET, DELETE, HEAD, OPTIONS', ''])
      await fails(call('OPTIONS', '/nothing'), 404, 404)
      const trace = await call('TRACE', '/subjects')
      await fails(Promise.resolve(trace), 405, 405)
      expect(trace.headers.allow).toBe('GET, HEAD, OPTIONS')
      await fails(call('PATCH', '/subjects', 'x', { 'content-type': 'text/plain' }), 405, 405)
    })

    it('answers in the type that the client accepts', async () => {
      const typeOf = async (accept: string, path = '/subjects') => {
        const { status, headers } = await call('GET', path, undefined, { accept })
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
      await fails(call('GET', '/subjects', undefined, { accept: 'text/html' }), 406, 406, /^HTTP 406 Not Acceptable: /)
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
        expect((await call('POST', '/subjects/types/versions', schema, { 'content-type': type })).status, type).toBe(
          200,
        )
      }
      const answer = call('POST', '/subjects/types/versions', schema, { 'content-type': 'text/xml' })
      await fails(
        answer,
        415,
        415,
        'HTTP 415 Unsupported Media Type: The Content-Type "text/xml" is not supported; send application/vnd.schemaregistry.v1+json',
      )
      const untyped = call('POST', '/subjects/types/versions', schema, { 'content-type': '' })
      await fails(untyped, 415, 415, /The request has no Content-Type/)
    })

    it('says what is wrong with a body', async () => {
      const post = (body: unknown) => call('POST', '/subjects/bodies/versions', body)
      await fails(post('{"schema":'), 400, 400, /The body is not JSON/)
      await fails(post({ schema: 5 }), 422, 422, /^schema: /)
      await fails(post({ schema: '"int"', references: [{ name: 'a' }] }), 422, 422, /references\.0\.subject/)
      await fails(post('[]'), 422, 422, /^body: /)
      await fails(post('x'.repeat(11 * 1024 * 1024)), 413, 413)
      await fails(post({}), 422, 42201, 'Empty schema')
      await fails(post({ schema: '"int"', ruleSet: 'x' }), 422, 422, /^ruleSet: /)
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
      const text = '{"type":"record","name":"C","fields":[{"name":"x","type":"string"}]}'
      const guid = createHash('md5')
        .update(text)
        .digest('hex')
        .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
      expect((await get(`/subjects/${subject}/versions/1`)).text).toBe(
        `{"subject":"${subject}","version":1,"id":${id},"guid":"${guid}","schema":"{\\"type\\":\\"record\\",\\"name\\":\\"C\\",\\"fields\\":[{\\"name\\":\\"x\\",\\"type\\":\\"string\\"}]}"}`,
      )
      expect((await get(`/schemas/ids/${id}`)).text).toBe(
        `{"schema":"{\\"type\\":\\"record\\",\\"name\\":\\"C\\",\\"fields\\":[{\\"name\\":\\"x\\",\\"type\\":\\"string\\"}]}","guid":"${guid}"}`,
      )
      expect((await get(`/schemas/ids/${id}/schema`)).text).toBe(text)
      expect((await get(`/subjects/${subject}/versions/latest/schema`)).text).toBe(text)
    })

    it('takes subjects with slashes, colons, spaces and letters of the world', async () => {
      for (const subject of ['a/b', 'a:b', 'ein Größe-value', 'テスト', '%41', 'x'.repeat(249)]) {
        const id = await idOf(subject, record('U', int('x')))
        const path = `/subjects/${encodeURIComponent(subject)}`
        expect((await get(`${path}/versions/latest`)).body).toMatchObject({ subject, id })
        expect((await call('DELETE', path)).body).toEqual([1])
      }
    })

    it('rejects subjects that are not valid names', async () => {
      for (const subject of ['%00', 'a%0Ab', '__GLOBAL']) {
        await fails(call('POST', `/subjects/${subject}/versions`, { schema: '"int"' }), 422, 42208)
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

    it('refuses the types that it does not know', async () => {
      await fails(
        register(subjectName(), 'struct A {}', { schemaType: 'THRIFT' }),
        422,
        42201,
        'Invalid schema type THRIFT; this registry supports JSON, PROTOBUF, AVRO',
      )
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
      const normalized = (schema: string) => call('POST', `/subjects/${subject}/versions?normalize=true`, { schema })
      const { body } = await normalized(first)
      expect((await normalized(second)).body).toEqual(body)
      expect((await get(`/subjects/${subject}/versions/1/schema`)).text).toBe(second)
      const lookup = (query: string) => call('POST', `/subjects/${subject}${query}`, { schema: first })
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
      const answer = await call('POST', `/subjects/${subject}`, {
        schema: record('A', '{ "type": {"type":"int"}, "name": "x" }'),
      })
      expect(withoutGuids(answer.body)).toEqual({ subject, version: 1, id, schema: record('A', int('x')) })
    })

    it('tells a missing subject from a missing schema', async () => {
      const subject = subjectName()
      const lookup = () => call('POST', `/subjects/${subject}`, { schema: '"int"' })
      await fails(lookup(), 404, 40401, `Subject '${subject}' not found.`)
      await idOf(subject, '"string"')
      await fails(lookup(), 404, 40403, 'Schema not found')
    })

    it('finds no empty schema', async () => {
      const subject = subjectName()
      await fails(lookUp(subject, ''), 404, 40401)
      await idOf(subject, '"string"')
      await fails(lookUp(subject, ''), 404, 40403, 'Schema not found')
    })

    it('finds a soft-deleted schema only when asked to', async () => {
      const subject = subjectName()
      const id = await idOf(subject, '"int"')
      await idOf(subject, '"long"')
      await call('DELETE', `/subjects/${subject}/versions/1`)
      const lookup = (query: string) => call('POST', `/subjects/${subject}${query}`, { schema: '"int"' })
      await fails(lookup(''), 404, 40403)
      await answers(lookup('?deleted=true'), { subject, version: 1, id, schema: '"int"' })
    })

    it('rejects invalid versions, ids and pages', async () => {
      const subject = subjectName()
      await idOf(subject, '"int"')
      for (const version of ['0', '-2', 'first', 'LATEST', '1.5', '99999999999']) {
        await fails(get(`/subjects/${subject}/versions/${version}`), 422, 42202, /not a valid version id/)
      }
      await fails(get(`/subjects/${subject}/versions/2`), 404, 40402, 'Version 2 not found.')
      expect((await get(`/subjects/${subject}/versions/-1`)).body).toMatchObject({ version: 1 })
      await fails(get('/schemas/ids/100000'), 404, 40403, 'Schema 100000 not found')
      for (const id of ['abc', '1.5', '99999999999']) {
        await fails(get(`/schemas/ids/${id}`), 404, 404, 'HTTP 404 Not Found')
      }
      await fails(get('/schemas/ids/-1'), 404, 40403, 'Schema -1 not found')
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
      await call('DELETE', '/subjects/list-b')
      const subjects = async (query: string) => (await get(`/subjects?subjectPrefix=list-${query}`)).body
      expect(await subjects('')).toEqual(['list-a', 'list-c'])
      expect(await subjects('&deleted=true')).toEqual(['list-a', 'list-b', 'list-c'])
      expect(await subjects('&deletedOnly=true')).toEqual(['list-b'])
      expect(await subjects('&offset=1&limit=1')).toEqual(['list-c'])
      for (const all of ['0', '-1']) expect(await subjects(`&limit=${all}`)).toEqual(['list-a', 'list-c'])
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
      await answers(get(`/schemas/ids/1?subject=${encodeURIComponent(':.lab:')}`), { schema: record('InLab') })
      expect((await get('/schemas/ids/1')).body).not.toMatchObject({ schema: record('InLab') })
    })
  })
})

import { describe, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { useRegistry } from '../test-support/api.ts'

const json = { schemaType: 'JSON' }
const user = (more: object = {}, properties: object = {}) =>
  JSON.stringify({ type: 'object', properties: { name: { type: 'string' }, ...properties }, ...more })

describeEngines('JSON Schema in the registry', (engine) => {
  const { subjectName, call, get, put, register, idOf, fails, answers } = useRegistry(engine)
  const check = (subject: string, schema: string, query = '') =>
    call('POST', `/compatibility/subjects/${subject}/versions/latest${query}`, { schema, ...json })
  const messagesOf = async (subject: string, schema: string) =>
    ((await check(subject, schema, '?verbose=true')).body as { messages: string[] }).messages

  describe('registering', () => {
    it('stores the text without spaces, its keys and numbers as they are', async () => {
      const subject = subjectName()
      const id = await idOf(
        subject,
        ' { "type" : "number",\n "maximum": 1.0, "2": 1, "1": 9223372036854775807 } ',
        json,
      )
      await answers(get(`/subjects/${subject}/versions/1`), {
        subject,
        version: 1,
        id,
        schemaType: 'JSON',
        schema: '{"type":"number","maximum":1.0,"2":1,"1":9223372036854775807}',
      })
      expect((await get(`/schemas/ids/${id}/schema`)).text).toContain('"maximum":1.0')
    })

    it('gives one id to the same text, and another one to the same text in another language', async () => {
      const [a, b] = [subjectName(), subjectName()]
      const id = await idOf(a, '{"type":"string"}', json)
      expect(await idOf(b, '{ "type": "string" }', json)).toBe(id)
      expect(await idOf(subjectName(), '{"type":"string"}')).not.toBe(id)
      const found = await call('POST', `/subjects/${b}`, { schema: '{"type": "string"}', ...json })
      expect(found.body).toMatchObject({ id, version: 1, schemaType: 'JSON' })
    })

    it('takes true and false, which are schemas', async () => {
      await idOf(subjectName(), 'true', json)
      await idOf(subjectName(), ' false ', json)
    })

    it('sorts the keys when it normalises', async () => {
      const subject = subjectName()
      const normalized = (schema: string) =>
        call('POST', `/subjects/${subject}/versions?normalize=true`, { schema, ...json })
      const first = await normalized(
        '{"type":"object","properties":{"b":{"type":"string"},"a":{"const":{"d":1,"c":2}}}}',
      )
      const second = await normalized(
        '{"properties":{"a":{"const":{"c":2,"d":1}},"b":{"type":"string"}},"type":"object"}',
      )
      expect([first.status, second.body]).toEqual([200, first.body])
      expect((await get(`/subjects/${subject}/versions/1/schema`)).text).toBe(
        '{"properties":{"a":{"const":{"c":2,"d":1}},"b":{"type":"string"}},"type":"object"}',
      )
    })

    it.each([
      ['not JSON', '{"type":', /unexpected end of input at line 1, column 9$/],
      ['another value', '"string"', /a JSON Schema is an object, true or false$/],
      [
        'an unknown type',
        '{"properties":{"a":{"type":"text"}}}',
        /values: array, boolean.* \(at \/properties\/a\/type\)$/,
      ],
      ['a wrong keyword value', '{"minLength":-1}', /must be >= 0 \(at \/minLength\)$/],
      [
        'what its draft does not have',
        '{"$schema":"http://json-schema.org/draft-04/schema#","minimum":1,"exclusiveMinimum":1}',
        /must be boolean \(at \/exclusiveMinimum\)$/,
      ],
      ['a reference to nothing', '{"$ref":"#/definitions/a"}', /"#\/definitions\/a" leads to no schema$/],
      ['a reference to another text', '{"$ref":"other.json"}', /"other.json" is neither in the schema nor the name of/],
    ])('refuses %s and says where', async (_, schema, message) => {
      await fails(register(subjectName(), schema, json), 422, 42201, message)
    })

    it.each([
      ['http://json-schema.org/draft-04/schema#', '{"minimum":1,"exclusiveMinimum":true}'],
      ['http://json-schema.org/draft-06/schema#', '{"const":1}'],
      ['http://json-schema.org/draft-07/schema#', '{"if":{"type":"string"},"else":false}'],
      ['https://json-schema.org/draft/2019-09/schema', '{"items":[{"type":"string"}],"unevaluatedItems":false}'],
      ['https://json-schema.org/draft/2020-12/schema', '{"prefixItems":[{"type":"string"}],"items":false}'],
    ])('knows the draft %s', async ($schema, rest) => {
      await idOf(subjectName(), JSON.stringify({ $schema, ...JSON.parse(rest) }), json)
    })
  })

  describe('compatibility', () => {
    it('says every problem with its type, place and sides', async () => {
      const subject = subjectName()
      await idOf(subject, user({ additionalProperties: false }, { age: { type: 'number' }, mail: {} }), json)
      const next = user({ additionalProperties: false, required: ['name'] }, { age: { type: 'integer' } })
      const reasons =
        `{errorType:"TYPE_NARROWED", description:"The new schema allows fewer types at path '#/properties/age' than the old schema'}, ` +
        `{errorType:"PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL", description:"The new has a closed content model and is missing a property or item present at path '#/properties/mail' in the old schema'}, ` +
        `{errorType:"REQUIRED_ATTRIBUTE_ADDED", description:"The new schema requires the property at path '#/properties/name', without a default, and the old schema does not'}`
      const { message } = (await register(subject, next, json)).body as { message: string }
      expect(message).toContain(`details: [${reasons}, {oldSchemaVersion: 1}, {oldSchema: '`)
      expect((await messagesOf(subject, next)).slice(0, 3).join(', ')).toBe(reasons)
      await fails(register(subject, next, json), 409, 40901)
    })

    it('names the old schema first when it is the one that reads', async () => {
      const subject = subjectName()
      await put(`/config/${subject}`, { compatibility: 'FORWARD' })
      await idOf(subject, user(), json)
      const [first] = await messagesOf(subject, user({}, { name: { type: 'integer' } }))
      expect(first).toBe(
        `{errorType:"TYPE_CHANGED", description:"The old schema has another type at path '#/properties/name' than the new schema'}`,
      )
      await idOf(subject, user({}, { age: { type: 'integer' } }), json)
    })

    it('compares with every version under a transitive level', async () => {
      const subject = subjectName()
      await put(`/config/${subject}`, { compatibility: 'NONE' })
      await idOf(subject, '{"type":"integer"}', json)
      await idOf(subject, '{"type":"string"}', json)
      await put(`/config/${subject}`, { compatibility: 'BACKWARD_TRANSITIVE' })
      await fails(
        register(subject, '{"type":["string","null"]}', json),
        409,
        40901,
        /TYPE_CHANGED.*\{oldSchemaVersion: 1\}/,
      )
      await idOf(subject, '{"type":["string","integer"]}', json)
    })

    it('refuses to compare with another language', async () => {
      const subject = subjectName()
      await idOf(subject, '"string"')
      const message = /details: \[Incompatible because of different schema type, \{oldSchemaVersion: 1\}/
      await fails(register(subject, '{"type":"string"}', json), 409, 40901, message)
    })
  })

  it('refuses a schema that has a reserved field at its top', async () => {
    const subject = subjectName()
    const definition = { schema: user({}, { secret: { type: 'string' } }), ...json }
    const metadata = { properties: { 'confluent:reserved': 'secret' } }
    const body = { ...definition, metadata }
    await put(`/config/${subject}`, { validateFields: true })
    await fails(call('POST', `/subjects/${subject}/versions`, body), 409, 40901, /reserved field secret/)
  })

  describe('references', () => {
    const street = '{"type":"object","properties":{"street":{"type":"string"}},"additionalProperties":false}'

    it('finds referenced schemas by the name, and writes them out for format=resolved', async () => {
      const [address, customer] = [subjectName(), subjectName()]
      await idOf(address, street, json)
      const schema = '{"type":"object","properties":{"home":{"$ref":"address.json"}}}'
      const references = [{ name: 'address.json', subject: address, version: 1 }]
      const id = await idOf(customer, schema, { ...json, references })
      await answers(get(`/schemas/ids/${id}?format=resolved`), {
        schemaType: 'JSON',
        references,
        schema: `{"type":"object","properties":{"home":{"$ref":"#/definitions/address.json"}},"definitions":{"address.json":${street}}}`,
      })
      await answers(get(`/subjects/${address}/versions/1/referencedby`), [id])
      const found = await call('POST', `/subjects/${customer}`, { schema, ...json, references })
      expect(found.body).toMatchObject({ id, references })
    })

    it('compares what is behind a reference', async () => {
      const [address, customer] = [subjectName(), subjectName()]
      await idOf(address, street, json)
      await put(`/config/${address}`, { compatibility: 'NONE' })
      await idOf(address, street.replace('"string"', '"integer"'), json)
      const schema = '{"properties":{"home":{"$ref":"https://example.com/address.json#/properties/street"}}}'
      const at = (version: number) => ({
        ...json,
        references: [{ name: 'https://example.com/address.json', subject: address, version }],
      })
      await idOf(customer, schema, at(1))
      await fails(
        register(customer, schema, at(2)),
        409,
        40901,
        /TYPE_CHANGED", description:"The new schema has another type at path '#\/properties\/home'/,
      )
    })

    it('does not mix two schemas that have one name in different parts of a tree', async () => {
      const [text, count, a, b] = [subjectName(), subjectName(), subjectName(), subjectName()]
      await idOf(text, '{"$id":"https://example.com/value","type":"string"}', json)
      await idOf(count, '{"$id":"https://example.com/value","type":"integer"}', json)
      const value = (subject: string) => ({ ...json, references: [{ name: 'value', subject, version: 1 }] })
      const holder = (title: string) => JSON.stringify({ title, properties: { value: { $ref: 'value' } } })
      await idOf(a, holder('a'), value(text))
      await idOf(b, holder('b'), value(count))
      const references = [
        { name: 'a', subject: a, version: 1 },
        { name: 'b', subject: b, version: 1 },
      ]
      const root = '{"properties":{"a":{"$ref":"a"},"b":{"$ref":"b"}}}'
      const id = await idOf(subjectName(), root, { ...json, references })
      const { schema } = (await get(`/schemas/ids/${id}?format=resolved`)).body as { schema: string }
      const { definitions } = JSON.parse(schema)
      expect(definitions).toEqual({
        a: { title: 'a', properties: { value: { $ref: '#/definitions/value' } } },
        b: { title: 'b', properties: { value: { $ref: '#/definitions/value-2' } } },
        value: { type: 'string' },
        'value-2': { type: 'integer' },
      })
    })
  })
})

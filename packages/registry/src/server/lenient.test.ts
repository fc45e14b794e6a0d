// Schemas that today's Avro refuses and that earlier registries took: they are in topics, and must stay usable.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { api, int, record } from '../test-support/api.ts'
import { ownTopic, produce, startTestRegistry, type TestRegistry } from '../test-support/app.ts'

/** What an earlier registry stored under a subject of the same name, as version 1. */
const stored: Readonly<Record<string, string>> = {
  'a namespace with a dash': '{"type":"record","name":"A","namespace":"my-ns","fields":[{"name":"x","type":"int"}]}',
  'a name with a dash': '{"type":"record","name":"a-b","fields":[{"name":"x","type":"int"}]}',
  'a field name with a dot': '{"type":"record","name":"A","fields":[{"name":"x.y","type":"int"}]}',
  'a symbol with a space': '{"type":"enum","name":"E","symbols":["a b"]}',
  'an alias with a dash': '{"type":"record","name":"A","fields":[],"aliases":["a-b"]}',
  'an int with the default null': '{"type":"record","name":"A","fields":[{"name":"x","type":"int","default":null}]}',
}

describeEngines('a schema that only earlier registries took', (engine) => {
  let registry: TestRegistry
  beforeAll(async () => {
    const topic = ownTopic()
    registry = await startTestRegistry(engine.bootstrapServers, { topic })
    await produce(
      engine.bootstrapServers,
      topic,
      Object.entries(stored).map(([subject, schema], index) => [
        JSON.stringify({ keytype: 'SCHEMA', subject, version: 1, magic: 1 }),
        JSON.stringify({ subject, version: 1, id: 100 + index, schema, deleted: false }),
      ]),
    )
    // Reads to the end of the topic.
    await registry.store.exclusively(async () => {})
  })
  afterAll(() => registry.close())
  const { get, put, remove, register, lookUp, idOf, fails, answers, call } = api(() => registry)

  for (const [subject, schema] of Object.entries(stored)) {
    const id = 100 + Object.keys(stored).indexOf(subject)

    it(`with ${subject} is found, registered again, and compared with`, async () => {
      await answers(lookUp(subject, schema), { subject, version: 1, id, schema })
      expect(await idOf(subject, schema)).toBe(id)
      await answers(get(`/schemas/ids/${id}/schema?format=resolved`), JSON.parse(schema))
      await fails(register(subject, '"string"'), 409, 40901, /TYPE_MISMATCH|NAME_MISMATCH/)
      const check = `/compatibility/subjects/${encodeURIComponent(subject)}/versions/1`
      await answers(call('POST', check, { schema: '"string"' }), { is_compatible: false })
    })

    it(`with ${subject} is taken over in IMPORT mode, and refused as a new one`, async () => {
      const copy = `copy of ${subject}`
      await fails(register(copy, schema), 422, 42201, /Illegal|Invalid default/)
      await put(`/mode/${encodeURIComponent(copy)}`, { mode: 'IMPORT' })
      expect(await idOf(copy, schema, { id, version: 1 })).toBe(id)
      await remove(`/mode/${encodeURIComponent(copy)}`)
    })
  }

  it('may be followed by one that is in order', async () => {
    const subject = 'a namespace with a dash'
    const next = record('A', int('x'), '{"name":"y","type":"int","default":0}')
    const id = await idOf(subject, next)
    await answers(lookUp(subject, next), { subject, version: 2, id, schema: next })
  })

  it('may be referred to by a new one', async () => {
    const references = [{ name: 'my-ns.A', subject: 'a namespace with a dash', version: 1 }]
    const schema = record('B', '{"name":"a","type":"my-ns.A"}')
    const id = await idOf('a referrer', schema, { references })
    await answers(get(`/schemas/ids/${id}`), { schema, references })
  })
})

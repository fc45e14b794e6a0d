// Many clients of one registry, and several registries on one topic.
import { describe, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { produce, registriesOfEachTest, type TestRegistry } from '../test-support/app.ts'
import { encodeKey, encodeSchemaValue, type SchemaValue } from './records.ts'
import { fingerprint } from './schema-table.ts'

const schemaText = (name: string) => `{"type":"record","name":"${name}","fields":[]}`

function version(subject: string, number: number, id: number, name: string): SchemaValue {
  return { subject, version: number, id, schemaType: 'AVRO', references: [], schema: schemaText(name), deleted: false }
}

describeEngines('registering at the same time', (engine) => {
  const start = registriesOfEachTest()
  const register = async (registry: TestRegistry, subject: string, name: string) => {
    const answer = await registry.call('POST', `/subjects/${subject}/versions`, { schema: schemaText(name) })
    expect(answer.status, answer.text).toBe(200)
    return (answer.body as { id: number }).id
  }

  it('the same schema a hundred times gives one version and one id', async () => {
    const registry = await start(engine.bootstrapServers)
    const ids = await Promise.all(Array.from({ length: 100 }, () => register(registry, 's', 'A')))
    expect(new Set(ids)).toEqual(new Set([1]))
    expect((await registry.call('GET', '/subjects/s/versions')).body).toEqual([1])
  })

  it('a hundred schemas under ten subjects gives each its own id, and versions without gaps', async () => {
    const registry = await start(engine.bootstrapServers, { fallbackLevel: 'NONE' })
    const ids = await Promise.all(Array.from({ length: 100 }, (_, n) => register(registry, `s${n % 10}`, `A${n}`)))
    expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1))
    for (let subject = 0; subject < 10; subject++) {
      const { body } = await registry.call('GET', `/subjects/s${subject}/versions`)
      expect(body).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    }
    for (const [n, id] of ids.entries()) {
      expect((await registry.call('GET', `/schemas/ids/${id}/schema`)).text).toBe(schemaText(`A${n}`))
    }
  })

  it('what one registry writes is seen by the others', async () => {
    const first = await start(engine.bootstrapServers)
    const second = await start(engine.bootstrapServers, { topic: first.topic })
    const id = await register(first, 's', 'A')
    await expect.poll(async () => (await second.call('GET', `/schemas/ids/${id}`)).status).toBe(200)
    expect(await register(second, 't', 'A')).toBe(id)
    expect(await register(second, 't2', 'B')).toBe(id + 1)
  })

  it('two registries on one topic never give an id to two schemas, and lose none', async () => {
    const first = await start(engine.bootstrapServers, { fallbackLevel: 'NONE' })
    const second = await start(engine.bootstrapServers, { fallbackLevel: 'NONE', topic: first.topic })
    const registries = [first, second]
    const ids = await Promise.all(
      Array.from({ length: 40 }, (_, n) => register(registries[n % 2]!, `s${n % 3}`, `A${n}`)),
    )
    expect(new Set(ids).size).toBe(40)
    const expected = await Promise.all(ids.map(async (_, n) => schemaText(`A${n}`)))
    for (const registry of registries) {
      const texts = async () =>
        Promise.all(ids.map(async (id) => (await registry.call('GET', `/schemas/ids/${id}/schema`)).text))
      await expect.poll(texts, { timeout: 10_000 }).toEqual(expected)
      const found = (await registry.call('GET', '/schemas')).body as unknown[]
      expect(found).toHaveLength(40)
    }
  })

  describe('when another registry is faster', () => {
    const noop = encodeKey({ keytype: 'NOOP' }).toString()
    const announcement = (value: SchemaValue): [string, string] => {
      const { subject, version: number, id } = value
      const reserve = { token: 'theirs', subject, version: number, id, fingerprint: fingerprint(value) }
      return [noop, JSON.stringify({ reserve })]
    }
    const written = (value: SchemaValue): [string, string] => [
      encodeKey({ keytype: 'SCHEMA', subject: value.subject, version: value.version }).toString(),
      encodeSchemaValue(value).toString(),
    ]
    /** Tries to put a version after another registry's records came in between. */
    const put = (registry: TestRegistry, theirs: [string, string][], ours: SchemaValue) =>
      registry.store.exclusively(async (transaction) => {
        await produce(engine.bootstrapServers, registry.topic, theirs)
        return transaction.putSchema(ours)
      })

    it.each([
      ['and announced the same version', announcement(version('s', 1, 1, 'Theirs')), version('s', 1, 2, 'Ours')],
      [
        'and announced the same id for another schema',
        announcement(version('t', 1, 1, 'Theirs')),
        version('s', 1, 1, 'Ours'),
      ],
      [
        'and announced the same schema with another id',
        announcement(version('t', 1, 1, 'Same')),
        version('s', 1, 2, 'Same'),
      ],
      ['and wrote the same version without a word', written(version('s', 1, 1, 'Theirs')), version('s', 1, 2, 'Ours')],
      ['and wrote the same id without a word', written(version('t', 1, 1, 'Theirs')), version('s', 1, 1, 'Ours')],
    ])('%s, ours is not written', async (_, theirs, ours) => {
      const registry = await start(engine.bootstrapServers)
      expect(await put(registry, [theirs], ours)).toBe(false)
      expect(registry.store.state.versions('s', true).map(({ schema }) => schema)).not.toContain(ours.schema)
    })

    it('with another version and another id, or the id of the same schema, ours is written', async () => {
      const registry = await start(engine.bootstrapServers)
      const theirs = version('t', 1, 1, 'Same')
      expect(await put(registry, [announcement(theirs), written(theirs)], version('s', 1, 1, 'Same'))).toBe(true)
      expect(await put(registry, [announcement(version('t', 2, 2, 'B'))], version('s', 2, 3, 'C'))).toBe(true)
      expect((await registry.call('GET', '/schemas/ids/1/subjects')).body).toEqual(['s', 't'])
    })

    it('and was granted an id, an import takes it only for the same schema', async () => {
      const registry = await start(engine.bootstrapServers)
      await registry.call('PUT', '/mode/imported', { mode: 'IMPORT' })
      await produce(engine.bootstrapServers, registry.topic, [announcement(version('s', 1, 7, 'Theirs'))])
      const take = (name: string, id: number) =>
        registry.call('POST', '/subjects/imported/versions', { schema: schemaText(name), id })
      expect(await take('Ours', 7)).toMatchObject({ status: 422, body: { error_code: 42205 } })
      expect((await take('Ours', 8)).body).toMatchObject({ id: 8 })
      expect((await take('Theirs', 7)).body).toMatchObject({ id: 7 })
      expect((await registry.call('GET', '/schemas/ids/7/schema')).text).toBe(schemaText('Theirs'))
    })

    it('and dies before it writes, its numbers stay unused and registering goes on', async () => {
      const registry = await start(engine.bootstrapServers)
      await produce(engine.bootstrapServers, registry.topic, [announcement(version('s', 1, 1, 'Theirs'))])
      await expect.poll(() => registry.store.state.reservations.pending('s').length).toBe(1)
      expect(await register(registry, 's', 'Ours')).toBe(2)
      expect((await registry.call('GET', '/subjects/s/versions')).body).toEqual([2])
    })
  })
})

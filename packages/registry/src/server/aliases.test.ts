// Other ways to the same schema: aliases of subjects and guids. And modes of whole contexts, and parts of Confluent's API that are not
// there. The expectations of aliases follow the answers of a Confluent Schema Registry 7.9 to such requests.
import { describe, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { int, record, useRegistry } from '../test-support/api.ts'

describeEngines('names and modes in the registry', (engine) => {
  const { subjectName, call, get, put, remove, register, lookUp, idOf, fails, answers } = useRegistry(engine)
  const withDefault = record('A', int('x'), '{"name":"y","type":"int","default":0}')

  describe('an alias', () => {
    it('means another subject wherever schemas are registered, read, compared and deleted', async () => {
      const [target, alias] = [subjectName(), subjectName()]
      const id = await idOf(target, record('A', int('x')))
      await answers(put(`/config/${alias}`, { alias: target }), { alias: target })
      await idOf(alias, withDefault)
      await answers(get(`/subjects/${target}/versions`), [1, 2])
      await answers(get(`/subjects/${alias}/versions`), [1, 2])
      const first = { subject: target, version: 1, id, schema: record('A', int('x')) }
      await answers(get(`/subjects/${alias}/versions/1`), first)
      await answers(lookUp(alias, record('A', int('x'))), first)
      const path = `/compatibility/subjects/${alias}/versions/latest`
      await answers(call('POST', path, { schema: record('A', int('z')) }), { is_compatible: false })
      await answers(get(`/schemas/ids/${id}/versions?subject=${alias}`), [{ subject: target, version: 1 }])
      await answers(get(`/subjects/${alias}/versions/1/referencedby`), [])
      await answers(remove(`/subjects/${alias}/versions/2`), 2)
      await answers(remove(`/subjects/${alias}`), [1])
      await fails(get(`/subjects/${alias}/versions`), 404, 40401, `Subject '${target}' not found.`)
    })

    it('has settings of its own', async () => {
      const [target, alias] = [subjectName(), subjectName()]
      await put(`/config/${alias}`, { alias: target })
      await answers(put(`/mode/${alias}`, { mode: 'READONLY' }), { mode: 'READONLY' })
      await fails(get(`/mode/${target}`), 404, 40409)
      await answers(get(`/config/${alias}`), { alias: target, compatibilityLevel: 'BACKWARD' })
      await remove(`/mode/${alias}`)
    })

    it('of an alias means that alias, which has no schemas', async () => {
      const [target, alias, chain] = [subjectName(), subjectName(), subjectName()]
      await idOf(target, '"int"')
      await put(`/config/${alias}`, { alias: target })
      await put(`/config/${chain}`, { alias })
      await fails(get(`/subjects/${chain}/versions`), 404, 40401, `Subject '${alias}' not found.`)
    })

    it('is a full name: in a context, another subject of the context is named with it', async () => {
      const [context, target, alias] = [`.${subjectName()}`, subjectName(), subjectName()]
      await idOf(`:${context}:${target}`, '"int"')
      await put(`/contexts/${context}/config/${alias}`, { alias: target })
      await fails(get(`/contexts/${context}/subjects/${alias}/versions`), 404, 40401, `Subject '${target}' not found.`)
      await put(`/contexts/${context}/config/${alias}`, { alias: `:${context}:${target}` })
      await answers(get(`/contexts/${context}/subjects/${alias}/versions`), [1])
      await put(`/config/${alias}`, { alias: `:${context}:${target}` })
      await answers(get(`/subjects/${alias}/versions`), [1])
    })

    it.each([':.lab:', ':.:', '__GLOBAL', ':.lab:__EMPTY', ':.__GLOBAL:a', 'a\nb'])(
      'of what cannot be a subject with schemas is refused: %j',
      async (target) => {
        const alias = subjectName()
        await fails(put(`/config/${alias}`, { alias: target }), 422, 42208)
        await fails(get(`/config/${alias}`), 404, 40408)
      },
    )

    it('is listed with its subject when that is asked for', async () => {
      const [target, alias, second] = [subjectName(), subjectName(), subjectName()]
      await idOf(target, '"int"')
      for (const name of [second, alias]) await put(`/config/${name}`, { alias: target })
      const listed = (query: string) => get(`/schemas?subjectPrefix=${target}${query}`)
      expect((await listed('&aliases=true')).body).toMatchObject([{ subject: target, aliases: [alias, second].sort() }])
      expect((await listed('')).body).not.toMatchObject([{ aliases: [] }])
    })
  })

  describe('a guid', () => {
    it('is the same in every context, and finds the schema and its ids', async () => {
      const [context, subject] = [`.${subjectName()}`, subjectName()]
      const schema = record('Guid', int('x'))
      const metadata = { properties: { owner: 'a' } }
      const { id, guid } = (await register(subject, schema, { metadata })).body as { id: number; guid: string }
      expect(guid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
      await idOf(`:${context}:other`, '"int"')
      const there = (await register(`:${context}:${subject}`, schema, { metadata })).body as {
        id: number
        guid: string
      }
      expect(there).toMatchObject({ id: 2, guid })
      expect((await get(`/schemas/guids/${guid}`)).body).toEqual({ schema, metadata, guid })
      await answers(get(`/schemas/guids/${guid.toUpperCase()}/ids`), [
        { context: '.', id },
        { context, id: 2 },
      ])
      expect((await get(`/schemas/ids/${id}`)).body).toMatchObject({ guid })
      expect((await get(`/subjects/${subject}/versions/1`)).body).toMatchObject({ guid })
      expect((await lookUp(subject, '"int"')).status).toBe(404)
    })

    it('differs with the contract, goes with the last version, and is refused when it is unknown', async () => {
      const subject = subjectName()
      const schema = record(`Gone${subject}`)
      const guidOf = async (more: object) => ((await register(subject, schema, more)).body as { guid: string }).guid
      const [plain, owned] = [
        await guidOf({ metadata: {} }),
        await guidOf({ metadata: { properties: { owner: 'a' } } }),
      ]
      expect(plain).not.toBe(owned)
      await remove(`/subjects/${subject}`)
      expect((await get(`/schemas/guids/${owned}`)).status).toBe(200)
      await remove(`/subjects/${subject}?permanent=true`)
      await fails(get(`/schemas/guids/${owned}`), 404, 40403, `Schema ${owned} not found`)
      await answers(get('/schemas/guids/none/ids'), [])
    })
  })

  describe('modes', () => {
    it('FORWARD takes no changes, because nothing passes them on', async () => {
      const subject = subjectName()
      await answers(put(`/mode/${subject}`, { mode: 'FORWARD' }), { mode: 'FORWARD' })
      await fails(register(subject, '"int"'), 422, 42205)
      await answers(remove(`/mode/${subject}`), { mode: 'FORWARD' })
    })

    it('of a context are deleted with those of its subjects when that is asked for', async () => {
      const context = `.${subjectName()}`
      const at = (path: string) => `/contexts/${context}/mode${path}`
      for (const path of ['', '/a', '/b']) await put(at(path), { mode: 'READONLY' })
      await put('/mode/outside', { mode: 'READONLY' })
      await answers(remove(at('')), { mode: 'READONLY' })
      await answers(get(at('/a')), { mode: 'READONLY' })
      await answers(remove(at('?recursive=true')), { mode: 'READWRITE' })
      for (const path of ['/a', '/b']) await fails(get(at(path)), 404, 40409)
      await fails(remove(at('?recursive=true')), 404, 40401)
      await answers(remove('/mode/outside'), { mode: 'READONLY' })
    })
  })

  it.each(['/exporters', '/exporters/a/status', '/associations', '/contexts/.lab/exporters'])(
    'what this registry does not have says so, and what to do: %s',
    async (path) => {
      await fails(get(path), 404, 404, /^This registry has no (exporters|associations)[^:]*: (copy|name)/)
      await fails(call('POST', path, {}), 404, 404)
    },
  )
})

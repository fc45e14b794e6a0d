// Contexts: each has subjects, ids and settings of its own, reached by `/contexts/.name/…` or by `:.name:subject`.
import { describe, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { int, record, useRegistry } from '../test-support/api.ts'

describeEngines('contexts of the registry', (engine) => {
  const { subjectName, call, get, put, remove, register, idOf, fails, answers } = useRegistry(engine)
  /** A context that no other test uses. */
  const contextName = () => `.${subjectName()}`
  const registerIn = (context: string, subject: string, schema: string) =>
    call('POST', `/contexts/${context}/subjects/${subject}/versions`, { schema })

  describe('below /contexts', () => {
    it('every path means the subjects and ids of the context', async () => {
      const context = contextName()
      const at = (path: string) => `/contexts/${context}${path}`
      const [subject, schema, next] = [
        `:${context}:s`,
        record('A'),
        record('A', '{"name":"x","type":"int","default":0}'),
      ]
      await answers(registerIn(context, 's', schema), { id: 1 })
      await answers(registerIn(context, 's', next), { id: 2 })
      const first = { subject, version: 1, id: 1, schema }
      await answers(get(at('/subjects')), [subject])
      await answers(get(at('/subjects?subjectPrefix=s')), [subject])
      await answers(get(at('/subjects?subjectPrefix=t')), [])
      await answers(get(at('/schemas?latestOnly=true')), [{ subject, version: 2, id: 2, schema: next }])
      await answers(get(at('/subjects/s/versions')), [1, 2])
      await answers(get(at('/subjects/s/versions/1')), first)
      await answers(call('POST', at('/subjects/s'), { schema }), first)
      await answers(get(at('/schemas/ids/1')), { schema })
      await answers(get(at('/schemas/ids/1/subjects?subject=s')), [subject])
      await answers(get(at('/schemas/ids/1/versions?subject=other')), [])
      await answers(call('POST', at('/compatibility/subjects/s/versions/latest'), { schema: '"int"' }), {
        is_compatible: false,
      })
      await answers(get(at('/')), {})
      expect((await get(at('/contexts'))).body).toContain(context)
      await answers(get(at('/schemas/types')), (await get('/schemas/types')).body)
      await answers(remove(at('/subjects/s')), [1, 2])
      await fails(get(at('/subjects/s/versions')), 404, 40401, `Subject '${subject}' not found.`)
    })

    it('and by qualified names the same subjects are meant', async () => {
      const context = contextName()
      await registerIn(context, 's', '"int"')
      expect((await get(`/subjects/:${context}:s/versions/1`)).body).toMatchObject({ subject: `:${context}:s`, id: 1 })
      await answers(get(`/schemas/ids/1?subject=:${context}:`), { schema: '"int"' })
      await idOf(`:${context}:t`, '"string"')
      expect((await get(`/contexts/${context}/subjects/t/versions/1`)).body).toMatchObject({ id: 2 })
      // A name that has a context of its own keeps it.
      const other = contextName()
      await registerIn(context, `:${other}:u`, '"long"')
      await answers(get(`/contexts/${other}/subjects`), [`:${other}:u`])
    })

    it('a context may be named without its dot or with its colons, the default one with them', async () => {
      const context = contextName()
      await registerIn(context, 's', '"int"')
      for (const name of [context, context.slice(1), `:${context}:`]) {
        await answers(get(`/contexts/${encodeURIComponent(name)}/subjects`), [`:${context}:s`])
      }
      await idOf('in-the-default-one', '"int"')
      await answers(get('/contexts/:.:/subjects'), ['in-the-default-one'])
      await fails(get('/contexts/a:b/subjects'), 422, 42208)
    })

    it('methods and paths are checked as elsewhere', async () => {
      await fails(get('/contexts/.a/nothing'), 404, 404)
      await fails(call('PATCH', '/contexts/.a/config', {}), 405, 405)
      expect((await call('OPTIONS', '/contexts/.a/config')).headers.allow).toBe('GET, PUT, DELETE, HEAD, OPTIONS')
    })
  })

  it('are listed once they are known, also when nothing is left in them', async () => {
    const context = contextName()
    await registerIn(context, 's', '"int"')
    expect((await get('/contexts')).body).toContain(context)
    await remove(`/contexts/${context}/subjects/s`)
    await remove(`/contexts/${context}/subjects/s?permanent=true`)
    await answers(get(`/contexts?contextPrefix=${context}`), [context])
    expect((await get('/contexts')).body).not.toContain('.__GLOBAL')
  })

  it('can be deleted when nothing is left in them', async () => {
    const context = contextName()
    const path = `/contexts/${context}`
    await fails(remove(path), 404, 40401, `Context '${context}' not found.`)
    await registerIn(context, 's', '"int"')
    await put(`/config/:${context}:`, { compatibility: 'NONE' })
    await fails(remove(path), 422, 42211)
    await remove(`${path}/subjects/s`)
    await fails(remove(path), 422, 42211)
    await remove(`${path}/subjects/s?permanent=true`)
    const { status, text } = await remove(path)
    expect([status, text]).toEqual([204, ''])
    expect((await get('/contexts')).body).not.toContain(context)
    await fails(get(`/config/:${context}:`), 404, 40408)
    await fails(remove('/contexts/:.:'), 422, 42205)
  })

  it('are all searched by a prefix with a wildcard, and by none', async () => {
    const [a, b] = [contextName(), contextName()]
    for (const context of [a, b]) await registerIn(context, 'wild-orders', '"int"')
    await idOf('wild-orders', '"int"')
    const all = ['wild-orders', `:${a}:wild-orders`, `:${b}:wild-orders`].toSorted()
    await answers(get('/subjects?subjectPrefix=:*:wild-'), all)
    await answers(get('/subjects?subjectPrefix=wild-'), ['wild-orders'])
    await answers(get(`/subjects?subjectPrefix=:${a}:`), [`:${a}:wild-orders`])
    expect((await get('/subjects')).body).toEqual(expect.arrayContaining(all))
  })

  describe('a reference without a context', () => {
    const order = record('Order', '{"name":"price","type":"Money"}')
    const references = [{ name: 'Money', subject: 'money', version: 1 }]

    it('is resolved in the context of the schema that has it', async () => {
      const context = contextName()
      await idOf('money', record('Money', '{"name":"euros","type":"double"}'))
      await fails(register(`:${context}:order`, order, { references }), 422, 42201, /No schema reference found/)
      await registerIn(context, 'money', record('Money', int('cents')))
      const id = await idOf(`:${context}:order`, order, { references })
      const resolved = await get(`/contexts/${context}/schemas/ids/${id}/schema?format=resolved`)
      expect(resolved.text).toContain('cents')
      await answers(get(`/contexts/${context}/subjects/money/versions/1/referencedby`), [id])
      await answers(get('/subjects/money/versions/1/referencedby'), [])
      await fails(remove(`/contexts/${context}/subjects/money`), 422, 42206)
      expect((await remove('/subjects/money')).status).toBe(200)
    })

    it('is shown as it was registered, or qualified; one with a context leads there', async () => {
      const context = contextName()
      await registerIn(context, 'money', record('Money', int('cents')))
      const id = await idOf(`:${context}:order`, order, { references })
      const shown = async (query: string) => (await get(`/contexts/${context}/schemas/ids/${id}${query}`)).body
      expect(await shown('')).toMatchObject({ references })
      expect(await shown('?referenceFormat=qualified')).toMatchObject({
        references: [{ ...references[0], subject: `:${context}:money` }],
      })
      const across = [{ ...references[0], subject: `:${context}:money` }]
      await idOf('order-from-outside', order, { references: across })
    })
  })

  describe('settings', () => {
    it('of a subject come before those of its context, then the global ones, then the default', async () => {
      const context = contextName()
      await registerIn(context, 's', '"int"')
      const level = async () => {
        const { body } = await get(`/contexts/${context}/config/s?defaultToGlobal=true`)
        return (body as { compatibilityLevel: string }).compatibilityLevel
      }
      // What the default context has is for its own subjects.
      await put('/config', { compatibility: 'FORWARD' })
      expect(await level()).toBe('BACKWARD')
      await put('/config/:.__GLOBAL:', { compatibility: 'FULL' })
      expect(await level()).toBe('FULL')
      await put(`/contexts/${context}/config`, { compatibility: 'NONE' })
      expect(await level()).toBe('NONE')
      await put(`/config/:${context}:s`, { compatibility: 'FULL_TRANSITIVE' })
      expect(await level()).toBe('FULL_TRANSITIVE')
      await answers(remove(`/config/:${context}:s`), { compatibilityLevel: 'FULL_TRANSITIVE' })
      expect(await level()).toBe('NONE')
      await answers(get(`/config/:${context}:`), { compatibilityLevel: 'NONE' })
      await answers(remove(`/config/:${context}:`), { compatibilityLevel: 'NONE' })
      expect(await level()).toBe('FULL')
      await remove('/config')
      await answers(get('/config'), { compatibilityLevel: 'BACKWARD' })
      await answers(get('/config?defaultToGlobal=true'), { compatibilityLevel: 'FULL' })
      await answers(remove('/config/:.__GLOBAL:'), { compatibilityLevel: 'FULL' })
      await answers(get('/config/:.__GLOBAL:'), { compatibilityLevel: 'BACKWARD' })
      expect(await level()).toBe('BACKWARD')
    })

    it('decide what may be registered', async () => {
      const context = contextName()
      await registerIn(context, 's', '"int"')
      await fails(registerIn(context, 's', '"string"'), 409, 40901)
      await put(`/config/:${context}:`, { compatibility: 'NONE' })
      expect((await registerIn(context, 's', '"string"')).status).toBe(200)
      await put(`/mode/:${context}:`, { mode: 'READONLY' })
      await fails(registerIn(context, 's', '"bytes"'), 422, 42205)
      await put(`/mode/:${context}:s`, { mode: 'READWRITE' })
      expect((await registerIn(context, 's', '"bytes"')).status).toBe(200)
      await put(`/mode/:${context}:`, { mode: 'READONLY_OVERRIDE' })
      await fails(registerIn(context, 's', '"boolean"'), 422, 42205)
      await answers(get(`/contexts/${context}/mode/s?defaultToGlobal=true`), { mode: 'READONLY_OVERRIDE' })
      expect((await register('outside', '"int"')).status).toBe(200)
    })

    it('that a context does not have are told as those of a subject', async () => {
      const context = contextName()
      await fails(get(`/config/:${context}:`), 404, 40408)
      await fails(get(`/contexts/${context}/mode`), 404, 40409)
      await answers(get(`/mode/:${context}:?defaultToGlobal=true`), { mode: 'READWRITE' })
      await answers(get('/mode/:.__GLOBAL:'), { mode: 'READWRITE' })
      await answers(get('/config/:.:'), { compatibilityLevel: 'BACKWARD' })
    })

    it('IMPORT of a context is about its own subjects only', async () => {
      const [a, b] = [contextName(), contextName()]
      for (const context of [a, b]) {
        await registerIn(context, 's', '"int"')
        await remove(`/contexts/${context}/subjects/s`)
      }
      await idOf('occupied', '"int"')
      await answers(put(`/mode/:${a}:`, { mode: 'IMPORT' }), { mode: 'IMPORT' })
      await answers(get(`/contexts/${a}/subjects?deleted=true`), [])
      await answers(get(`/contexts/${b}/subjects?deleted=true`), [`:${b}:s`])
      const imported = { schema: '"long"', id: 77, version: 3 }
      await answers(call('POST', `/contexts/${a}/subjects/t/versions`, imported), { id: 77 })
      await registerIn(b, 'live', '"int"')
      await fails(put(`/mode/:${b}:`, { mode: 'IMPORT' }), 422, 42205, 'Cannot import since found existing subjects')
    })

    it('are all that the global context holds', async () => {
      await fails(register(':.__GLOBAL:s', '"int"'), 422, 42208)
      await fails(get('/contexts/.__GLOBAL/subjects/s/versions'), 422, 42208)
      await fails(put('/config/__GLOBAL', { compatibility: 'NONE' }), 422, 42208)
    })
  })
})

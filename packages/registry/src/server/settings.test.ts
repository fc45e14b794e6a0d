import { describe, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { int, record, useRegistry } from '../test-support/api.ts'

describeEngines('compatibility and modes of the registry', (engine) => {
  const { subjectName, call, get, put, remove, register, idOf, fails, answers } = useRegistry(engine)

  describe('checking compatibility', () => {
    const check = (subject: string, schema: string, version = '', query = '') =>
      call('POST', `/compatibility/subjects/${subject}/versions${version}${query}`, { schema })

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
      await fails(check('nowhere', '"int"', '/1'), 404, 40402, 'Version 1 not found.')
    })

    it('rejects an invalid schema, and explains why if messages are requested', async () => {
      const subject = subjectName()
      await idOf(subject, '"int"')
      for (const version of ['', '/latest', '/1']) {
        await fails(check(subject, '{', version), 422, 42201)
        const { status, body } = await check(subject, '{', `${version}?verbose=true`)
        const messages = [expect.stringMatching(/^Invalid schema .* details: unexpected end of input/)]
        expect([status, body]).toEqual([200, { is_compatible: false, messages }])
      }
      await fails(check(subject, '', '?verbose=true'), 422, 42201, 'Empty schema')
    })

    it('compares with every version when the level is transitive', async () => {
      const subject = subjectName()
      await idOf(subject, record('T', '{"name":"y","type":"int","default":0}'))
      await idOf(subject, record('T'))
      const candidate = record('T', '{"name":"y","type":"string","default":""}')
      expect((await check(subject, candidate)).body).toEqual({ is_compatible: true })
      await call('PUT', `/config/${subject}`, { compatibility: 'BACKWARD_TRANSITIVE' })
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
      expect((await call('PUT', `/config/${subject}`, { compatibility: 'full_transitive' })).body).toEqual({
        compatibility: 'FULL_TRANSITIVE',
      })
      expect((await get(`/config/${subject}`)).body).toEqual({ compatibilityLevel: 'FULL_TRANSITIVE' })
      expect((await call('DELETE', `/config/${subject}`)).body).toEqual({
        compatibilityLevel: 'FULL_TRANSITIVE',
      })
      await fails(call('DELETE', `/config/${subject}`), 404, 40401)
    })

    it('are set, read and reset globally', async () => {
      expect((await get('/config')).body).toEqual({ compatibilityLevel: 'BACKWARD' })
      expect((await call('PUT', '/config', { compatibility: 'NONE' })).body).toEqual({ compatibility: 'NONE' })
      expect((await get('/config')).body).toEqual({ compatibilityLevel: 'NONE' })
      const subject = subjectName()
      await idOf(subject, '"int"')
      await idOf(subject, '"boolean"')
      await call('DELETE', '/config')
      expect((await get('/config')).body).toEqual({ compatibilityLevel: 'BACKWARD' })
      await fails(register(subject, '"bytes"'), 409, 40901)
    })

    it('are one of seven', async () => {
      await fails(call('PUT', '/config', { compatibility: 'SOME' }), 422, 42203, /Valid values are none, backward/)
      await fails(call('PUT', '/config', { compatibility: '' }), 422, 42203)
    })

    it('stay as they are when a change names none', async () => {
      const subject = subjectName()
      await answers(put(`/config/${subject}`, {}), {})
      await fails(get(`/config/${subject}`), 404, 40408)
      await put(`/config/${subject}`, { compatibility: 'FULL' })
      await answers(put(`/config/${subject}`, {}), {})
      await answers(get(`/config/${subject}`), { compatibilityLevel: 'FULL' })
      await answers(put('/config', {}), {})
    })

    it('are answered when they are reset, the default one when none was set', async () => {
      await put('/config', { compatibility: 'FULL', normalize: true })
      await answers(remove('/config'), { compatibilityLevel: 'FULL', normalize: true })
      await answers(remove('/config'), { compatibilityLevel: 'BACKWARD' })
      await answers(get('/config'), { compatibilityLevel: 'BACKWARD' })
    })

    it('are independent of normalisation, which a subject may always apply', async () => {
      const subject = subjectName()
      await call('PUT', `/config/${subject}`, { compatibility: 'NONE' })
      await call('PUT', `/config/${subject}`, { normalize: true })
      expect((await get(`/config/${subject}`)).body).toEqual({ compatibilityLevel: 'NONE', normalize: true })
      const id = await idOf(subject, '{"type":"int","b":1,"a":2}')
      expect(await idOf(subject, '{"type":"int","a":2,"b":1}')).toBe(id)
    })
  })

  describe('modes', () => {
    it('READONLY forbids changes, and READWRITE allows them again', async () => {
      const subject = subjectName()
      await idOf(subject, '"int"')
      expect((await call('PUT', `/mode/${subject}`, { mode: 'READONLY' })).body).toEqual({ mode: 'READONLY' })
      expect((await get(`/mode/${subject}`)).body).toEqual({ mode: 'READONLY' })
      const message = `Subject ${subject} is in read-only mode`
      await fails(register(subject, '"long"'), 422, 42205, message)
      await fails(call('DELETE', `/subjects/${subject}`), 422, 42205, message)
      await fails(call('DELETE', `/subjects/${subject}/versions/1`), 422, 42205, message)
      await fails(call('PUT', `/config/${subject}`, { compatibility: 'NONE' }), 422, 42205, message)
      expect((await register(subject, '"int"')).status).toBe(200)
      expect((await call('DELETE', `/mode/${subject}`)).body).toEqual({ mode: 'READONLY' })
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
      await call('PUT', `/mode/${subject}`, { mode: 'IMPORT' })
      expect(await idOf(subject, record('Imported'), { id: 4242, version: 5 })).toBe(4242)
      expect(await idOf(subject, record('Imported'), { id: 4242, version: 5 })).toBe(4242)
      expect((await get(`/subjects/${subject}/versions`)).body).toEqual([5])
      await fails(
        register(subject, record('Other'), { id: 4242, version: 6 }),
        422,
        42205,
        'Overwrite new schema with id 4242 is not permitted.',
      )
      await fails(
        register(subject, record('Other'), { id: 4243, version: 5 }),
        422,
        42205,
        /Version 5 of subject .* is another schema already/,
      )
      await fails(register(subject, record('Other')), 422, 42205, /in import mode/)
      await call('DELETE', `/mode/${subject}`)
      expect(await idOf(subjectName(), record('AfterImport'))).toBeGreaterThan(4242)
    })

    it('IMPORT takes ids and versions up to 2^31-1, after which new schemas are refused', async () => {
      const largest = 2 ** 31 - 1
      const subject = `:.full:${subjectName()}`
      await put('/mode/:.full:', { mode: 'IMPORT' })
      await fails(register(subject, '"int"', { id: largest + 1, version: 1 }), 422, 422, /^id: .*2147483647/)
      await fails(register(subject, '"int"', { id: 1, version: largest + 1 }), 422, 422, /^version: .*2147483647/)
      expect(await idOf(subject, '"int"', { id: largest, version: largest })).toBe(largest)
      await fails(register(subject, '"long"', { id: 1 }), 422, 42205, /has used up its versions: 2147483647/)
      await remove('/mode/:.full:')
      await fails(register(subject, '"long"'), 422, 42205, /has used up its versions.*another subject/)
      await fails(
        register(':.full:other', '"long"'),
        422,
        42205,
        /Context '.full' has used up its ids.*another context/,
      )
      // What is there has its id.
      expect(await idOf(':.full:other', '"int"')).toBe(largest)
    })

    it('IMPORT over existing schemas has to be forced', async () => {
      const subject = subjectName()
      await idOf(subject, '"int"')
      await fails(
        call('PUT', `/mode/${subject}`, { mode: 'IMPORT' }),
        422,
        42205,
        'Cannot import since found existing subjects',
      )
      expect((await call('PUT', `/mode/${subject}?force=true`, { mode: 'IMPORT' })).body).toEqual({
        mode: 'IMPORT',
      })
      expect((await get(`/subjects/${subject}/versions`)).body).toEqual([1])
    })

    it('IMPORT clears what was soft-deleted', async () => {
      const subject = subjectName()
      await idOf(subject, '"int"')
      await call('DELETE', `/subjects/${subject}`)
      await call('PUT', `/mode/${subject}`, { mode: 'IMPORT' })
      await fails(get(`/subjects/${subject}/versions?deleted=true`), 404, 40401)
    })

    it('a mode is accepted in upper and lower case', async () => {
      const subject = subjectName()
      await answers(put(`/mode/${subject}`, { mode: 'readOnly' }), { mode: 'READONLY' })
      await answers(get(`/mode/${subject}`), { mode: 'READONLY' })
      await remove(`/mode/${subject}`)
    })

    it('have a global value, and say when a subject has none', async () => {
      expect((await get('/mode')).body).toEqual({ mode: 'READWRITE' })
      await fails(get('/mode/nowhere'), 404, 40409, "Subject 'nowhere' does not have subject-level mode configured")
      expect((await get('/mode/nowhere?defaultToGlobal=true')).body).toEqual({ mode: 'READWRITE' })
      for (const body of [{ mode: 'SOMETIMES' }, { mode: null }, {}]) await fails(put('/mode', body), 422, 42204)
      await call('PUT', '/mode', { mode: 'READONLY' })
      await fails(register(subjectName(), '"int"'), 422, 42205)
      await fails(call('PUT', '/config', { compatibility: 'NONE' }), 422, 42205, 'The registry is in read-only mode')
      await call('DELETE', '/mode')
      expect((await get('/mode')).body).toEqual({ mode: 'READWRITE' })
    })
  })
})

import { describe, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { int, record, useRegistry } from '../test-support/api.ts'

describeEngines('deleting and referring in the registry', (engine) => {
  const { subjectName, call, get, put, remove, register, idOf, fails, answers } = useRegistry(engine)

  describe('deleting', () => {
    it('a version: softly, then permanently, with the refusals in between', async () => {
      const subject = subjectName()
      await call('PUT', `/config/${subject}`, { compatibility: 'NONE' })
      const first = await idOf(subject, record('D1'))
      await idOf(subject, record('D2'))
      const path = `/subjects/${subject}/versions/1`
      await fails(
        call('DELETE', `${path}?permanent=true`),
        404,
        40407,
        `Subject '${subject}' Version 1 was not deleted first before being permanently deleted`,
      )
      expect((await call('DELETE', path)).text).toBe('1')
      await fails(
        call('DELETE', path),
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
      expect((await call('DELETE', `${path}?permanent=true`)).text).toBe('1')
      await fails(get(`${path}?deleted=true`), 404, 40402)
      await fails(get(`/schemas/ids/${first}`), 404, 40403, `Schema ${first} not found`)
    })

    it('a subject: softly, then permanently, with the refusals in between', async () => {
      const subject = subjectName()
      const path = `/subjects/${subject}`
      await fails(call('DELETE', path), 404, 40401, `Subject '${subject}' not found.`)
      await idOf(subject, record('S', int('x')))
      await idOf(subject, record('S'))
      await call('PUT', `/config/${subject}`, { compatibility: 'FULL' })
      await fails(
        call('DELETE', `${path}?permanent=true`),
        404,
        40405,
        `Subject '${subject}' was not deleted first before being permanently deleted`,
      )
      expect((await call('DELETE', path)).body).toEqual([1, 2])
      await fails(
        call('DELETE', path),
        404,
        40404,
        `Subject '${subject}' was soft deleted.Set permanent=true to delete permanently`,
      )
      await fails(get(`${path}/versions/latest`), 404, 40401)
      expect((await call('DELETE', `${path}?permanent=true`)).body).toEqual([1, 2])
      await fails(get(`${path}/versions?deleted=true`), 404, 40401)
    })

    it('keeps level and mode of a subject until it is deleted permanently', async () => {
      for (const [soft, permanent] of [
        ['', '?permanent=true'],
        ['/versions/1', '/versions/1?permanent=true'],
      ]) {
        const subject = subjectName()
        await idOf(subject, '"int"')
        await put(`/config/${subject}`, { compatibility: 'FULL' })
        await put(`/mode/${subject}`, { mode: 'READWRITE' })
        await remove(`/subjects/${subject}${soft}`)
        await answers(get(`/config/${subject}`), { compatibilityLevel: 'FULL' })
        await answers(get(`/mode/${subject}`), { mode: 'READWRITE' })
        expect((await remove(`/subjects/${subject}${permanent}`)).status).toBe(200)
        await fails(get(`/config/${subject}`), 404, 40408)
        await fails(get(`/mode/${subject}`), 404, 40409)
      }
    })

    it('the latest version never means one that is soft-deleted', async () => {
      const subject = subjectName()
      await put(`/config/${subject}`, { compatibility: 'NONE' })
      await idOf(subject, '"int"')
      await idOf(subject, '"string"')
      const latest = `/subjects/${subject}/versions/latest`
      await fails(remove(`${latest}?permanent=true`), 404, 40407)
      await answers(remove(latest), 2)
      expect((await get(`${latest}?deleted=true`)).body).toMatchObject({ version: 1 })
      // Version 2 is soft-deleted; the latest one is not.
      await fails(remove(`${latest}?permanent=true`), 404, 40407)
      await answers(remove(latest), 1)
      await fails(remove(`${latest}?permanent=true`), 404, 40402, 'Version -1 not found.')
      await fails(remove(latest), 404, 40402)
      await fails(get(`${latest}?deleted=true`), 404, 40402)
      await fails(get(latest), 404, 40401)
      await answers(get(`/subjects/${subject}/versions?deleted=true`), [1, 2])
    })

    it('gives the same schema the next version and its id again, and removes the version that it had', async () => {
      const subject = subjectName()
      const id = await idOf(subject, record('Again'))
      await idOf(subject, record('Again', '{"name":"x","type":"int","default":0}'))
      await remove(`/subjects/${subject}`)
      expect(await idOf(subject, record('Again'))).toBe(id)
      await answers(get(`/subjects/${subject}/versions`), [3])
      await answers(get(`/subjects/${subject}/versions?deleted=true`), [2, 3])
    })

    it('keeps the version that the same schema had while something refers to it', async () => {
      const [base, referrer] = [subjectName(), subjectName()]
      const money = record('Money', int('cents'))
      const references = [{ name: 'Money', subject: base, version: 1 }]
      const id = await idOf(base, money)
      await idOf(referrer, record('Order', '{"name":"price","type":"Money"}'), { references })
      await remove(`/subjects/${referrer}`)
      await remove(`/subjects/${base}`)
      expect(await idOf(base, money)).toBe(id)
      await answers(get(`/subjects/${base}/versions?deleted=true`), [1, 2])
    })

    it('gives a new id to a schema that was deleted permanently', async () => {
      const subject = subjectName()
      const id = await idOf(subject, record('Gone'))
      await call('DELETE', `/subjects/${subject}`)
      await call('DELETE', `/subjects/${subject}?permanent=true`)
      expect(await idOf(subject, record('Gone'))).toBeGreaterThan(id)
      expect((await get(`/subjects/${subject}/versions`)).body).toEqual([1])
    })

    it('does not compare with deleted versions', async () => {
      const subject = subjectName()
      await idOf(subject, record('X', int('x')))
      await call('DELETE', `/subjects/${subject}`)
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
      await answers(get(`/schemas/ids/${id}`), { schema: order, references: references(base) })
      expect((await get(`/subjects/${base}/versions/1/referencedby`)).body).toEqual([id])
      expect((await get(`/schemas/ids/${id}/schema?format=resolved`)).text).toBe(
        '{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"price","type":{"type":"record","name":"Money","fields":[{"name":"cents","type":"long"}]}}]}',
      )
      await fails(
        call('DELETE', `/subjects/${base}/versions/1`),
        422,
        42206,
        `One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=${base},version=1}.`,
      )
      await fails(call('DELETE', `/subjects/${base}`), 422, 42206)
      await call('DELETE', `/subjects/${referrer}`)
      expect((await get(`/subjects/${base}/versions/1/referencedby`)).body).toEqual([])
      expect((await call('DELETE', `/subjects/${base}`)).body).toEqual([1])
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
      expect((await call('POST', `/subjects/${referrer}`, { schema: resolved })).body).toMatchObject({
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
})

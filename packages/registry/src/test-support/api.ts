// Short words for what tests of the REST API say over and over.
import { afterAll, beforeAll, expect } from 'vitest'
import type { EngineUnderTest } from '../../../../test/support/engines.ts'
import { type Answer, startTestRegistry, type TestRegistry } from './app.ts'

export const record = (name: string, ...fields: readonly string[]) =>
  `{"type":"record","name":"${name}","fields":[${fields.join(',')}]}`
export const int = (name: string) => `{"name":"${name}","type":"int"}`

/** A registry for all tests of a suite, with the short words for it. To be called in the suite. */
export function useRegistry(engine: EngineUnderTest) {
  let registry: TestRegistry
  beforeAll(async () => {
    registry = await startTestRegistry(engine.bootstrapServers)
  })
  afterAll(() => registry.close())
  let count = 0
  return {
    ...api(() => registry),
    /** A subject that no other test uses. */
    subjectName: () => `s${++count}`,
  }
}

/** @param registry the one of the running test */
export function api(registry: () => TestRegistry) {
  const call: TestRegistry['call'] = (...request) => registry().call(...request)
  const get = (path: string) => call('GET', path)
  const put = (path: string, body: object) => call('PUT', path, body)
  const remove = (path: string) => call('DELETE', path)
  const register = (subject: string, schema: string, more: object = {}) =>
    call('POST', `/subjects/${encodeURIComponent(subject)}/versions`, { schema, ...more })
  const lookUp = (subject: string, schema: string, query = '') =>
    call('POST', `/subjects/${encodeURIComponent(subject)}${query}`, { schema })

  return {
    call,
    get,
    put,
    remove,
    register,
    lookUp,
    async idOf(subject: string, schema: string, more: object = {}): Promise<number> {
      const answer = await register(subject, schema, more)
      expect(answer.status, answer.text).toBe(200)
      return (answer.body as { id: number }).id
    },
    async fails(answer: PromiseLike<Answer>, status: number, errorCode: number, message?: string | RegExp) {
      const { status: actual, body, text } = await answer
      const found = body as { error_code?: number; message: string }
      expect([actual, found?.error_code], text).toEqual([status, errorCode])
      if (typeof message === 'string') expect(found.message).toBe(message)
      else if (message) expect(found.message).toMatch(message)
    },
    /** Guids are left out: they follow from the rest. aliases.test.ts looks at them. */
    async answers(answer: PromiseLike<Answer>, body: unknown) {
      const { status, body: actual } = await answer
      expect([status, withoutGuids(actual)]).toEqual([200, body])
    },
  }
}

export function withoutGuids(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(withoutGuids)
  if (typeof body !== 'object' || body === null) return body
  const { guid: _, ...rest } = body as { guid?: string }
  return rest
}

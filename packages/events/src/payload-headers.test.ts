import { expect, it } from 'vitest'
import { PayloadHeaders } from './payload-headers.ts'
import type { PayloadIds, PayloadVersions } from './wire/index.ts'

const types = { a: {}, b: {} }

function headersOf(...answers: (PayloadIds | Error)[]) {
  const warnings: object[] = []
  let asked = 0
  const versions = {
    async idsOf() {
      const next = answers[asked++]
      if (next === undefined || next instanceof Error) throw next ?? new Error('no more answers')
      return next
    },
  } as unknown as PayloadVersions
  const clock = { now: 0 }
  const logger = { debug() {}, info() {}, error() {}, warn: (context: object) => void warnings.push(context) }
  const headers = new PayloadHeaders('t', types, { versions, logger, now: () => clock.now })
  return { headers, warnings, clock, asked: () => asked }
}

const answer = (ids: Record<string, number>, missing: string[] = []): PayloadIds => ({
  ids: new Map(Object.entries(ids)),
  missing,
})

it('names the schema of an event type in a header, encoded once', async () => {
  const { headers, warnings } = headersOf(answer({ a: 7, b: 8 }))
  await headers.load()
  expect(headers.of('a')?.entry).toEqual(['payload.schema.id', '7'])
  expect(headers.of('a')?.encoded).toBe(headers.of('a')?.encoded)
  expect(headers.of('c')).toBeUndefined()
  expect(warnings).toEqual([])
})

it('says once which schemas are not registered, and asks for them again after a minute, without a wait', async () => {
  const missing = answer({ a: 7 }, ['t-b'])
  const { headers, warnings, clock, asked } = headersOf(missing, missing, answer({ a: 7, b: 8 }))
  await headers.load()
  expect(warnings).toEqual([{ topic: 't', subjects: ['t-b'] }])
  clock.now = 59_999
  expect(headers.of('b')).toBeUndefined()
  expect(asked()).toBe(1)
  clock.now = 60_000
  expect(headers.of('b')).toBeUndefined()
  expect(headers.of('b')).toBeUndefined()
  expect(asked()).toBe(2)
  await Promise.resolve()
  expect(warnings).toHaveLength(1)
  clock.now = 120_000
  headers.of('b')
  await Promise.resolve()
  await Promise.resolve()
  expect(headers.of('b')?.entry).toEqual(['payload.schema.id', '8'])
  headers.of('unknown')
  expect(asked()).toBe(3)
})

it('survives a registry that is away when it is asked again', async () => {
  const { headers, clock, asked } = headersOf(answer({}, ['t-a', 't-b']), new Error('away'), answer({ a: 7, b: 8 }))
  await headers.load()
  clock.now = 60_000
  expect(headers.of('a')).toBeUndefined()
  await Promise.resolve()
  expect(asked()).toBe(2)
})

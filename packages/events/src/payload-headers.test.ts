import { expect, it } from 'vitest'
import { PayloadHeaders } from './payload-headers.ts'
import type { PayloadIds, PayloadVersions } from './wire/index.ts'

const types = { a: {}, b: {} }

function headersOf(...answers: PayloadIds[]) {
  const warnings: object[] = []
  const asked: string[][] = []
  const versions = {
    async idsOf(_topic: string, eventTypes: object) {
      asked.push(Object.keys(eventTypes))
      return answers[asked.length - 1]!
    },
  } as unknown as PayloadVersions
  const clock = { now: 0 }
  const logger = { debug() {}, info() {}, error() {}, warn: (context: object) => void warnings.push(context) }
  const headers = new PayloadHeaders('t', types, { versions, logger, now: () => clock.now })
  return { headers, warnings, clock, asked }
}

const answer = (ids: Record<string, number>, missing: string[] = [], failure: Error | null = null): PayloadIds => ({
  ids: new Map(Object.entries(ids)),
  missing,
  failure,
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
  expect(asked).toHaveLength(1)
  clock.now = 60_000
  expect(headers.of('b')).toBeUndefined()
  expect(headers.of('b')).toBeUndefined()
  expect(asked).toHaveLength(2)
  await Promise.resolve()
  expect(warnings).toHaveLength(1)
  clock.now = 120_000
  headers.of('b')
  await Promise.resolve()
  await Promise.resolve()
  expect(headers.of('b')?.entry).toEqual(['payload.schema.id', '8'])
  headers.of('unknown')
  expect(asked).toEqual([['a', 'b'], ['b'], ['b']])
  expect(asked).toHaveLength(3)
})

it('keeps what a registry answered before it did not, and asks for the rest after five seconds', async () => {
  const { headers, warnings, clock, asked } = headersOf(answer({ a: 7 }, [], new Error('busy')), answer({ b: 8 }))
  await headers.load()
  expect(headers.of('a')?.entry).toEqual(['payload.schema.id', '7'])
  expect(headers.of('b')).toBeUndefined()
  expect(warnings).toEqual([{ topic: 't', reason: 'busy' }])
  clock.now = 5_000
  headers.of('b')
  await Promise.resolve()
  expect(headers.of('b')?.entry).toEqual(['payload.schema.id', '8'])
  expect(asked).toEqual([['a', 'b'], ['b']])
})

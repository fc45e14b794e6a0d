// Whatever a caller hands to `emit`: it is sent, or refused with an error that names the argument, and never thrown.
import { startBroker } from '@selfmonitor/broker'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { useEvents } from '../../../test/support/events.ts'
import { EmitManyError, EventsConfigError, RetryLater } from './index.ts'

const cyclic: Record<string, unknown> = {}
cyclic.self = cyclic

describe('emit', () => {
  let broker: Awaited<ReturnType<typeof startBroker>>
  beforeAll(async () => {
    broker = await startBroker()
  })
  afterAll(() => broker.close())
  const rig = useEvents({
    name: 'embedded',
    broker: undefined,
    get bootstrapServers() {
      return broker.bootstrapServers
    },
  })

  it.each<[string, unknown[], string]>([
    ['no topic', [undefined, 'a', {}, { userId: 'u' }], 'topic'],
    ['a topic that is a number', [5, 'a', {}, { userId: 'u' }], 'topic'],
    ['an empty event type', ['t', '', {}, { userId: 'u' }], 'eventType'],
    ['no options', ['t', 'a', {}], 'options.userId'],
    ['options that are null', ['t', 'a', {}, null], 'options'],
    ['no user', ['t', 'a', {}, {}], 'userId'],
    ['a user that is a number', ['t', 'a', {}, { userId: 7 }], 'userId'],
    ['a key that is a number', ['t', 'a', {}, { userId: 'u', key: 5 }], 'key'],
    ['a key that is null', ['t', 'a', {}, { userId: 'u', key: null }], 'key'],
    ['a time that is not a number', ['t', 'a', {}, { userId: 'u', timestampMs: Number.NaN }], 'timestampMs'],
    ['a time that is a date', ['t', 'a', {}, { userId: 'u', timestampMs: new Date() }], 'timestampMs'],
    ['a time before the epoch', ['t', 'a', {}, { userId: 'u', timestampMs: -1 }], 'timestampMs'],
    ['a fraction of a millisecond', ['t', 'a', {}, { userId: 'u', timestampMs: 1.5 }], 'timestampMs'],
    ['headers that are a list', ['t', 'a', {}, { userId: 'u', headers: [['a', 'b']] }], 'headers'],
    ['headers that are a map', ['t', 'a', {}, { userId: 'u', headers: new Map() }], 'headers'],
    ['headers that are a text', ['t', 'a', {}, { userId: 'u', headers: 'a' }], 'headers'],
    ['a header that is a number', ['t', 'a', {}, { userId: 'u', headers: { n: 5 } }], 'headers["n"]'],
    ['a header that is null', ['t', 'a', {}, { userId: 'u', headers: { n: null } }], 'headers["n"]'],
    ['a payload with a cycle', ['t', 'a', cyclic, { userId: 'u' }], 'data'],
    ['a payload with a bigint', ['t', 'a', { n: 1n }, { userId: 'u' }], 'data'],
    ['no payload', ['t', 'a', undefined, { userId: 'u' }], 'data'],
    ['a function', ['t', 'a', () => {}, { userId: 'u' }], 'data'],
  ])('refuses %s', async (_what, args, field) => {
    const stream = await rig.connect()
    const emit = stream.emit as (...given: unknown[]) => Promise<unknown>
    const error = await emit(...args).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(EventsConfigError)
    expect(error).toMatchObject({ code: 'INVALID_OPTION', field })
    expect((error as Error).message.split('\n').length).toBe(1)
  })

  it('refuses options whose getter throws, with a coded error', async () => {
    const stream = await rig.connect()
    const given = {
      get userId(): string {
        throw new TypeError('nobody is signed in')
      },
    }
    await expect(stream.emit('t', 'a', {}, given)).rejects.toMatchObject({
      code: 'EMIT_FAILED',
      message: expect.stringContaining('nobody is signed in') as unknown,
    })
  })

  it('leaves out headers without a value, also those of the first event of a topic, which waits for its schema', async () => {
    const topic = await rig.topic('user.events', { partitions: 1 })
    const stream = await rig.connect()
    const headers: string[] = []
    stream.on(topic, 'a', (event) => void headers.push([...event.headers.keys()].join()))
    const given = { userId: 'u', headers: { tenant: 'acme', trace: undefined } }
    await Promise.all([stream.emit(topic, 'a', {}, given), stream.emit(topic, 'a', {}, given)])
    await stream.emit(topic, 'a', {}, given)
    await stream.run()
    await expect.poll(() => headers, { timeout: 20_000 }).toEqual(['tenant', 'tenant', 'tenant'])
  })

  it('continues when an observer throws', async () => {
    const topic = await rig.topic('user.events', { partitions: 1 })
    const observer = {
      emitted() {
        throw new Error('the observer is broken')
      },
    }
    const warning = new Promise((resolve) => process.once('warning', resolve))
    const stream = await rig.connect({ observer })
    await stream.emit(topic, 'a', {}, { userId: 'u' })
    await stream.emit(topic, 'a', {}, { userId: 'u' })
    expect(await warning).toMatchObject({ message: 'the observer is broken' })
  })

  it('names the wrong event of a list', async () => {
    const stream = await rig.connect()
    const emitMany = stream.emitMany as (events: unknown) => Promise<unknown>
    await expect(emitMany(undefined)).rejects.toMatchObject({ code: 'INVALID_OPTION', field: 'events' })
    const error = await emitMany([{ topic: 't', eventType: 'a', data: {}, userId: 'u' }, null]).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(EmitManyError)
    expect((error as EmitManyError).outcomes.map((one) => !one.ok && one.error.message)).toEqual([
      expect.stringContaining('other events of the call are invalid'),
      expect.stringContaining('null'),
    ])
  })
})

describe('RetryLater', () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, undefined])('refuses %s as a time', (delayMs) => {
    expect(() => new RetryLater(delayMs as number)).toThrow('delayMs: must be a number of milliseconds')
  })
})

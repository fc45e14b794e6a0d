import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { envelopeSchema, until } from '../../../test/support/events.ts'
import { EventsError } from './errors.ts'
import { startTestPlatform, type TestPlatform } from './testing.ts'

describe('the test platform', () => {
  let platform: TestPlatform
  beforeAll(async () => {
    const eventTypes = { user_created: { type: 'object', required: ['email'] }, user_closed: {} }
    platform = await startTestPlatform({ topics: { 'user.events': { partitions: 2, eventTypes } } })
  })
  afterEach(() => platform.broker.faults.clear())
  afterAll(() => platform?.close())

  it('reports the emitted and the handled events', async () => {
    const stream = await platform.connect({ service: 'a' })
    stream.on('user.events', 'user_created', () => {})
    await stream.run()
    const { eventId } = await stream.emit('user.events', 'user_created', { email: 'a@b.c' }, { userId: 'u' })
    expect(platform.emitted).toMatchObject([
      { eventId, eventType: 'user_created', userId: 'u', data: { email: 'a@b.c' } },
    ])
    expect(await platform.waitForHandled(eventId)).toMatchObject({ eventId, topic: 'user.events' })
    expect(await platform.waitForHandled(({ userId }) => userId === 'u')).toMatchObject({ eventId })
    expect(platform.handled.length).toBe(1)
    await stream.close()
  })

  it('reports what happened instead when an event was not handled', async () => {
    const stream = await platform.connect({ service: 'b', from: 'latest' })
    stream.on('user.events', 'user_created', () => {
      throw new Error('the mail server is down')
    })
    await stream.run()
    const { eventId } = await stream.emit('user.events', 'user_created', { email: 'a@b.c' }, { userId: 'u' })
    await expect(platform.waitForHandled(eventId)).rejects.toThrow(
      `event ${eventId} became a dead letter: the mail server is down`,
    )
    await expect(platform.waitForHandled('nobody', 20)).rejects.toThrow(
      /event nobody was not handled within 20 ms\. Emitted \(\d+\): .*Dead letters \(1\)/,
    )
    await expect(platform.waitForHandled('nobody', 20)).rejects.toBeInstanceOf(EventsError)
    await stream.close()
  })

  it('validates as the service would', async () => {
    const stream = await platform.connect({ service: 'c' })
    await expect(stream.emit('user.events', 'user_created', {}, { userId: 'u' })).rejects.toMatchObject({
      code: 'EVENT_INVALID',
    })
    await expect(stream.emit('user.event', 'user_created', {}, { userId: 'u' })).rejects.toThrow(
      'did you mean "user.events"?',
    )
  })

  it('lets the broker fail: an event survives a connection that breaks while it is being written', async () => {
    const stream = await platform.connect({ service: 'd' })
    await stream.emit('user.events', 'user_closed', {}, { userId: 'warm' })
    const before = platform.emitted.length
    platform.broker.faults.add({ api: 'Produce', topic: 'user.events', nth: 1, action: { close: true } })
    platform.broker.faults.add({
      api: 'Produce',
      topic: 'user.events',
      nth: 2,
      action: { error: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND' },
    })
    await stream.emit('user.events', 'user_closed', {}, { userId: 'u' })
    expect(platform.emitted.length).toBe(before + 1)
  })

  it('loses nothing while dead letters cannot be written: the partition waits, other keys go on', async () => {
    const topics = { 'pay.events': { partitions: 1 }, 'pay.events.dlq': { partitions: 1 } }
    const own = await startTestPlatform({ topics })
    try {
      const stream = await own.connect({ service: 'payments', deliveryTimeoutMs: 200, retry: { attempts: 1 } })
      stream.on('pay.events', '*', ({ eventType }) => {
        if (eventType === 'bad') throw new Error('broken')
      })
      const remove = own.broker.faults.add({
        api: 'Produce',
        topic: 'pay.events.dlq',
        action: { error: 'TOPIC_AUTHORIZATION_FAILED' },
      })
      await stream.emit('pay.events', 'good', {}, { userId: 'a' })
      const bad = await stream.emit('pay.events', 'bad', {}, { userId: 'b' })
      const after = await stream.emit('pay.events', 'good', {}, { userId: 'a' })
      await stream.run()
      await own.waitForHandled(after.eventId)
      await own.broker.waitForCommit('payments', 'pay.events', 0, 1n)
      await until(
        'two tries to write the dead letter',
        () => own.broker.requests.list().filter(({ api }) => api === 'Produce').length > 5,
      )
      expect(own.deadLettered).toEqual([])

      remove()
      await own.waitForDeadLetter(bad.eventId)
      await own.broker.waitForCommit('payments', 'pay.events', 0, 3n)
    } finally {
      await own.close()
    }
  })

  it('continues after its group forgot it: partitions are lost and assigned again, both are logged as warnings, and nothing is skipped', async () => {
    const own = await startTestPlatform({ topics: { 'pay.events': { partitions: 2 } } })
    try {
      const warnings: string[] = []
      const warn = (_: object, message: string) => void warnings.push(message)
      const logger = { debug() {}, info() {}, warn, error() {} }
      const stream = await own.connect({ service: 'payments', sessionTimeoutMs: 6000, logger })
      stream.on('pay.events', '*', () => {})
      await stream.run()
      const one = await stream.emit('pay.events', 'paid', {}, { userId: 'a' })
      await own.waitForHandled(one.eventId)
      own.broker.faults.add({ api: 'Heartbeat', group: 'payments', nth: 1, action: { error: 'UNKNOWN_MEMBER_ID' } })
      await until('the second assignment', () => stream.stats().rebalances === 2)
      const two = await stream.emit('pay.events', 'paid', {}, { userId: 'a' })
      await own.waitForHandled(two.eventId)
      expect(stream.stats().assignedPartitions).toBe(2)
      expect(warnings).toEqual([
        'this member was removed from its group: its partitions are lost',
        'this member is in its group again and has partitions',
      ])
    } finally {
      await own.close()
    }
  })

  it('takes topics and schemas from the folder of a platform file', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'platform-'))
    mkdirSync(join(dir, 'schemas', 'ml.predictions'), { recursive: true })
    writeFileSync(join(dir, 'schemas', 'ml.predictions.avsc'), JSON.stringify(envelopeSchema))
    writeFileSync(join(dir, 'schemas', 'ml.predictions', 'scored.json'), '{"type":"object","required":["score"]}')
    const own = await startTestPlatform({ dir })
    try {
      const stream = await own.connect({ service: 'ml' })
      await stream.emit('ml.predictions', 'scored', { score: 1 }, { userId: 'u' })
      await expect(stream.emit('ml.predictions', 'scored', {}, { userId: 'u' })).rejects.toMatchObject({
        code: 'EVENT_INVALID',
      })
    } finally {
      await own.close()
      rmSync(dir, { recursive: true })
    }
    await expect(startTestPlatform({ dir })).rejects.toThrow('there is neither a platform.yaml nor a folder schemas')
  })
})

import fastify from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventsPlugin } from './fastify.ts'
import { startTestPlatform, type TestPlatform } from './testing.ts'

describe('the Fastify plugin', () => {
  let platform: TestPlatform
  beforeAll(async () => {
    platform = await startTestPlatform({ topics: { 'user.events': {} } })
  })
  afterAll(() => platform?.close())

  it('gives the service its stream, runs its handlers once it is ready, and closes it last', async () => {
    const app = fastify()
    const handled: string[] = []
    await app.register(eventsPlugin, {
      ...platform.options,
      service: 'user-service',
      readiness: '/ready',
      handlers: (events) => void events.on('user.events', '*', ({ eventType }) => void handled.push(eventType)),
    })
    const ada = { email: 'ada@example.com', country: 'GB', channel: 'web' } as const
    app.post('/users', async () => {
      const { eventId } = await app.events.emit('user.events', 'user_created', ada, { userId: 'u' })
      return { eventId }
    })
    await app.ready()

    // The service is there before its group has given it partitions.
    await expect
      .poll(async () => (await app.inject('/ready')).json(), { timeout: 20_000 })
      .toEqual({
        ready: true,
        broker: 'connected',
        consumer: 'running',
        problems: [],
      })
    const { eventId } = (await app.inject({ method: 'POST', url: '/users' })).json<{ eventId: string }>()
    await platform.waitForHandled(eventId)
    expect(handled).toEqual(['user_created'])

    await app.close()
    await expect(app.events.emit('user.events', 'user_created', ada, { userId: 'u' })).rejects.toMatchObject({
      code: 'CLOSED',
    })
  })

  it('serves the metrics of the stream, with durations from the first event on', async () => {
    const app = fastify()
    await app.register(eventsPlugin, {
      ...platform.options,
      service: 'measured-service',
      from: 'latest',
      metricsPath: '/metrics',
      handlers: (events) => void events.on('user.events', '*', () => {}),
    })
    await app.ready()
    await expect.poll(() => app.events.health().consumer, { timeout: 20_000 }).toBe('running')
    const ada = { email: 'ada@example.com', country: 'GB', channel: 'web' } as const
    const { eventId } = await app.events.emit('user.events', 'user_created', ada, { userId: 'u' })
    await platform.waitForHandled(eventId)
    const { headers, body } = await app.inject('/metrics')
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(body).toMatch(/^messaging_client_sent_messages_total\{.*messaging_destination_name="user.events".*\} 1$/m)
    expect(body).toMatch(/^selfmonitor_events_consumed_total\{.*messaging_destination_name="user.events"\} \d+$/m)
    await app.close()
  })

  it('does not keep the service from listening while its group is not joined yet, and says so', async () => {
    platform.broker.faults.add({ api: 'JoinGroup', action: { error: 'COORDINATOR_NOT_AVAILABLE' } })
    const app = fastify()
    await app.register(eventsPlugin, {
      ...platform.options,
      service: 'patient-service',
      readiness: '/ready',
      handlers: (events) => void events.on('user.events', '*', () => {}),
    })
    await app.ready()
    const ready = () => app.inject('/ready')
    expect((await ready()).statusCode).toBe(503)
    expect((await ready()).json()).toMatchObject({ ready: false, broker: 'connected', consumer: 'joining' })
    const problems = async () => (await ready()).json<{ problems: object[] }>().problems
    await expect
      .poll(problems, { timeout: 20_000 })
      .toMatchObject([{ resource: 'group patient-service', code: 'COORDINATOR_NOT_AVAILABLE', fatal: false }])
    platform.broker.faults.clear()
    await expect.poll(async () => (await ready()).statusCode, { timeout: 20_000 }).toBe(200)
    await app.close()
  })

  it('shows why it cannot join its group, and continues when that is fixed', async () => {
    platform.broker.faults.add({ api: 'JoinGroup', action: { error: 'GROUP_AUTHORIZATION_FAILED' } })
    const app = fastify()
    await app.register(eventsPlugin, {
      ...platform.options,
      service: 'denied-service',
      readiness: '/ready',
      handlers: (events) => void events.on('user.events', '*', () => {}),
    })
    await app.ready()
    const ready = () => app.inject('/ready')
    const problems = async () => (await ready()).json<{ problems: object[] }>().problems
    await expect
      .poll(problems, { timeout: 20_000 })
      .toMatchObject([{ resource: 'group denied-service', code: 'GROUP_REFUSED', fatal: true }])
    platform.broker.faults.clear()
    await expect.poll(async () => (await ready()).statusCode, { timeout: 20_000 }).toBe(200)
    await app.close()
  })

  it('keeps a service from starting without a broker, and says why', async () => {
    const app = fastify()
    const registered = app.register(eventsPlugin, { service: 'user-service', bootstrapServers: '127.0.0.1:1' })
    await expect(registered).rejects.toThrow('No Kafka broker answers at 127.0.0.1:1')
    await app.close()
  })
})

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

    expect((await app.inject('/ready')).json()).toEqual({
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

  it('keeps a service from starting without a broker, and says why', async () => {
    const app = fastify()
    const registered = app.register(eventsPlugin, { service: 'user-service', bootstrapServers: '127.0.0.1:1' })
    await expect(registered).rejects.toThrow('No Kafka broker answers at 127.0.0.1:1')
    await app.close()
  })
})

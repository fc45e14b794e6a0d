// The user service: people sign up and verify their address over HTTP, and everyone else hears of it as events.
import { randomUUID } from 'node:crypto'
import { EventValidationError } from '@selfmonitor/events'
import { type EventsPluginOptions, eventsPlugin } from '@selfmonitor/events/fastify'
import fastify, { type FastifyInstance } from 'fastify'
import type { Events, UserCreated, UserVerified } from '../../events.generated.ts'

declare module '@selfmonitor/events/fastify' {
  interface EventsRegister {
    events: Events
  }
}

/** @param events where the broker and the registry are; default: the environment */
export async function buildApp(events: EventsPluginOptions = {}): Promise<FastifyInstance> {
  const app = fastify()
  await app.register(eventsPlugin, { service: 'user-service', readiness: '/ready', metricsPath: '/metrics', ...events })

  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof EventValidationError)
      return reply.code(400).send({ error: error.message, problems: error.problems })
    throw error
  })

  app.post<{ Body: UserCreated }>('/users', async (request, reply) => {
    const userId = randomUUID()
    // The answer is sent when the event is safe: every replica has it.
    const { eventId } = await app.events.emit('user.events', 'user_created', request.body, { userId })
    return reply.code(201).send({ userId, eventId })
  })

  app.post<{ Params: { userId: string }; Body: Pick<UserVerified, 'channel'> }>(
    '/users/:userId/verification',
    async (request, reply) => {
      const { userId } = request.params
      const data = { channel: request.body.channel, verified_at: new Date().toISOString() }
      const { eventId } = await app.events.emit('user.events', 'user_verified', data, { userId })
      return reply.code(202).send({ eventId })
    },
  )

  return app
}

// `@selfmonitor/events/fastify`: gives a Fastify service its event stream and closes it with the service.
import { metricsContentTypes } from '@selfmonitor/http/metrics'
import type { FastifyPluginAsync } from 'fastify'
import plugin from 'fastify-plugin'
import { connectEvents } from './stream.ts'
import type { CatalogueOf, EventCatalogue, EventStream, EventStreamOptions } from './types.ts'

/**
 * Where a service names its catalogue, so that `fastify.events` is typed by it:
 * `declare module '@selfmonitor/events/fastify' { interface EventsRegister { events: Events } }`
 */
// biome-ignore lint/suspicious/noEmptyInterface: services add to it
export interface EventsRegister {}

type Registered = EventsRegister extends { events: infer Events extends CatalogueOf<Events> } ? Events : EventCatalogue

declare module 'fastify' {
  interface FastifyInstance {
    events: EventStream<Registered>
  }
}

export interface EventsPluginOptions extends EventStreamOptions {
  /**
   * Names the handlers; they run once the service listens and its group has given it partitions. The service does not wait
   * for the group: after a crash the group waits for the dead member, for longer than Fastify waits for its plugins.
   */
  handlers?: (events: EventStream<Registered>) => void
  /**
   * Path that answers 200 while events can be emitted and handled, else 503: also while the group is being joined
   * (`consumer: joining`). The body says what is in the way. Default: no such route.
   */
  readiness?: string
  /**
   * Path that answers the stream's metrics as text for Prometheus; durations are measured from the start then. For a service without
   * an OpenTelemetry SDK. Default: no such route.
   */
  metricsPath?: string
}

const register: FastifyPluginAsync<EventsPluginOptions> = async (
  fastify,
  { handlers, readiness, metricsPath, ...options },
) => {
  const events = await connectEvents<Registered>({ metrics: metricsPath !== undefined, ...options })
  fastify.decorate('events', events)
  // After the requests that are under way, which may still emit.
  fastify.addHook('onClose', () => events.close())
  if (handlers !== undefined) {
    handlers(events)
    fastify.addHook('onReady', () => events.run({ waitForGroup: false }))
  }
  if (readiness !== undefined) {
    fastify.get(readiness, async (_request, reply) => {
      const health = events.health()
      return reply.code(health.ready ? 200 : 503).send(health)
    })
  }
  if (metricsPath !== undefined) {
    fastify.get(metricsPath, async (_request, reply) =>
      reply.type(metricsContentTypes.prometheus).send(events.metrics()),
    )
  }
}

/** The plugin: `await fastify.register(eventsPlugin, { service: 'user-service' })`. */
export const eventsPlugin = plugin(register, { name: '@selfmonitor/events', fastify: '5.x' })

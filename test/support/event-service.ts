// A service as its users write one, in a process of its own, so that a test can kill it:
// `node event-service.ts <JSON of EventsPluginOptions and the topic>`. It prints its address when it listens.
import type { EventStream } from '@selfmonitor/events'
import { eventsPlugin } from '@selfmonitor/events/fastify'
import fastify from 'fastify'

const { topic, ...options } = JSON.parse(process.argv[2]!) as { topic: string }

const app = fastify()
await app.register(eventsPlugin, {
  ...options,
  schemas: null,
  readiness: '/ready',
  handlers(events) {
    const untyped = events as unknown as EventStream
    untyped.on(topic, '*', ({ eventId }) => void process.stdout.write(`handled ${eventId}\n`))
  },
})
process.once('SIGTERM', () => void app.close().then(() => process.exit(0)))
process.stdout.write(`${await app.listen({ host: '127.0.0.1', port: 0 })}\n`)

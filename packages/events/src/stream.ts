// Puts the parts together: what `connectEvents` returns.
import { createRegistryClient } from '@selfmonitor/registry'
import { createEmitter } from './emitter.ts'
import { EventsClosedError, EventsConfigError, EventsConnectionError, EventsError } from './errors.ts'
import { type Consumer, createConsumer, createDeadLetterWriter } from './handle/index.ts'
import {
  createKafkaClient,
  createProducer,
  isAuthenticationFailure,
  type KafkaClient,
  pause,
  reasonOf,
} from './kafka/index.ts'
import { defaultLogger } from './logger.ts'
import { resolveOptions } from './options.ts'
import { createProblems } from './problems.ts'
import type { CatalogueOf, EventCatalogue, EventHandler, EventStream, EventStreamOptions } from './types.ts'
import {
  createCatalogue,
  createCodec,
  createUuidGenerator,
  findSchemasFolder,
  type PayloadSchemas,
  readSchemasFolder,
} from './wire/index.ts'

/**
 * Connects a service to its events. Settings come from `options`, then from the environment.
 * @throws EventsConfigError naming the setting that is wrong; EventsConnectionError when a broker or the registry does
 *   not answer
 */
export async function connectEvents<Events extends CatalogueOf<Events> = EventCatalogue>(
  options: EventStreamOptions = {},
): Promise<EventStream<Events>> {
  const settings = resolveOptions(options)
  const logger = options.logger ?? defaultLogger
  const { service } = settings
  const catalogue = createCatalogue(options.schemas === undefined ? foundSchemas() : options.schemas)
  const registry = createRegistryClient({ url: settings.registryUrl })
  const codec = createCodec(registry)

  const problems = createProblems(logger)
  const clients: KafkaClient[] = []
  const connect = (requestTimeoutMs: number): KafkaClient => {
    const { bootstrapServers, sasl, tls } = settings
    const client = createKafkaClient({ bootstrapServers, clientId: service, requestTimeoutMs, sasl, tls })
    clients.push(client)
    return client
  }
  const produceClient = connect(40_000)

  const producer = createProducer({
    client: produceClient,
    logger,
    deliveryTimeoutMs: settings.deliveryTimeoutMs,
    maxWaitingBytes: settings.maxWaitingBytes,
    onRoom: () => emitter.resume(),
  })
  const emitter = createEmitter({
    clientId: service,
    producer,
    catalogue,
    codec,
    newId: createUuidGenerator(),
    now: Date.now,
    deliveryTimeoutMs: settings.deliveryTimeoutMs,
    ...(options.observer === undefined ? {} : { observer: options.observer }),
  })

  try {
    await produceClient.describe([])
  } catch (error) {
    await produceClient.close()
    if (isAuthenticationFailure(error)) {
      throw new EventsError(
        'AUTHENTICATION_FAILED',
        `${settings.bootstrapServers} refuses the user ${settings.sasl?.username} (${reasonOf(error)}): check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and KAFKA_SASL_MECHANISM`,
        { cause: error },
      )
    }
    const reason = reasonOf(error)
    // What a broker that speaks SASL or TLS does to a client that does not.
    const hint = reason === 'Connection closed' ? ': does it want SASL or TLS?' : ''
    throw new EventsConnectionError('broker', settings.bootstrapServers, `${reason}${hint}`, error)
  }
  try {
    await registry.subjects()
  } catch (error) {
    await produceClient.close()
    throw new EventsConnectionError('registry', settings.registryUrl, reasonOf(error), error)
  }
  logger.debug({ service, bootstrapServers: settings.bootstrapServers, registryUrl: settings.registryUrl }, 'connected')

  const handlers = new Map<string, Map<string, EventHandler>>()
  let consumer: Consumer | null = null
  let closing: Promise<void> | null = null

  async function shutDown(): Promise<void> {
    await consumer?.stop()
    // No longer than handlers get: with the broker gone, what is unacknowledged fails.
    const limit = new AbortController()
    await Promise.race([flush(), pause(settings.drainTimeoutMs, limit.signal)])
    limit.abort()
    emitter.close()
    producer.close()
    await Promise.all(clients.map((client) => client.close()))
    logger.debug({ service }, 'closed')
  }

  async function flush(): Promise<void> {
    // What waits for room moves into the producer as it empties.
    while (emitter.waiting() > 0 || producer.stats().waiting > 0) {
      await producer.flush()
      if (emitter.waiting() > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  const stream: EventStream<EventCatalogue> = {
    service,
    emit: (topic, eventType, data, given) => {
      if (closing !== null) return Promise.reject(new EventsClosedError('emit'))
      return emitter.emit(topic, eventType, data, given)
    },
    emitMany: (events) => {
      if (closing !== null) return Promise.reject(new EventsClosedError('emitMany'))
      return emitter.emitMany(events)
    },

    on(topic: string, eventType: string, handler: EventHandler) {
      if (consumer !== null) throw new EventsConfigError('on', `name all handlers before run() (${topic} ${eventType})`)
      if (typeof topic !== 'string' || topic === '') {
        throw new EventsConfigError('topic', 'must be a text that is not empty')
      }
      if (typeof eventType !== 'string' || eventType === '') {
        throw new EventsConfigError('eventType', `must be a text that is not empty (topic ${topic})`)
      }
      if (typeof handler !== 'function')
        throw new EventsConfigError('on', `the handler of ${topic} ${eventType} is not a function`)
      if (eventType !== '*') catalogue.check(topic, eventType)
      const ofTopic = handlers.get(topic) ?? new Map<string, EventHandler>()
      if (ofTopic.has(eventType)) throw new EventsConfigError('on', `${topic} ${eventType} has a handler already`)
      handlers.set(topic, ofTopic.set(eventType, handler))
      return stream
    },

    async run() {
      if (closing !== null) throw new EventsClosedError('run')
      if (consumer !== null) throw new EventsConfigError('run', 'was called before')
      if (handlers.size === 0) throw new EventsConfigError('run', 'there is no handler yet: call on() first')
      consumer = createConsumer({
        settings,
        handlers,
        // JoinGroup takes as long as the slowest member's rejoin.
        clients: {
          control: connect(30_000),
          join: connect(Math.max(60_000, settings.sessionTimeoutMs) + 30_000),
          fetch: connect(30_000),
        },
        codec,
        deadLetters: createDeadLetterWriter(settings, producer, logger),
        logger,
        problems,
        random: Math.random,
        ...(options.observer === undefined ? {} : { observer: options.observer }),
      })
      try {
        await consumer.start()
      } catch (error) {
        await stream.close()
        throw error
      }
    },

    flush,

    close() {
      closing ??= shutDown()
      return closing
    },

    stats() {
      const waiting = producer.stats().waiting + emitter.waiting()
      const handling = consumer?.stats() ?? idle
      return { ...emitter.counters, emitWaiting: waiting, ...handling }
    },

    health() {
      const connected = clients.every((client) => client.isReachable())
      const state =
        consumer === null ? 'not started' : closing !== null ? 'closed' : consumer.joined() ? 'running' : 'joining'
      const list = problems.list()
      return {
        ready: closing === null && connected && state !== 'joining' && !list.some(({ fatal }) => fatal),
        broker: connected ? 'connected' : 'disconnected',
        consumer: state,
        problems: list,
      }
    },
  }
  // The parts know events by name; the types of the caller's catalogue exist at compile time only.
  return stream as unknown as EventStream<Events>
}

function foundSchemas(): PayloadSchemas | null {
  const folder = findSchemasFolder('.')
  return folder === null ? null : readSchemasFolder(folder)
}

const idle = {
  handled: 0,
  retried: 0,
  deadLettered: 0,
  skipped: 0,
  running: 0,
  queued: 0,
  assignedPartitions: 0,
  rebalances: 0,
}

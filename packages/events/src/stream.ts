// Puts the parts together: what `connectEvents` returns.
import { findShapes, PlatformError } from '@selfmonitor/platform/shapes'
import { createRegistryClient } from '@selfmonitor/registry'
import { createEmitter } from './emitter.ts'
import { EventsClosedError, EventsConfigError, EventsConnectionError } from './errors.ts'
import { type Consumer, createConsumer, createDeadLetterWriter, type TopicHandlers } from './handle/index.ts'
import {
  createCompressor,
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
import { connectionError, isRegistryAnswer, reach } from './reach.ts'
import type {
  CatalogueOf,
  EmitOptions,
  EventCatalogue,
  EventHandler,
  EventStream,
  EventStreamOptions,
  OutgoingEvent,
  OutgoingRecord,
  RecordHandler,
  RecordOptions,
  RecordResult,
} from './types.ts'
import {
  createCatalogue,
  createCodec,
  createUuidGenerator,
  type PayloadSchemas,
  type RecordValue,
} from './wire/index.ts'

/** The stream as its parts know it: by names. The types of the caller's catalogue exist at compile time only. */
interface UntypedStream extends Omit<EventStream, 'emit' | 'emitMany' | 'on'> {
  emit(topic: string, ...rest: unknown[]): Promise<RecordResult>
  emitMany(all: readonly Outgoing[]): Promise<RecordResult[]>
  on(topic: string, ...more: [string, EventHandler] | [RecordHandler]): UntypedStream
}

type Outgoing = OutgoingEvent<EventCatalogue> | OutgoingRecord<EventCatalogue>

function isOutgoingRecord(one: unknown): one is OutgoingRecord<EventCatalogue> {
  return typeof one === 'object' && one !== null && 'value' in one && !('eventType' in one)
}

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
  const catalogue = createCatalogue(options.schemas === undefined ? await foundSchemas() : options.schemas)
  const registry = createRegistryClient({ url: settings.registryUrl, ...settings.registryLogin })
  const codec = createCodec(registry, settings.origins.registryUrl)

  const problems = createProblems(logger)
  const clients: KafkaClient[] = []
  const unreachable = new Set<KafkaClient>()
  const connect = (requestTimeoutMs: number): KafkaClient => {
    const { bootstrapServers, sasl, tls } = settings
    const onReachable = (reachable: boolean, reason: string | null): void => {
      if (reachable) unreachable.delete(client)
      else unreachable.add(client)
      const message = `no broker answers at ${bootstrapServers}, from ${settings.origins.bootstrapServers} (${reason})`
      if (!reachable) problems.report('broker', { code: 'BROKER_UNREACHABLE', message, fatal: false })
      else if (unreachable.size === 0) problems.solved('broker')
    }
    const client = createKafkaClient({ bootstrapServers, clientId: service, requestTimeoutMs, sasl, tls, onReachable })
    clients.push(client)
    return client
  }
  const produceClient = connect(40_000)

  const producer = createProducer({
    client: produceClient,
    logger,
    deliveryTimeoutMs: settings.deliveryTimeoutMs,
    maxWaitingBytes: settings.maxWaitingBytes,
    compressor: createCompressor(settings.compression),
    onRoom: () => emitter.resume(),
  })
  const emitter = createEmitter({
    clientId: service,
    producer,
    catalogue,
    codec,
    newId: createUuidGenerator(),
    now: Date.now,
    random: Math.random,
    deliveryTimeoutMs: settings.deliveryTimeoutMs,
    ...(options.observer === undefined ? {} : { observer: options.observer }),
  })

  const deadlineMs = Date.now() + settings.waitForBrokerMs
  try {
    await reach(() => produceClient.describe([]), isAuthenticationFailure, deadlineMs).catch((error: unknown) => {
      throw connectionError(settings, error)
    })
    await reach(() => registry.subjects(), isRegistryAnswer, deadlineMs).catch((error: unknown) => {
      throw new EventsConnectionError('registry', registry.url, settings.origins.registryUrl, reasonOf(error), error)
    })
  } catch (error) {
    await produceClient.close()
    throw error
  }
  logger.debug({ service, bootstrapServers: settings.bootstrapServers, registryUrl: registry.url }, 'connected')

  const handlers = new Map<string, TopicHandlers>()
  let consumer: Consumer | null = null
  let closing: Promise<void> | null = null

  async function shutDown(): Promise<void> {
    await consumer?.stop()
    // No longer than handlers get: with the broker gone, what is unacknowledged fails.
    const limit = new AbortController()
    await Promise.race([emitter.flush(), pause(settings.drainTimeoutMs, limit.signal)])
    limit.abort()
    emitter.close()
    producer.close()
    await Promise.all(clients.map((client) => client.close()))
    logger.debug({ service }, 'closed')
  }

  const stream: UntypedStream = {
    service,
    emit(topic: string, ...rest: unknown[]) {
      if (closing !== null) return Promise.reject(new EventsClosedError('emit'))
      // An event type is text, and the value of a record never is.
      if (rest.length > 2 || typeof rest[0] === 'string') {
        const [eventType, data, given] = rest
        return emitter.emit(topic, eventType as string, data, given as EmitOptions)
      }
      const [value, given] = rest
      return emitter.emitRecord(topic, value as RecordValue | null, given as RecordOptions)
    },
    emitMany(all: readonly Outgoing[]) {
      if (closing !== null) return Promise.reject(new EventsClosedError('emitMany'))
      const records = Array.isArray(all) ? all.filter(isOutgoingRecord) : []
      if (records.length === 0) return emitter.emitMany(all as OutgoingEvent<EventCatalogue>[])
      if (records.length === all.length) return emitter.emitManyRecords(records)
      const problem = 'takes events or records, not both in one call'
      return Promise.reject(new EventsConfigError('events', problem))
    },

    on(topic: string, ...more: [string, EventHandler] | [RecordHandler]) {
      const eventType = more.length === 1 ? null : more[0]
      const handler = more.at(-1)
      const what = eventType === null ? topic : `${topic} ${eventType}`
      if (consumer !== null) throw new EventsConfigError('on', `name all handlers before run() (${what})`)
      if (typeof topic !== 'string' || topic === '') {
        throw new EventsConfigError('topic', 'must be a text that is not empty')
      }
      if (eventType !== null && (typeof eventType !== 'string' || eventType === '')) {
        throw new EventsConfigError('eventType', `must be a text that is not empty (topic ${topic})`)
      }
      if (typeof handler !== 'function') {
        throw new EventsConfigError('on', `the handler of ${what} is not a function`)
      }
      if (eventType === null) catalogue.checkRecord(topic)
      else if (eventType !== '*') catalogue.check(topic, eventType)
      const known = handlers.get(topic)
      if (eventType === null) {
        if (known !== undefined) throw new EventsConfigError('on', `${topic} has a handler already`)
        const schema = catalogue.recordSchema(topic)
        handlers.set(topic, { kind: 'records', handler: handler as RecordHandler, schema })
        return stream
      }
      const ofTopic = known ?? { kind: 'events', byType: new Map<string, EventHandler>() }
      if (ofTopic.kind === 'records' || ofTopic.byType.has(eventType)) {
        throw new EventsConfigError('on', `${ofTopic.kind === 'records' ? topic : what} has a handler already`)
      }
      ofTopic.byType.set(eventType, handler as EventHandler)
      handlers.set(topic, ofTopic)
      return stream
    },

    async run({ waitForGroup = true } = {}) {
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
      const started = consumer.start()
      if (!waitForGroup) {
        // A refusal is among the problems then, and joining goes on.
        started.catch(() => undefined)
        return
      }
      try {
        await started
      } catch (error) {
        await stream.close()
        throw error
      }
    },

    flush: () => emitter.flush(),

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
      const state = consumer === null ? 'not started' : closing !== null ? 'closed' : memberState(consumer)
      const list = problems.list()
      return {
        ready:
          closing === null &&
          connected &&
          state !== 'joining' &&
          state !== 'fenced' &&
          !list.some(({ fatal }) => fatal),
        broker: connected ? 'connected' : 'disconnected',
        consumer: state,
        problems: list,
      }
    },
  }
  return stream as unknown as EventStream<Events>
}

function memberState(consumer: Consumer): 'joining' | 'running' | 'fenced' {
  if (consumer.fenced()) return 'fenced'
  return consumer.joined() ? 'running' : 'joining'
}

/** @throws EventsConfigError with everything that is wrong with the schemas of the folder, or of its platform file */
async function foundSchemas(): Promise<PayloadSchemas | null> {
  try {
    return await findShapes('.', { environment: process.env.SELFMONITOR_ENV })
  } catch (error) {
    if (error instanceof PlatformError) throw new EventsConfigError('schemas', error.message)
    throw error
  }
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

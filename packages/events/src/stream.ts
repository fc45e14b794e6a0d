// The event stream that `connectEvents` returns, made from its parts.
import { findShapes, PlatformError } from '@selfmonitor/platform/shapes'
import { createRegistryClient, type RegistryClient } from '@selfmonitor/registry'
import { createEmitter, type Emitter } from './emitter.ts'
import { EventsClosedError, EventsConfigError, EventsConnectionError } from './errors.ts'
import {
  addHandler,
  type Consumer,
  createConsumer,
  createDeadLetterWriter,
  type TopicHandlers,
} from './handle/index.ts'
import {
  createCompressor,
  createKafkaClient,
  createProducer,
  isAuthenticationFailure,
  type KafkaClient,
  type Producer,
  pause,
  reasonOf,
} from './kafka/index.ts'
import { defaultLogger } from './logger.ts'
import { type ResolvedOptions, resolveOptions } from './options.ts'
import { createProblems, type Problems } from './problems.ts'
import { connectionError, isRegistryAnswer, reach, whenStarted } from './reach.ts'
import { createStreamMetrics, loadOpenTelemetry, type StreamMetrics, type Tracing } from './telemetry/index.ts'
import type {
  CatalogueOf,
  EmitOptions,
  EventCatalogue,
  EventHandler,
  EventStream,
  EventStreamHealth,
  EventStreamOptions,
  EventStreamStats,
  Logger,
  OutgoingEvent,
  OutgoingRecord,
  RecordHandler,
  RecordOptions,
  RecordResult,
  RunOptions,
} from './types.ts'
import {
  type Catalogue,
  type Codec,
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

/** A stream's parts, and where it is between `connectEvents` and `close`. */
interface StreamState {
  readonly options: EventStreamOptions
  readonly settings: ResolvedOptions
  readonly logger: Logger
  readonly problems: Problems
  readonly connections: Connections
  readonly catalogue: Catalogue
  readonly codec: Codec
  readonly producer: Producer
  readonly emitter: Emitter
  readonly metrics: StreamMetrics
  readonly tracing: Tracing
  readonly handlers: Map<string, TopicHandlers>
  /** null before `run`. */
  consumer: Consumer | null
  /** null before `close`. */
  closing: Promise<void> | null
}

/** The stream's clients, and which of them reach no broker. */
interface Connections {
  readonly all: KafkaClient[]
  readonly unreachable: Set<KafkaClient>
}

/** How long a request may take, in milliseconds. */
const requestTimeoutMs = 30_000
/** The broker itself waits half a minute for the replicas. */
const produceTimeoutMs = 40_000

/**
 * Connects a service to its events. Settings come from `options`, then from the environment.
 * @throws EventsConfigError naming the setting that is wrong; EventsError PLATFORM_STOPPED when no address is given and the
 *   platform of this project is stopped; EventsConnectionError when a broker or the registry does
 *   not answer
 */
export async function connectEvents<Events extends CatalogueOf<Events> = EventCatalogue>(
  options: EventStreamOptions = {},
): Promise<EventStream<Events>> {
  const deadlineMs = Date.now() + (options.waitForBrokerMs ?? 0)
  const settings = await whenStarted(() => resolveOptions(options), deadlineMs)
  await loadOpenTelemetry()
  const logger = options.logger ?? defaultLogger
  const { service } = settings
  const catalogue = createCatalogue(options.schemas === undefined ? await foundSchemas() : options.schemas)
  const registry = createRegistryClient({ url: settings.registryUrl, ...settings.registryLogin })
  const codec = createCodec(registry, settings.origins.registryUrl)
  const problems = createProblems(logger)
  const connections: Connections = { all: [], unreachable: new Set() }
  const client = openClient(connections, settings, problems, produceTimeoutMs)
  const producer = createProducer({
    client,
    logger,
    deliveryTimeoutMs: settings.deliveryTimeoutMs,
    maxWaitingBytes: settings.maxWaitingBytes,
    compressor: createCompressor(settings.compression),
    onRoom: () => emitter.resume(),
  })
  const metrics = createStreamMetrics(settings.group, options.metrics ?? false)
  const tracing: Tracing = {
    settings: settings.tracing,
    clientId: service,
    group: settings.group,
    clusterId: client.clusterId,
  }
  const emitter = createEmitter({
    tracing,
    metrics,
    producer,
    catalogue,
    codec,
    logger,
    newId: createUuidGenerator(),
    now: Date.now,
    random: Math.random,
    deliveryTimeoutMs: settings.deliveryTimeoutMs,
    ...(options.observer === undefined ? {} : { observer: options.observer }),
  })
  await reachBoth(settings, client, registry, deadlineMs)
  logger.debug({ service, bootstrapServers: settings.bootstrapServers, registryUrl: registry.url }, 'connected')
  return streamOf({
    options,
    settings,
    logger,
    problems,
    connections,
    catalogue,
    codec,
    producer,
    emitter,
    metrics,
    tracing,
    handlers: new Map(),
    consumer: null,
    closing: null,
  }) as unknown as EventStream<Events>
}

function streamOf(state: StreamState): UntypedStream {
  const stream: UntypedStream = {
    service: state.settings.service,
    emit: (topic, ...rest) => emit(state, topic, rest),
    emitMany: (all) => emitMany(state, all),
    on(topic: string, ...more: [string, EventHandler] | [RecordHandler]) {
      const eventType = more.length === 1 ? null : more[0]
      if (state.consumer !== null) {
        const what = eventType === null ? topic : `${topic} ${eventType}`
        throw new EventsConfigError('on', `register all handlers before run() (${what})`)
      }
      addHandler(state.handlers, state.catalogue, topic, eventType, more.at(-1) as EventHandler | RecordHandler)
      return stream
    },
    run: (given) => run(state, given ?? {}),
    flush: () => state.emitter.flush(),
    close: () => close(state),
    stats: () => statsOf(state),
    metrics: () => state.metrics.text(),
    health: () => healthOf(state),
  }
  return stream
}

/** @param timeoutMs how long a request may take */
function openClient(
  { all, unreachable }: Connections,
  { bootstrapServers, sasl, tls, service }: ResolvedOptions,
  problems: Problems,
  timeoutMs: number,
): KafkaClient {
  const onReachable = (reachable: boolean, reason: string | null): void => {
    if (reachable) unreachable.delete(client)
    else unreachable.add(client)
    const message = `no broker answers at ${bootstrapServers} (${reason})`
    if (!reachable) problems.report('broker', { code: 'BROKER_UNREACHABLE', message, fatal: false })
    else if (unreachable.size === 0) problems.solved('broker')
  }
  const client = createKafkaClient({
    bootstrapServers,
    clientId: service,
    requestTimeoutMs: timeoutMs,
    sasl,
    tls,
    onReachable,
  })
  all.push(client)
  return client
}

/** Resolves when a broker and the registry have answered. @throws EventsConnectionError, the client is closed then */
async function reachBoth(
  settings: ResolvedOptions,
  client: KafkaClient,
  registry: RegistryClient,
  deadlineMs: number,
): Promise<void> {
  try {
    await reach(() => client.metadata([]), isAuthenticationFailure, deadlineMs).catch((error: unknown) => {
      throw connectionError(settings, error)
    })
    await reach(() => registry.subjects(), isRegistryAnswer, deadlineMs).catch((error: unknown) => {
      throw new EventsConnectionError('registry', registry.url, settings.origins.registryUrl, reasonOf(error), error)
    })
  } catch (error) {
    await client.close()
    throw error
  }
}

function emit({ closing, emitter }: StreamState, topic: string, rest: readonly unknown[]): Promise<RecordResult> {
  if (closing !== null) return Promise.reject(new EventsClosedError('emit'))
  // An event type is text, and the value of a record never is.
  if (rest.length > 2 || typeof rest[0] === 'string') {
    const [eventType, data, given] = rest
    return emitter.emit(topic, eventType as string, data, given as EmitOptions)
  }
  const [value, given] = rest
  return emitter.emitRecord(topic, value as RecordValue | null, given as RecordOptions)
}

function emitMany({ closing, emitter }: StreamState, all: readonly Outgoing[]): Promise<RecordResult[]> {
  if (closing !== null) return Promise.reject(new EventsClosedError('emitMany'))
  const records = Array.isArray(all) ? all.filter(isOutgoingRecord) : []
  if (records.length === 0) return emitter.emitMany(all as OutgoingEvent<EventCatalogue>[])
  if (records.length === all.length) return emitter.emitManyRecords(records)
  const problem = 'takes events or records, not both in one call'
  return Promise.reject(new EventsConfigError('events', problem))
}

async function run(state: StreamState, { waitForGroup = true }: RunOptions): Promise<void> {
  if (state.closing !== null) throw new EventsClosedError('run')
  if (state.consumer !== null) throw new EventsConfigError('run', 'was called before')
  if (state.handlers.size === 0) throw new EventsConfigError('run', 'there is no handler yet: call on() first')
  state.consumer = openConsumer(state)
  const started = state.consumer.start()
  if (!waitForGroup) {
    // A refusal is among the problems then, and the member keeps trying to join.
    started.catch(() => undefined)
    return
  }
  try {
    await started
  } catch (error) {
    await close(state)
    throw error
  }
}

function openConsumer(state: StreamState): Consumer {
  const { options, settings, handlers, codec, producer, logger, problems, tracing, metrics } = state
  const open = (timeoutMs: number): KafkaClient => openClient(state.connections, settings, problems, timeoutMs)
  return createConsumer({
    settings,
    handlers,
    // JoinGroup takes as long as the slowest member's rejoin.
    clients: {
      control: open(requestTimeoutMs),
      join: open(Math.max(60_000, settings.sessionTimeoutMs) + requestTimeoutMs),
      fetch: open(requestTimeoutMs),
    },
    codec,
    deadLetters: createDeadLetterWriter(settings, producer, logger),
    logger,
    problems,
    tracing,
    metrics,
    random: Math.random,
    ...(options.observer === undefined ? {} : { observer: options.observer }),
  })
}

function close(state: StreamState): Promise<void> {
  state.closing ??= shutDown(state)
  return state.closing
}

async function shutDown({ consumer, emitter, producer, connections, settings, logger }: StreamState): Promise<void> {
  await consumer?.stop()
  // No longer than handlers get: with the broker gone, what is unacknowledged fails.
  const limit = new AbortController()
  await Promise.race([emitter.flush(), pause(settings.drainTimeoutMs, limit.signal)])
  limit.abort()
  emitter.close()
  producer.close()
  await Promise.all(connections.all.map((client) => client.close()))
  logger.debug({ service: settings.service }, 'closed')
}

function statsOf({ producer, emitter, consumer }: StreamState): EventStreamStats {
  const waiting = producer.stats().waiting + emitter.waiting()
  const handling = consumer?.stats() ?? idle
  return { ...emitter.counters, emitWaiting: waiting, ...handling }
}

function healthOf({ connections, closing, consumer, problems }: StreamState): EventStreamHealth {
  const connected = connections.all.every((client) => client.isReachable())
  const state = consumer === null ? 'not started' : closing !== null ? 'closed' : memberState(consumer)
  const list = problems.list()
  const inGroup = state !== 'joining' && state !== 'fenced'
  return {
    ready: closing === null && connected && inGroup && !list.some(({ fatal }) => fatal),
    broker: connected ? 'connected' : 'disconnected',
    consumer: state,
    problems: list,
  }
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

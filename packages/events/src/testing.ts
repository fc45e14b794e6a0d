// `@selfmonitor/events/testing`: a whole platform in the test's own process, and questions about what became of events.
import { type Broker, startBroker } from '@selfmonitor/broker'
import { connectCluster } from '@selfmonitor/cluster'
import { envelopeProblem, envelopeSchema, findTopicFiles } from '@selfmonitor/platform/shapes'
import { createRegistryClient } from '@selfmonitor/registry'
import { startRegistry } from '@selfmonitor/registry/server'
import { EventsError } from './errors.ts'
import { connectEvents } from './stream.ts'
import type {
  CatalogueOf,
  DeadLetter,
  EmitResult,
  EventCatalogue,
  EventObserver,
  EventStream,
  EventStreamOptions,
  ReceivedEvent,
  ReceivedRecord,
  RecordResult,
} from './types.ts'
import type { PayloadSchemas } from './wire/index.ts'

export interface TestPlatformOptions {
  /**
   * Folder of a platform: the topics that its platform.yaml declares, with their schemas and payload schemas; without
   * that file a topic for each `schemas/<topic>.avsc`, with payload schemas from `schemas/<topic>/`. Default: the current
   * folder, or the nearest platform.yaml above it, when neither this nor `topics` is given.
   */
  dir?: string
  /** Topics by name, instead of or in addition to those of `dir`. */
  topics?: Readonly<Record<string, TestTopic>>
  /** Of topics that do not say. Default 3. */
  partitions?: number
}

export interface TestTopic {
  readonly partitions?: number
  /** Avro schema (text) of the values: the envelope, or records of a shape of their own. Default: the envelope's five fields. */
  readonly schema?: string
  /** JSON Schema of each event type's payload; without it every type is allowed. */
  readonly eventTypes?: Readonly<Record<string, object>>
}

export interface EmittedEvent extends EmitResult {
  readonly eventType: string
  readonly userId: string
  readonly data: unknown
}

export interface EmittedRecord extends RecordResult {
  readonly key: string | Uint8Array | null
  readonly value: unknown
}

export interface TestPlatform {
  readonly broker: Broker
  readonly bootstrapServers: string
  readonly registryUrl: string
  /** For a service that connects by itself: `connectEvents({ ...platform.options, service: 'a' })`. */
  readonly options: EventStreamOptions
  /** For a service in a process of its own. */
  readonly env: Readonly<Record<'KAFKA_BOOTSTRAP_SERVERS' | 'SCHEMA_REGISTRY_URL', string>>
  /** What streams with these options have emitted, handled and given up, in order. */
  readonly emitted: readonly EmittedEvent[]
  readonly handled: readonly ReceivedEvent[]
  readonly deadLettered: readonly DeadLetter[]
  /** The same of topics whose records have a shape of their own. */
  readonly emittedRecords: readonly EmittedRecord[]
  readonly handledRecords: readonly ReceivedRecord[]
  /** A stream with these options, closed with the platform. */
  connect<Events extends CatalogueOf<Events> = EventCatalogue>(
    options: EventStreamOptions,
  ): Promise<EventStream<Events>>
  /**
   * Resolves with the event once a handler has dealt with it, at once when one has.
   * @param wanted the event's id, or a test of the event
   * @param timeoutMs default 5000
   * @throws EventsError NOT_HANDLED saying what happened instead: after the time, or when the event becomes a dead letter
   */
  waitForHandled(wanted: string | ((event: ReceivedEvent) => boolean), timeoutMs?: number): Promise<ReceivedEvent>
  /** The same for a record of a shape of its own: the one that `emit` wrote there. */
  waitForHandled(wanted: RecordResult, timeoutMs?: number): Promise<ReceivedRecord>
  /** The same for dead letters. */
  waitForDeadLetter(wanted: string | ((letter: DeadLetter) => boolean), timeoutMs?: number): Promise<DeadLetter>
  /** Closes the streams, the registry and the broker. */
  close(): Promise<void>
}

/** Starts a broker and a registry in this process, with topics and schemas, in well under a second. */
export async function startTestPlatform(options: TestPlatformOptions = {}): Promise<TestPlatform> {
  const { topics, schemas } = await plan(options)
  const broker = await startBroker()
  const { bootstrapServers } = broker
  const registry = await startRegistry({ bootstrapServers, port: 0 }).catch(async (error: unknown) => {
    await broker.close()
    throw error
  })
  const cluster = connectCluster({ bootstrapServers })
  const client = createRegistryClient({ url: registry.url })
  try {
    await Promise.all([
      cluster.createTopics([...topics].map(([name, { partitions }]) => ({ name, partitions, replicationFactor: 1 }))),
      ...[...topics].map(async ([name, { schema }]) => {
        if (schema !== undefined) await client.register(`${name}-value`, { schema })
      }),
    ])
  } catch (error) {
    await registry.close()
    await broker.close()
    throw error
  } finally {
    await cluster.close()
  }

  const emitted: EmittedEvent[] = []
  const handled: ReceivedEvent[] = []
  const deadLettered: DeadLetter[] = []
  const emittedRecords: EmittedRecord[] = []
  const handledRecords: ReceivedRecord[] = []
  const streams: EventStream[] = []
  let watchers: (() => void)[] = []
  const changed = (): void => {
    const now = watchers
    watchers = []
    for (const watcher of now) watcher()
  }
  const observer: EventObserver = {
    emitted: (event) => void emitted.push(event),
    handled(event) {
      handled.push(event)
      changed()
    },
    deadLettered(letter) {
      deadLettered.push(letter)
      changed()
    },
    recordEmitted: (record) => void emittedRecords.push(record),
    recordHandled(record) {
      handledRecords.push(record)
      changed()
    },
  }
  const streamOptions: EventStreamOptions = {
    bootstrapServers,
    registryUrl: registry.url,
    schemas,
    observer,
    logger: silent,
    commitIntervalMs: 50,
    retry: { attempts: 3, initialDelayMs: 1, maxDelayMs: 10 },
    drainTimeoutMs: 1000,
  }

  /** Waits until `look` finds something, looking again at every change. */
  async function waitFor<Found>(look: () => Found | undefined, wanted: string, timeoutMs: number): Promise<Found> {
    const limit = AbortSignal.timeout(timeoutMs)
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      if (limit.aborted) {
        throw new EventsError(
          'NOT_HANDLED',
          `${wanted} within ${timeoutMs} ms. ${soFar({ emitted, handled, deadLettered, emittedRecords, handledRecords })}`,
        )
      }
      await new Promise<void>((resolve) => {
        const finish = (): void => {
          limit.removeEventListener('abort', finish)
          resolve()
        }
        limit.addEventListener('abort', finish)
        watchers.push(finish)
      })
    }
  }

  /** @throws EventsError NOT_HANDLED when what is waited for became a dead letter */
  function notDead(name: string, isIt: (letter: DeadLetter) => boolean): void {
    const letter = deadLettered.find(isIt)
    if (letter === undefined) return
    const { error } = letter
    throw new EventsError('NOT_HANDLED', `${name} became a dead letter: ${error.message}`, { cause: error })
  }

  function waitForEvent(
    wanted: string | ((event: ReceivedEvent) => boolean),
    timeoutMs: number,
  ): Promise<ReceivedEvent> {
    const test = typeof wanted === 'string' ? (event: ReceivedEvent) => event.eventId === wanted : wanted
    const name = typeof wanted === 'string' ? `event ${wanted}` : 'an event as wanted'
    const look = (): ReceivedEvent | undefined => {
      const found = handled.find(test)
      if (found === undefined && typeof wanted === 'string') notDead(name, ({ eventId }) => eventId === wanted)
      return found
    }
    return waitFor(look, `${name} was not handled`, timeoutMs)
  }

  function waitForRecord({ topic, partition, offset }: RecordResult, timeoutMs: number): Promise<ReceivedRecord> {
    const isIt = (other: RecordResult): boolean =>
      other.topic === topic && other.partition === partition && other.offset === offset
    const name = `the record at ${topic}-${partition}@${offset}`
    const look = (): ReceivedRecord | undefined => {
      const found = handledRecords.find(isIt)
      if (found === undefined) notDead(name, isIt)
      return found
    }
    return waitFor(look, `${name} was not handled`, timeoutMs)
  }

  return {
    broker,
    bootstrapServers,
    registryUrl: registry.url,
    options: streamOptions,
    env: { KAFKA_BOOTSTRAP_SERVERS: bootstrapServers, SCHEMA_REGISTRY_URL: registry.url },
    emitted,
    handled,
    deadLettered,
    emittedRecords,
    handledRecords,

    async connect<Events extends CatalogueOf<Events> = EventCatalogue>(given: EventStreamOptions) {
      const stream = await connectEvents<Events>({ ...streamOptions, ...given })
      streams.push(stream as unknown as EventStream)
      return stream
    },

    waitForHandled: ((wanted: string | RecordResult | ((event: ReceivedEvent) => boolean), timeoutMs = 5000) =>
      typeof wanted === 'object'
        ? waitForRecord(wanted, timeoutMs)
        : waitForEvent(wanted, timeoutMs)) as WaitForHandled,

    waitForDeadLetter(wanted, timeoutMs = 5000) {
      const test = typeof wanted === 'string' ? (letter: DeadLetter) => letter.eventId === wanted : wanted
      const name = typeof wanted === 'string' ? `event ${wanted}` : 'an event as wanted'
      return waitFor(() => deadLettered.find(test), `${name} did not become a dead letter`, timeoutMs)
    },

    async close() {
      await Promise.all(streams.map((stream) => stream.close()))
      await registry.close()
      await broker.close()
    },
  }
}

type WaitForHandled = TestPlatform['waitForHandled']

const silent = { debug() {}, info() {}, warn() {}, error() {} }

interface PlannedTopic {
  readonly partitions: number
  /** undefined: other clients' business, this topic has none, or one that is not Avro. */
  readonly schema: string | undefined
}

interface Plan {
  readonly topics: ReadonlyMap<string, PlannedTopic>
  readonly schemas: PayloadSchemas | null
}

async function plan({ dir, topics, partitions = 3 }: TestPlatformOptions): Promise<Plan> {
  const planned = new Map<string, PlannedTopic>()
  const schemas: Record<string, PayloadSchemas[string]> = {}
  if (dir !== undefined || topics === undefined) {
    const found = await findTopicFiles(dir ?? '.')
    if (found === null) {
      throw new EventsError(
        'INVALID_OPTION',
        `dir: there is neither a platform.yaml nor a folder schemas in ${dir ?? 'the current folder'}; name another folder, or give \`topics\``,
      )
    }
    for (const { name, schema, eventTypes, kind } of found) {
      planned.set(name, { partitions, schema: schema ?? (kind === 'events' ? envelope : undefined) })
      if (kind !== 'other') schemas[name] = kind === 'events' ? eventTypes : schema!
    }
  }
  for (const [name, topic] of Object.entries(topics ?? {})) {
    const schema = topic.schema ?? planned.get(name)?.schema ?? envelope
    planned.set(name, { partitions: topic.partitions ?? partitions, schema })
    if (topic.eventTypes !== undefined) schemas[name] = topic.eventTypes
    else schemas[name] ??= envelopeProblem(schema) === null ? {} : schema
  }
  return { topics: planned, schemas: Object.keys(schemas).length === 0 ? null : schemas }
}

const envelope = envelopeSchema('Event')

/** What there is to see when something has not happened. */
function soFar(seen: {
  readonly emitted: readonly EmittedEvent[]
  readonly handled: readonly ReceivedEvent[]
  readonly deadLettered: readonly DeadLetter[]
  readonly emittedRecords: readonly RecordResult[]
  readonly handledRecords: readonly RecordResult[]
}): string {
  const list = (texts: readonly string[]): string => `(${texts.length}): ${texts.slice(-5).join(', ') || 'none'}`
  const events = (some: readonly { topic: string; eventType: string | null; eventId: string | null }[]): string =>
    list(some.map(({ topic, eventType, eventId }) => `${topic} ${eventType} ${eventId}`))
  const records = (some: readonly RecordResult[]): string =>
    list(some.map(({ topic, partition, offset }) => `${topic}-${partition}@${offset}`))
  const { emitted, handled, deadLettered, emittedRecords, handledRecords } = seen
  const errors = deadLettered.slice(-5).map(({ error }) => error.message)
  const ofRecords =
    emittedRecords.length + handledRecords.length === 0
      ? ''
      : ` Records emitted ${records(emittedRecords)}. Records handled ${records(handledRecords)}.`
  return `Emitted ${events(emitted)}. Handled ${events(handled)}.${ofRecords} Dead letters ${events(deadLettered)}${errors.length > 0 ? ` (${errors.join('; ')})` : ''}.`
}

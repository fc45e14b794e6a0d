// `@selfmonitor/events/testing`: a whole platform in the test's own process, and questions about what became of events.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { connectCluster } from '@selfmonitor/cluster'
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
} from './types.ts'
import { type PayloadSchemas, readSchemasFolder } from './wire/index.ts'

export interface TestPlatformOptions {
  /**
   * Folder with `schemas/` in it (where platform.yaml stands): a topic for each `schemas/<topic>.avsc`, payload schemas
   * from `schemas/<topic>/`. Default: the current folder when neither this nor `topics` is given.
   */
  dir?: string
  /** Topics by name, instead of or in addition to those of `dir`. */
  topics?: Readonly<Record<string, TestTopic>>
  /** Of topics that do not say. Default 3. */
  partitions?: number
}

export interface TestTopic {
  readonly partitions?: number
  /** Avro schema (text) of the values. Default: a record with the envelope's five fields. */
  readonly schema?: string
  /** JSON Schema of each event type's payload; without it every type is allowed. */
  readonly eventTypes?: Readonly<Record<string, object>>
}

export interface EmittedEvent extends EmitResult {
  readonly eventType: string
  readonly userId: string
  readonly data: unknown
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
  /** The same for dead letters. */
  waitForDeadLetter(wanted: string | ((letter: DeadLetter) => boolean), timeoutMs?: number): Promise<DeadLetter>
  /** Closes the streams, the registry and the broker. */
  close(): Promise<void>
}

const envelopeSchema = JSON.stringify({
  type: 'record',
  name: 'Event',
  namespace: 'com.selfmonitor.events',
  fields: [
    { name: 'event_id', type: 'string' },
    { name: 'event_type', type: 'string' },
    { name: 'user_id', type: 'string' },
    { name: 'timestamp', type: 'long' },
    { name: 'data', type: 'string' },
  ],
})

/** Starts a broker and a registry in this process, with topics and schemas, in well under a second. */
export async function startTestPlatform(options: TestPlatformOptions = {}): Promise<TestPlatform> {
  const { topics, schemas } = plan(options)
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
      ...[...topics].map(([name, { schema }]) => client.register(`${name}-value`, { schema })),
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
          `${wanted} within ${timeoutMs} ms. ${soFar(emitted, handled, deadLettered)}`,
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

  return {
    broker,
    bootstrapServers,
    registryUrl: registry.url,
    options: streamOptions,
    env: { KAFKA_BOOTSTRAP_SERVERS: bootstrapServers, SCHEMA_REGISTRY_URL: registry.url },
    emitted,
    handled,
    deadLettered,

    async connect<Events extends CatalogueOf<Events> = EventCatalogue>(given: EventStreamOptions) {
      const stream = await connectEvents<Events>({ ...streamOptions, ...given })
      streams.push(stream as unknown as EventStream)
      return stream
    },

    waitForHandled(wanted, timeoutMs = 5000) {
      const test = typeof wanted === 'string' ? (event: ReceivedEvent) => event.eventId === wanted : wanted
      const name = typeof wanted === 'string' ? `event ${wanted}` : 'an event as wanted'
      const look = (): ReceivedEvent | undefined => {
        const found = handled.find(test)
        const letter = deadLettered.find(({ eventId }) => typeof wanted === 'string' && eventId === wanted)
        if (found === undefined && letter !== undefined) {
          throw new EventsError('NOT_HANDLED', `${name} became a dead letter: ${letter.error.message}`, {
            cause: letter.error,
          })
        }
        return found
      }
      return waitFor(look, `${name} was not handled`, timeoutMs)
    },

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

const silent = { debug() {}, info() {}, warn() {}, error() {} }

interface Plan {
  readonly topics: ReadonlyMap<string, { readonly partitions: number; readonly schema: string }>
  readonly schemas: PayloadSchemas | null
}

function plan({ dir, topics, partitions = 3 }: TestPlatformOptions): Plan {
  const planned = new Map<string, { partitions: number; schema: string }>()
  const schemas: Record<string, Readonly<Record<string, object>>> = {}
  const folder = dir ?? (topics === undefined ? '.' : null)
  if (folder !== null) {
    const path = join(folder, 'schemas')
    if (!existsSync(path))
      throw new EventsError(
        'INVALID_OPTION',
        `dir: there is no folder ${path}; name the folder of platform.yaml, or give \`topics\``,
      )
    for (const file of readdirSync(path)) {
      if (file.endsWith('.avsc')) {
        planned.set(file.slice(0, -'.avsc'.length), { partitions, schema: readFileSync(join(path, file), 'utf8') })
      }
    }
    Object.assign(schemas, readSchemasFolder(path))
  }
  for (const [name, topic] of Object.entries(topics ?? {})) {
    planned.set(name, {
      partitions: topic.partitions ?? partitions,
      schema: topic.schema ?? planned.get(name)?.schema ?? envelopeSchema,
    })
    if (topic.eventTypes !== undefined) schemas[name] = topic.eventTypes
  }
  // A catalogue knows all its topics: with payload schemas for some only, the others would be unknown.
  const complete = [...planned.keys()].every((name) => name in schemas)
  return { topics: planned, schemas: complete ? schemas : null }
}

/** What there is to see when something has not happened. */
function soFar(
  emitted: readonly EmittedEvent[],
  handled: readonly ReceivedEvent[],
  letters: readonly DeadLetter[],
): string {
  const list = (events: readonly { topic: string; eventType: string | null; eventId: string | null }[]): string =>
    events.length === 0
      ? 'none'
      : events
          .slice(-5)
          .map(({ topic, eventType, eventId }) => `${topic} ${eventType} ${eventId}`)
          .join(', ')
  const errors = letters.slice(-5).map(({ error }) => error.message)
  return `Emitted (${emitted.length}): ${list(emitted)}. Handled (${handled.length}): ${list(handled)}. Dead letters (${letters.length}): ${list(letters)}${errors.length > 0 ? ` (${errors.join('; ')})` : ''}.`
}

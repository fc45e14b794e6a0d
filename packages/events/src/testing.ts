// `@selfmonitor/events/testing`: a whole platform in the test's own process, and questions about what became of events.
import { type Broker, startBroker } from '@selfmonitor/broker'
import { connectCluster } from '@selfmonitor/cluster'
import {
  eachOf,
  envelopeProblem,
  envelopeSchema,
  findTopicFiles,
  payloadDefinition,
  payloadSubjectOf,
} from '@selfmonitor/platform/shapes'
import { createRegistryClient, type RegistryClient } from '@selfmonitor/registry'
import { startRegistry } from '@selfmonitor/registry/server'
import { EventsError } from './errors.ts'
import {
  type EmittedEvent,
  type EmittedRecord,
  noObservations,
  observerOf,
  waitForDeadLetter,
  waitForEvent,
  waitForRecord,
} from './observations.ts'
import { connectEvents } from './stream.ts'
import type {
  CatalogueOf,
  DeadLetter,
  EventCatalogue,
  EventStream,
  EventStreamOptions,
  ReceivedEvent,
  ReceivedRecord,
  RecordResult,
} from './types.ts'
import type { PayloadSchemas } from './wire/index.ts'

export type { EmittedEvent, EmittedRecord }

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

export interface TestPlatform {
  readonly broker: Broker
  readonly bootstrapServers: string
  readonly registryUrl: string
  /** For a service that opens its own stream: `connectEvents({ ...platform.options, service: 'a' })`. */
  readonly options: EventStreamOptions
  /** For a service in a process of its own. */
  readonly env: Readonly<Record<'KAFKA_BOOTSTRAP_SERVERS' | 'SCHEMA_REGISTRY_URL', string>>
  /** The events that streams with these options emitted, handled and gave up, in order. */
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
      registerPayloads(client, schemas ?? {}),
    ])
  } catch (error) {
    await registry.close()
    await broker.close()
    throw error
  } finally {
    await cluster.close()
  }

  const seen = noObservations()
  const streams: EventStream[] = []
  const streamOptions: EventStreamOptions = {
    bootstrapServers,
    registryUrl: registry.url,
    schemas,
    observer: observerOf(seen),
    logger: silent,
    commitIntervalMs: 50,
    retry: { attempts: 3, initialDelayMs: 1, maxDelayMs: 10 },
    drainTimeoutMs: 1000,
  }

  return {
    broker,
    bootstrapServers,
    registryUrl: registry.url,
    options: streamOptions,
    env: { KAFKA_BOOTSTRAP_SERVERS: bootstrapServers, SCHEMA_REGISTRY_URL: registry.url },
    emitted: seen.emitted,
    handled: seen.handled,
    deadLettered: seen.deadLettered,
    emittedRecords: seen.emittedRecords,
    handledRecords: seen.handledRecords,

    async connect<Events extends CatalogueOf<Events> = EventCatalogue>(given: EventStreamOptions) {
      const stream = await connectEvents<Events>({ ...streamOptions, ...given })
      streams.push(stream as unknown as EventStream)
      return stream
    },

    waitForHandled: ((wanted: string | RecordResult | ((event: ReceivedEvent) => boolean), timeoutMs = 5000) =>
      typeof wanted === 'object'
        ? waitForRecord(seen, wanted, timeoutMs)
        : waitForEvent(seen, wanted, timeoutMs)) as WaitForHandled,

    waitForDeadLetter: (wanted, timeoutMs = 5000) => waitForDeadLetter(seen, wanted, timeoutMs),

    async close() {
      await Promise.all(streams.map((stream) => stream.close()))
      await registry.close()
      await broker.close()
    },
  }
}

/** As `selfmonitor apply` does, so that events name their schema here, too. */
async function registerPayloads(client: RegistryClient, schemas: PayloadSchemas): Promise<void> {
  const payloads = Object.entries(schemas).flatMap(([topic, shape]) =>
    typeof shape === 'string' ? [] : Object.entries(shape).map(([type, schema]) => [topic, type, schema] as const),
  )
  await eachOf(payloads, async ([topic, type, schema]) => {
    await client.register(payloadSubjectOf(topic, type), payloadDefinition(schema)).catch((error: unknown) => {
      // One that is not a JSON Schema is for `emit` to refuse.
      if ((error as { code?: unknown }).code !== 'REGISTRY_REFUSED') throw error
    })
  })
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

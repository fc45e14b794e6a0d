// Helpers for tests of the events library on either engine: a registry, topics with schemas under names of their own, streams.
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import { connectEvents, type EventStream, type EventStreamOptions } from '@selfmonitor/events'
import { createRegistryClient, type RegistryClient, type RegistryServer, startRegistry } from '@selfmonitor/registry'
import { afterAll, afterEach, beforeAll } from 'vitest'
import type { EngineUnderTest } from './engines.ts'

export const envelopeSchema = {
  type: 'record',
  name: 'UserEvent',
  namespace: 'com.selfmonitor.events',
  fields: [
    { name: 'event_id', type: 'string' },
    { name: 'event_type', type: 'string' },
    { name: 'user_id', type: 'string' },
    { name: 'timestamp', type: 'long' },
    { name: 'data', type: 'string' },
  ],
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly context: Record<string, unknown>
  readonly message: string
}

export interface EventsRig {
  readonly cluster: Cluster
  readonly registry: RegistryClient
  readonly registryUrl: string
  readonly logs: LogLine[]
  /** A name that no other test uses. */
  unique(name: string): string
  /** Creates a topic with the envelope's schema (or another one). */
  topic(
    name: string,
    options?: { partitions?: number; replicationFactor?: number; schema?: object; config?: Record<string, string> },
  ): Promise<string>
  /** A stream that is closed when the test ends. */
  connect(options?: EventStreamOptions): Promise<EventStream>
}

/** Declares the hooks of a suite; the rig is usable once its tests run. */
export function useEvents(engine: EngineUnderTest): EventsRig {
  const run = `${process.pid}-${Date.now().toString(36)}`
  let server: RegistryServer
  let cluster: Cluster
  let registry: RegistryClient
  let count = 0
  let streams: EventStream[] = []
  const logs: LogLine[] = []
  const logger = Object.fromEntries(
    (['debug', 'info', 'warn', 'error'] as const).map((level) => [
      level,
      (context: object, message: string) =>
        void logs.push({ level, context: context as Record<string, unknown>, message }),
    ]),
  ) as unknown as NonNullable<EventStreamOptions['logger']>

  beforeAll(async () => {
    const { bootstrapServers } = engine
    server = await startRegistry({ bootstrapServers, port: 0, topic: `_schemas-${run}-${engine.name}` })
    registry = createRegistryClient({ url: server.url })
    cluster = await connectCluster({ bootstrapServers })
  })
  afterEach(async () => {
    await Promise.all(streams.map((stream) => stream.close()))
    streams = []
    logs.length = 0
  })
  afterAll(async () => {
    await cluster?.close()
    await server?.close()
  })

  return {
    get cluster() {
      return cluster
    },
    get registry() {
      return registry
    },
    get registryUrl() {
      return server.url
    },
    logs,
    unique: (name) => `${name}-${run}-${++count}`,

    async topic(name, { partitions = 3, replicationFactor = 1, schema = envelopeSchema, config } = {}) {
      const unique = `${name}-${run}-${++count}`
      // Tests write records with the times of years ago: retention would delete them while they run.
      const kept = { 'retention.ms': '-1', ...config }
      await cluster.createTopics([{ name: unique, partitions, replicationFactor, config: kept }])
      await registry.register(`${unique}-value`, { schema: JSON.stringify(schema) })
      return unique
    },

    async connect(options = {}) {
      const stream = await connectEvents({
        service: `service-${run}-${++count}`,
        bootstrapServers: engine.bootstrapServers,
        registryUrl: server.url,
        schemas: null,
        logger,
        commitIntervalMs: 50,
        drainTimeoutMs: 5000,
        retry: { attempts: 3, initialDelayMs: 1, maxDelayMs: 5 },
        ...options,
      })
      streams.push(stream)
      return stream
    },
  }
}

/** Resolves when the condition holds; looks every 10 ms. @throws after 20 s, naming what was waited for */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 20_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

export interface RawRecord {
  readonly partition: number
  readonly offset: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: ReadonlyMap<string, string>
}

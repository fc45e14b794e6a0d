// A registry on a topic of its own, asked without a network in between.
import { randomUUID } from 'node:crypto'
import { Producer } from '@platformatic/kafka'
import { guard } from '@selfmonitor/http'
import { afterEach } from 'vitest'
import type { Access } from '../access/index.ts'
import { buildApp } from '../server/app.ts'
import { bodyLimitBytes } from '../server/start.ts'
import { openStore, type Store } from '../store/index.ts'
import type { CompatibilityLevel, Logger, RecordChange } from '../types.ts'

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** Test files share a broker; this name is unique. */
export function ownTopic(): string {
  return `_schemas-${randomUUID()}`
}

export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly text: string
  readonly headers: Readonly<Record<string, unknown>>
}

export interface TestRegistry {
  readonly topic: string
  readonly store: Store
  call(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH' | 'OPTIONS' | 'TRACE',
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>
  close(): Promise<void>
}

export interface TestRegistryOptions {
  readonly topic?: string
  readonly fallbackLevel?: CompatibilityLevel
  readonly logger?: Logger
  readonly timeoutMs?: number
  readonly access?: Access
  readonly recordChange?: RecordChange
}

export async function startTestRegistry(
  bootstrapServers: string,
  options: TestRegistryOptions = {},
): Promise<TestRegistry> {
  const { topic = ownTopic(), fallbackLevel = 'BACKWARD', logger = silent, timeoutMs = 10_000 } = options
  const { access, recordChange } = options
  const store = await openStore({
    bootstrapServers,
    topic,
    replicationFactor: 3,
    timeoutMs,
    startTimeoutMs: 30_000,
    logger,
  })
  const app = buildApp(
    { store, fallbackLevel },
    {
      ...{ logger, access, recordChange },
      guard: guard({ listensOn: '127.0.0.1', allowedHostsSetting: '', bodyLimitBytes }),
    },
  )
  return {
    topic,
    store,
    async call(method, url, body, headers = {}) {
      const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
      const type = payload === undefined ? {} : { 'content-type': 'application/vnd.schemaregistry.v1+json' }
      const response = await app.inject({ method: method as 'GET', url, payload, headers: { ...type, ...headers } })
      return { status: response.statusCode, text: response.body, body: parse(response.body), headers: response.headers }
    },
    async close() {
      await app.close()
      await store.close()
    },
  }
}

/** @returns a function that starts a registry and closes it when the test ends. To be called in a suite. */
export function registriesOfEachTest(): typeof startTestRegistry {
  const open: TestRegistry[] = []
  afterEach(async () => {
    for (const registry of open.splice(0)) await registry.close()
  })
  return async (...args) => {
    const registry = await startTestRegistry(...args)
    open.push(registry)
    return registry
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Writes records as they are, as another registry would. */
export async function produce(
  bootstrapServers: string,
  topic: string,
  records: readonly (readonly [key: string, value: string | null])[],
): Promise<void> {
  const producer = new Producer({ clientId: 'another-registry', bootstrapBrokers: [bootstrapServers] })
  try {
    const messages = records.map(([key, value]) => ({
      topic,
      partition: 0,
      key: Buffer.from(key),
      ...(value === null ? {} : { value: Buffer.from(value) }),
    }))
    await producer.send({ messages, acks: -1 })
  } finally {
    await producer.close()
  }
}

// Which version of its payload's schema an event was written with: a header of the record has the id that the registry gave it.
import { eachOf, payloadDefinition, payloadSubjectOf } from '@selfmonitor/platform/shapes'
import { type RegistryClient, RegistryError } from '@selfmonitor/registry'
import { payloadSchemaIdIn } from '@selfmonitor/registry/frame'
import type { EventSchema } from '../types.ts'

/** How often an unknown schema is asked for again, in milliseconds: it may have been registered since. */
const againMs = 60_000
/** How long nothing is asked after the registry did not answer, in milliseconds. */
const awayMs = 5_000
/** How long an event waits for the version of its schema, in milliseconds: the version is only said about the event. */
const usualWaitMs = 2_000
/** Beyond it the known ids are forgotten: headers may come from anyone who may write. */
const maxKnown = 10_000
/** Ids without a version that are asked for in `againMs`: a writer that puts another id into each record costs no more. */
const maxUnknown = 100
/** In characters; the event type comes from the record too. */
const maxEventType = 255

export interface PayloadIds {
  /** By event type. */
  readonly ids: ReadonlyMap<string, number>
  /** Subjects that do not have the service's schema. */
  readonly missing: readonly string[]
  /** Why the registry did not answer for the others; null when it answered for each. */
  readonly failure: Error | null
}

type Headers = readonly { readonly key: string; readonly value: Buffer | null }[]

export interface PayloadVersions {
  /**
   * Looks up the schemas of event types of a topic, as this service validates with them. It does not reject: once the registry does not
   * answer, the rest is not asked for.
   */
  idsOf(topic: string, eventTypes: Readonly<Record<string, object>>): Promise<PayloadIds>
  /**
   * The schema that a record's header names; null without the header. Not a promise when it is known already. Its version is null
   * where the registry does not know it, or does not answer in time. The promise does not reject.
   */
  read(topic: string, eventType: string, headers: Headers): EventSchema | null | Promise<EventSchema>
}

interface Known {
  readonly schema: EventSchema
  readonly untilMs: number
}

/** @param waitMs how long `read` waits for the registry, in milliseconds */
export function createPayloadVersions(
  registry: RegistryClient,
  now: () => number = Date.now,
  waitMs: number = usualWaitMs,
): PayloadVersions {
  const known = new Map<string, Known>()
  const loading = new Map<string, Promise<EventSchema>>()
  const unknown = { count: 0, sinceMs: now() }
  let awayUntilMs = Number.NEGATIVE_INFINITY

  function keep(at: string, schema: EventSchema, untilMs: number): EventSchema {
    if (known.size >= maxKnown) known.clear()
    known.set(at, { schema, untilMs })
    return schema
  }

  /** @param otherwise without an answer */
  async function load(at: string, otherwise: EventSchema): Promise<EventSchema> {
    unknown.count++
    try {
      const version = await versionOf(registry, otherwise.id, otherwise.subject)
      if (version === null) return keep(at, { ...otherwise, version }, now() + againMs)
      unknown.count--
      return keep(at, { ...otherwise, version }, Number.POSITIVE_INFINITY)
    } catch {
      awayUntilMs = now() + awayMs
      return keep(at, otherwise, awayUntilMs)
    }
  }

  function mayAsk(): boolean {
    if (now() - unknown.sinceMs >= againMs) {
      unknown.count = loading.size
      unknown.sinceMs = now()
    }
    return now() >= awayUntilMs && unknown.count < maxUnknown
  }

  return {
    async idsOf(topic, eventTypes) {
      const ids = new Map<string, number>()
      const missing: string[] = []
      let failure: Error | null = null
      async function lookUp([type, schema]: readonly [string, object]): Promise<void> {
        const subject = payloadSubjectOf(topic, type)
        const definition = definitionOf(schema)
        try {
          const found = definition && (await unlessRefused(() => registry.lookup(subject, definition)))
          if (found === null) missing.push(subject)
          else ids.set(type, found.id)
        } catch (error) {
          failure ??= error as Error
        }
      }
      await eachOf(Object.entries(eventTypes), lookUp, { stopped: () => failure !== null })
      return { ids, missing: missing.sort(), failure }
    },

    read(topic, eventType, headers) {
      const id = payloadSchemaIdIn(headers)
      if (id === null) return null
      const subject = payloadSubjectOf(topic, eventType)
      if (eventType.length > maxEventType) return { id, subject, version: null }
      const at = `${id} ${subject}`
      const found = known.get(at)
      if (found !== undefined && found.untilMs > now()) return found.schema
      const otherwise = found?.schema ?? { id, subject, version: null }
      let pending = loading.get(at)
      if (pending === undefined) {
        if (!mayAsk()) return otherwise
        pending = load(at, otherwise).finally(() => loading.delete(at))
        loading.set(at, pending)
      }
      return within(waitMs, pending, otherwise)
    },
  }
}

/** @returns `otherwise` when the promise takes longer than `ms` milliseconds */
function within<T>(ms: number, promise: Promise<T>, otherwise: T): Promise<T> {
  const { promise: late, resolve } = Promise.withResolvers<T>()
  const timer = setTimeout(resolve, ms, otherwise)
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** @returns null for a schema that cannot be registered */
function definitionOf(schema: object) {
  try {
    return payloadDefinition(schema)
  } catch {
    return null
  }
}

/** @returns null when there is no such version, or the registry does not show it */
async function versionOf(registry: RegistryClient, id: number, subject: string): Promise<number | null> {
  const path = `/schemas/ids/${id}/versions?deleted=true`
  const answer = await unlessRefused(() => registry.request({ method: 'GET', path }))
  const uses = Array.isArray(answer) ? (answer as readonly { subject?: unknown; version?: unknown }[]) : []
  const versions = uses.flatMap((use) =>
    use.subject === subject && typeof use.version === 'number' ? [use.version] : [],
  )
  return versions.length === 0 ? null : Math.max(...versions)
}

/** The registry has answered, and another attempt gets the same answer: it does not know the schema, or may not show it. */
async function unlessRefused<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask()
  } catch (error) {
    const status = error instanceof RegistryError ? (error.status ?? 500) : 500
    if (status < 400 || status >= 500 || status === 408 || status === 429) throw error
    return null
  }
}

// Which version of its payload's schema an event was written with: a header of the record has the id that the registry gave it.
import { eachOf, payloadDefinition, payloadSubjectOf } from '@selfmonitor/platform/shapes'
import { type RegistryClient, RegistryError } from '@selfmonitor/registry'
import { payloadSchemaIdIn } from '@selfmonitor/registry/frame'
import type { EventSchema } from '../types.ts'

/** How often an unknown schema is asked for again, in milliseconds: it may have been registered since. */
const againMs = 60_000
/** Beyond it the known ids are forgotten: headers may come from anyone who may write. */
const maxKnown = 10_000

export interface PayloadIds {
  /** By event type. */
  readonly ids: ReadonlyMap<string, number>
  /** Subjects that do not have the service's schema. */
  readonly missing: readonly string[]
}

type Headers = readonly { readonly key: string; readonly value: Buffer | null }[]

export interface PayloadVersions {
  /**
   * Looks up the schemas of a topic's event types, as this service validates with them.
   * @throws RegistryError while the registry does not answer
   */
  idsOf(topic: string, eventTypes: Readonly<Record<string, object>>): Promise<PayloadIds>
  /**
   * The schema that a record's header names; null without the header. Not a promise when it is known already.
   * @throws RegistryError while the registry does not answer
   */
  read(topic: string, eventType: string, headers: Headers): EventSchema | null | Promise<EventSchema>
}

export function createPayloadVersions(registry: RegistryClient, now: () => number = Date.now): PayloadVersions {
  const known = new Map<string, { readonly schema: EventSchema; readonly untilMs: number }>()
  const loading = new Map<string, Promise<EventSchema>>()

  async function load(id: number, subject: string, at: string): Promise<EventSchema> {
    const version = await versionOf(registry, id, subject)
    const schema = { id, subject, version }
    if (known.size >= maxKnown) known.clear()
    known.set(at, { schema, untilMs: version === null ? now() + againMs : Number.POSITIVE_INFINITY })
    return schema
  }

  return {
    async idsOf(topic, eventTypes) {
      const ids = new Map<string, number>()
      const missing: string[] = []
      await eachOf(Object.entries(eventTypes), async ([type, schema]) => {
        const subject = payloadSubjectOf(topic, type)
        const found = await unlessRefused(() => registry.lookup(subject, payloadDefinition(schema)))
        if (found === null) missing.push(subject)
        else ids.set(type, found.id)
      })
      return { ids, missing: missing.sort() }
    },

    read(topic, eventType, headers) {
      const id = payloadSchemaIdIn(headers)
      if (id === null) return null
      const subject = payloadSubjectOf(topic, eventType)
      const at = `${id} ${subject}`
      const found = known.get(at)
      if (found !== undefined && found.untilMs > now()) return found.schema
      const pending = loading.get(at) ?? load(id, subject, at).finally(() => loading.delete(at))
      loading.set(at, pending)
      return pending
    },
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

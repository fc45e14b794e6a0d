// The payloads of a topic's event types, from a registry.
import { isDeepStrictEqual } from 'node:util'
import type { CompatibilityLevel, RegisteredSchema, RegistryClient } from '@selfmonitor/registry'
import { eachOf } from '../live/each.ts'
import { isEventTypeName } from '../load/event-type-name.ts'
import { jsonSchemaProblems } from '../load/json-schema-check.ts'
import { closePayload } from '../payload/close.ts'

export interface ImportedPayload {
  readonly type: string
  /** As it is registered. */
  readonly text: string
}

/**
 * The subjects that may be payloads of a topic's event types: `<topic>-<event type>`.
 * @param topics of the cluster; a subject belongs to the one with the longest name
 */
export function payloadSubjectsOf(topic: string, subjects: readonly string[], topics: readonly string[]): string[] {
  const longer = topics.filter((name) => name.length > topic.length && name.startsWith(`${topic}-`))
  return subjects.filter(
    (subject) =>
      subject.startsWith(`${topic}-`) &&
      isEventTypeName(subject.slice(topic.length + 1)) &&
      !/-(?:key|value)$/.test(subject) &&
      !longer.some((name) => subject.startsWith(`${name}-`)),
  )
}

/**
 * @param level of the topic's values, null for none: in a platform file the payloads have the same
 * @param notes gets the subjects that are left out, with the reason
 */
export async function importPayloads(
  topic: string,
  subjects: readonly string[],
  level: CompatibilityLevel | null,
  registry: RegistryClient,
  notes: string[],
): Promise<ImportedPayload[]> {
  const found = new Map<string, ImportedPayload | string>()
  await eachOf(subjects, async (subject) => {
    const [latest, own] = await Promise.all([
      registry.getVersion(subject, 'latest'),
      registry.getCompatibility(subject, { defaultToGlobal: false }),
    ])
    const obstacle = latest === null ? 'it was deleted meanwhile' : whyNotPayload(latest)
    if (obstacle !== null) {
      found.set(subject, `${subject}: ${obstacle}; the schema is left out`)
      return
    }
    if (own !== level) {
      const planned =
        level === null ? 'a plan leaves it, since the topic has none' : `a plan gives it ${level}, the topic’s`
      notes.push(`${subject}: its compatibility is ${own ?? 'the registry’s'}, and ${planned}`)
    }
    found.set(subject, { type: subject.slice(topic.length + 1), text: latest!.schema })
  })
  return subjects.flatMap((subject) => {
    const one = found.get(subject)!
    if (typeof one === 'string') {
      notes.push(one)
      return []
    }
    return [one]
  })
}

/** The reason why a file cannot declare it; null if it can. */
function whyNotPayload({ schema, schemaType = 'AVRO', references = [] }: RegisteredSchema): string | null {
  if (schemaType !== 'JSON') {
    return 'payloads of events are JSON Schema'
  }
  if (references.length > 0) {
    return 'its references to other schemas cannot be declared'
  }
  const parsed = JSON.parse(schema) as unknown
  const [problem] = jsonSchemaProblems(parsed)
  if (problem !== undefined) {
    return problem.message
  }
  return isDeepStrictEqual(closePayload(parsed as object), parsed)
    ? null
    : 'an object in it takes any field without saying so (additionalProperties)'
}

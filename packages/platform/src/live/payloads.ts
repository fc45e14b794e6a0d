// The payload schemas that a registry has of the declared topics' event types.
import type { RegistryClient } from '@selfmonitor/registry'
import type { PayloadSchema, Platform, PlatformTopic } from '../model.ts'
import { payloadDefinition, payloadSubjectOf } from '../payload/subject.ts'
import { eachOf } from './each.ts'
import { checkFirst, checkPayload, type SchemaProblem } from './schema-check.ts'
import { type LiveSubject, subjectOf } from './subject.ts'

export interface LivePayload extends LiveSubject {
  /** Of the declared schema; null when it is not registered. */
  readonly version: number | null
}

export type LivePayloads =
  /** By subject; `undeclared` are subjects that look like event types of the topics and have no file. */
  | {
      readonly kind: 'read'
      readonly subjects: ReadonlyMap<string, LivePayload>
      readonly undeclared: readonly string[]
    }
  /** The registry has no JSON Schema. */
  | { readonly kind: 'unsupported'; readonly registry: string }

export interface DeclaredPayload {
  readonly subject: string
  readonly topic: PlatformTopic
  readonly type: string
  readonly payload: PayloadSchema
}

/** Every event type of the topics, in the order of the file. */
export function payloadsOf(topics: readonly PlatformTopic[]): DeclaredPayload[] {
  return topics.flatMap((topic) =>
    Object.entries(topic.eventTypes).map(([type, payload]) => ({
      subject: payloadSubjectOf(topic.name, type),
      topic,
      type,
      payload,
    })),
  )
}

/** @returns null when the file has no event types */
export async function readPayloads({ topics }: Platform, registry: RegistryClient): Promise<LivePayloads | null> {
  const declared = payloadsOf(topics)
  if (declared.length === 0) {
    return null
  }
  const [supported, names] = await Promise.all([supportsJson(registry), registry.subjects()])
  if (!supported) {
    return { kind: 'unsupported', registry: registry.url }
  }
  const there = new Set(names)
  const subjects = new Map<string, LivePayload>()
  await eachOf(declared, async (one) => {
    subjects.set(one.subject, await readPayload(one, there.has(one.subject), registry))
  })
  return { kind: 'read', subjects, undeclared: undeclared(names, topics, new Set(subjects.keys())) }
}

/** Registries before 5.5 have Avro only, and not the path. */
async function supportsJson(registry: RegistryClient): Promise<boolean> {
  try {
    const types = await registry.request({ method: 'GET', path: '/schemas/types' })
    return Array.isArray(types) && types.includes('JSON')
  } catch (error) {
    if ((error as { status?: unknown }).status === 404) {
      return false
    }
    throw error
  }
}

/** Most often nothing has changed: then the latest version has the text of the file, and that is one request. */
async function readPayload(
  { subject, topic: { compatibility: declared }, payload }: DeclaredPayload,
  exists: boolean,
  registry: RegistryClient,
): Promise<LivePayload> {
  const [latest, compatibility] = await Promise.all([
    exists ? registry.getVersion(subject, 'latest') : null,
    declared === undefined ? null : registry.getCompatibility(subject, { defaultToGlobal: false }),
  ])
  const none: readonly SchemaProblem[] = []
  const definition = payloadDefinition(payload.schema)
  if (latest === null) {
    return { registered: false, version: null, latest, compatibility, problems: await checkFirst(definition) }
  }
  const found = sameText(latest.schema, definition.schema) ? latest : await registry.lookup(subject, definition)
  if (found !== null) {
    return { registered: true, version: found.version, latest, compatibility, problems: none }
  }
  const problems = await checkPayload(subject, definition, declared, compatibility, registry, latest)
  return { registered: false, version: null, latest, compatibility, problems }
}

/** A registry may print the text with other spaces. */
function sameText(registered: string, text: string): boolean {
  if (registered === text) {
    return true
  }
  try {
    return JSON.stringify(JSON.parse(registered)) === text
  } catch {
    return false
  }
}

function undeclared(
  names: readonly string[],
  topics: readonly PlatformTopic[],
  declared: ReadonlySet<string>,
): string[] {
  const values = new Set(topics.map(({ name }) => subjectOf(name)))
  const withTypes = topics.filter(({ eventTypes }) => Object.keys(eventTypes).length > 0)
  return names
    .filter((name) => !declared.has(name) && !values.has(name) && !/-(?:key|value)$/.test(name))
    .filter((name) => withTypes.some((topic) => name.startsWith(`${topic.name}-`)))
    .sort()
}

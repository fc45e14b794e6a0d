// Compares the payloads of event types with what the registry has of them. Pure.
import { type DeclaredPayload, type LivePayload, type LivePayloads, payloadsOf } from '../live/payloads.ts'
import { placeIn } from '../load/json-place.ts'
import type { Change, Platform, PlatformProblem } from '../model.ts'
import { closePayload } from '../payload/close.ts'
import { compareCompatibility } from './plan-compatibility.ts'
import { payloadDetails } from './schema-diff.ts'

interface ComparedPayloads {
  readonly levels: readonly Change[]
  readonly changes: readonly Change[]
  readonly errors: readonly PlatformProblem[]
  readonly warnings: readonly string[]
  readonly hints: readonly string[]
}

/** @param live null when no registry was asked, or there is nothing to ask for */
export function comparePayloads({ topics }: Platform, live: LivePayloads | null): ComparedPayloads {
  const none = { levels: [], changes: [], errors: [], warnings: [], hints: [] }
  if (live === null) {
    return none
  }
  if (live.kind === 'unsupported') {
    const warning = `The registry at ${live.registry} has no JSON Schema: payloads of events are neither compared nor registered.`
    return { ...none, warnings: [warning] }
  }
  const declared = payloadsOf(topics).flatMap((one) => {
    const found = live.subjects.get(one.subject)
    return found === undefined ? [] : [{ one, found }]
  })
  return {
    levels: declared.flatMap(({ one, found }) => compareCompatibility(one.topic, one.subject, found, one.type)),
    changes: declared.flatMap(({ one, found }) => comparePayload(one, found)),
    errors: declared.flatMap(({ one, found }) => errorsOf(one, found)),
    warnings: declared.flatMap(({ one, found }) => driftOf(one, found)),
    hints: undeclared(live.undeclared),
  }
}

function comparePayload({ subject, topic, type, payload }: DeclaredPayload, found: LivePayload): Change[] {
  const { registered, problems, latest } = found
  if (registered || problems.length > 0) {
    return []
  }
  return [
    {
      action: latest === null ? 'create' : 'update',
      kind: 'payload',
      name: subject,
      event: { topic: topic.name, type },
      details: [
        { key: 'schema', from: latest === null ? null : `version ${latest.version}`, to: payload.file },
        ...(latest === null ? [] : payloadDetails(latest.schema, closePayload(payload.schema))),
      ],
      warnings: [],
    },
  ]
}

function errorsOf(
  { subject, topic, type, payload }: DeclaredPayload,
  { problems, latest }: LivePayload,
): PlatformProblem[] {
  const next = latest === null ? 'cannot be registered' : `cannot follow version ${latest.version}`
  return problems.map(({ message, pointer }) => ({
    file: payload.file,
    ...placeIn(payload.text, pointer),
    path: subject,
    message: `event type ${type} of ${topic.name} ${next}: ${message}`,
  }))
}

/** Somebody has registered a newer version, or the file is an older one. */
function driftOf({ subject, type, payload }: DeclaredPayload, { version, latest }: LivePayload): string[] {
  return version === null || latest === null || version >= latest.version
    ? []
    : [
        `${subject} has version ${latest.version} in the registry, and ${payload.file} is version ${version}: events of ${type} are written as version ${version}.`,
      ]
}

const shownUndeclared = 5

function undeclared(subjects: readonly string[]): string[] {
  if (subjects.length === 0) {
    return []
  }
  const more = subjects.length - shownUndeclared
  const shown = `${subjects.slice(0, shownUndeclared).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  return [`In the registry and without a file, so not compared: ${shown}. No schema is deleted here.`]
}

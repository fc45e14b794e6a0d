// Why a payload cannot follow an older version, as a sentence about its field, and what to do. The registry's words for JSON Schema speak
// of content models.
import type { IncompatibilityReason } from '@selfmonitor/registry'

/** The two schemas, and the versions' numbers for the sentence. */
export interface Compared {
  /** Text of the schema that is declared. */
  readonly schema: string
  /** Text of the version that it was compared with; null where that is not known. */
  readonly old: string | null
  readonly version: number
}

interface Sentence {
  readonly problem: string
  /** What to do instead. */
  readonly remedy: string
}

/** A field in words: `the field merchant.name`, `the payload`. */
type Words = (field: string, version: string, compared: Compared, path: string) => Sentence

const removed: Words = (field, version) => ({
  problem: `${field} was removed or renamed, and events of ${version} may have it`,
  remedy: 'keep it',
})
const required: Words = (field, version) => ({
  problem: `${field} is required now, and events of ${version} may be without it`,
  remedy: 'leave it out of required, or give it a default',
})
const retyped: Words = (field, version, compared, path) => ({
  problem: `${field} has another type${typesOf(compared, path)}, and events of ${version} have the old one`,
  remedy: 'keep the type, and add a field for the new one',
})

const named: Words = (field, version) => ({
  problem: `${field} is new in an object that takes fields of any name, and events of ${version} may have something else under this one`,
  remedy: 'leave it undeclared',
})

/**
 * By the names that Confluent's registry has for changes of a JSON Schema, where the new schema reads events of the old one.
 * https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/serdes-json.html#json-schema-compatibility-rules
 */
const backward: Readonly<Record<string, Words>> = {
  PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL: removed,
  PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL: removed,
  REQUIRED_ATTRIBUTE_ADDED: required,
  REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL: (field, version) => ({
    problem: `${field} is new and required, and events of ${version} do not have it`,
    remedy: 'leave it out of required, or give it a default',
  }),
  TYPE_CHANGED: retyped,
  TYPE_NARROWED: retyped,
  PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL: named,
  PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL: named,
  ENUM_ARRAY_NARROWED: (field, version) => ({
    problem: `${field} takes fewer values, and events of ${version} may have the others`,
    remedy: 'keep them',
  }),
  ENUM_ARRAY_CHANGED: (field, version) => ({
    problem: `${field} takes other values, and events of ${version} may have the old ones`,
    remedy: 'keep them',
  }),
  ADDITIONAL_PROPERTIES_REMOVED: (field, version) => ({
    problem: `${field} no longer takes other fields than its own, and events of ${version} may have some`,
    remedy: 'keep additionalProperties',
  }),
}

/** The same where the old schema reads events of the new one. */
const forward: Readonly<Record<string, Words>> = {
  PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL: (field, version) => ({
    problem: `${field} is new, and ${version} allows no other fields than its own`,
    remedy: 'leave it out',
  }),
  REQUIRED_ATTRIBUTE_ADDED: (field, version) => ({
    problem: `${field} is no longer required, and ${version} requires it`,
    remedy: 'keep it required',
  }),
  REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL: (field, version) => ({
    problem: `${field} was removed or renamed, and ${version} requires it`,
    remedy: 'keep it',
  }),
  TYPE_CHANGED: retyped,
  TYPE_NARROWED: retyped,
}

/** `MAX_LENGTH_DECREASED`, `PATTERN_ADDED`: a limit that the schema did not have, or not so narrow. */
const limit =
  /^(MAX_LENGTH|MIN_LENGTH|PATTERN|MAXIMUM_EXCLUSIVE|MINIMUM_EXCLUSIVE|MAXIMUM|MINIMUM|MULTIPLE_OF|MAX_ITEMS|MIN_ITEMS|UNIQUE_ITEMS|MAX_PROPERTIES|MIN_PROPERTIES)_/
const keywords: Readonly<Record<string, string>> = {
  MAXIMUM_EXCLUSIVE: 'exclusiveMaximum',
  MINIMUM_EXCLUSIVE: 'exclusiveMinimum',
}

/**
 * @param reason of the registry, about JSON Schema
 * @param inWords the registry's own words, for a reason that has no sentence here
 * @returns the problem, and what to do instead, that go behind `cannot follow version 1: `
 */
export function payloadSentence(reason: IncompatibilityReason, inWords: string, compared: Compared): Sentence {
  const { type, path, direction } = reason
  const version = `version ${compared.version}`
  const pointer = pointerOf(path)
  const names = fieldNames(pointer)
  const field = names.length === 0 ? 'the payload' : `the field ${names.join('.')}`
  const words = type === null ? undefined : (direction === 'forward' ? forward : backward)[type]
  if (words !== undefined) {
    return words(field, version, compared, pointer)
  }
  const [, keyword] = limit.exec(type ?? '') ?? []
  if (keyword !== undefined && direction !== 'forward') {
    const name =
      keywords[keyword] ?? keyword.toLowerCase().replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
    return {
      problem: `${name} of ${field} is stricter, and events of ${version} may break it`,
      remedy: `keep ${name} as it was`,
    }
  }
  return { problem: names.length === 0 ? inWords : `${field}: ${inWords}`, remedy: 'keep it as it was' }
}

/** A registry writes `#/properties/x`. */
export function pointerOf(path: string | null): string {
  return (path ?? '').replace(/^#/, '')
}

/** The fields that a pointer into a JSON Schema leads through: `/properties/merchant/properties/name` is merchant, name. */
function fieldNames(pointer: string): string[] {
  const parts = pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  return parts.filter((_, at) => at > 0 && isContainer(parts, at - 1))
}

/** Whether the part at `at` is a keyword whose keys are fields, and not itself the name of one. */
function isContainer(parts: readonly string[], at: number): boolean {
  return ['properties', 'required'].includes(parts[at]!) && (at === 0 || !isContainer(parts, at - 1))
}

function typesOf({ old, schema }: Compared, pointer: string): string {
  const [before, after] = [typeAt(old, pointer), typeAt(schema, pointer)]
  return before === null || after === null || before === after ? '' : ` (${before} before, ${after} now)`
}

function typeAt(text: string | null, pointer: string): string | null {
  let found: unknown = text === null ? null : JSON.parse(text)
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    found = typeof found === 'object' && found !== null ? (found as Record<string, unknown>)[key] : undefined
  }
  const type = (found as { type?: unknown } | null | undefined)?.type ?? found
  const isType = typeof type === 'string' || (Array.isArray(type) && type.every((one) => typeof one === 'string'))
  return isType ? [type].flat().join(' or ') : null
}

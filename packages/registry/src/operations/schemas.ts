// From texts to parsed schemas: finds what a schema refers to, parses it, and remembers what was parsed before.
import {
  formatOf,
  InvalidSchemaError,
  type ParsedSchema,
  type ResolvedReference,
  supportedSchemaTypes,
} from '../formats/index.ts'
import { contextOf, qualify, type RegistryState, type SchemaValue } from '../store/index.ts'
import type { SchemaDefinition, SchemaReference } from '../types.ts'
import { errors } from './errors.ts'

/** Parsed forms of stored versions; a version's record object is new whenever its record changes. */
const parsedVersions = new WeakMap<SchemaValue, ParsedSchema>()

/**
 * Parses a schema that a client sent.
 * @param lenient let pass what may have been registered before it was refused: where a schema is only looked for, and where
 *   it comes from another registry with its id
 * @throws {RegistryRefusal} 42201: no text, an unknown type, a missing reference, or a text that is not such a schema
 */
export function parseSent(
  state: RegistryState,
  subject: string,
  definition: SchemaDefinition,
  lenient: boolean,
): ParsedSchema {
  if (definition.schema.trim() === '') throw errors.emptySchema()
  const schemaType = definition.schemaType ?? 'AVRO'
  const format = formatOf(schemaType)
  if (!format) {
    throw errors.invalidSchema(
      `Invalid schema type ${schemaType}; this registry supports ${supportedSchemaTypes.join(', ')}`,
    )
  }
  const references = definition.references ?? []
  try {
    const withVersions = references.map((reference) => atVersion(state, subject, reference))
    const resolved = resolve(state, subject, withVersions, false)
    return format.parse({ ...definition, references: withVersions }, resolved, lenient)
  } catch (error) {
    if (!(error instanceof InvalidSchemaError)) throw error
    const refs = `[${references.map((ref) => `{name='${ref.name}', subject='${ref.subject}', version=${ref.version}}`).join(', ')}]`
    const sent = `{subject=${subject},version=0,id=-1,schemaType=${schemaType},references=${refs},metadata=null,ruleSet=null,schema=${definition.schema}}`
    throw errors.invalidSchema(
      `Invalid schema ${sent} with refs ${refs} of type ${schemaType}, details: ${error.message}`,
      error,
    )
  }
}

/**
 * Parses a registered version, leniently: older registries let wrong names and defaults pass.
 * @throws {InvalidSchemaError}
 */
export function parseStored(state: RegistryState, value: SchemaValue): ParsedSchema {
  const known = parsedVersions.get(value)
  if (known) return known
  const format = formatOf(value.schemaType)
  if (!format) throw new InvalidSchemaError(`schemas of type ${value.schemaType} cannot be compared by this registry`)
  const definition = { schema: value.schema, references: value.references }
  const parsed = format.parse(definition, resolve(state, value.subject, value.references, true), true)
  parsedVersions.set(value, parsed)
  return parsed
}

/** A reference to version -1 means the latest, and is stored as the version that it is now. */
function atVersion(state: RegistryState, from: string, reference: SchemaReference): SchemaReference {
  if (reference.version !== -1) return reference
  const subject = qualify(reference.subject, contextOf(from))
  return { ...reference, version: state.versions(subject, false).at(-1)?.version ?? -1 }
}

/**
 * Everything that the references lead to, dependencies first, each once. A reference that names no context is one inside
 * the context of the schema that has it.
 * @param from the subject whose schema has the references
 */
function resolve(
  state: RegistryState,
  from: string,
  references: readonly SchemaReference[],
  deleted: boolean,
): ResolvedReference[] {
  const found: ResolvedReference[] = []
  const seen = new Set<string>()
  const visit = (context: string, list: readonly SchemaReference[]): void => {
    for (const reference of list) {
      const subject = qualify(reference.subject, context)
      const key = JSON.stringify([subject, reference.version])
      if (seen.has(key)) continue
      seen.add(key)
      const value = state.version(subject, reference.version)
      if (!value || (value.deleted && !deleted)) {
        throw new InvalidSchemaError(
          `No schema reference found for subject "${reference.subject}" and version ${reference.version}`,
        )
      }
      visit(contextOf(subject), value.references)
      found.push({ reference, schema: value.schema })
    }
  }
  visit(contextOf(from), references)
  return found
}

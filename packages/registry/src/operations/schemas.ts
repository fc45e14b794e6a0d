// From texts to parsed schemas: finds what a schema refers to, parses it, and remembers what was parsed before.
import {
  formatOf,
  InvalidSchemaError,
  type NamedReference,
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
    const { all, named } = resolve(state, subject, withVersions, false)
    return format.parse({ ...definition, references: withVersions }, all, lenient, named)
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
  const { all, named } = resolve(state, value.subject, value.references, true)
  const parsed = format.parse(definition, all, true, named)
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
 * Everything that the references lead to: dependencies first, each once, and as a tree of who names what. A reference that
 * names no context is one inside the context of the schema that has it.
 * @param from the subject whose schema has the references
 */
function resolve(
  state: RegistryState,
  from: string,
  references: readonly SchemaReference[],
  deleted: boolean,
): { readonly all: readonly ResolvedReference[]; readonly named: readonly NamedReference[] } {
  const all: ResolvedReference[] = []
  const seen = new Map<string, Omit<NamedReference, 'reference'>>()
  const visit = (context: string, list: readonly SchemaReference[]): NamedReference[] =>
    list.map((reference) => {
      const subject = qualify(reference.subject, context)
      const key = JSON.stringify([subject, reference.version])
      const known = seen.get(key)
      if (known) return { reference, ...known }
      const value = state.version(subject, reference.version)
      if (!value || (value.deleted && !deleted)) {
        throw new InvalidSchemaError(
          `No schema reference found for subject "${reference.subject}" and version ${reference.version}`,
        )
      }
      const found = { schema: value.schema, references: visit(contextOf(subject), value.references) }
      seen.set(key, found)
      all.push({ reference, schema: value.schema })
      return { reference, ...found }
    })
  return { named: visit(contextOf(from), references), all }
}

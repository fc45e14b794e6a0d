// How a version is shown: Confluent's field order; the type of Avro and empty references are left out.
import { registryErrorCodes } from '../../error-codes.ts'
import { errors, parseStored, type Registered, RegistryRefusal } from '../../operations/index.ts'
import { contextOf, guidOf, qualify, type RegistryState, type SchemaValue } from '../../store/index.ts'
import type { Call, RouteContext } from './route.ts'

/** @param text in the form that the request asks for */
export function versionAnswer(value: SchemaValue, call: Call, text = value.schema): Record<string, unknown> {
  return {
    subject: value.subject,
    version: value.version,
    id: value.id,
    guid: guidOf(value),
    ...typeAnswer(value, call),
    ...contractAnswer(value),
    schema: text,
  }
}

/** The contract, which is left out where there is none. */
export function contractAnswer({ metadata, ruleSet }: SchemaValue): Record<string, unknown> {
  return { ...(metadata && { metadata }), ...(ruleSet && { ruleSet }) }
}

/**
 * Registers, and answers with the id and what the request did not say. A caller who may not read the subject gets the id alone, and of a
 * schema that is not compatible no details: these quote earlier versions.
 */
export async function registrationAnswer(
  { mayRead }: RouteContext,
  subject: string,
  call: Call,
  run: () => Promise<Registered>,
): Promise<Record<string, unknown>> {
  const shows = mayRead === undefined || mayRead(subject)
  try {
    const { value, asSent } = await run()
    const { subject: _, ...answer } = versionAnswer(value, call)
    return asSent || !shows ? { id: value.id, guid: guidOf(value) } : answer
  } catch (error) {
    const isIncompatible = error instanceof RegistryRefusal && error.errorCode === registryErrorCodes.incompatible
    throw isIncompatible && !shows ? errors.incompatible(subject, []) : error
  }
}

/** With `findTags`: what is tagged in the text, in a language that has tags. */
export function tagsAnswer(state: RegistryState, value: SchemaValue, call: Call): Record<string, unknown> {
  if (call.query.findTags?.toLowerCase() !== 'true') return {}
  const tagged = parseStored(state, value).tags?.filter(({ tags }) => tags.length > 0) ?? []
  const schemaTags = tagged.map(({ path, type, tags }) => ({
    schemaEntity: { entityPath: path, entityType: type },
    tags,
  }))
  return { schemaTags }
}

/** References are shown as they were registered; with `referenceFormat=qualified` each names its context. */
export function typeAnswer(value: SchemaValue, call: Call): Record<string, unknown> {
  const { schemaType } = value
  const references =
    call.query.referenceFormat?.toLowerCase() !== 'qualified'
      ? value.references
      : value.references.map((reference) => ({
          ...reference,
          subject: qualify(reference.subject, contextOf(value.subject)),
        }))
  return {
    ...(schemaType === 'AVRO' ? {} : { schemaType }),
    ...(references.length === 0 ? {} : { references }),
  }
}

/** The text in the form that `format` asks for; the stored one where the schema's language does not have that form. */
export function textOf(state: RegistryState, value: SchemaValue, format: string | undefined): string {
  if (format === undefined || format === '') return value.schema
  return parseStored(state, value).formatted(format.toLowerCase()) ?? value.schema
}

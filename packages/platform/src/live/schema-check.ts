// Would the registry take a schema? Asked before anything is changed, under the level that the plan will have set.

import {
  type CompatibilityLevel,
  explainReason,
  findConflict,
  InvalidSchemaError,
  type Incompatibility as Refusal,
  type RegisteredSchema,
  type RegistryClient,
  RegistryError,
  readIncompatibility,
  readInvalidSchema,
  type SchemaDefinition,
} from '@selfmonitor/registry'
import { registryErrorCodes } from '@selfmonitor/registry/error-codes'
import { type Compared, payloadSentence, pointerOf } from './payload-problem.ts'

/** One reason against a schema, in words; `pointer` is the place in the new schema where it can be told. */
export interface SchemaProblem {
  readonly message: string
  /** JSON pointer, `/fields/5`. */
  readonly pointer: string | null
}

const { invalidSchema } = registryErrorCodes

/**
 * @param declared the level that the file declares, undefined when it leaves that to the registry
 * @param live the subject's own level, null when it has none
 * @returns why the schema cannot become the subject's next version; empty when it can
 */
export function checkSchema(
  subject: string,
  schema: SchemaDefinition,
  declared: CompatibilityLevel | undefined,
  live: CompatibilityLevel | null,
  registry: RegistryClient,
): Promise<SchemaProblem[]> {
  return checked(subject, schema, declared, live, registry, (refusal) => readable(refusal, schema.schema))
}

/**
 * The same for the payload of an event type, in sentences about its fields.
 * @param latest of the subject
 */
export function checkPayload(
  subject: string,
  schema: SchemaDefinition,
  declared: CompatibilityLevel | undefined,
  live: CompatibilityLevel | null,
  registry: RegistryClient,
  latest: RegisteredSchema,
): Promise<SchemaProblem[]> {
  return checked(subject, schema, declared, live, registry, async (refusal) => {
    const version = refusal.version ?? latest.version
    const old = version === latest.version ? latest : await registry.getVersion(subject, version)
    return readablePayload(refusal, { schema: schema.schema, old: old?.schema ?? null, version })
  })
}

async function checked(
  subject: string,
  schema: SchemaDefinition,
  declared: CompatibilityLevel | undefined,
  live: CompatibilityLevel | null,
  registry: RegistryClient,
  inWords: (refusal: Refusal) => SchemaProblem[] | Promise<SchemaProblem[]>,
): Promise<SchemaProblem[]> {
  try {
    const level = declared ?? live
    const changes = declared !== undefined && declared !== (live ?? (await registry.getCompatibility()))
    const messages =
      changes && level !== null
        ? await messagesUnder(level, subject, schema, registry)
        : await messagesOf(subject, schema, registry)
    return messages === null ? [] : await inWords(readIncompatibility(messages, schema.schema))
  } catch (error) {
    const problem = invalidSchemaProblem(error)
    if (problem !== null) {
      return [problem]
    }
    throw error
  }
}

/** Problems of a schema whose subject has no version. A registry has no check without a side effect for it, so it is parsed here. */
export async function checkFirst(schema: SchemaDefinition): Promise<SchemaProblem[]> {
  const { formatOf } = await import('@selfmonitor/registry/formats')
  try {
    formatOf(schema.schemaType ?? 'AVRO')?.parse(schema, [], false)
    return []
  } catch (error) {
    const problem = invalidSchemaProblem(error)
    if (problem === null) {
      throw error
    }
    return [problem]
  }
}

/** The registry's message for a text that it does not accept as a schema; null for any other error. */
export function invalidSchemaProblem(error: unknown): SchemaProblem | null {
  const isInvalid =
    error instanceof InvalidSchemaError || (error instanceof RegistryError && error.errorCode === invalidSchema)
  if (!isInvalid) {
    return null
  }
  const { problem, path } = readInvalidSchema(error.message)
  return { message: `the registry refuses it: ${problem}`, pointer: path }
}

/** @returns null when it is compatible */
async function messagesOf(subject: string, schema: SchemaDefinition, registry: RegistryClient) {
  const { compatible, messages } = await registry.check(subject, schema)
  return compatible ? null : messages
}

/** The registry checks under the level it has. The plan will change the level first, so the result is computed here. */
async function messagesUnder(
  level: CompatibilityLevel,
  subject: string,
  schema: SchemaDefinition,
  registry: RegistryClient,
): Promise<readonly string[] | null> {
  // Loaded here: most plans change no level, and the schema languages are many modules.
  const { formatOf } = await import('@selfmonitor/registry/formats')
  const format = formatOf(schema.schemaType ?? 'AVRO')
  if (format === undefined || level === 'NONE') {
    return null
  }
  const versions = await Promise.all(
    (await registry.versions(subject)).map(async (version) => (await registry.getVersion(subject, version))!),
  )
  const conflict = findConflict(
    level,
    format.parse(schema, [], true),
    versions.map((old) => ({ version: old.version, text: old.schema, parse: () => format.parse(old, [], false) })),
  )
  return conflict === undefined ? null : [...conflict.messages, `{compatibility: '${level}'}`]
}

function readablePayload({ reasons, compatibility }: Refusal, compared: Compared): SchemaProblem[] {
  const level = compatibility === null ? '' : ` (${compatibility})`
  const found = reasons.map((reason) => {
    const { problem, remedy } = payloadSentence(reason, explainReason(reason, compared.schema), compared)
    const message = `${problem}${level}; ${remedy}, or give the changed payload an event type of its own`
    return { message, pointer: pointerOf(reason.path) }
  })
  return found.length > 0 ? found : [{ message: `it is incompatible${level}`, pointer: null }]
}

/** The registry's reasons, each with the level that it was compared under. */
function readable({ reasons, compatibility: level }: Refusal, schema: string): SchemaProblem[] {
  const found = reasons.map((reason) => ({ message: explainReason(reason, schema), pointer: reason.path }))
  return (found.length > 0 ? found : [{ message: 'it is incompatible', pointer: null }]).map(
    ({ message, pointer }) => ({
      message: level === null ? message : `${message} (${level})`,
      pointer,
    }),
  )
}

// Would the registry take a schema? Asked before anything is changed, under the level that the plan will have set.

import {
  type CompatibilityLevel,
  explainReason,
  findConflict,
  InvalidSchemaError,
  type RegistryClient,
  RegistryError,
  readIncompatibility,
  readInvalidSchema,
} from '@selfmonitor/registry'
import { registryErrorCodes } from '@selfmonitor/registry/error-codes'
import type { PlatformTopic } from '../model.ts'

type DeclaredSchema = NonNullable<PlatformTopic['schema']>

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
export async function checkSchema(
  subject: string,
  schema: DeclaredSchema,
  declared: CompatibilityLevel | undefined,
  live: CompatibilityLevel | null,
  registry: RegistryClient,
): Promise<SchemaProblem[]> {
  try {
    const level = declared ?? live
    const changes = declared !== undefined && declared !== (live ?? (await registry.getCompatibility()))
    if (changes && level !== null) {
      return await checkUnder(level, subject, schema, registry)
    }
    const { compatible, messages } = await registry.check(subject, schema)
    return compatible ? [] : readable(messages, schema.schema)
  } catch (error) {
    const problem = invalidSchemaProblem(error)
    if (problem !== null) {
      return [problem]
    }
    throw error
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

/** The registry checks under the level it has. The plan will change the level first, so the result is computed here. */
async function checkUnder(
  level: CompatibilityLevel,
  subject: string,
  schema: DeclaredSchema,
  registry: RegistryClient,
): Promise<SchemaProblem[]> {
  // Loaded here: most plans change no level, and the schema languages are many modules.
  const { formatOf } = await import('@selfmonitor/registry/formats')
  const format = formatOf(schema.schemaType ?? 'AVRO')
  if (format === undefined || level === 'NONE') {
    return []
  }
  const versions = await Promise.all(
    (await registry.versions(subject)).map(async (version) => (await registry.getVersion(subject, version))!),
  )
  const conflict = findConflict(
    level,
    format.parse(schema, [], true),
    versions.map((old) => ({ version: old.version, text: old.schema, parse: () => format.parse(old, [], false) })),
  )
  return conflict === undefined ? [] : readable([...conflict.messages, `{compatibility: '${level}'}`], schema.schema)
}

/** The registry's reasons, each with the level that it was compared under. */
function readable(messages: readonly string[], schema: string): SchemaProblem[] {
  const { reasons, compatibility: level } = readIncompatibility(messages, schema)
  const found = reasons.map((reason) => ({ message: explainReason(reason, schema), pointer: reason.path }))
  return (found.length > 0 ? found : [{ message: 'it is incompatible', pointer: null }]).map(
    ({ message, pointer }) => ({
      message: level === null ? message : `${message} (${level})`,
      pointer,
    }),
  )
}

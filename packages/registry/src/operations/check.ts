// Compatibility of a schema with the versions of a subject, under the level that applies there.
import { type Conflict, findConflict } from '../compatibility/index.ts'
import type { ParsedSchema } from '../formats/index.ts'
import type { RegistryState, SchemaValue } from '../store/index.ts'
import type { CompatibilityLevel } from '../types.ts'
import { parseStored } from './schemas.ts'

/**
 * @param versions oldest first
 * @returns what to tell the client, in Confluent's words; empty when compatible
 */
export function incompatibilities(
  state: RegistryState,
  level: CompatibilityLevel,
  schema: ParsedSchema,
  versions: readonly SchemaValue[],
): readonly string[] {
  if (level === 'NONE') return []
  const conflict = findConflict<ParsedSchema>(
    level,
    schema,
    versions.map((value) => ({ version: value.version, text: value.schema, parse: () => parseStored(state, value) })),
  )
  return conflict ? withLevel(conflict, level) : []
}

function withLevel(conflict: Conflict, level: CompatibilityLevel): string[] {
  return [...conflict.messages, `{validateFields: 'false', compatibility: '${level}'}`]
}

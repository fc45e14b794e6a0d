// Compatibility of a schema with the versions of a subject, under the level and the rules that apply there.
import { findConflict } from '../compatibility/index.ts'
import type { Contract } from '../contract/index.ts'
import type { ParsedSchema } from '../formats/index.ts'
import type { RegistryState, SchemaValue } from '../store/index.ts'
import type { CompatibilityLevel } from '../types.ts'
import { sameGroup } from './contracts.ts'
import { levelInScope, settingInScope } from './lookup.ts'
import { reservedFieldProblems } from './reserved-fields.ts'
import { parseStored } from './schemas.ts'

export interface Candidate {
  readonly subject: string
  readonly schema: ParsedSchema
  readonly contract: Contract
  /** Those that it may be compared with, oldest first. */
  readonly versions: readonly SchemaValue[]
}

/**
 * @param fallback the level while none is set
 * @returns what to tell the client, in Confluent's words; empty when compatible
 */
export function incompatibilities(
  state: RegistryState,
  { subject, schema, contract, versions }: Candidate,
  fallback: CompatibilityLevel,
): readonly string[] {
  const level = levelInScope(state, subject, fallback)
  const validates = settingInScope(state, subject, 'validateFields') === true
  const compared = sameGroup(state, subject, contract, versions)
  const reserved = validates ? reservedFieldProblems(schema, contract.metadata, compared.at(-1)?.metadata) : []
  const conflict =
    level === 'NONE'
      ? undefined
      : findConflict<ParsedSchema>(
          level,
          schema,
          compared.map((value) => ({
            version: value.version,
            text: value.schema,
            parse: () => parseStored(state, value),
          })),
        )
  const messages = [...reserved, ...(conflict?.messages ?? [])]
  return messages.length === 0 ? [] : [...messages, `{validateFields: '${validates}', compatibility: '${level}'}`]
}

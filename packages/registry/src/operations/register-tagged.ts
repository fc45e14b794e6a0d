// Registers a version again under the same subject, with other tags and perhaps another contract.
import { mergeRuleSets, removeRules } from '../contract/index.ts'
import type { SchemaValue, Store } from '../store/index.ts'
import type { CompatibilityLevel, SchemaDefinition, SchemaMetadata, SchemaRuleSet } from '../types.ts'
import { type Registered, register } from './register.ts'
import { parseStored } from './schemas.ts'
import { type TagChange, tagged } from './tags.ts'

export interface TagRequest extends TagChange {
  /** That the new one has to get; undefined: the next. */
  readonly newVersion: number | undefined
  /** In place of those of the version. */
  readonly metadata: SchemaMetadata | undefined
  readonly ruleSet: SchemaRuleSet | undefined
  readonly rulesToMerge: SchemaRuleSet | undefined
  readonly rulesToRemove: readonly string[]
}

/**
 * @param value the version
 * @throws {RegistryRefusal} as `register`, and 42201 where nothing has a path
 */
export async function registerTagged(
  store: Store,
  value: SchemaValue,
  { newVersion, metadata, ruleSet, rulesToMerge, rulesToRemove, ...change }: TagRequest,
  fallbackLevel: CompatibilityLevel,
): Promise<Registered> {
  const schema = tagged(parseStored(store.state, value), change)
  const rules = removeRules(mergeRuleSets(ruleSet ?? value.ruleSet, rulesToMerge), rulesToRemove)
  const definition: SchemaDefinition = {
    schema: schema.canonical,
    schemaType: schema.schemaType,
    references: schema.references,
    metadata: metadata ?? value.metadata ?? {},
    ...(rules && { ruleSet: rules }),
  }
  // All of the contract is that of the version, which may not be the latest.
  const request = { subject: value.subject, definition, normalize: false, inherits: false }
  return register(store, { ...request, version: newVersion ?? 'next' }, fallbackLevel)
}

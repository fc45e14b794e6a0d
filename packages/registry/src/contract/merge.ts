// Lays one contract over another: what the upper one has replaces what the lower one has under the same name.
// https://docs.confluent.io/platform/current/schema-registry/fundamentals/data-contracts.html#configuration-enhancements
import type { SchemaMetadata, SchemaRule, SchemaRuleSet } from '../types.ts'
import { readMetadata, readRuleSet, ruleLists } from './contract.ts'

/** @returns undefined where there is neither */
export function mergeMetadata(
  lower: SchemaMetadata | undefined,
  upper: SchemaMetadata | undefined,
): SchemaMetadata | undefined {
  if (lower === undefined || upper === undefined) return upper ?? lower
  return readMetadata({
    tags: { ...lower.tags, ...upper.tags },
    properties: { ...lower.properties, ...upper.properties },
    sensitive: [...(lower.sensitive ?? []), ...(upper.sensitive ?? [])],
  })
}

/** A rule of the upper set takes the place of the one with its name; the others follow those of the lower set. */
export function mergeRuleSets(
  lower: SchemaRuleSet | undefined,
  upper: SchemaRuleSet | undefined,
): SchemaRuleSet | undefined {
  if (lower === undefined || upper === undefined) return upper ?? lower
  return readRuleSet(Object.fromEntries(ruleLists.map((list) => [list, mergeRules(lower[list], upper[list])])))
}

function mergeRules(lower: readonly SchemaRule[] = [], upper: readonly SchemaRule[] = []): SchemaRule[] {
  const byName = new Map(lower.map((rule) => [rule.name, rule]))
  for (const rule of upper) byName.set(rule.name, rule)
  return [...byName.values()]
}

export function removeRules(ruleSet: SchemaRuleSet | undefined, names: readonly string[]): SchemaRuleSet | undefined {
  if (ruleSet === undefined || names.length === 0) return ruleSet
  const left = ruleLists.map((list) => [list, (ruleSet[list] ?? []).filter(({ name }) => !names.includes(name))])
  return readRuleSet(Object.fromEntries(left))
}

// The contract that a version gets: the request's, or else the one of the version before, between the defaults and the overrides of
// the configuration. https://docs.confluent.io/platform/current/schema-registry/fundamentals/data-contracts.html
import {
  type Contract,
  mergeMetadata,
  mergeRuleSets,
  propertyOf,
  readMetadata,
  readRuleSet,
  ruleSetProblem,
} from '../contract/index.ts'
import type { RegistryState, SchemaValue } from '../store/index.ts'
import type { SchemaRuleSet } from '../types.ts'
import { errors } from './errors.ts'
import { settingInScope } from './lookup.ts'

/** @param inherits whether what was not sent comes from the latest version */
export function mergedContract(state: RegistryState, subject: string, sent: Contract, inherits = true): Contract {
  const before = inherits ? state.versions(subject, false).at(-1) : undefined
  const setting = (name: Parameters<typeof settingInScope>[2]) => settingInScope(state, subject, name)
  return {
    metadata: mergeMetadata(
      mergeMetadata(readMetadata(setting('defaultMetadata')), sent.metadata ?? before?.metadata),
      readMetadata(setting('overrideMetadata')),
    ),
    ruleSet: mergeRuleSets(
      mergeRuleSets(readRuleSet(setting('defaultRuleSet')), sent.ruleSet ?? before?.ruleSet),
      readRuleSet(setting('overrideRuleSet')),
    ),
  }
}

/** @throws {RegistryRefusal} 42210 */
export function requireValid(ruleSet: SchemaRuleSet | undefined): void {
  const problem = ruleSet && ruleSetProblem(ruleSet)
  if (problem !== undefined) throw errors.invalidRuleSet(problem)
}

/** The versions that a schema is compared with: those that have its value of the property that `compatibilityGroup` names. */
export function sameGroup(
  state: RegistryState,
  subject: string,
  { metadata }: Contract,
  versions: readonly SchemaValue[],
): readonly SchemaValue[] {
  const group = settingInScope(state, subject, 'compatibilityGroup')
  if (typeof group !== 'string') return versions
  const own = propertyOf(metadata, group)
  return versions.filter((value) => propertyOf(value.metadata, group) === own)
}

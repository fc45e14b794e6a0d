// The exports of this folder: metadata and rule sets, read, merged and checked.
export {
  type Contract,
  contractKey,
  propertyOf,
  readMetadata,
  readRuleSet,
  unnumbered,
  versionProperty,
  withoutVersion,
  withVersion,
} from './contract.ts'
export { mergeMetadata, mergeRuleSets, removeRules } from './merge.ts'
export { ruleSetProblem } from './validate.ts'

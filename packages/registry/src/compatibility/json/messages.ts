// A problem of a JSON Schema as a line of `messages` and `details`. Confluent's registry writes the line with these quotes, and
// the sentences on content models are its own (people search for them); the others are ours.
import type { Side } from '../messages.ts'
import type { JsonIncompatibility, JsonProblemType } from './problem.ts'

/** `R` stands for the schema that reads, `W` for the one that writes, `@` for the path. */
export const sentences: Readonly<Record<JsonProblemType, string>> = {
  ADDITIONAL_ITEMS_NARROWED: 'The R schema restricts additional items at path @, which the W schema does not',
  ADDITIONAL_ITEMS_REMOVED: 'The R schema does not allow the additional items at path @ that the W schema allows',
  ADDITIONAL_PROPERTIES_NARROWED: 'The R schema restricts additional properties at path @, which the W schema does not',
  ADDITIONAL_PROPERTIES_REMOVED:
    'The R schema does not allow the additional properties at path @ that the W schema allows',
  COMBINED_TYPE_CHANGED: 'The R schema has another kind of combination at path @ than the W schema',
  COMBINED_TYPE_SUBSCHEMAS_CHANGED:
    'No combination of subschemas of the R schema at path @ accepts those of the W schema',
  CONDITION_CHANGED: 'The R schema has a condition at path @ that the W schema does not keep',
  CONTAINS_CHANGED: 'The R schema requires items at path @ that the W schema does not require',
  DEPENDENCY_ARRAY_ADDED: 'The R schema has a dependency at path @ which is missing in the W schema',
  DEPENDENCY_ARRAY_EXTENDED: 'The R schema requires more properties in the dependency at path @ than the W schema',
  DEPENDENCY_SCHEMA_ADDED: 'The R schema has a dependency with a schema at path @ which is missing in the W schema',
  ENUM_ARRAY_CHANGED: 'The R schema allows none of the values of the W schema at path @',
  ENUM_ARRAY_NARROWED: 'The R schema does not allow all values of the W schema at path @',
  ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL:
    'The R schema has a property or item at path @ which is missing in the W schema and is not covered by its partially open content model',
  ITEM_ADDED_TO_OPEN_CONTENT_MODEL:
    'The R schema has an open content model and has a property or item at path @ which is missing in the W schema',
  ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL:
    'The R has a closed content model and is missing a property or item present at path @ in the W schema',
  ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL:
    'A property or item is missing in the R schema but present at path @ in the W schema and is not covered by its partially open content model',
  MAX_ITEMS_ADDED: 'The R schema limits the number of items at path @, which the W schema does not',
  MAX_ITEMS_DECREASED: 'The R schema allows fewer items at path @ than the W schema',
  MAX_LENGTH_ADDED: 'The R schema limits the length at path @, which the W schema does not',
  MAX_LENGTH_DECREASED: 'The R schema allows a shorter length at path @ than the W schema',
  MAX_PROPERTIES_ADDED: 'The R schema limits the number of properties at path @, which the W schema does not',
  MAX_PROPERTIES_DECREASED: 'The R schema allows fewer properties at path @ than the W schema',
  MAXIMUM_ADDED: 'The R schema has a maximum at path @ which is missing in the W schema',
  MAXIMUM_DECREASED: 'The R schema has a lower maximum at path @ than the W schema',
  MAXIMUM_EXCLUSIVE_ADDED: 'The R schema has an exclusive maximum at path @ which is missing in the W schema',
  MAXIMUM_EXCLUSIVE_DECREASED: 'The R schema has a lower exclusive maximum at path @ than the W schema',
  MIN_ITEMS_ADDED: 'The R schema requires a number of items at path @, which the W schema does not',
  MIN_ITEMS_INCREASED: 'The R schema requires more items at path @ than the W schema',
  MIN_LENGTH_ADDED: 'The R schema requires a length at path @, which the W schema does not',
  MIN_LENGTH_INCREASED: 'The R schema requires a greater length at path @ than the W schema',
  MIN_PROPERTIES_ADDED: 'The R schema requires a number of properties at path @, which the W schema does not',
  MIN_PROPERTIES_INCREASED: 'The R schema requires more properties at path @ than the W schema',
  MINIMUM_ADDED: 'The R schema has a minimum at path @ which is missing in the W schema',
  MINIMUM_EXCLUSIVE_ADDED: 'The R schema has an exclusive minimum at path @ which is missing in the W schema',
  MINIMUM_EXCLUSIVE_INCREASED: 'The R schema has a higher exclusive minimum at path @ than the W schema',
  MINIMUM_INCREASED: 'The R schema has a higher minimum at path @ than the W schema',
  MULTIPLE_OF_ADDED: 'The R schema requires a multiple at path @, which the W schema does not',
  MULTIPLE_OF_CHANGED: 'The R schema requires another multiple at path @ than the W schema',
  MULTIPLE_OF_EXPANDED: 'The R schema requires a greater multiple at path @ than the W schema',
  NOT_TYPE_NARROWED: 'The R schema excludes values at path @ that the W schema does not exclude',
  PATTERN_ADDED: 'The R schema has a pattern at path @ which is missing in the W schema',
  PATTERN_CHANGED: 'The R schema has another pattern at path @ than the W schema',
  PRODUCT_TYPE_EXTENDED: 'The R schema has more schemas in allOf at path @ than the W schema',
  PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL:
    'The R schema has a property or item at path @ which is missing in the W schema and is not covered by its partially open content model',
  PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL:
    'The R schema has an open content model and has a property or item at path @ which is missing in the W schema',
  PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL:
    'The R has a closed content model and is missing a property or item present at path @ in the W schema',
  PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL:
    'A property or item is missing in the R schema but present at path @ in the W schema and is not covered by its partially open content model',
  REQUIRED_ATTRIBUTE_ADDED:
    'The R schema requires the property at path @, without a default, and the W schema does not',
  REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL:
    'The R schema requires the property at path @, without a default, which the W schema does not have',
  SCHEMA_ADDED: 'The R schema has a schema at path @ which is missing in the W schema',
  SUM_TYPE_NARROWED: 'The R schema accepts fewer alternatives at path @ than the W schema',
  TYPE_CHANGED: 'The R schema has another type at path @ than the W schema',
  TYPE_NARROWED: 'The R schema allows fewer types at path @ than the W schema',
  UNIQUE_ITEMS_ADDED: 'The R schema requires unique items at path @, which the W schema does not',
}

/** `{errorType:"…", description:"…'}`, with the closing quote that Confluent's registry has. */
export function describeJsonProblem({ type, path, message }: JsonIncompatibility, reader: Side, writer: Side): string {
  const words: Readonly<Record<string, string>> = { R: reader, W: writer, '@': `'${path}'` }
  const sentence = sentences[type].replace(/\b[RW]\b|@/g, (found) => words[found]!)
  return `{errorType:"${type}", description:"${sentence}${message === '' ? '' : `: ${message}`}'}`
}

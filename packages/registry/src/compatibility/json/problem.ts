// The incompatible changes of a JSON Schema, by the names that Confluent's registry has for them.
import type { Incompatibility } from '../../types.ts'

export type JsonProblemType =
  | 'ADDITIONAL_ITEMS_NARROWED'
  | 'ADDITIONAL_ITEMS_REMOVED'
  | 'ADDITIONAL_PROPERTIES_NARROWED'
  | 'ADDITIONAL_PROPERTIES_REMOVED'
  | 'COMBINED_TYPE_CHANGED'
  | 'COMBINED_TYPE_SUBSCHEMAS_CHANGED'
  | 'CONDITION_CHANGED'
  | 'CONTAINS_CHANGED'
  | 'DEPENDENCY_ARRAY_ADDED'
  | 'DEPENDENCY_ARRAY_EXTENDED'
  | 'DEPENDENCY_SCHEMA_ADDED'
  | 'ENUM_ARRAY_CHANGED'
  | 'ENUM_ARRAY_NARROWED'
  | 'ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL'
  | 'ITEM_ADDED_TO_OPEN_CONTENT_MODEL'
  | 'ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL'
  | 'ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL'
  | 'MAX_ITEMS_ADDED'
  | 'MAX_ITEMS_DECREASED'
  | 'MAX_LENGTH_ADDED'
  | 'MAX_LENGTH_DECREASED'
  | 'MAX_PROPERTIES_ADDED'
  | 'MAX_PROPERTIES_DECREASED'
  | 'MAXIMUM_ADDED'
  | 'MAXIMUM_DECREASED'
  | 'MAXIMUM_EXCLUSIVE_ADDED'
  | 'MAXIMUM_EXCLUSIVE_DECREASED'
  | 'MIN_ITEMS_ADDED'
  | 'MIN_ITEMS_INCREASED'
  | 'MIN_LENGTH_ADDED'
  | 'MIN_LENGTH_INCREASED'
  | 'MIN_PROPERTIES_ADDED'
  | 'MIN_PROPERTIES_INCREASED'
  | 'MINIMUM_ADDED'
  | 'MINIMUM_EXCLUSIVE_ADDED'
  | 'MINIMUM_EXCLUSIVE_INCREASED'
  | 'MINIMUM_INCREASED'
  | 'MULTIPLE_OF_ADDED'
  | 'MULTIPLE_OF_CHANGED'
  | 'MULTIPLE_OF_EXPANDED'
  | 'NOT_TYPE_NARROWED'
  | 'PATTERN_ADDED'
  | 'PATTERN_CHANGED'
  | 'PRODUCT_TYPE_EXTENDED'
  | 'PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL'
  | 'PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL'
  | 'PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL'
  | 'PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL'
  | 'REQUIRED_ATTRIBUTE_ADDED'
  | 'REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL'
  | 'SCHEMA_ADDED'
  | 'SUM_TYPE_NARROWED'
  | 'TYPE_CHANGED'
  | 'TYPE_NARROWED'
  | 'UNIQUE_ITEMS_ADDED'

export interface JsonIncompatibility extends Incompatibility {
  readonly type: JsonProblemType
}

/** @param path `#/properties/name` @param detail beyond type and place: the values that are missing */
export function problem(type: JsonProblemType, path: string, detail = ''): JsonIncompatibility {
  return { type, path, message: detail }
}

/** The path of a part, escaped as in a JSON pointer. */
export function inside(path: string, ...parts: readonly (string | number)[]): string {
  return [path, ...parts.map((part) => String(part).replaceAll('~', '~0').replaceAll('/', '~1'))].join('/')
}

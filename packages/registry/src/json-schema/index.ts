// The exports of this folder: parses JSON Schemas and finds what they refer to.
export {
  isSchemaMap,
  type JsonSchema,
  JsonSchemaError,
  type JsonSchemaObject,
  type NamedDocument,
  SchemaDocument,
  type SchemaNode,
} from './document.ts'
export { type Draft, definitionsKeyword, ignoresBesideRef } from './drafts.ts'
export { checkMetaschema } from './metaschema.ts'
export { resolvedText } from './resolved.ts'

// JSON Schema as a schema format of the registry.
import { checkJsonReader, describeJsonProblem, type JsonIncompatibility } from '../compatibility/json/index.ts'
import { isArray, isObject, JsonSyntaxError, type JsonValue, parseJson, writeJson } from '../json/index.ts'
import {
  checkMetaschema,
  JsonSchemaError,
  type NamedDocument,
  resolvedText,
  SchemaDocument,
} from '../json-schema/index.ts'
import type { SchemaReference } from '../types.ts'
import { sortReferences } from './references.ts'
import { InvalidSchemaError, type NamedReference, type ParsedSchema, type SchemaFormat } from './types.ts'

interface JsonParsedSchema extends ParsedSchema {
  readonly document: SchemaDocument
}

export const jsonFormat: SchemaFormat = {
  schemaType: 'JSON',
  parse(definition, all, lenient, named = all.map((reference) => ({ ...reference, references: [] }))) {
    const value = explained(() => parseJson(definition.schema, { comments: false }))
    const canonical = writeJson(value)
    const document = lazy(() => explained(() => new SchemaDocument(canonical, documentsOf(named))))
    if (!lenient) explained(() => check(document(), canonical))
    return parsedSchema(value, canonical, definition.references ?? [], document)
  },
}

/** @throws {JsonSchemaError} the text does not follow its draft's metaschema, or a `$ref` leads nowhere */
function check(document: SchemaDocument, text: string): void {
  checkMetaschema(document, text)
  for (const [reference, from] of document.allReferences()) document.follow(reference, from)
}

/** Each text once, whatever the names that others have for it. */
function documentsOf(named: readonly NamedReference[]): NamedDocument[] {
  const documents = new Map<readonly NamedReference[], SchemaDocument>()
  const documentOf = ({ schema, references }: NamedReference): SchemaDocument => {
    const known = documents.get(references)
    if (known) return known
    const document = new SchemaDocument(schema, references.map(name))
    documents.set(references, document)
    return document
  }
  const name = (reference: NamedReference) => ({ name: reference.reference.name, document: documentOf(reference) })
  return named.map(name)
}

function parsedSchema(
  value: JsonValue,
  canonical: string,
  references: readonly SchemaReference[],
  document: () => SchemaDocument,
): JsonParsedSchema {
  const resolve = () => explained(() => resolvedText(document())) ?? canonical
  return {
    schemaType: 'JSON',
    get document() {
      return document()
    },
    references,
    canonical,
    get resolved() {
      return resolve()
    },
    formatted: (form) => (form === 'resolved' ? resolve() : undefined),
    get fields() {
      return fieldsOf(value)
    },
    describe: (problem, reader, writer) => describeJsonProblem(problem as JsonIncompatibility, reader, writer),
    normalize() {
      const sorted = sortKeys(value)
      return parsedSchema(sorted, writeJson(sorted), sortReferences(references), document)
    },
    problemsReading: (writer) => checkJsonReader(document().node, (writer as JsonParsedSchema).document.node),
  }
}

/** The properties that the schema itself names. */
function fieldsOf(value: JsonValue): readonly string[] {
  const properties = isObject(value) ? value.get('properties') : undefined
  return isObject(properties) ? [...properties.keys()] : []
}

/** Keys in the order of their characters, in all objects. */
function sortKeys(value: JsonValue): JsonValue {
  if (isArray(value)) return value.map(sortKeys)
  if (!isObject(value)) return value
  const entries = [...value].map(([key, item]) => [key, sortKeys(item)] as const)
  return new Map(entries.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}

function lazy<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

function explained<Value>(parse: () => Value): Value {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof JsonSchemaError || error instanceof JsonSyntaxError)) throw error
    throw new InvalidSchemaError(error.message, { cause: error })
  }
}

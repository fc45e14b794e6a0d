// Is a text really a JSON Schema? Checked against the draft's own meta-schema, and for keywords that are none: a
// mistyped `requird` is valid JSON Schema, and means nothing.
import { Ajv2020 } from 'ajv/dist/2020.js'
import { fullFormats } from 'ajv-formats/dist/formats.js'
import { didYouMean } from './suggest.ts'

// https://json-schema.org/draft/2020-12: core, applicator, unevaluated, validation, meta-data, format, content.
const plain =
  '$schema $id $ref $anchor $dynamicRef $dynamicAnchor $comment $vocabulary type enum const title description default deprecated readOnly writeOnly examples format multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems maxContains minContains maxProperties minProperties required dependentRequired contentEncoding contentMediaType nullable'
const holdSchema =
  'additionalProperties unevaluatedProperties unevaluatedItems items contains propertyNames not if then else contentSchema'
const holdList = 'allOf anyOf oneOf prefixItems'
const holdMap = '$defs definitions properties patternProperties dependentSchemas'

type Holds = 'nothing' | 'schema' | 'list' | 'map'
const keywords = new Map<string, Holds>([
  ...plain.split(' ').map((name) => [name, 'nothing'] as const),
  ...holdSchema.split(' ').map((name) => [name, 'schema'] as const),
  ...holdList.split(' ').map((name) => [name, 'list'] as const),
  ...holdMap.split(' ').map((name) => [name, 'map'] as const),
])

// Those that the library validates with; a format that it does not know would pass anything.
const formats: ReadonlySet<string> = new Set(Object.keys(fullFormats))

// The meta-schema is compiled once; compiling each schema as well costs a second for a platform of fifty.
let ajv: Ajv2020 | undefined

/** @returns what is wrong and where, null when nothing is */
export function jsonSchemaProblem(schema: unknown): string | null {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    return 'it must be an object'
  }
  ajv ??= new Ajv2020({ strict: false, logger: false })
  const declared = (schema as { $schema?: unknown }).$schema
  if (declared !== undefined && declared !== 'https://json-schema.org/draft/2020-12/schema') {
    return `$schema must be https://json-schema.org/draft/2020-12/schema, it is ${String(declared)}`
  }
  if (ajv.validateSchema(schema) !== true) {
    const [error] = ajv.errors ?? []
    return `${error?.instancePath || '/'} ${error?.message ?? 'is wrong'}`
  }
  return unknownKeyword(schema, '')
}

function unknownKeyword(schema: unknown, pointer: string): string | null {
  if (typeof schema !== 'object' || schema === null) {
    return null
  }
  for (const [name, value] of Object.entries(schema)) {
    const holds = keywords.get(name)
    const at = `${pointer}/${name}`
    if (holds === undefined && !name.startsWith('x-')) {
      return `${at} is no keyword${didYouMean(name, keywords.keys())}`
    }
    if (name === 'format' && !formats.has(String(value))) {
      return `${at} '${String(value)}' is no format${didYouMean(String(value), formats)}`
    }
    const inner = holds === 'schema' ? { '': value } : holds === 'list' || holds === 'map' ? (value as object) : {}
    for (const [key, part] of Object.entries(inner)) {
      const found = unknownKeyword(part, key === '' ? at : `${at}/${key}`)
      if (found !== null) {
        return found
      }
    }
  }
  return null
}

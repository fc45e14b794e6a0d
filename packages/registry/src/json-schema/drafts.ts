// The drafts of JSON Schema that the registry knows, and how a text says which one it follows.

export type Draft = 'draft-04' | 'draft-06' | 'draft-07' | '2019-09' | '2020-12'

/** Metaschemas by their address without an empty fragment. */
const metaschemas: ReadonlyMap<string, Draft> = new Map([
  ['http://json-schema.org/draft-04/schema', 'draft-04'],
  ['http://json-schema.org/draft-06/schema', 'draft-06'],
  ['http://json-schema.org/draft-07/schema', 'draft-07'],
  ['https://json-schema.org/draft/2019-09/schema', '2019-09'],
  ['https://json-schema.org/draft/2020-12/schema', '2020-12'],
  ['http://json-schema.org/schema', '2020-12'],
])

/** The draft of a text that names none: Confluent's default (`json.schema.spec.version`). */
const fallback: Draft = 'draft-07'

/** @returns undefined for an address that is not that of a known draft */
export function draftOfMetaschema(address: string): Draft | undefined {
  const plain = address.replace(/#$/, '')
  return metaschemas.get(plain) ?? metaschemas.get(plain.replace(/^http(s?):/, (_, s) => (s ? 'http:' : 'https:')))
}

/** The draft that a schema names in `$schema`; draft 7 where it names none, or one of its own. */
export function draftOf(schema: unknown): Draft {
  const named = typeof schema === 'object' && schema !== null && '$schema' in schema ? schema.$schema : undefined
  return (typeof named === 'string' ? draftOfMetaschema(named) : undefined) ?? fallback
}

/** Since 2019-09 keywords beside `$ref` count; in older drafts they are ignored. */
export function ignoresBesideRef(draft: Draft): boolean {
  return draft === 'draft-04' || draft === 'draft-06' || draft === 'draft-07'
}

/** Where a draft keeps schemas that others refer to. */
export function definitionsKeyword(draft: Draft): '$defs' | 'definitions' {
  return ignoresBesideRef(draft) ? 'definitions' : '$defs'
}

const order: readonly Draft[] = ['draft-04', 'draft-06', 'draft-07', '2019-09', '2020-12']

/** The draft that brought a keyword; keywords that all have are not listed. */
const since: ReadonlyMap<string, Draft> = new Map([
  ['const', 'draft-06'],
  ['contains', 'draft-06'],
  ['propertyNames', 'draft-06'],
  ['if', 'draft-07'],
  ['then', 'draft-07'],
  ['else', 'draft-07'],
  ['dependentRequired', '2019-09'],
  ['dependentSchemas', '2019-09'],
  ['maxContains', '2019-09'],
  ['minContains', '2019-09'],
  ['unevaluatedItems', '2019-09'],
  ['unevaluatedProperties', '2019-09'],
  ['prefixItems', '2020-12'],
])

/** Whether a draft gives a keyword a meaning. */
export function isKeywordOf(draft: Draft, keyword: string): boolean {
  const first = since.get(keyword)
  return first === undefined || order.indexOf(draft) >= order.indexOf(first)
}

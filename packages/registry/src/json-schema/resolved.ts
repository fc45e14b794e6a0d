// A JSON Schema with every schema that it references written out in it.
import { dataKeywords, isSchemaMap, type JsonSchemaObject, type SchemaDocument, type Target } from './document.ts'
import { type Draft, definitionsKeyword } from './drafts.ts'

/**
 * The referenced schemas become definitions of the root, each under its name, and `$ref`s lead to them by pointer. Their `$id`
 * and `$schema` are left out: the text is one schema.
 * @returns undefined when nothing is referenced
 * @throws {JsonSchemaError} a `$ref` leads nowhere
 */
export function resolvedText(document: SchemaDocument): string | undefined {
  const { root } = document
  if (document.references.length === 0 || typeof root === 'boolean') return undefined
  const keyword = definitionsKeyword(document.draft)
  const taken = new Set(Object.keys((root[keyword] as object | undefined) ?? {}))
  const keys = new Map<SchemaDocument, string>()
  const written = new Map<string, unknown>()

  function keyOf({ name, document: other }: { name: string; document: SchemaDocument }): string {
    const known = keys.get(other)
    if (known !== undefined) return known
    let key = name
    for (let number = 2; taken.has(key); number++) key = `${name}-${number}`
    taken.add(key)
    keys.set(other, key)
    written.set(key, true)
    written.set(key, copy(other.root, other, true))
    return key
  }

  /** @param from the document that the target was found from */
  function pointerTo(target: Target, from: SchemaDocument): string {
    const inside = pointerOf(target)
    if (target.document === document) return `#${inside}`
    const name = from.references.find((reference) => reference.document === target.document)?.name ?? 'schema'
    return `#/${keyword}/${escapePart(keyOf({ name, document: target.document }))}${inside}`
  }

  function copy(value: unknown, of: SchemaDocument, isEmbedded: boolean): unknown {
    if (Array.isArray(value)) return value.map((item) => copy(item, of, isEmbedded))
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value)
      .filter(([key, item]) => !isEmbedded || !isIdentity(key, item, of.draft))
      .map(([key, item]) => {
        if (dataKeywords.has(key)) return [key, item]
        if (isSchemaMap(key, item)) {
          return [
            key,
            Object.fromEntries(Object.entries(item).map(([name, part]) => [name, copy(part, of, isEmbedded)])),
          ]
        }
        if (key !== '$ref' || typeof item !== 'string') return [key, copy(item, of, isEmbedded)]
        const target = of.follow(item, value as JsonSchemaObject)
        return [key, target.document === document && of === document ? item : encodeURI(pointerTo(target, of))]
      })
    return Object.fromEntries(entries)
  }

  const own = copy(root, document, false) as Record<string, unknown>
  if (written.size === 0) return undefined
  own[keyword] = { ...(own[keyword] as object | undefined), ...Object.fromEntries(written) }
  return writePlain(own)
}

/** An `$id` inside would be the base of the pointers, which lead from the root. */
function isIdentity(key: string, value: unknown, draft: Draft): boolean {
  if (typeof value !== 'string') return false
  return key === '$schema' || key === '$id' || (key === 'id' && draft === 'draft-04')
}

/** Where in its document a schema is. */
function pointerOf({ resource, pointer, document }: Target): string {
  const find = (value: unknown, path: string): string | undefined => {
    if (value === resource) return path
    if (typeof value !== 'object' || value === null) return undefined
    for (const [key, item] of Object.entries(value)) {
      const found = find(item, `${path}/${escapePart(key)}`)
      if (found !== undefined) return found
    }
    return undefined
  }
  return (find(document.root, '') ?? '') + pointer
}

function escapePart(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** As JSON without spaces; integers of any size. */
function writePlain(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(writePlain).join(',')}]`
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'bigint' ? value.toString() : JSON.stringify(value)
  }
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}:${writePlain(item)}`)
    .join(',')}}`
}

// Tags of records and fields: the property `confluent:tags`, which clients read to know what to encrypt or to hide.
// https://docs.confluent.io/platform/current/schema-registry/fundamentals/data-contracts.html#tags
import { isArray, isObject, type JsonObject, type JsonValue, parseJson, writeJson } from '../json/index.ts'

const tagsProperty = 'confluent:tags'

/** A record or a field of a record. */
export interface AvroEntity {
  /** `com.x.User` or `com.x.User.email`. */
  readonly path: string
  readonly isField: boolean
  readonly tags: readonly string[]
}

/**
 * Writes tags into a schema, and takes others out.
 * @param text a schema's text
 * @param change the tags that an entity gets in place of its own
 */
export function rewriteTags(text: string, change: (entity: AvroEntity) => readonly string[]): string {
  return writeJson(rewrite(parseJson(text), '', change))
}

/** Every record and field that a text defines, in its order. */
export function avroEntities(text: string): AvroEntity[] {
  const found: AvroEntity[] = []
  rewrite(parseJson(text), '', (entity) => {
    found.push(entity)
    return entity.tags
  })
  return found
}

function rewrite(node: JsonValue, space: string, change: (entity: AvroEntity) => readonly string[]): JsonValue {
  if (isArray(node)) return node.map((branch) => rewrite(branch, space, change))
  if (!isObject(node)) return node
  const type = node.get('type')
  switch (type) {
    case 'array':
      return withKey(node, 'items', rewrite(node.get('items')!, space, change))
    case 'map':
      return withKey(node, 'values', rewrite(node.get('values')!, space, change))
    case 'record':
    case 'error': {
      const { full, space: inner } = nameOf(node, space)
      const tagged = retag(node, { path: full, isField: false, tags: tagsOf(node) }, change)
      const fields = (node.get('fields') as readonly JsonObject[]).map((field) => {
        const entity = { path: `${full}.${String(field.get('name'))}`, isField: true, tags: tagsOf(field) }
        return withKey(retag(field, entity, change), 'type', rewrite(field.get('type')!, inner, change))
      })
      return withKey(tagged, 'fields', fields)
    }
    default:
      return isObject(type) || isArray(type) ? withKey(node, 'type', rewrite(type, space, change)) : node
  }
}

function retag(node: JsonObject, entity: AvroEntity, change: (entity: AvroEntity) => readonly string[]): JsonObject {
  const tags = change(entity)
  if (tags.length > 0) return withKey(node, tagsProperty, tags)
  return new Map([...node].filter(([key]) => key !== tagsProperty))
}

function tagsOf(node: JsonObject): readonly string[] {
  const tags = node.get(tagsProperty)
  return isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : []
}

function nameOf(node: JsonObject, space: string): { full: string; space: string } {
  const [name, namespace] = [String(node.get('name')), node.get('namespace')]
  const dot = name.lastIndexOf('.')
  if (dot >= 0) return { full: name, space: name.slice(0, dot) }
  const inner = typeof namespace === 'string' ? namespace : space
  return { full: inner === '' ? name : `${inner}.${name}`, space: inner }
}

function withKey(node: JsonObject, key: string, value: JsonValue): JsonObject {
  return new Map(node).set(key, value)
}

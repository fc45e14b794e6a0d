// Changes of tags, for any schema language.
import { InvalidSchemaError, type TaggedEntity } from './types.ts'

/**
 * What a change makes of the tags of each entity.
 * @param entities all that the schema has
 * @returns the tags of an entity after the change
 * @throws {InvalidSchemaError} nothing in the schema has a path of the change
 */
export function changedTags(
  entities: readonly TaggedEntity[],
  add: readonly TaggedEntity[],
  remove: readonly TaggedEntity[],
): (entity: Pick<TaggedEntity, 'path' | 'type'>) => readonly string[] {
  const missing = [...add, ...remove].find((wanted) => !entities.some((entity) => isMeant(wanted, entity)))
  if (missing !== undefined) throw new InvalidSchemaError(`No matching path '${missing.path}' found in the schema`)
  const of = (changes: readonly TaggedEntity[], entity: Pick<TaggedEntity, 'path' | 'type'>) =>
    changes.filter((change) => isMeant(change, entity)).flatMap(({ tags }) => tags)
  return (entity) => {
    const own = entities.find(({ path, type }) => path === entity.path && type === entity.type)?.tags ?? []
    const removed = of(remove, entity)
    return [...new Set([...own.filter((tag) => !removed.includes(tag)), ...of(add, entity)])]
  }
}

/** `User.email` is `com.x.User.email`, too. */
function isMeant(wanted: Pick<TaggedEntity, 'path' | 'type'>, entity: Pick<TaggedEntity, 'path' | 'type'>): boolean {
  const parts = entity.type === 'sr_field' ? 2 : 1
  const short = entity.path.split('.').slice(-parts).join('.')
  return wanted.type === entity.type && (wanted.path === entity.path || wanted.path === short)
}

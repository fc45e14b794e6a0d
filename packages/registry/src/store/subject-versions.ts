// The versions of one subject, in order and by what they hold. A subject may have thousands: nothing here sorts or copies them when
// a version is added at the end.
import type { SchemaValue } from './records.ts'

export interface SubjectVersions {
  readonly size: number
  /** Without soft-deleted ones. */
  readonly liveSize: number
  get(version: number): SchemaValue | undefined
  put(value: SchemaValue): void
  remove(version: number): void
  /** In order, soft-deleted ones too. Changes with the subject: not to be kept. */
  all(): readonly SchemaValue[]
  /** In order, without soft-deleted ones. */
  live(): readonly SchemaValue[]
  /** In order, soft-deleted ones too. */
  withContent(content: string): readonly SchemaValue[]
  hasReferences(): boolean
}

/** @param contentOf what a version holds, as a text that is the same for the same content */
export function createSubjectVersions(contentOf: (value: SchemaValue) => string): SubjectVersions {
  const ordered: SchemaValue[] = []
  const byContent = new Map<string, SchemaValue[]>()
  let deleted = 0
  let referring = 0
  /** Without the deleted ones; undefined until it is asked for. */
  let live: SchemaValue[] | undefined

  function count(value: SchemaValue, sign: 1 | -1): void {
    if (value.deleted) deleted += sign
    if (value.references.length > 0) referring += sign
  }

  function take(value: SchemaValue): void {
    count(value, -1)
    remove(ordered, value.version)
    const content = contentOf(value)
    const same = byContent.get(content)!
    remove(same, value.version)
    if (same.length === 0) byContent.delete(content)
  }

  const get = (version: number) => {
    const at = placeOf(ordered, version)
    return ordered[at]?.version === version ? ordered[at] : undefined
  }

  return {
    get size() {
      return ordered.length
    },
    get liveSize() {
      return ordered.length - deleted
    },
    get,
    put(value) {
      const previous = get(value.version)
      if (previous) take(previous)
      count(value, 1)
      insert(ordered, value)
      const content = contentOf(value)
      const same = byContent.get(content)
      if (same) insert(same, value)
      else byContent.set(content, [value])
      live = undefined
    },
    remove(version) {
      const value = get(version)
      if (value) take(value)
      live = undefined
    },
    all: () => ordered,
    live() {
      if (deleted === 0) return ordered
      live ??= ordered.filter((value) => !value.deleted)
      return live
    },
    withContent: (content) => byContent.get(content) ?? [],
    hasReferences: () => referring > 0,
  }
}

/** Where a version is in a list, or would be. */
function placeOf(list: readonly SchemaValue[], version: number): number {
  if ((list.at(-1)?.version ?? 0) < version) return list.length
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (list[middle]!.version < version) low = middle + 1
    else high = middle
  }
  return low
}

function insert(list: SchemaValue[], value: SchemaValue): void {
  const at = placeOf(list, value.version)
  if (at === list.length) list.push(value)
  else list.splice(at, 0, value)
}

function remove(list: SchemaValue[], version: number): void {
  const at = placeOf(list, version)
  if (list[at]?.version === version) list.splice(at, 1)
}

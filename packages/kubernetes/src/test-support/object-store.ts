// The objects that the API server of the tests holds, in memory.
import { randomUUID } from 'node:crypto'
import type { KubernetesObject } from '../api/types.ts'

/** An object as the server holds it: any field. */
export type StoredObject = KubernetesObject & Readonly<Record<string, unknown>>

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: StoredObject
}

export class ObjectStore {
  private readonly objects = new Map<string, StoredObject>()
  private readonly onChange: ((change: Change) => void) | undefined
  private revision = 0

  /** @param onChange called after each change */
  constructor(onChange: ((change: Change) => void) | undefined) {
    this.onChange = onChange
  }

  /** `metadata.resourceVersion` of the newest change. */
  get resourceVersion(): string {
    return String(this.revision)
  }

  all(): StoredObject[] {
    return [...this.objects.values()]
  }

  get(kind: string, name: string, namespace?: string): StoredObject | undefined {
    return this.objects.get(key(kind, name, namespace))
  }

  has(object: KubernetesObject): boolean {
    return this.objects.has(keyOf(object))
  }

  /** Stores an object with the metadata that the server keeps. One that is the same gets no new resourceVersion. */
  save(object: KubernetesObject): StoredObject {
    const before = this.objects.get(keyOf(object))
    const folded = withStringData(object as StoredObject)
    const kept = {
      uid: before?.metadata.uid ?? randomUUID(),
      creationTimestamp: before?.metadata.creationTimestamp ?? new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    }
    const next = structuredClone({ ...folded, metadata: { ...object.metadata, ...kept } }) as StoredObject
    const at = (one: StoredObject, resourceVersion: string | undefined): StoredObject => ({
      ...one,
      metadata: { ...one.metadata, resourceVersion },
    })
    if (before !== undefined && JSON.stringify(at(next, '')) === JSON.stringify(at(before, ''))) return before
    this.revision += 1
    const saved = at(next, this.resourceVersion)
    this.objects.set(keyOf(saved), saved)
    this.onChange?.({ type: before === undefined ? 'ADDED' : 'MODIFIED', object: saved })
    return saved
  }

  remove(kind: string, name: string, namespace?: string): StoredObject | undefined {
    const object = this.get(kind, name, namespace)
    if (object !== undefined) {
      this.revision += 1
      this.objects.delete(keyOf(object))
      this.onChange?.({ type: 'DELETED', object })
    }
    return object
  }
}

function key(kind: string, name: string, namespace = ''): string {
  return `${kind}/${namespace}/${name}`
}

function keyOf({ kind, metadata }: KubernetesObject): string {
  return key(kind, metadata.name, metadata.namespace)
}

/** A Secret's `stringData` becomes part of its `data`, in base64. */
function withStringData(object: StoredObject): StoredObject {
  if (object.kind !== 'Secret') return object
  const { stringData, ...given } = object as StoredObject & { stringData?: Record<string, string> }
  const typed = { type: 'Opaque', ...given }
  if (stringData === undefined) return typed
  const encoded = Object.entries(stringData).map(([name, text]) => [name, Buffer.from(text).toString('base64')])
  return {
    ...typed,
    data: { ...(given.data as Record<string, string> | undefined), ...Object.fromEntries(encoded) },
  }
}

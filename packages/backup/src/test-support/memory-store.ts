// A store in memory, whose objects a test can look at, damage and lose.
import { StoreError } from '../store/store-error.ts'
import type { ObjectStore } from '../store/types.ts'

export interface MemoryStore extends ObjectStore {
  readonly objects: Map<string, Buffer>
}

/** @param beforePut is called before each object is written: it may throw */
export function memoryStore(beforePut: (key: string) => void = () => {}): MemoryStore {
  const objects = new Map<string, Buffer>()
  const modified = new Map<string, number>()
  const get = (key: string): Buffer => {
    const found = objects.get(key)
    if (found === undefined) throw new StoreError('NOT_FOUND', `memory has no ${key}`)
    return found
  }
  const put = (key: string, bytes: Buffer): void => {
    beforePut(key)
    if (objects.has(key)) throw new StoreError('EXISTS', `memory has ${key}`)
    objects.set(key, Buffer.from(bytes))
    modified.set(key, Date.now())
  }
  return {
    address: 'memory',
    objects,
    create: (key) => {
      const parts: Buffer[] = []
      return {
        write: async (bytes) => void parts.push(bytes),
        finish: async () => {
          const whole = Buffer.concat(parts)
          put(key, whole)
          return { sizeBytes: whole.length }
        },
        abort: async () => {},
      }
    },
    put: async (key, bytes) => put(key, bytes),
    read: async function* (key) {
      yield get(key)
    },
    get: async (key, maxBytes = Number.POSITIVE_INFINITY) => {
      const found = get(key)
      if (found.length > maxBytes) throw new StoreError('TOO_LARGE', `${key} has ${found.length} bytes`)
      return found
    },
    list: async function* (prefix, { after = '' } = {}) {
      for (const key of [...objects.keys()].sort()) {
        const modifiedMs = modified.get(key) ?? 0
        if (key.startsWith(prefix) && key > after) yield { key, sizeBytes: objects.get(key)!.length, modifiedMs }
      }
    },
    delete: async (keys) => {
      for (const key of keys) objects.delete(key)
    },
    close: async () => {},
  }
}

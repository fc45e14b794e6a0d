// Object Lock of what a backup writes.
import type { ObjectLock } from '../store/types.ts'
import type { BackupStore } from './sealing.ts'

/** The same store, in which new objects are locked. */
export function withLock(store: BackupStore, lock: ObjectLock | undefined): BackupStore {
  if (lock === undefined) return store
  return {
    ...store,
    create: (key, options) => store.create(key, { lock, ...options }),
    put: (key, bytes, options) => store.put(key, bytes, { lock, ...options }),
  }
}

/** Of an object that several topics need: until the last of their times, and for every account if one of them says so. Pure. */
export function longestLock(locks: readonly (ObjectLock | undefined)[]): ObjectLock | undefined {
  const given = locks.filter((lock) => lock !== undefined)
  if (given.length === 0) return undefined
  return {
    untilMs: Math.max(...given.map(({ untilMs }) => untilMs)),
    mode: given.some(({ mode }) => mode === 'compliance') ? 'compliance' : 'governance',
  }
}

// A bounded memory of answers that never change; equal questions at the same time share one request.
import { LRUCache } from 'lru-cache'

export interface Cache<Value> {
  /** The remembered answer, the one under way, or a new one. A failure is not remembered. */
  get(key: string, load: () => Promise<Value>): Promise<Value>
  clear(): void
}

/** @param maxEntries the ones not used for longest go first */
export function createCache<Value>(maxEntries: number): Cache<Value> {
  const entries = new LRUCache<string, Promise<Value>>({ max: maxEntries })
  return {
    get(key, load) {
      const known = entries.get(key)
      if (known) return known
      const loading = load()
      entries.set(key, loading)
      loading.catch(() => {
        if (entries.peek(key) === loading) entries.delete(key)
      })
      return loading
    },
    clear: () => entries.clear(),
  }
}

/** Equal questions at the same time share one request; nothing is remembered. */
export function createFlight<Value>(): Cache<Value> {
  const underWay = new Map<string, Promise<Value>>()
  return {
    get(key, load) {
      const known = underWay.get(key)
      if (known) return known
      const loading = load().finally(() => underWay.delete(key))
      underWay.set(key, loading)
      return loading
    },
    clear: () => underWay.clear(),
  }
}

// The last requests that the broker read, for tests and for the console: bounded, oldest first.
import type { RequestLogEntry } from '../types.ts'

export interface RequestLog {
  add(entry: RequestLogEntry): void
  list(): readonly RequestLogEntry[]
  clear(): void
}

export function makeRequestLog(capacity = 1000): RequestLog {
  let entries: RequestLogEntry[] = []
  return {
    add(entry) {
      entries.push(entry)
      // Dropping half at a time keeps each addition cheap.
      if (entries.length >= capacity * 2) entries = entries.slice(-capacity)
    },
    list: () => entries.slice(-capacity),
    clear() {
      entries = []
    },
  }
}

import type { Reading } from './types.ts'

/** The value that was read last, however old; null when it was never read. */
export function lastValue<T>(reading: Reading<T>): T | null {
  return reading.state === 'read' ? reading.value : null
}

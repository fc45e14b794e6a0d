// How old a topic is in a backup.
import type { BackedUpTopic, Manifest } from './types.ts'

/**
 * When the topic's ends were read: of all its partitions the earliest. Pure.
 * @returns milliseconds since the epoch; null when no backup could read a partition to its end
 */
export function asOf({ cutAtMs }: Pick<Manifest, 'cutAtMs'>, { partitions }: BackedUpTopic): number | null {
  let earliest = cutAtMs
  for (const { asOfMs } of partitions) {
    if (asOfMs === null) return null
    if (asOfMs !== undefined && asOfMs < earliest) earliest = asOfMs
  }
  return earliest
}

// Event ids: UUID version 7 (RFC 9562 §5.7), which sort by the time they were made.
import { randomFillSync } from 'node:crypto'

/** Where the generator gets time and randomness from; tests pass their own. */
export interface UuidSource {
  now(): number
  fillRandom(target: Uint8Array): void
}

const system: UuidSource = { now: Date.now, fillRandom: (target) => void randomFillSync(target) }

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const bytesPerId = 10
const poolSize = bytesPerId * 512

/**
 * Makes a generator of UUIDv7 that never goes back: within a millisecond, and when the clock steps back, the 12 bits of
 * `rand_a` count on (RFC 9562 §6.2, method 1), and when they run over, the timestamp moves ahead of the clock.
 */
export function createUuidGenerator(source: UuidSource = system): () => string {
  const pool = new Uint8Array(poolSize)
  let used = poolSize
  let lastMs = -1
  let counter = 0

  return () => {
    if (used === poolSize) {
      source.fillRandom(pool)
      used = 0
    }
    const at = used
    used += bytesPerId

    const now = source.now()
    if (now > lastMs) {
      lastMs = now
      // Half of the counter's room is left free for the events of the same millisecond.
      counter = ((pool[at]! << 8) | pool[at + 1]!) & 0x7ff
    } else if (++counter > 0xfff) {
      lastMs++
      counter = 0
    }

    const high = Math.floor(lastMs / 0x1_0000_0000)
    const low = lastMs >>> 0
    return (
      hex[(high >>> 8) & 0xff]! +
      hex[high & 0xff]! +
      hex[low >>> 24]! +
      hex[(low >>> 16) & 0xff]! +
      '-' +
      hex[(low >>> 8) & 0xff]! +
      hex[low & 0xff]! +
      '-' +
      hex[0x70 | (counter >>> 8)]! +
      hex[counter & 0xff]! +
      '-' +
      hex[0x80 | (pool[at + 2]! & 0x3f)]! +
      hex[pool[at + 3]!]! +
      '-' +
      hex[pool[at + 4]!]! +
      hex[pool[at + 5]!]! +
      hex[pool[at + 6]!]! +
      hex[pool[at + 7]!]! +
      hex[pool[at + 8]!]! +
      hex[pool[at + 9]!]!
    )
  }
}

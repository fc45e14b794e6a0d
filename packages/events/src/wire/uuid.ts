// Event ids: UUID version 7 (RFC 9562 §5.7), which sort by the time they were made.
import { randomFillSync } from 'node:crypto'

/** Where the generator gets time and randomness from; tests pass their own. */
export interface UuidSource {
  now(): number
  fillRandom(target: Uint8Array): void
}

const system: UuidSource = { now: Date.now, fillRandom: (target) => void randomFillSync(target) }

const digits = Buffer.from('0123456789abcdef')
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
  const text = Buffer.from('........-....-....-....-............')

  function put(position: number, byte: number): void {
    text[position] = digits[(byte >>> 4) & 0xf]!
    text[position + 1] = digits[byte & 0xf]!
  }

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

    // Digits go into a buffer, not into one string after the other: the result is one flat string, cheap to write out.
    const high = Math.floor(lastMs / 0x1_0000_0000)
    put(0, high >>> 8)
    put(2, high)
    put(4, lastMs >>> 24)
    put(6, lastMs >>> 16)
    put(9, lastMs >>> 8)
    put(11, lastMs)
    put(14, 0x70 | (counter >>> 8))
    put(16, counter)
    put(19, 0x80 | (pool[at + 2]! & 0x3f))
    put(21, pool[at + 3]!)
    for (let i = 0; i < 6; i++) put(24 + i * 2, pool[at + 4 + i]!)
    return text.toString('latin1')
  }
}

// Pseudo-random numbers that are the same in every run and on every machine (mulberry32).

/** @returns numbers from 0 to below 1 */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A whole number from 0 to below `below`. */
export type RandomBelow = (below: number) => number

export function seededRandomBelow(seed: number): RandomBelow {
  const random = seededRandom(seed)
  return (below) => Math.floor(random() * below)
}

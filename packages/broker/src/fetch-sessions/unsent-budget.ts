// Limits the memory of answers that clients have requested and not taken yet, over all connections. Each connection has one answer
// at a time; without a limit, many slow readers of large answers would together use up all memory.

export interface UnsentBudget {
  /** Reserves up to `sizeBytes` for an answer. @returns how much is available, 0 when all is taken */
  reserve(sizeBytes: number): number
  /** Gives back what was reserved or is held. */
  free(sizeBytes: number): void
  /** An answer holds this much, whatever was left: a fetch gets one batch even when nothing is (KIP-74). */
  hold(sizeBytes: number): void
}

/** @param limitBytes what all answers together hold, apart from one batch a connection */
export function createUnsentBudget(limitBytes: number): UnsentBudget {
  let taken = 0
  return {
    reserve(sizeBytes) {
      const granted = Math.max(0, Math.min(sizeBytes, limitBytes - taken))
      taken += granted
      return granted
    },
    free(sizeBytes) {
      taken -= sizeBytes
    },
    hold(sizeBytes) {
      taken += sizeBytes
    },
  }
}

// How much memory the answers may hold, over all connections, that clients have asked for and not taken yet. Each connection
// has one answer at a time; without this, many slow readers of large answers would together take all the memory there is.

export interface UnsentBudget {
  /** Sets up to `sizeBytes` aside for an answer that is about to be made. @returns what there is, 0 when all is taken */
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

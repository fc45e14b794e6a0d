// A budget of bytes: how much of what is under way may be in memory at a time.

export interface Budget {
  /** Resolves when so much is free, in the order of the calls; more than the whole budget when nothing else is taken. */
  take(bytes: number): Promise<void>
  /** Gives back what was taken. */
  give(bytes: number): void
}

export function createBudget(limitBytes: number): Budget {
  let taken = 0
  const waiting: { readonly bytes: number; readonly resolve: () => void }[] = []
  const fits = (bytes: number): boolean => taken === 0 || taken + bytes <= limitBytes
  return {
    async take(bytes) {
      if (waiting.length === 0 && fits(bytes)) taken += bytes
      else await new Promise<void>((resolve) => waiting.push({ bytes, resolve }))
    },
    give(bytes) {
      taken -= bytes
      while (waiting.length > 0 && fits(waiting[0]!.bytes)) {
        const next = waiting.shift()!
        taken += next.bytes
        next.resolve()
      }
    },
  }
}

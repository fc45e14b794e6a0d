// Work that goes on in the background, with a bound on the bytes that it keeps in memory, and on how many are under way: each may have a
// file or a connection open.

export interface Background {
  /**
   * Starts the work once it fits beside the others, in the order of the calls; more bytes than the bound when nothing else is under
   * way. Resolves when it has started.
   * @throws the error of an earlier one; then nothing is started any more
   */
  add(bytes: number, work: () => Promise<void>): Promise<void>
  /** Resolves when nothing is under way. @throws the first error */
  settled(): Promise<void>
}

/** @param limitBytes of what is under way at a time; @param most how many are */
export function runInBackground(limitBytes: number, most = 32): Background {
  let taken = 0
  let places = 0
  let underWay = 0
  const whenIdle: (() => void)[] = []
  let failure: { readonly error: unknown } | null = null
  const waiting: { readonly bytes: number; readonly resolve: () => void }[] = []
  const fits = (bytes: number): boolean => places === 0 || (places < most && taken + bytes <= limitBytes)

  async function take(bytes: number): Promise<void> {
    if (waiting.length === 0 && fits(bytes)) {
      taken += bytes
      places++
    } else await new Promise<void>((resolve) => waiting.push({ bytes, resolve }))
  }

  function give(bytes: number): void {
    taken -= bytes
    places--
    while (waiting.length > 0 && fits(waiting[0]!.bytes)) {
      const next = waiting.shift()!
      taken += next.bytes
      places++
      next.resolve()
    }
  }

  return {
    async add(bytes, work) {
      await take(bytes)
      if (failure !== null) {
        give(bytes)
        throw failure.error
      }
      underWay++
      void work()
        .catch((error: unknown) => {
          failure ??= { error }
        })
        .finally(() => {
          underWay--
          give(bytes)
          if (underWay === 0) for (const resolve of whenIdle.splice(0)) resolve()
        })
    },
    async settled() {
      if (underWay > 0) await new Promise<void>((resolve) => whenIdle.push(resolve))
      if (failure !== null) throw failure.error
    },
  }
}

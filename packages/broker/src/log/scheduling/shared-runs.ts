// Work that has many callers and must not overlap with itself.

/**
 * @returns a function that runs `work` and resolves with it. Calls that come while a run is under way share the next one: each
 *   caller gets a run that began after its call.
 */
export function createSharedRuns(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined
  const run = (): Promise<void> => {
    next = undefined
    running = work().finally(() => {
      if (next === undefined) running = undefined
    })
    return running
  }
  return () => {
    if (next !== undefined) return next
    if (running === undefined) return run()
    next = running.then(run, run)
    return next
  }
}

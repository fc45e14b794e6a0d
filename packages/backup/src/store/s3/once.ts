/** Runs a check until it has succeeded once; callers that come meanwhile wait for the same run. */
export function once(check: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  return () => {
    running ??= check().catch((error) => {
      running = undefined
      throw error
    })
    return running
  }
}

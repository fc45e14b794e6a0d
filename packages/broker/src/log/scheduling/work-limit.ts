// Runs thousands of short pieces of work a few at a time, and yields to the event loop every few milliseconds: work whose system
// calls return at once would otherwise block all other work until the last piece is done.

/** How long pieces are started one after the other before yielding to the event loop. */
const sliceMs = 5

/** @param atOnce how many pieces may be under way */
export function createWorkLimit(atOnce: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => Promise<void>)[] = []
  let underWay = 0
  let yielding = false
  let sliceEnd = 0

  function startNext(): void {
    while (waiting.length > 0 && underWay < atOnce && !yielding) {
      const now = performance.now()
      if (now > sliceEnd) {
        yielding = true
        setImmediate(() => {
          yielding = false
          sliceEnd = performance.now() + sliceMs
          startNext()
        })
        return
      }
      underWay++
      void waiting.shift()!().finally(() => {
        underWay--
        startNext()
      })
    }
  }

  return <T>(work: () => Promise<T>) =>
    new Promise<T>((resolve, reject) => {
      waiting.push(() => work().then(resolve, reject))
      startNext()
    })
}

/** Runs `action` for every item, sixteen at a time because each may wait for the disk. @throws the first error */
export async function forEachOf<T>(items: readonly T[], action: (item: T) => Promise<void>): Promise<void> {
  const left = items.values()
  const work = async () => {
    for (const item of left) await action(item)
  }
  await Promise.all(Array.from({ length: 16 }, work))
}

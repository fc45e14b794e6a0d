// One holder at a time, first come first served; who waits too long leaves the queue.
import type { Deadline } from './deadline.ts'

export interface Mutex {
  /**
   * @returns the function that gives the place free
   * @throws {StoreError} the deadline passed while others were in front
   */
  acquire(deadline: Deadline): Promise<() => void>
}

export function createMutex(): Mutex {
  let held = false
  const queue: (() => void)[] = []

  function release(): void {
    const next = queue.shift()
    if (next) next()
    else held = false
  }

  return {
    async acquire(deadline) {
      if (held) {
        let enter!: () => void
        const turn = new Promise<void>((resolve) => {
          enter = resolve
        })
        queue.push(enter)
        try {
          await deadline.race(turn, 'waiting for earlier writes')
        } catch (error) {
          const at = queue.indexOf(enter)
          // The turn came in the very moment the deadline passed: hand it on.
          if (at < 0) release()
          else queue.splice(at, 1)
          throw error
        }
      }
      held = true
      return release
    },
  }
}

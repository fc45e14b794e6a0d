// Processes that lead a group, as one that was started with `detached` does.
import type { ChildProcess } from 'node:child_process'

/** Ends what is left of a process that leads a group. */
export function endGroup({ pid }: ChildProcess): void {
  try {
    process.kill(-pid!, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

// Writing a checkpoint a little later, so that changes of thousands of partitions share one write.
import type { Checkpoint } from './checkpoint.ts'
import type { LogContext } from './context.ts'

/** How long a change may be in memory only. It bounds what a restart after a crash has to check. */
const delayMs = 1000

export function writeSoon(context: LogContext, checkpoint: Checkpoint): void {
  context.deadlines.ensure(checkpoint, delayMs, () => {
    checkpoint.write().catch((error) => {
      context.logger.warn(
        { err: error },
        'cannot write a checkpoint; a restart after a crash will check more than necessary',
      )
    })
  })
}

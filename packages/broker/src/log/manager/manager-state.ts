// The state of the log manager. `lifecycle.ts` opens, closes and removes logs; `folder-checks.ts` and `rounds.ts` do what
// happens after a start and at intervals.
import type { LogContext } from '../partition/context.ts'
import type { LogManagerOptions } from './manager-options.ts'
import type { Slots } from './slots.ts'

export interface ManagerState {
  readonly context: LogContext
  readonly options: LogManagerOptions
  readonly slots: Slots
  /** Whether the broker was shut down properly before this start. */
  readonly cleanStart: boolean
  /** Runs pieces of work that may wait for the disk, a few at a time. */
  readonly limited: <T>(work: () => Promise<T>) => Promise<T>
  /** Work that only `close` waits for. */
  readonly background: Set<Promise<void>>
  closing: boolean
}

/** Lets `work` run on its own. @param problem what is logged when it fails */
export function runInBackground({ background, context }: ManagerState, work: Promise<unknown>, problem: string): void {
  const done = work
    .then(
      () => {},
      (error) => context.logger.warn({ err: error }, problem),
    )
    .finally(() => background.delete(done))
  background.add(done)
}

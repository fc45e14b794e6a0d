// The log of the servers that `up` runs: JSON lines in a file, or on standard error with --verbose.
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

export interface ServerLog {
  readonly logger: import('pino').Logger
  /** Writes what is still buffered. */
  close(): Promise<void>
}

/** @param file where to; undefined for standard error. */
export async function openServerLog(file: string | undefined, level: string): Promise<ServerLog> {
  const { default: pino } = await import('pino')
  if (file !== undefined) mkdirSync(dirname(file), { recursive: true })
  const destination = pino.destination(file === undefined ? { dest: 2, sync: true } : { dest: file, sync: false })
  // Ending before the file is open makes the destination throw when the process exits.
  if (file !== undefined) await once(destination, 'ready')
  return {
    logger: pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination),
    close: () =>
      new Promise((resolve) => {
        destination.flush(() => resolve())
      }),
  }
}

// The file that a proper shutdown leaves: without it every log is checked at the next start. Kafka's file of the same purpose is
// `.kafka_cleanshutdown`.
import { join } from 'node:path'
import type { LogFs } from '../disk/fs.ts'

interface LogsFolder {
  readonly dir: string
  readonly fs: LogFs
}

const fileName = 'clean-shutdown'

/** Removes the marker. @returns whether it was there */
export async function takeCleanShutdownMarker({ dir, fs }: LogsFolder): Promise<boolean> {
  const file = join(dir, fileName)
  const found = (await fs.stat(file)) !== undefined
  await fs.remove(file)
  await fs.syncDir(dir)
  return found
}

/** To be called when every log is complete and synced. */
export async function writeCleanShutdownMarker({ dir, fs }: LogsFolder): Promise<void> {
  await fs.replaceFile(join(dir, fileName), 'all logs are complete and synced\n')
}

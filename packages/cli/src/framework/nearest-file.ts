// The platform file of the folder that a command runs in.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

export const fileName = 'platform.yaml'

/** The nearest platform.yaml upwards. */
export function nearestPlatformFile(cwd: string): string | undefined {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const file = join(folder, fileName)
    if (existsSync(file)) return file
    if (dirname(folder) === folder) return undefined
  }
}

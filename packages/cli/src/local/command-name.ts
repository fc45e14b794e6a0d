// The name under which the user can run this command here, for messages with commands.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '@selfmonitor/platform/running'

/** By its name where it is installed, through npm in a checkout. */
export function commandName(io: { entry: readonly string[]; cwd: string }): string {
  const script = io.entry.at(-1) ?? ''
  if (!script.endsWith('.ts') && !script.includes('node_modules/.bin')) return 'selfmonitor'
  const linked = existsSync(join(projectRoot(io.cwd), 'node_modules/.bin/selfmonitor'))
  // Run by `npx` out of its own cache, it is not linked here, and is called the same.
  return linked || !script.endsWith('.ts') ? 'npx selfmonitor' : 'npm run selfmonitor --'
}

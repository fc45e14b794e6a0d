// Which outside tools this machine has. In CI a missing one fails the run; elsewhere its tests are skipped and named.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Why the tool is missing, or null when it is there. `describe.skipIf(missingTool('kcat') !== null)`. */
export function missingTool(command: string, versionArgument = '--version'): string | null {
  const result = spawnSync(command, [versionArgument], { stdio: 'ignore' })
  if (!result.error) return null
  const reason = `${command} is not installed`
  if (process.env.CI) throw new Error(`${reason}; in CI every tool must be installed`)
  return reason
}

/** Where on the PATH a command is; undefined when it is nowhere. */
export function commandPath(command: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.map((folder) => join(folder, command)).find((path) => existsSync(path))
}

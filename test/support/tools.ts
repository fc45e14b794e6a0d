// Which outside tools this machine has. In CI a missing one fails the run; elsewhere its tests are skipped and named.
import { spawnSync } from 'node:child_process'

/** Why the tool is missing, or null when it is there. `describe.skipIf(missingTool('kcat') !== null)`. */
export function missingTool(command: string, versionArgument = '--version'): string | null {
  const result = spawnSync(command, [versionArgument], { stdio: 'ignore' })
  if (!result.error) return null
  const reason = `${command} is not installed`
  if (process.env.CI) throw new Error(`${reason}; in CI every tool has to be there`)
  return reason
}

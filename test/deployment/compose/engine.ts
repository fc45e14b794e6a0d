// The container engine that a test may use: one that answers, with the images already there. A test run pulls nothing.
import { spawnSync } from 'node:child_process'

/** `docker compose`, or the older `docker-compose`, as the words of a command line; null when there is neither. */
export function composeCommand(): readonly string[] | null {
  if (succeeds('docker', ['compose', 'version'])) return ['docker', 'compose']
  return succeeds('docker-compose', ['version']) ? ['docker-compose'] : null
}

/**
 * Why containers cannot be started here, or null when they can. Not a failure in CI: CI cannot install a container engine as it installs a tool.
 * @param images names with tags that must be present on the engine, see infra/kafka/README.md for pulling and building them
 */
export function missingEngine(images: readonly string[]): string | null {
  if (!succeeds('docker', ['version', '--format', '{{.Server.Version}}'])) return 'no container engine answers'
  if (composeCommand() === null) return 'neither docker compose nor docker-compose is installed'
  const missing = images.filter((image) => !succeeds('docker', ['image', 'inspect', image]))
  return missing.length > 0 ? `the container engine does not have ${missing.join(', ')}` : null
}

function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore', timeout: 20_000 }).status === 0
}

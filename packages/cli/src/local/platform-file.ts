// Finding and reading the platform file that a command is about.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Platform } from '@selfmonitor/platform'
import type { Context } from '../framework/context.ts'
import { CliError, exitCodes } from '../framework/errors.ts'
import { fileName, nearestPlatformFile } from '../framework/nearest-file.ts'

export { nearestPlatformFile }

/**
 * The file named with `-f`, else the nearest platform.yaml upwards.
 * @throws CliError NO_PLATFORM_FILE
 */
export function findPlatformFile(cwd: string, given: string | undefined): string {
  if (given !== undefined) {
    const file = resolve(cwd, given)
    if (existsSync(file)) return file
    throw new CliError('NO_PLATFORM_FILE', `There is no file ${given}.`, { exitCode: exitCodes.usage })
  }
  const nearest = nearestPlatformFile(cwd)
  if (nearest !== undefined) return nearest
  throw new CliError('NO_PLATFORM_FILE', `There is no ${fileName} in ${cwd} or above it.`, {
    exitCode: exitCodes.usage,
    hint: 'Name one with -f, start one with `selfmonitor init`, or write one from a live cluster with `selfmonitor import`.',
  })
}

/** @throws PlatformError with every mistake in the file. */
export async function loadPlatformFile(context: Context, given: string | undefined): Promise<Platform> {
  const { loadPlatform } = await import('@selfmonitor/platform')
  const file = findPlatformFile(context.io.cwd, given)
  context.meansPlatformFile(file)
  return await loadPlatform(file, {
    environment: context.settings.environment.value,
    env: context.io.env,
  })
}

/** Event types that the platform file knows, of one topic or of all. */
export async function eventTypeNames(context: Context, topic?: string): Promise<string[]> {
  const platform = await loadPlatformFile(context, undefined)
  const names = platform.topics
    .filter(({ name }) => topic === undefined || name === topic)
    .flatMap(({ eventTypes }) => Object.keys(eventTypes))
  return [...new Set(names)].sort()
}

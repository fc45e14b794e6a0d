// Where the settings of the brokers that `up` starts come from: the environment's `broker:` in the platform file, then --broker-config.
import { readFileSync } from 'node:fs'
import type { Context } from '../framework/context.ts'
import { findPlatformFile, nearestPlatformFile } from './platform-file.ts'

export interface BrokerSettingsOptions {
  readonly setup: boolean
  readonly file: string | undefined
  readonly brokerConfig: Readonly<Record<string, string>> | undefined
}

/**
 * @param environment whose `broker:` counts
 * @throws PlatformError when the file has such a section and cannot be read, so that brokers never start with other settings than
 *   the requested ones
 */
export async function brokerSettings(
  { io }: Context,
  environment: string,
  { setup, file, brokerConfig }: BrokerSettingsOptions,
): Promise<Readonly<Record<string, string>>> {
  const platformFile = setup || file !== undefined ? findPlatformFile(io.cwd, file) : nearestPlatformFile(io.cwd)
  // Most files have no such section, and need not be read by the parts that take a while to load.
  if (platformFile === undefined || !/\bbroker["']?\s*:/.test(readFileSync(platformFile, 'utf8')))
    return brokerConfig ?? {}
  const { loadPlatform } = await import('@selfmonitor/platform')
  const { broker } = await loadPlatform(platformFile, { environment, env: io.env })
  return { ...broker, ...brokerConfig }
}

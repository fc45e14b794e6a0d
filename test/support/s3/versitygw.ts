// versitygw, built with Go from the module that versitygw/go.mod pins.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildGo, builtFolder, type GoBuild } from '../go.ts'

const gateway: GoBuild = {
  folder: fileURLToPath(new URL('./versitygw', import.meta.url)),
  programs: { versitygw: 'github.com/versity/versitygw/cmd/versitygw' },
  ldflags: '-s -w',
  timeoutMs: 1_800_000,
}

/** Null once versitygw has been built, by a test that needs it. */
export const versitygwNotBuilt = (): string | null =>
  existsSync(builtFolder(gateway)) ? null : 'versitygw, a server of S3, could not be built: it needs Go and its modules'

/** Builds versitygw unless it is in the cache. @returns why it cannot be had here, or null */
export async function missingVersitygw(): Promise<string | null> {
  const built = await buildGo(gateway)
  return 'missing' in built ? built.missing : null
}

export const versitygwProgram = (): string => join(builtFolder(gateway), 'versitygw')

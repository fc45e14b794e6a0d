// The folder with the passwords of the accounts that a platform file declares: `--passwords`, else SELFMONITOR_PASSWORDS.
import { resolve } from 'node:path'
import type { Passwords, Platform } from '@selfmonitor/platform'
import type { Context } from '../framework/context.ts'
import { text } from '../framework/verb.ts'

export const passwordsOption = text(
  '--passwords <folder>',
  'passwords of the declared accounts, one file each, named after it (default: SELFMONITOR_PASSWORDS)',
)

/**
 * Reads them, once for plan and change. null when no folder is named.
 * @throws PlatformError NO_PASSWORDS when the folder cannot be read.
 */
export async function passwordsOf(
  context: Context,
  platform: Platform,
  given: string | undefined,
): Promise<Passwords | null> {
  const folder = given ?? context.io.env.SELFMONITOR_PASSWORDS
  if (folder === undefined || folder === '') return null
  const { readPasswords } = await import('@selfmonitor/platform')
  return await readPasswords(resolve(context.io.cwd, folder), platform)
}

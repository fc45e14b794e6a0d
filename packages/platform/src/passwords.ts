// Passwords of the accounts: one file each, named after the account, like a mounted Kubernetes Secret. Never printed.
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { accountsOf } from './access.ts'
import { PlatformError } from './errors.ts'
import type { Platform, PlatformProblem } from './model.ts'

export interface Passwords {
  readonly dir: string
  readonly byAccount: ReadonlyMap<string, string>
  /** One for each account whose password cannot be read: what is wrong with its file, and which file it is. */
  readonly problems: readonly PlatformProblem[]
}

/**
 * Reads the password of every account of the file; other files in the folder are ignored. One newline at the end of
 * a file is not part of the password. Links are followed: Kubernetes mounts a Secret so.
 *
 * @param dir folder with one file for each account
 * @returns with a problem for each file that is missing, empty or no text
 * @throws PlatformError NO_PASSWORDS when `dir` is not a readable folder
 */
export async function readPasswords(dir: string, platform: Platform): Promise<Passwords> {
  const byAccount = new Map<string, string>()
  const problems: PlatformProblem[] = []
  const accounts = accountsOf(platform)
  if (accounts.length > 0) {
    const found = await stat(dir).catch((error: NodeJS.ErrnoException) => error)
    if (found instanceof Error || !found.isDirectory()) {
      const why =
        found instanceof Error ? (found.code === 'ENOENT' ? 'does not exist' : found.message) : 'is not a folder'
      throw new PlatformError(
        'NO_PASSWORDS',
        `The passwords folder ${dir} ${why}; it must hold one file for each account, named after it, with its password`,
      )
    }
  }
  const results = await Promise.all(accounts.map(({ name }) => readPassword(join(dir, name))))
  accounts.forEach(({ name, at }, i) => {
    const read = results[i]!
    if ('password' in read) {
      byAccount.set(name, read.password)
    } else {
      const message = `needs the file ${join(dir, name)} with its password: ${read.problem}`
      problems.push({ ...(at ?? { file: platform.file, line: 1, column: 1, path: name }), message })
    }
  })
  return { dir, byAccount, problems }
}

async function readPassword(file: string): Promise<{ password: string } | { problem: string }> {
  let bytes: Buffer
  try {
    bytes = await readFile(file)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { problem: code === 'ENOENT' ? 'it does not exist' : code === 'EISDIR' ? 'it is a folder' : message }
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return { problem: 'it is not UTF-8 text' }
  }
  const password = text.replace(/\r?\n$/, '')
  if (password === '') {
    return { problem: 'it is empty' }
  }
  return /[\r\n\0]/.test(password) ? { problem: 'it has more than one line' } : { password }
}

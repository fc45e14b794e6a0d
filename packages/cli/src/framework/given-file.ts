// Files that an option or an argument names.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileProblem } from '@selfmonitor/cluster/file-problem'
import { usageError } from './errors.ts'
import type { Io } from './io.ts'

/**
 * Reads a file as text.
 * @param name relative to the command's folder
 * @param origin the option or argument that names it, for the message
 * @throws CliError USAGE when it cannot be read
 */
export function readGivenFile({ cwd }: Pick<Io, 'cwd'>, name: string, origin: string, hint?: string): string {
  try {
    return readFileSync(resolve(cwd, name), 'utf8')
  } catch (error) {
    throw usageError(`${origin} ${name}: ${fileProblem(error)}.`, hint)
  }
}

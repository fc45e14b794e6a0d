// Passwords that a command is given: from a file, from the environment, or asked for. Never from the command line, which
// every other process of the machine can read.
import { CliError, usageError } from './errors.ts'
import { readGivenFile } from './given-file.ts'
import type { Io } from './io.ts'

/**
 * The password for `what`: of `file` (`-` is standard input) without the line feed at its end, else SELFMONITOR_PASSWORD,
 * else typed twice, unseen.
 * @throws CliError USAGE when there is none and no terminal to ask on, CANCELLED when the user cancels
 */
export async function readPassword(io: Io, what: string, file: string | undefined): Promise<string> {
  const given = file === undefined ? io.env.SELFMONITOR_PASSWORD || undefined : await fromFile(io, file)
  if (given !== undefined)
    return checked(given, file === undefined ? 'SELFMONITOR_PASSWORD' : `--password-file ${file}`)
  if (!io.interactive) {
    throw usageError(
      `The password for ${what} is missing, and there is no terminal to ask for it.`,
      'Pass --password-file <file> (- for standard input), or set SELFMONITOR_PASSWORD.',
    )
  }
  const typed = await ask(io, `Password for ${what}`)
  if ((await ask(io, 'Repeat the password')) !== typed)
    throw usageError('The two passwords differ: nothing was changed.')
  return typed
}

async function fromFile(io: Io, file: string): Promise<string> {
  if (file === '-') return (await io.readStdin()).replace(/\r?\n$/, '')
  const hint = 'Pass a file that contains only the password.'
  return readGivenFile(io, file, '--password-file', hint).replace(/\r?\n$/, '')
}

/** Of a file with several lines the wrong one would be taken. */
function checked(password: string, source: string): string {
  if (password === '') throw usageError(`${source} is empty.`, 'A password has at least one character.')
  if (/[\r\n]/.test(password)) throw usageError(`${source} has several lines.`, 'It must contain only the password.')
  return password
}

async function ask(io: Io, message: string): Promise<string> {
  const prompts = await import('@clack/prompts')
  const answer = await prompts.password({
    message,
    mask: '',
    output: process.stderr,
    signal: io.signal,
    validate: (text) => (text ? undefined : 'A password has at least one character.'),
  })
  if (typeof answer !== 'string') throw new CliError('CANCELLED', 'Nothing was changed.')
  return answer
}

// The question before a change. Without a terminal nothing is asked: the command fails and says what to pass.
import { CliError, usageError } from './errors.ts'
import type { Io } from './io.ts'
import { isProduction } from './settings.ts'

export interface ConfirmOptions {
  /** `--yes` */
  readonly yes: boolean
  /** `--confirm <name>` */
  readonly typed: string | undefined
}

/**
 * Returns when the change may happen.
 * - Elsewhere than in production: `--yes`, or yes to the question.
 * - In production: the name of what changes, typed or given with `--confirm`; `--yes` alone is not enough.
 * @throws CliError USAGE without a terminal, CANCELLED when the answer is no.
 */
export async function confirmChange(
  change: { readonly what: string; readonly typedName: string },
  options: ConfirmOptions & { readonly io: Io; readonly environment: string },
): Promise<void> {
  const { io, environment } = options
  if (isProduction(environment)) {
    if (options.typed === change.typedName) return
    if (options.typed !== undefined) {
      throw usageError(`--confirm names "${options.typed}"; the resource is "${change.typedName}".`)
    }
    if (!io.interactive) {
      throw usageError(
        `${change.what} in ${environment}: this needs confirmation by name, and standard input is not a terminal.`,
        `Pass --confirm ${change.typedName}`,
      )
    }
    const answer = await ask(io, (prompts, common) =>
      prompts.text({ ...common, message: `${environment}: type "${change.typedName}" to ${lowerFirst(change.what)}` }),
    )
    if (answer === change.typedName) return
    throw cancelled()
  }
  if (options.yes || options.typed === change.typedName) return
  if (!io.interactive) {
    throw usageError(`${change.what}: this needs confirmation, and standard input is not a terminal.`, 'Pass --yes')
  }
  const answer = await ask(io, (prompts, common) =>
    prompts.confirm({ ...common, message: `${change.what}?`, initialValue: false }),
  )
  if (answer !== true) throw cancelled()
}

type Prompts = typeof import('@clack/prompts')

/** Questions go to standard error: standard output is for data. */
async function ask<Answer>(
  io: Io,
  question: (prompts: Prompts, common: { output: NodeJS.WriteStream; signal: AbortSignal }) => Promise<Answer>,
): Promise<Answer> {
  const prompts = await import('@clack/prompts')
  return await question(prompts, { output: process.stderr, signal: io.signal })
}

function cancelled(): CliError {
  return new CliError('CANCELLED', 'Nothing was changed.')
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

// Applies the platform file to what `up` has just started. A file that cannot be applied does not take the platform down.
import type { Context } from '../framework/context.ts'
import { reportError } from '../framework/errors.ts'
import { indented } from '../output/wrap.ts'
import { commandName } from './command-name.ts'

/** Codes for problems of the file or its plan; all other errors are problems of the platform that was just started. */
const fileErrors = new Set(['PLAN_HAS_ERRORS', 'INVALID_PLATFORM', 'APPLY_FAILED'])

/**
 * Applies the file. If it cannot be applied (it has a mistake, or fewer partitions than the data), explains why and what to do.
 * Broker and registry keep running, because they and their data are not the cause.
 * @returns whether it could not be applied
 */
export async function applyOrExplain(context: Context, apply: () => Promise<unknown>): Promise<boolean> {
  try {
    await apply()
    return false
  } catch (error) {
    const { code, message, hint } = reportError(error)
    if (!fileErrors.has(code)) throw error
    const { careful, bad, strong } = context.colours.stderr
    const name = commandName(context.io)
    const applied = code === 'APPLY_FAILED' ? 'Not everything' : 'Nothing'
    const wrap = (text: string, indent: number): string => indented(context.io.stderr, text, indent)
    const lines = [
      '',
      `  ${bad('error')} ${wrap(message, 8)}`,
      ...(hint === undefined ? [] : [`        ${wrap(hint, 8)}`]),
      '',
      careful(`  ${wrap(`${applied} was applied. The broker and the registry run, with the data as it is.`, 2)}`),
      '  Correct the file, then:',
      `    ${strong(`${name} setup`)}`,
      '  For a branch with data of its own:',
      `    ${strong(`${name} up --setup --data-dir <folder>`)}`,
    ]
    context.note(lines.join('\n'))
    return true
  }
}

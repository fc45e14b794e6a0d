// Wrong usage as commander found it, as an error report: what, what was probably meant, and where the help is.
import type { CommanderError } from 'commander'
import { nouns } from './commands/index.ts'
import { type ErrorReport, exitCodes } from './framework/errors.ts'
import { meantCommand, meantVerb } from './framework/meant.ts'
import type { Noun } from './framework/verb.ts'

/** How far the command line could be followed. */
interface Place {
  readonly noun: Noun | undefined
  /** First word of verbs that have two: `compatibility`. */
  readonly group: string | undefined
  /** The whole verb. */
  readonly verb: string | undefined
  /** The words behind the noun. */
  readonly behind: readonly string[]
}

/** @param argv the words after `selfmonitor` */
export async function usageReport(error: CommanderError, argv: readonly string[]): Promise<ErrorReport> {
  // Commander's own texts: "error: unknown option '--interal'\n(Did you mean --internal?)".
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n')
  const unknown = error.code === 'commander.unknownCommand' ? /'(.*)'/.exec(first)?.[1] : undefined
  const place = await placeOf(argv, unknown)
  const path = [place.noun?.name, place.verb ?? place.group].filter((word) => word !== undefined)
  const command = ['selfmonitor', ...path].join(' ')
  const see = `See \`${command} --help\`.`
  const report = (message: string, hint: string): ErrorReport => ({
    code: 'USAGE',
    message,
    hint: [hint, see].filter((text) => text !== '').join(' '),
    exitCode: exitCodes.usage,
  })
  if (unknown !== undefined) return unknownCommand(unknown, place, command, report)
  // `topics --list`, as Kafka's tools take it.
  const verbs = place.verb === undefined ? verbsAt(place) : []
  const asOption = place.behind.find((word) => word.startsWith('--') && verbs.includes(word.slice(2)))
  const meant = asOption === undefined ? '' : didYouMean(`${command} ${asOption.slice(2)}`)
  if (error.code === 'commander.help') {
    return report(`${command} needs a command.`, meant || `One of ${verbs.join(', ')}.`)
  }
  if (meant !== '') return report(first, meant)
  return report(first, rest.join(' ').replace(/^\(|\)$/g, ''))
}

function unknownCommand(
  unknown: string,
  place: Place,
  command: string,
  report: (message: string, hint: string) => ErrorReport,
): ErrorReport {
  if (place.noun === undefined) {
    const meant = meantCommand(unknown, [...names])
    return report(`unknown command '${unknown}'`, meant === undefined ? '' : didYouMean(meant))
  }
  const verbs = verbsAt(place)
  const meant = meantVerb(unknown, verbs)
  if (meant !== undefined) return report(`unknown command '${unknown}'`, didYouMean(meant))
  return report(`${command}: missing verb before '${unknown}'; one of ${verbs.join(', ')}`, '')
}

const didYouMean = (name: string): string => `Did you mean ${name}?`

/** The words that may come next. */
function verbsAt({ noun, group }: Place): readonly string[] {
  const names = noun?.verbs.filter(({ hidden }) => !hidden).map(({ name }) => name.split(' ')) ?? []
  const next = names.flatMap(([word, second]) => (group === undefined ? [word!] : word === group ? [second!] : []))
  return [...new Set(next)]
}

const names: ReadonlySet<string> = new Set(nouns.map(({ name }) => name))

async function placeOf(argv: readonly string[], unknown: string | undefined): Promise<Place> {
  const at = argv.findIndex((word) => names.has(word))
  // A word before it that is no command: what follows belongs to that word.
  const isReached = at >= 0 && (unknown === undefined || !argv.slice(0, at).includes(unknown))
  const noun = isReached ? await nouns.find(({ name }) => name === argv[at])!.load() : undefined
  const behind = isReached ? argv.slice(at + 1) : []
  const [word, second] = behind.filter((text) => !text.startsWith('-'))
  const verb = noun?.verbs.find(({ name }) => name === word || name === `${word} ${second}`)?.name
  const group = noun?.verbs.some(({ name }) => name.startsWith(`${word} `)) === true ? word : undefined
  return { noun, verb, group, behind }
}

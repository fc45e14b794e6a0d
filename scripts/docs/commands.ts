// The lists in docs/commands.md: every noun and verb of the command's tables, with options, formats and examples.
import { nouns } from '../../packages/cli/src/commands/index.ts'
import { globalOptions } from '../../packages/cli/src/framework/program.ts'
import type { OptionSpec, Verb } from '../../packages/cli/src/framework/verb.ts'
import { markdownTable } from './markdown.ts'

/** The options that every command takes. */
export function globals(): string {
  return markdownTable(
    ['option', ''],
    globalOptions.map(({ flags, description }) => [`\`${flags}\``, description]),
  )
}

export async function commands(): Promise<string> {
  const parts: string[] = []
  let group = ''
  for (const entry of nouns) {
    if (entry.group !== group) {
      group = entry.group
      parts.push(`## ${group.replace(/:$/, '')}`, '')
    }
    const noun = await entry.load()
    const verbs = noun.verbs.filter(({ hidden }) => !hidden)
    for (const [at, verb] of verbs.entries()) {
      const alone = noun.verbs.length === 1 && verb.name === noun.name
      parts.push(verbText(alone ? verb.name : `${noun.name} ${verb.name}`, noun.name, verb, verbs.slice(0, at)))
    }
  }
  return parts.join('\n')
}

/** Descriptions that only repeat an argument's name. */
const saysNothing = /^(name of the \w+|the \w+|names)$/

function verbText(name: string, noun: string, verb: Verb, before: readonly Verb[]): string {
  const args = Object.entries(verb.args)
  const terms = args.map(([arg, { form }]) => {
    switch (form) {
      case 'required':
        return `<${arg}>`
      case 'optional':
        return `[${arg}]`
      case 'variadic':
        return `<${arg}...>`
      case 'rest':
        return `[${arg}...]`
      default:
        return form satisfies never
    }
  })
  const rows = [
    ...args
      .map(([, { description }], at) => [`\`${terms[at]}\``, description] as const)
      .filter(([, description]) => !saysNothing.test(description)),
    ...optionRows(noun, verb, before),
  ]
  // Without arguments the heading is the whole usage, and an example that only repeats it says nothing.
  const usage = args.length === 0 ? 'option' : `\`selfmonitor ${[name, ...terms].join(' ')}\``
  const bare = verb.examples.every((example) => example === `selfmonitor ${name}`)
  const notes = [...formats(verb.output), ...(verb.mutates ? ['[Asks first](#changes).'] : [])]
  return [
    `### ${name}`,
    '',
    `${capital(verb.summary)}${verb.summary.endsWith('?') ? '' : '.'}${verb.details === undefined ? '' : ` ${verb.details.replaceAll('\n', ' ')}`}`,
    '',
    ...(bare ? [] : ['```', ...verb.examples.map((example) => `$ ${example}`), '```', '']),
    ...(rows.length === 0 ? [] : [markdownTable([usage, ''], rows), '']),
    ...(notes.length === 0 ? [] : [notes.join(' '), '']),
  ].join('\n')
}

/** The formats that most commands have; docs/commands.md says so once. */
const usualFormats = 'table, json, yaml, name'

function formats(output: Verb['output']): readonly string[] {
  const listed = output.join(', ')
  if (listed === usualFormats) return []
  return [listed === '' ? 'No `-o`.' : `Formats: ${listed}.`]
}

/** The options of a verb. Several that an earlier verb of the noun has as well are one row, which names that verb. */
function optionRows(noun: string, verb: Verb, before: readonly Verb[]): readonly (readonly string[])[] {
  const shown = ({ options }: Verb): readonly OptionSpec<unknown>[] =>
    Object.values(options).filter(({ hidden }) => hidden !== true)
  const same = (one: OptionSpec<unknown>, other: OptionSpec<unknown>): boolean =>
    one.flags === other.flags && described(one) === described(other)
  const shared = (earlier: Verb) => shown(verb).filter((one) => shown(earlier).some((other) => same(one, other)))
  const like = before.find((earlier) => shared(earlier).length > 3)
  const known = like === undefined ? [] : shared(like)
  const link = like === undefined ? '' : `[${noun} ${like.name}](#${noun}-${like.name})`
  return [
    ...shown(verb)
      .filter((option) => !known.includes(option))
      .map((option) => [`\`${option.flags}\``, described(option)]),
    ...(like === undefined
      ? []
      : [[known.map(({ flags }) => `\`${flags.split(' ')[0]}\``).join(', '), `as for ${link}`]]),
  ]
}

function described({ description, choices, fallback }: OptionSpec<unknown>): string {
  const said = /default/.test(description)
  const notes = [
    ...(choices === undefined ? [] : [choices.join(', ')]),
    ...(fallback === undefined || fallback === false || said ? [] : [`default ${String(fallback)}`]),
  ]
  return notes.length === 0 ? description : `${description} (${notes.join('; ')})`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

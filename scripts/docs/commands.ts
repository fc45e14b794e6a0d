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
    for (const verb of noun.verbs.filter(({ hidden }) => !hidden)) {
      const alone = noun.verbs.length === 1 && verb.name === noun.name
      parts.push(verbText(alone ? verb.name : `${noun.name} ${verb.name}`, verb))
    }
  }
  return parts.join('\n')
}

function verbText(name: string, verb: Verb): string {
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
    ...args.map(([, { description }], at) => [`\`${terms[at]}\``, description]),
    ...Object.values(verb.options)
      .filter(({ hidden }) => hidden !== true)
      .map((option) => [`\`${option.flags}\``, described(option)]),
    ...(verb.output.length > 0 ? [['`-o, --output <format>`', verb.output.join(', ')]] : []),
    ...(verb.mutates ? [['`-y, --yes`, `--confirm <name>`', 'see [Changes](#changes)']] : []),
  ]
  return [
    `### ${name}`,
    '',
    `${capital(verb.summary)}${verb.summary.endsWith('?') ? '' : '.'}${verb.details === undefined ? '' : ` ${verb.details.replaceAll('\n', ' ')}`}`,
    '',
    '```',
    ...verb.examples.map((example) => `$ ${example}`),
    '```',
    '',
    ...(rows.length === 0 ? [] : [markdownTable([`\`selfmonitor ${[name, ...terms].join(' ')}\``, ''], rows), '']),
  ].join('\n')
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

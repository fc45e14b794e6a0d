// Turns the table of nouns and verbs into a commander program. The only file that knows commander.

import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import type { OutputFormat } from '../output/data.ts'
import { CliError } from './errors.ts'
import type { Io } from './io.ts'
import { duration, integer } from './parse.ts'
import type { GlobalOptions } from './settings.ts'
import type { Noun, OptionSpec, Verb } from './verb.ts'

/** The parsed command line. */
export interface Invocation {
  readonly verb: Verb
  readonly args: Record<string, unknown>
  readonly options: Record<string, unknown>
  readonly globals: GlobalOptions
  readonly format: OutputFormat
  readonly yes: boolean
  readonly confirm: string | undefined
}

/** An entry of the table of nouns: its verbs are loaded when the command line names it. */
export interface NounEntry {
  readonly name: string
  readonly summary: string
  readonly group: string
  load(): Promise<Noun>
}

export const globalOptions: readonly OptionSpec<unknown>[] = [
  {
    flags: '--bootstrap-servers <host:port,...>',
    description: 'Kafka (KAFKA_BOOTSTRAP_SERVERS; else what `up` started; else 127.0.0.1:9092)',
  },
  {
    flags: '--command-config <file>',
    description:
      'Kafka client settings (client.properties): account, TLS, bootstrap.servers (SELFMONITOR_COMMAND_CONFIG)',
  },
  {
    flags: '--registry-url <url>',
    description:
      'Schema Registry (SCHEMA_REGISTRY_URL; else what `up` started with these brokers; else http://127.0.0.1:8081). ' +
      'SCHEMA_REGISTRY_USERNAME, SCHEMA_REGISTRY_PASSWORD: its login; SCHEMA_REGISTRY_CA: the CA to trust, PEM or a file',
  },
  {
    flags: '--port-offset <n>',
    description: 'the platform that `up` started here with this offset; needed where several run',
    parse: integer(0),
  },
  { flags: '--env <name>', description: 'environment of platform.yaml (SELFMONITOR_ENV; else development)' },
  { flags: '--timeout <duration>', description: 'limit for one operation, default 30s', parse: duration },
  { flags: '--verbose', description: 'show the cause of an error' },
  { flags: '--no-color', description: 'no colours (NO_COLOR)' },
]

const helpSummary = 'print help for a command'

/**
 * Builds the program for one command line; only the noun that it names is loaded in full.
 * @param invoke called with what was asked for. Help and version are written to `io` and end in a CommanderError.
 */
export async function buildProgram(
  nouns: readonly NounEntry[],
  argv: readonly string[],
  version: string,
  io: Io,
  invoke: (invocation: Invocation) => Promise<void>,
): Promise<Command> {
  const program = configure(new Command('selfmonitor'), io)
    .description(
      'SelfMonitor Streams: the platform that platform.yaml describes, on a laptop, in CI and in production.',
    )
    .addHelpText(
      'after',
      examplesText(['selfmonitor up --setup', 'selfmonitor topics list', 'selfmonitor events tail --follow']),
    )
  // Only in front: further on, `--version` belongs to the verb (`schemas get … --version 2`).
  if (argv[0]?.startsWith('-') !== false) program.version(version, '-V, --version', 'print the version')
  for (const option of globalOptions) program.addOption(toOption(option))

  for (const entry of nouns) {
    const wanted = argv.includes(entry.name)
    const command = wanted ? nounCommand(await entry.load(), io, invoke) : configure(new Command(entry.name), io)
    command.summary(entry.summary).helpGroup(entry.group)
    if (!wanted) command.description(entry.summary)
    program.addCommand(command)
  }
  program.addHelpCommand(new Command('help').argument('[command]').summary(helpSummary).helpGroup('Tools:'))
  return program
}

function configure(command: Command, io: Io): Command {
  return command
    .exitOverride()
    .helpOption('-h, --help', 'print help')
    .showSuggestionAfterError(true)
    .configureHelp({ showGlobalOptions: true, sortOptions: false })
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      // Errors are thrown, and written once by the one place that writes errors.
      writeErr: () => {},
      outputError: () => {},
      getOutHelpWidth: () => Math.min(io.stdout.columns, 110),
      getErrHelpWidth: () => Math.min(io.stderr.columns, 110),
    })
}

function nounCommand(noun: Noun, io: Io, invoke: (invocation: Invocation) => Promise<void>): Command {
  const own = noun.verbs.length === 1 && noun.verbs[0]!.name === noun.name ? noun.verbs[0] : undefined
  if (own !== undefined) return verbCommand(own, own.name, io, invoke)
  const command = configure(new Command(noun.name), io).description(noun.summary)
  byReference(command)
  const groups = new Map<string, Command>()
  for (const verb of noun.verbs) {
    const [first, second] = verb.name.split(' ')
    const made = verbCommand(verb, `${noun.name} ${verb.name}`, io, invoke)
    if (second === undefined) {
      command.addCommand(made, { hidden: verb.hidden, isDefault: verb.isDefault })
      continue
    }
    // `compatibility get` and `compatibility set` share their first word.
    let group = groups.get(first!)
    if (group === undefined) {
      const siblings = noun.verbs.map(({ name }) => name.split(' ')).filter(([word]) => word === first)
      group = configure(new Command(first), io).description(siblings.map(([, word]) => word).join(', '))
      byReference(group)
      groups.set(first!, group)
      command.addCommand(group)
    }
    group.addCommand(made)
  }
  return command
}

/** The help of a group of commands lists the commands, and only mentions the global options. */
function byReference(group: Command): void {
  group.configureHelp({ showGlobalOptions: false, sortOptions: false })
  group.helpCommand('help [command]', helpSummary)
  group.addHelpText('after', '\nGlobal options: selfmonitor --help')
}

function verbCommand(verb: Verb, fullName: string, io: Io, invoke: (invocation: Invocation) => Promise<void>): Command {
  const command = configure(new Command(verb.name.split(' ').at(-1)), io).summary(verb.summary)
  command.description(verb.details === undefined ? verb.summary : `${verb.summary}\n\n${unwrapped(verb.details)}`)
  for (const [name, spec] of Object.entries(verb.args)) {
    const term = { required: `<${name}>`, optional: `[${name}]`, variadic: `<${name}...>`, rest: `[${name}...]` }[
      spec.form
    ]
    command.addArgument(new Argument(term, spec.description))
  }
  const keys = new Map<string, string>()
  for (const [key, spec] of Object.entries(verb.options)) {
    const option = toOption(spec)
    keys.set(key, option.attributeName())
    command.addOption(option)
  }
  if (verb.output.length > 0) {
    command.addOption(
      new Option('-o, --output <format>', 'output format').choices([...verb.output]).default(verb.output[0]),
    )
  }
  if (verb.mutates) {
    command.option('-y, --yes', 'do it without asking')
    command.option('--confirm <name>', 'production: the name of what changes, instead of typing it')
  }
  if (verb.examples.length > 0) command.addHelpText('after', examplesText(verb.examples))

  command.action(async () => {
    const names = Object.keys(verb.args)
    const raw: Record<string, unknown> = command.opts()
    const globals = command.optsWithGlobals() as GlobalOptions & {
      output?: OutputFormat
      yes?: boolean
      confirm?: string
    }
    await invoke({
      verb: { ...verb, name: fullName },
      args: Object.fromEntries(names.map((name, index) => [name, command.processedArgs[index]])),
      options: Object.fromEntries(
        [...keys].map(([key, attribute]) => [key, raw[attribute] ?? verb.options[key]!.fallback]),
      ),
      globals,
      format: globals.output ?? verb.output[0] ?? 'text',
      yes: globals.yes === true,
      confirm: globals.confirm,
    })
  })
  return command
}

function toOption(spec: OptionSpec<unknown>): Option {
  const option = new Option(spec.flags, spec.description)
  if (spec.choices !== undefined) option.choices([...spec.choices])
  if (spec.fallback !== undefined && spec.fallback !== false) option.default(spec.fallback)
  if (spec.hidden === true) option.hideHelp()
  const { parse } = spec
  if (parse !== undefined) {
    // Commander hands the default in as "previous" on the first use; a repeatable option starts from nothing instead.
    let used = false
    option.argParser((text, previous) => {
      try {
        const result = parse(text, (used ? previous : undefined) as never)
        used = true
        return result
      } catch (error) {
        // Commander adds which option it was.
        if (error instanceof CliError)
          throw new InvalidArgumentError([error.message, error.hint].filter(Boolean).join('. '))
        throw error
      }
    })
  }
  return option
}

/** Line breaks of the source are not those of the terminal: help is wrapped to its width. Paragraphs stay. */
function unwrapped(text: string): string {
  return text.replace(/(?<!\n)\n(?!\n)/g, ' ')
}

function examplesText(examples: readonly string[]): string {
  return `\nExamples:\n${examples.map((example) => `  $ ${example}\n`).join('')}`
}

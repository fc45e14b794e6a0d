// One command line, from its words to its exit code. Everything the process owns (signals, exit) is in main.ts.
import { CommanderError } from 'commander'
import { nouns } from './commands/index.ts'
import { createContext } from './framework/context.ts'
import { type ErrorReport, exitCodes, reportError } from './framework/errors.ts'
import type { Io } from './framework/io.ts'
import { buildProgram, type Invocation } from './framework/program.ts'
import { resolveSettings, type Settings } from './framework/settings.ts'
import { version } from './framework/version.ts'
import { coloursFor } from './output/colour.ts'
import { toJson } from './output/data.ts'

const completionTimeoutMs = 1500

/**
 * Runs one command.
 * @param argv the words after `selfmonitor`.
 * @returns the exit code: 0 done, 1 failed, 2 usage, 3 changes pending, 4 cannot connect or not allowed.
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  let code: number = exitCodes.done
  let settings: Settings | undefined
  const invoke = async (invocation: Invocation): Promise<void> => {
    settings = await resolveSettings(invocation.globals, io)
    if (invocation.globals.verbose === true && settings.ignoredProperties.length > 0) {
      io.stderr.write(`Client settings that mean nothing here: ${settings.ignoredProperties.join(', ')}\n`)
    }
    code = await runVerb(invocation, settings, io)
  }
  try {
    if (argv[0] === '__complete') return await complete(argv.slice(2), io)
    const program = await buildProgram(nouns, argv, version(), io, invoke)
    if (argv.length === 0) {
      program.outputHelp()
      return exitCodes.done
    }
    await program.parseAsync([...argv], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return exitCodes.done
      writeError(await usageReport(error, argv), argv, io, error)
      return exitCodes.usage
    }
    const report = reportError(error, settings && addresses(settings))
    writeError(report, argv, io, error)
    return report.exitCode
  }
  return code
}

async function runVerb(invocation: Invocation, settings: Settings, io: Io): Promise<number> {
  const { context, end } = createContext({
    io,
    settings,
    format: invocation.format,
    colour: invocation.globals.color !== false,
    confirmation: { yes: invocation.yes, typed: invocation.confirm },
  })
  try {
    return (await invocation.verb.run(context, invocation)) ?? exitCodes.done
  } finally {
    await end()
  }
}

/** Asked by the shell, with half a command line: answered from the tables, and quickly, or not at all. */
async function complete(words: readonly string[], io: Io): Promise<number> {
  const { completeWords, liveNames } = await import('./commands/completion.ts')
  const settings = { ...(await resolveSettings({}, io)), timeoutMs: completionTimeoutMs }
  const { context, end } = createContext({
    io,
    settings,
    format: 'name',
    colour: false,
    confirmation: { yes: false, typed: undefined },
  })
  try {
    const found = await completeWords(words, nouns, (kind) => liveNames(context, kind))
    io.stdout.write(found.map((word) => `${word}\n`).join(''))
    return exitCodes.done
  } finally {
    await end()
  }
}

/** Says where an address came from: the one that the error names, or both. */
function addresses({ bootstrapServers, registryUrl }: Settings): (message: string) => string {
  const kafka = `Kafka ${bootstrapServers.value}, from ${bootstrapServers.origin}`
  const registry = `registry ${registryUrl.value}, from ${registryUrl.origin}`
  return (message) => {
    const named = (addressList: string): boolean =>
      addressList.split(',').some((address) => message.includes(address.replace(/^https?:\/\//, '')))
    if (named(bootstrapServers.value)) return kafka
    return named(registryUrl.value) ? registry : `${kafka}; ${registry}`
  }
}

async function usageReport(error: CommanderError, argv: readonly string[]): Promise<ErrorReport> {
  // Commander's own texts: "error: unknown command 'topcs'\n(Did you mean topics?)".
  const [first, ...rest] = error.message.replace(/^error: /, '').split('\n')
  const words = argv.filter((word) => !word.startsWith('-'))
  const noun = await nouns.find(({ name }) => name === words[0])?.load()
  const verb = noun?.verbs.find(({ name }) => name === words[1])
  const command = [noun?.name, verb?.name].map((name) => (name === undefined ? '' : `${name} `)).join('')
  const suggestion = rest.join(' ').replace(/^\(|\)$/g, '')
  const isHelp = error.code === 'commander.help'
  return {
    code: 'USAGE',
    message: isHelp ? `selfmonitor ${command}wants one of its commands.` : `${first}`,
    hint: [suggestion, `\`selfmonitor ${command}--help\` shows what there is.`].filter(Boolean).join(' '),
    exitCode: exitCodes.usage,
  }
}

/** One message: what, where, what to do. As JSON where the output is JSON; on standard error in either case. */
function writeError(report: ErrorReport, argv: readonly string[], io: Io, error: unknown): void {
  const { exitCode: _, ...shown } = report
  if (wantsJson(argv)) {
    io.stderr.write(toJson({ error: shown }))
  } else {
    const colours = coloursFor(io.stderr, io.env, !argv.includes('--no-color'))
    io.stderr.write(`${colours.bad('error')} ${report.message}\n`)
    if (report.hint !== undefined) io.stderr.write(`      ${report.hint}\n`)
  }
  if (argv.includes('--verbose') && error instanceof Error) io.stderr.write(`${error.stack}\n${causes(error)}`)
}

function causes(error: Error): string {
  return error.cause instanceof Error ? `caused by ${error.cause.stack}\n${causes(error.cause)}` : ''
}

function wantsJson(argv: readonly string[]): boolean {
  return argv.some(
    (word, index) =>
      word === '--output=json' ||
      word === '-ojson' ||
      (word === 'json' && /^(-o|--output)$/.test(argv[index - 1] ?? '')),
  )
}

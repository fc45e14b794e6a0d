// One command line, from its words to its exit code. Everything the process owns (signals, exit) is in main.ts.
import { chooseTarget, type FoundState, findStates } from '@selfmonitor/platform/running'
import { withoutUser } from '@selfmonitor/registry/url'
import { CommanderError } from 'commander'
import { nouns } from './commands/index.ts'
import { createContext } from './framework/context.ts'
import { type ConnectionAdvice, type ErrorReport, exitCodes, reportError } from './framework/errors.ts'
import type { Io } from './framework/io.ts'
import { buildProgram, type Invocation } from './framework/program.ts'
import { resolveSettings, type Settings } from './framework/settings.ts'
import { version } from './framework/version.ts'
import { connectionRemedy, diskText } from './local/remedy.ts'
import { coloursFor } from './output/colour.ts'
import { toJson } from './output/data.ts'
import { visibleLines } from './output/visible.ts'
import { wrapFor } from './output/wrap.ts'

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
      io.stderr.write(`Ignored client settings: ${settings.ignoredProperties.join(', ')}\n`)
    }
    code = await runVerb(invocation, settings, io, argv)
  }
  try {
    if (argv[0] === '__complete') return await complete(argv.slice(2), io)
    const words = argv[0] === 'help' ? await helpWords(argv.slice(1)) : await withoutVainHelp(argv)
    const program = await buildProgram(nouns, words, version(), io, invoke)
    if (words.length === 0) {
      program.outputHelp()
      return exitCodes.done
    }
    await program.parseAsync([...words], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return exitCodes.done
      const { usageReport } = await import('./usage.ts')
      writeError(await usageReport(error, argv), argv, io, error)
      return exitCodes.usage
    }
    const report = withDisk(reportError(error, settings && connection(settings, io)), settings, io)
    writeError(report, argv, io, error)
    return report.exitCode
  }
  return code
}

/** `help topics create` prints what `topics create --help` does. */
async function helpWords(about: readonly string[]): Promise<readonly string[]> {
  const names = about.filter((word) => !word.startsWith('-'))
  if (names.length === 0) return []
  const entry = nouns.find(({ name }) => name === names[0])
  const verbs = (await entry?.load())?.verbs ?? []
  const isAlone = verbs.length === 1 && verbs[0]!.name === entry?.name
  const isVerb = names[1] === undefined || verbs.some(({ name }) => name.split(' ')[0] === names[1])
  // Without `--help` commander says which word it does not know, and which one is near to it.
  return entry !== undefined && (isAlone || isVerb) ? [...names, '--help'] : names
}

/** `topcs --help`: commander would print the help of what it knows, and not say what it does not know. */
async function withoutVainHelp(argv: readonly string[]): Promise<readonly string[]> {
  const withoutHelp = argv.filter((word) => word !== '--help' && word !== '-h')
  const [noun, verb] = withoutHelp
  if (withoutHelp.length === argv.length || noun === undefined || noun.startsWith('-')) return argv
  const words = await helpWords(withoutHelp.slice(0, verb?.startsWith('-') === false ? 2 : 1))
  return words.includes('--help') ? argv : withoutHelp
}

async function runVerb(invocation: Invocation, settings: Settings, io: Io, words: readonly string[]): Promise<number> {
  const { context, end } = createContext({
    io,
    settings,
    format: invocation.format,
    colour: invocation.globals.color !== false,
    confirmation: { yes: invocation.yes, typed: invocation.confirm },
    words,
  })
  try {
    return (await invocation.verb.run(context, invocation)) ?? exitCodes.done
  } finally {
    await end()
  }
}

/** Asked by the shell, with half a command line: answered from the tables, and quickly, or not at all. */
async function complete(words: readonly string[], io: Io): Promise<number> {
  const { completeWords, liveNames, typedGlobals } = await import('./commands/completion.ts')
  const settings = await resolveSettings({ ...typedGlobals(words), timeout: completionTimeoutMs }, io)
  const { context, end } = createContext({
    // Notes have no place between the words that the shell offers.
    io: { ...io, stderr: { ...io.stderr, write: () => {} } },
    settings,
    format: 'name',
    colour: false,
    confirmation: { yes: false, typed: undefined },
    words: [],
  })
  try {
    const found = await completeWords(words, nouns, (kind) => liveNames(context, kind))
    io.stdout.write(found.map((word) => `${word}\n`).join(''))
    return exitCodes.done
  } finally {
    await end()
  }
}

/** Where an address that could not be reached came from, and what to do about it there. */
function connection(settings: Settings, io: Io): (party: 'kafka' | 'registry') => ConnectionAdvice {
  return (party) => {
    const { value, origin } = party === 'kafka' ? settings.bootstrapServers : settings.registryUrl
    return {
      address: `${party === 'kafka' ? 'Kafka' : 'registry'} ${withoutUser(value)}, ${origin === 'default' ? 'the default address' : `from ${origin}`}`,
      remedy: origin === 'selfmonitor up' ? localPlatform(settings, io, connectionRemedy) : undefined,
    }
  }
}

/** A client that waits for a broker with a full disk sees only a time-out; this adds the reason. */
function withDisk(report: ErrorReport, settings: Settings | undefined, io: Io): ErrorReport {
  const isAnswer = report.exitCode === exitCodes.failed || report.exitCode === exitCodes.cannotConnect
  if (settings === undefined || !isAnswer) return report
  const full = localPlatform(settings, io, ({ state }) => diskText(state))
  if (full === undefined || report.hint?.includes(full)) return report
  return { ...report, hint: [full, report.hint].filter(Boolean).join('\n') }
}

/** Describes the platform that `up` started, if these settings refer to it; else undefined. */
function localPlatform(settings: Settings, io: Io, say: (found: FoundState) => string | undefined): string | undefined {
  try {
    const { value, origin } = settings.bootstrapServers
    const target = chooseTarget(findStates(io.cwd), { portOffset: settings.portOffset, bootstrapServers: value })
    const isMeant =
      target.kind === 'running' && (origin === 'selfmonitor up' || target.found.state.bootstrapServers === value)
    return isMeant ? say(target.found) : undefined
  } catch {
    // The settings are ambiguous, which the error itself reports.
    return undefined
  }
}

/** One message: what, where, what to do. As JSON where the output is JSON; on standard error in either case. */
function writeError(report: ErrorReport, argv: readonly string[], io: Io, error: unknown): void {
  const { exitCode: _, ...shown } = report
  if (wantsJson(argv)) {
    io.stderr.write(toJson({ error: shown }))
  } else {
    const colours = coloursFor(io.stderr, io.env, !argv.includes('--no-color'))
    io.stderr.write(`${colours.bad('error')} ${wrapFor(io.stderr, visibleLines(report.message), errorIndent)}\n`)
    if (report.hint !== undefined) {
      const text = visibleLines(report.hint)
      const hint = io.stderr.isTTY ? wrapFor(io.stderr, text, errorIndent) : text.replaceAll('\n', '\n      ')
      io.stderr.write(`      ${hint}\n`)
    }
  }
  if (argv.includes('--verbose') && error instanceof Error) io.stderr.write(`${error.stack}\n${causes(error)}`)
}

/** As wide as `error `. */
const errorIndent = 6

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

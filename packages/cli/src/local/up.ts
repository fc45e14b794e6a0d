// Brings the platform up in this process, keeps it up until the signal, and takes it down again.
import { existsSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import type { Shapes } from '@selfmonitor/platform/shapes'
import type { Context } from '../framework/context.ts'
import { CliError, exitCodes, reportError } from '../framework/errors.ts'
import { defaults } from '../framework/settings.ts'
import { elapsed, shortAddresses } from '../output/format.ts'
import { wrapFor } from '../output/wrap.ts'
import { brokerSettings } from './broker-settings.ts'
import { apacheBrokers, engineDataDir, forcedEnd, makeDataDir, startEngine } from './engines.ts'
import { openServerLog } from './logger.ts'
import { findPlatformFile } from './platform-file.ts'
import { besideText, demandFreePorts, type WantedPort } from './ports.ts'
import { isSameProcess, processIdentity } from './process-info.ts'
import { endedText, logText, restartText } from './remedy.ts'
import { applyPlatform, summary, type Target } from './setup.ts'
import {
  type Engine,
  findStates,
  projectRoot,
  readState,
  removeState,
  selfmonitorDir,
  stateFile,
  writeState,
} from './state.ts'
import { createSteps } from './steps.ts'
import { suggestions } from './suggestions.ts'

export interface UpOptions {
  readonly engine: Engine
  readonly brokers: number
  readonly dataDir: string | undefined
  readonly portOffset: number
  readonly setup: boolean
  readonly file: string | undefined
  readonly brokerConfig: Readonly<Record<string, string>> | undefined
  readonly version: string
}

export interface UpPaths {
  readonly state: string
  readonly dataDir: string
  /** JSON lines of the servers. */
  readonly log: string
  /** What a detached `up` writes on its standard output and error. */
  readonly output: string
}

export function upPaths(cwd: string, options: { dataDir: string | undefined; portOffset: number }): UpPaths {
  const home = selfmonitorDir(cwd)
  return {
    state: stateFile(cwd, options.portOffset),
    dataDir: options.dataDir === undefined ? join(home, 'data') : resolve(cwd, options.dataDir),
    log: join(home, 'log', `${options.portOffset}.log`),
    output: join(home, 'log', `${options.portOffset}.out`),
  }
}

/** What `up` listens on. */
export function wantedPorts({ brokers, portOffset }: Pick<UpOptions, 'brokers' | 'portOffset'>): WantedPort[] {
  return [
    ...Array.from({ length: brokers }, (_, index) => ({ port: defaults.kafkaPort + portOffset + index, use: 'Kafka' })),
    { port: defaults.registryPort + portOffset, use: 'the Schema Registry' },
  ]
}

/** @throws CliError ALREADY_RUNNING when a platform with this port offset runs in this project. */
export async function demandNotRunning(paths: UpPaths, ports: readonly WantedPort[]): Promise<void> {
  const found = readState(paths.state)
  if (found === undefined) return
  const { state } = found
  if (found.alive) {
    const ended = endedText(state)
    if (ended !== undefined) {
      throw new CliError(
        'BROKERS_ENDED',
        `It is noted as running (process ${state.process.pid}), but ${ended}. Log: ${logText(state)}`,
        { hint: `${restartText(state)}.` },
      )
    }
    const offset = state.portOffset === 0 ? '' : ` --port-offset ${state.portOffset}`
    const beside = await besideText(ports, state.portOffset, '`selfmonitor up ')
    throw new CliError(
      'ALREADY_RUNNING',
      `It is already running: ${state.engine}, Kafka ${state.bootstrapServers}, registry ${state.registryUrl}, process ${state.process.pid}.`,
      {
        hint: `\`selfmonitor status\` shows it, \`selfmonitor down${offset}\` stops it${beside === '' ? '' : `, ${beside} --data-dir <folder>\` starts another beside it`}.`,
      },
    )
  }
  const orphans = state.nodes.filter(({ pid, identity }) => isSameProcess(pid, identity))
  if (orphans.length > 0) {
    throw new CliError(
      'ORPHANED_BROKERS',
      `An earlier \`up\` ended without stopping its brokers: process ${orphans.map(({ pid }) => pid).join(', ')} still runs.`,
      { hint: '`selfmonitor down` stops what is left.' },
    )
  }
  removeState(paths.state)
}

/** Runs until `io.signal`; resolves with the exit code once everything is closed. */
export async function up(context: Context, options: UpOptions): Promise<number> {
  const { io, colours } = context
  const paths = upPaths(io.cwd, options)
  const environment = upEnvironment(context)
  const kafkaPort = defaults.kafkaPort + options.portOffset
  const registryPort = defaults.registryPort + options.portOffset
  const wanted = wantedPorts(options)
  if (options.engine === 'apache') apacheBrokers(options.brokers)
  await demandNotRunning(paths, wanted)
  const config = await brokerSettings(context, environment, options)
  const platformFile = options.setup ? findPlatformFile(io.cwd, options.file) : undefined
  makeDataDir(engineDataDir(paths.dataDir, options.engine))
  // Loading the registry and the clients takes longer than starting the broker: the disk's waits are used for it.
  const loading = loadParts(options.setup)
  loading.catch(() => {
    // Said by the step that needs the part.
  })
  await demandFreePorts(wanted, options.portOffset)

  const log = await openServerLog(
    context.settings.verbose ? undefined : paths.log,
    io.env.SELFMONITOR_LOG_LEVEL ?? 'info',
  )
  const closing: (() => Promise<void>)[] = [() => log.close()]
  const steps = createSteps(io.stderr, colours.stderr)
  const ended = new Promise<void>((resolve) => {
    if (io.signal.aborted) resolve()
    else
      io.signal.addEventListener(
        'abort',
        () => {
          context.note('\n  Stopping …')
          resolve()
        },
        { once: true },
      )
  })
  const stillWanted = (): void => {
    if (io.signal.aborted) throw new CliError('INTERRUPTED', 'Interrupted while starting.')
  }

  const endByForce = forcedEnd(paths.dataDir, options.engine)
  process.once('exit', endByForce)
  closing.push(async () => void process.removeListener('exit', endByForce))

  let code: number = exitCodes.done
  let notApplied = false
  try {
    const heading = `SelfMonitor Streams ${options.version}`
    context.note(`${colours.stderr.strong(heading)} ${colours.stderr.aside(`· ${environment}`)}\n`)
    const engine = await steps.run(
      'broker',
      (onProgress) =>
        startEngine({
          engine: options.engine,
          brokers: options.brokers,
          port: kafkaPort,
          dataDir: paths.dataDir,
          platformOf: (pid) => findStates(io.cwd).find(({ state }) => state.process.pid === pid)?.state.portOffset,
          config,
          logger: log.logger,
          onProgress,
          signal: io.signal,
          onTrouble: (said) => context.note(`  ${colours.stderr.careful(said)}`),
          onNote: (said) => context.note(`  ${colours.stderr.aside(said)}`),
        }),
      (running) => `${shortAddresses(running.bootstrapServers)}  ${running.description}`,
    )
    // Closed last first: until its brokers are gone, this platform is on record.
    closing.push(async () => removeState(paths.state))
    closing.push(() => engine.close())
    const startedAtMs = Date.now()
    const noteState = (ready: boolean): void =>
      writeState(paths.state, {
        formatVersion: 1,
        process: { pid: process.pid, identity: processIdentity(process.pid) ?? '' },
        ready,
        startedAtMs,
        engine: options.engine,
        environment,
        portOffset: options.portOffset,
        bootstrapServers: engine.bootstrapServers,
        registryUrl: `http://127.0.0.1:${registryPort}`,
        dataDir: engineDataDir(paths.dataDir, options.engine),
        logFile: paths.log,
        nodes: engine.nodes,
        ...(notApplied ? { notApplied } : {}),
      })
    // Noted as soon as there is something to stop: brokers outlive a process that is killed here.
    noteState(false)
    stillWanted()

    const registry = await steps.run(
      'registry',
      async () => {
        const { startRegistry } = await import('@selfmonitor/registry/server')
        return await startRegistry({
          bootstrapServers: engine.bootstrapServers,
          port: registryPort,
          replicationFactor: Math.min(3, options.brokers),
          logger: log.logger,
        })
      },
      ({ url }) => url,
    )
    closing.push(() => registry.close())
    stillWanted()

    if (platformFile !== undefined) {
      notApplied = await applyOrSay(context, () =>
        steps.run(
          'platform',
          async (onProgress) => {
            const { loadPlatform } = await import('@selfmonitor/platform')
            const declared = await loadPlatform(platformFile, { environment, env: io.env })
            // The engines that `up` starts have no accounts, in whichever environment: everybody may do everything here.
            const platform = { ...declared, access: 'none' as const }
            const done = await withTarget(engine.bootstrapServers, registry.url, context.settings.timeoutMs, (target) =>
              applyPlatform(platform, target, { onProgress }),
            )
            return summary(platform, done)
          },
          (text) => text,
        ),
      )
      stillWanted()
    }

    // Since the process began: what the user has waited for.
    const ready = `\n  Ready in ${elapsed(performance.now())}.`
    const hint = await hints(context, options, { ...engine, registryUrl: registry.url, notApplied })
    stillWanted()
    // Said before it is noted: a detached `up` shows what was said until then.
    context.note(`${ready}\n${hint}`)
    noteState(true)
    await ended
  } catch (error) {
    if (!io.signal.aborted) throw error
    code = exitCodes.failed
  } finally {
    for (const close of closing.reverse()) await close()
  }
  context.note('  Stopped; the data stays.')
  return code
}

/** What is wrong with the file or its plan; everything else is wrong with the platform that was just started. */
const fileErrors = new Set(['PLAN_HAS_ERRORS', 'INVALID_PLATFORM', 'APPLY_FAILED'])

/**
 * Applies the file. Where it cannot be applied (a branch with fewer partitions than the data has, a mistake in it), says why
 * and what to do; broker and registry stay, because the data and those who use them are not to blame.
 * @returns whether it could not be applied
 */
async function applyOrSay(context: Context, apply: () => Promise<unknown>): Promise<boolean> {
  try {
    await apply()
    return false
  } catch (error) {
    const { code, message, hint } = reportError(error)
    if (!fileErrors.has(code)) throw error
    const { careful, bad, strong } = context.colours.stderr
    const name = commandName(context.io)
    const applied = code === 'APPLY_FAILED' ? 'Not everything' : 'Nothing'
    const wrap = (text: string, indent: number): string => wrapFor(context.io.stderr, text, indent)
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

/** Begins to load what the later steps import. */
function loadParts(setup: boolean): Promise<unknown> {
  const later = [import('@selfmonitor/registry/server')]
  return Promise.all(setup ? [...later, import('@selfmonitor/cluster'), import('@selfmonitor/platform')] : later)
}

/** Clients of what has just been started: the settings may name something else. */
async function withTarget<Result>(
  bootstrapServers: string,
  registryUrl: string,
  timeoutMs: number,
  use: (target: Target) => Promise<Result>,
): Promise<Result> {
  const [{ connectCluster }, { createRegistryClient }] = await Promise.all([
    import('@selfmonitor/cluster'),
    import('@selfmonitor/registry'),
  ])
  const cluster = connectCluster({ bootstrapServers, timeoutMs, clientId: 'selfmonitor-up' })
  try {
    return await use({ cluster, registry: createRegistryClient({ url: registryUrl, timeoutMs }) })
  } finally {
    await cluster.close()
  }
}

/** What `up` applies: what was asked for, never what another platform here happens to run with. */
function upEnvironment({ settings }: Context): string {
  const { environment } = settings
  return environment.origin === 'selfmonitor up' ? defaults.environment : environment.value
}

/** How this very command is called here: by its name where it is installed, through npm in a checkout. */
export function commandName(io: { entry: readonly string[]; cwd: string }): string {
  const script = io.entry.at(-1) ?? ''
  if (!script.endsWith('.ts') && !script.includes('node_modules/.bin')) return 'selfmonitor'
  const linked = existsSync(join(projectRoot(io.cwd), 'node_modules/.bin/selfmonitor'))
  // Run by `npx` out of its own cache, it is not linked here, and is called the same.
  return linked || !script.endsWith('.ts') ? 'npx selfmonitor' : 'npm run selfmonitor --'
}

/** The line of a shell after which services find this platform. */
function serviceVariables(running: { readonly bootstrapServers: string; readonly registryUrl: string }): string {
  return `export KAFKA_BOOTSTRAP_SERVERS=${running.bootstrapServers} SCHEMA_REGISTRY_URL=${running.registryUrl}`
}

async function hints(
  context: Context,
  options: UpOptions,
  running: { readonly bootstrapServers: string; readonly registryUrl: string; readonly notApplied: boolean },
): Promise<string> {
  const { io } = context
  const where = relative(io.cwd, upPaths(io.cwd, options).dataDir) || '.'
  const lines = suggestions({
    name: commandName(io),
    topics: await withTarget(running.bootstrapServers, running.registryUrl, context.settings.timeoutMs, userTopics),
    shapes: await knownShapes(context, options.file),
    toSetUp: running.notApplied || (!options.setup && existsSync(join(io.cwd, 'platform.yaml'))),
  })
  const shown = lines.map((line) => `    ${context.colours.stderr.strong(line)}\n`).join('')
  const services =
    options.portOffset === 0
      ? ''
      : `\n  For services, which connect to the ports without an offset otherwise:\n\n    ${context.colours.stderr.strong(serviceVariables(running))}\n`
  return `${services}\n  Try, in another terminal:\n\n${shown}\n  Ctrl-C stops it; the data stays in ${where}.`
}

async function userTopics({ cluster }: Target): Promise<string[]> {
  const names = (await cluster.listTopics()).map(({ name }) => name)
  return names.filter((name) => !name.startsWith('_') && !name.endsWith('.dlq'))
}

/** A file with mistakes was told already. */
async function knownShapes({ io }: Context, file: string | undefined): Promise<Shapes | null> {
  const { findShapes } = await import('@selfmonitor/platform/shapes')
  return findShapes(io.cwd, { file, env: io.env }).catch(() => null)
}

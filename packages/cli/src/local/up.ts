// Brings the platform up in this process, keeps it up until the signal, and takes it down again.

import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { isDeadLetterTopic } from '@selfmonitor/events/dead-letters'
import { findStates, processIdentity, removeState, writeState } from '@selfmonitor/platform/running'
import type { Shapes } from '@selfmonitor/platform/shapes'
import type { RegistryServer } from '@selfmonitor/registry'
import type { Context } from '../framework/context.ts'
import { CliError, exitCodes } from '../framework/errors.ts'
import { defaults } from '../framework/settings.ts'
import { elapsed, shortAddresses } from '../output/format.ts'
import { applyOrExplain } from './apply-or-explain.ts'
import { brokerSettings } from './broker-settings.ts'
import { commandName } from './command-name.ts'
import { apacheBrokers, engineDataDir, forcedEnd, makeDataDir, type RunningEngine, startEngine } from './engines.ts'
import { openServerLog, type ServerLog } from './logger.ts'
import { findPlatformFile } from './platform-file.ts'
import { requireFreePorts } from './ports.ts'
import { applyPlatform, summary, type Target } from './setup.ts'
import { createSteps, type Steps } from './steps.ts'
import { suggestions } from './suggestions.ts'
import { requireNotRunning, type UpOptions, type UpPaths, upPaths, wantedPorts } from './up-paths.ts'

/** A start: what it was asked for, and what it has opened so far. */
interface Starting {
  readonly context: Context
  readonly options: UpOptions
  readonly paths: UpPaths
  readonly environment: string
  /** Settings of the brokers. */
  readonly config: Readonly<Record<string, string>>
  /** undefined: no platform file is applied. */
  readonly platformFile: string | undefined
  readonly log: ServerLog
  readonly steps: Steps
  readonly end: End
  readonly startedAtMs: number
  /** Called last first. */
  readonly closers: (() => Promise<void>)[]
}

/** Runs until `io.signal`; resolves with the exit code once everything is closed. */
export async function up(context: Context, options: UpOptions): Promise<number> {
  const starting = await prepare(context, options)
  const { closers, end } = starting
  let code: number = exitCodes.done
  try {
    const heading = context.colours.stderr.strong(`SelfMonitor Streams ${options.version}`)
    context.note(`${heading} ${context.colours.stderr.aside(`· ${starting.environment}`)}\n`)
    const engine = await openBroker(starting)
    const registry = await openRegistry(starting, engine)
    const notApplied = await applyFile(starting, engine, registry)
    end.check()
    // Since the process began, which is the time that the user waited.
    const ready = `\n  Ready in ${elapsed(performance.now())}.`
    const hint = await hints(context, options, { ...engine, registryUrl: registry.url, notApplied })
    end.check()
    // Printed before the platform is recorded, because a detached `up` shows the output up to that moment.
    context.note(`${ready}\n${hint}`)
    noteState(starting, engine, { ready: true, notApplied })
    await openExporter(starting, engine, registry, notApplied)
    await end.reached
  } catch (error) {
    if (!context.io.signal.aborted) throw error
    // Stopped before it was ready, by whatever the signal interrupted.
    code = exitCodes.failed
  } finally {
    for (const close of closers.reverse()) await close()
  }
  context.note('  Stopped; the data stays.')
  return code
}

/** @throws CliError when it cannot be started, before anything is */
async function prepare(context: Context, options: UpOptions): Promise<Starting> {
  const { io, colours } = context
  const paths = upPaths(io.cwd, options)
  const environment = upEnvironment(context)
  const wanted = wantedPorts(options)
  if (options.engine === 'apache') apacheBrokers(options.brokers)
  await requireNotRunning(paths, wanted)
  const config = await brokerSettings(context, environment, options)
  const platformFile = options.setup ? findPlatformFile(io.cwd, options.file) : undefined
  makeDataDir(engineDataDir(paths.dataDir, options.engine))
  // Loading the registry and the clients takes longer than starting the broker: the disk's waits are used for it.
  loadParts(options.setup).catch(() => {
    // Said by the step that needs the part.
  })
  await requireFreePorts(wanted, options.portOffset)
  const log = await openServerLog(
    context.settings.verbose ? undefined : paths.log,
    io.env.SELFMONITOR_LOG_LEVEL ?? 'info',
  )
  const endByForce = forcedEnd(paths.dataDir, options.engine)
  process.once('exit', endByForce)
  return {
    ...{ context, options, paths, environment, config, platformFile, log },
    steps: createSteps(io.stderr, colours.stderr, io.signal),
    end: createEnd(context),
    startedAtMs: Date.now(),
    closers: [() => log.close(), async () => void process.removeListener('exit', endByForce)],
  }
}

/** The event that ends `up`: the signal, or a broker that had to stop. */
interface End {
  /** Resolves on the signal. @throws CliError after a failure */
  readonly reached: Promise<void>
  /** @throws CliError on the signal and after a failure: the start is not continued */
  check(): void
  fail(failure: Error & { readonly code?: unknown }): void
}

function createEnd({ io, note }: Context): End {
  let failure: CliError | undefined
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // A failure while nothing waits for the end is thrown by the next check.
  promise.catch(() => {})
  const interrupt = (): void => {
    note('\n  Stopping …')
    resolve()
  }
  if (io.signal.aborted) resolve()
  else io.signal.addEventListener('abort', interrupt, { once: true })
  return {
    reached: promise,
    check() {
      if (failure !== undefined) throw failure
      if (io.signal.aborted) throw new CliError('INTERRUPTED', 'Interrupted while starting.')
    },
    fail(error) {
      failure = new CliError(String(error.code ?? 'BROKER_FAILED'), sentence(error.message), {
        hint: '`selfmonitor up` starts a new broker: with empty data, or with data that you restore there.',
        cause: error,
      })
      reject(failure)
    },
  }
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`

async function openBroker(starting: Starting): Promise<RunningEngine> {
  const { context, options, paths, end, closers } = starting
  const { careful, aside } = context.colours.stderr
  const engine = await starting.steps.run(
    'broker',
    (onProgress) =>
      startEngine({
        engine: options.engine,
        brokers: options.brokers,
        port: defaults.kafkaPort + options.portOffset,
        dataDir: paths.dataDir,
        platformOf: (pid) =>
          findStates(context.io.cwd).find(({ state }) => state.process.pid === pid)?.state.portOffset,
        config: starting.config,
        logger: starting.log.logger,
        onProgress,
        onFailure: end.fail,
        signal: context.io.signal,
        onTrouble: (said) => context.note(`  ${careful(said)}`),
        onNote: (said) => context.note(`  ${aside(said)}`),
      }),
    (running) => `${shortAddresses(running.bootstrapServers)}  ${running.description}`,
  )
  // The platform stays recorded until its brokers have stopped.
  closers.push(async () => removeState(paths.state))
  closers.push(() => engine.close())
  // Recorded as soon as there is something to stop, because brokers outlive this process if it is killed.
  noteState(starting, engine, { ready: false, notApplied: false })
  end.check()
  return engine
}

async function openRegistry(starting: Starting, engine: RunningEngine): Promise<RegistryServer> {
  const registry = await starting.steps.run(
    'registry',
    async () => {
      const { startRegistry } = await import('@selfmonitor/registry/server')
      return await startRegistry({
        bootstrapServers: engine.bootstrapServers,
        port: defaults.registryPort + starting.options.portOffset,
        replicationFactor: Math.min(3, starting.options.brokers),
        logger: starting.log.logger,
      })
    },
    ({ url }) => url,
  )
  starting.closers.push(() => registry.close())
  starting.end.check()
  return registry
}

/** Metrics come after everything else: nobody waits for them. If they cannot be served, the platform runs without. */
async function openExporter(
  starting: Starting,
  engine: RunningEngine,
  registry: RegistryServer,
  notApplied: boolean,
): Promise<void> {
  const { context, options, environment, log, closers } = starting
  try {
    const { startExporter } = await import('@selfmonitor/monitor/exporter')
    const exporter = await startExporter({
      connect: { bootstrapServers: engine.bootstrapServers, timeoutMs: context.settings.timeoutMs },
      listen: { port: defaults.metricsPort + options.portOffset },
      version: options.version,
      logger: log.logger,
      brokerMetrics: engine.brokerMetrics,
      collect: {
        ...{ cluster: environment, expectedBrokers: options.brokers },
        services: { schemaRegistry: registry.url },
      },
    })
    closers.push(() => exporter.close())
    noteState(starting, engine, { ready: true, notApplied, metricsUrl: exporter.url })
  } catch (error) {
    context.note(`  ${context.colours.stderr.careful(`Metrics are not served: ${(error as Error).message}`)}`)
  }
}

/** @returns whether there is a file that could not be applied */
async function applyFile(starting: Starting, engine: RunningEngine, registry: RegistryServer): Promise<boolean> {
  const { context, platformFile, environment } = starting
  if (platformFile === undefined) return false
  return await applyOrExplain(context, () =>
    starting.steps.run(
      'platform',
      async (onProgress) => {
        const { loadPlatform } = await import('@selfmonitor/platform')
        const declared = await loadPlatform(platformFile, { environment, env: context.io.env })
        // The engines that `up` starts have no accounts in any environment: every client may do everything.
        const platform = { ...declared, access: 'none' as const }
        const done = await withTarget(engine.bootstrapServers, registry.url, context.settings.timeoutMs, (target) =>
          applyPlatform(platform, target, { onProgress }),
        )
        return summary(platform, done)
      },
      (text) => text,
    ),
  )
}

function noteState(
  { options, paths, environment, startedAtMs }: Starting,
  engine: RunningEngine,
  {
    ready,
    notApplied,
    metricsUrl,
  }: { readonly ready: boolean; readonly notApplied: boolean; readonly metricsUrl?: string },
): void {
  writeState(paths.state, {
    formatVersion: 1,
    process: { pid: process.pid, identity: processIdentity(process.pid) ?? '' },
    ready,
    startedAtMs,
    engine: options.engine,
    environment,
    portOffset: options.portOffset,
    bootstrapServers: engine.bootstrapServers,
    registryUrl: `http://127.0.0.1:${defaults.registryPort + options.portOffset}`,
    dataDir: engineDataDir(paths.dataDir, options.engine),
    logFile: paths.log,
    nodes: engine.nodes,
    ...(notApplied ? { notApplied } : {}),
    ...(metricsUrl === undefined ? {} : { metricsUrl }),
  })
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
      : `\n  Services of this project find it. For others:\n\n    ${context.colours.stderr.strong(serviceVariables(running))}\n`
  return `${services}\n  Try, in another terminal:\n\n${shown}\n  Ctrl-C stops it; the data stays in ${where}.`
}

async function userTopics({ cluster }: Target): Promise<string[]> {
  const names = (await cluster.listTopics()).map(({ name }) => name)
  return names.filter((name) => !name.startsWith('_') && !isDeadLetterTopic(name))
}

/** The mistakes of the file were printed before. */
async function knownShapes({ io }: Context, file: string | undefined): Promise<Shapes | null> {
  const { findShapes } = await import('@selfmonitor/platform/shapes')
  return findShapes(io.cwd, { file, env: io.env }).catch(() => null)
}

// The two brokers that `up` can start, behind one interface.
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { commandLine, type Engine, processIdentity, type RunState } from '@selfmonitor/platform/running'
import { CliError, exitCodes, usageError } from '../framework/errors.ts'
import type { ServerLog } from './logger.ts'

export interface EngineOptions {
  readonly engine: Engine
  readonly brokers: number
  /** Port of the first broker. */
  readonly port: number
  /** Each engine keeps its data in a sub-folder of its own name: the formats differ. */
  readonly dataDir: string
  /** Settings of each broker, by Kafka's names. */
  readonly config: Readonly<Record<string, string>>
  readonly logger: ServerLog['logger']
  /** The current step, for progress lines. */
  readonly onProgress: (text: string) => void
  /** Stops a start of Apache Kafka; the embedded broker starts too fast to be interrupted. */
  readonly signal: AbortSignal
  /** The broker in this process has had to stop: its data directory is gone. */
  readonly onFailure: (failure: Error) => void
  /** A broker process ended unexpectedly: `broker 2 ended (SIGKILL); its log: …`. */
  readonly onTrouble: (said: string) => void
  /** Progress of long work in the background: `checking partition logs: 12000 of 39000 …`. */
  readonly onNote: (said: string) => void
  /** The port offset of the platform of this project that a process is; undefined when it is none. */
  readonly platformOf: (pid: number) => number | undefined
}

export interface RunningEngine {
  readonly bootstrapServers: string
  /** `embedded, 1 node`, `Apache Kafka 4.3.1, 3 nodes` */
  readonly description: string
  readonly nodes: RunState['nodes']
  /**
   * The broker's own metrics now, as text for Prometheus, under the names that the JMX agent gives for Apache Kafka; undefined on Apache
   * Kafka, whose JMX agent serves them.
   */
  readonly brokerMetrics: (() => string) | undefined
  close(): Promise<void>
}

export function engineDataDir(dataDir: string, engine: Engine): string {
  return join(dataDir, engine)
}

/** @throws whatever the engine says: a locked data directory, a missing Java, a port taken meanwhile. */
export async function startEngine(options: EngineOptions): Promise<RunningEngine> {
  switch (options.engine) {
    case 'embedded':
      return await startEmbedded(options)
    case 'apache':
      return await startRealKafka(options)
    default:
      throw new Error(`unknown engine ${options.engine satisfies never}`)
  }
}

async function startEmbedded(options: EngineOptions): Promise<RunningEngine> {
  const { metricsText, startBroker } = await import('@selfmonitor/broker')
  const broker = await startBroker({
    dataDir: engineDataDir(options.dataDir, 'embedded'),
    port: options.port,
    brokers: options.brokers,
    config: options.config,
    logger: options.logger,
    onCheck: checkReport(options.onNote),
    onFailure: options.onFailure,
  }).catch((error: Error & { code?: unknown; pid?: number }) => {
    if (error.message.startsWith('config: ')) {
      throw new CliError('BROKER_CONFIG', error.message.replace('config: ', ''), {
        exitCode: exitCodes.usage,
        hint: 'Broker settings come from --broker-config and from `broker:` of the environment in platform.yaml.',
        cause: error,
      })
    }
    if (!String(error.code).startsWith('DATA_DIR_')) throw error
    const { pid } = error
    const portOffset = pid === undefined ? undefined : options.platformOf(pid)
    if (error.code === 'DATA_DIR_LOCKED' && portOffset !== undefined) {
      throw new CliError(
        'DATA_DIR_LOCKED',
        `The data directory ${engineDataDir(options.dataDir, 'embedded')} is in use by process ${pid}, the platform with port offset ${portOffset}.`,
        {
          hint: `\`selfmonitor down --port-offset ${portOffset}\` stops it. To run another platform beside it, pass --data-dir <folder>.`,
          cause: error,
        },
      )
    }
    throw new CliError(String(error.code), error.message, {
      hint: 'Pass --data-dir <folder> to use another one, or start over with `selfmonitor reset`.',
      cause: error,
    })
  })
  return {
    bootstrapServers: broker.bootstrapServers,
    description: `embedded, ${nodeCount(options.brokers)}`,
    nodes: [],
    brokerMetrics: () => metricsText(broker.metrics()),
    close: () => broker.close(),
  }
}

/** How often the progress of a long check is reported. */
const checkReportMs = 2000

/** Reports the progress of the check of partition logs after a start, if the check takes longer than a moment. */
export function checkReport(
  say: (text: string) => void,
  now: () => number = () => performance.now(),
): (progress: { readonly done: number; readonly total: number }) => void {
  let saidMs = now()
  let saidAny = false
  return ({ done, total }) => {
    if (done === total && saidAny) say(`all ${total} partition logs are checked`)
    if (done === total || now() - saidMs < checkReportMs) return
    saidMs = now()
    saidAny = true
    say(`checking partition logs: ${done} of ${total}; requests are answered meanwhile`)
  }
}

/** @throws CliError USAGE unless it is a number of brokers that makes a quorum. */
export function apacheBrokers(brokers: number): 1 | 3 {
  if (brokers === 1 || brokers === 3) return brokers
  throw usageError(`--brokers ${brokers}: Apache Kafka is started with 1 or 3.`)
}

/**
 * Makes the folder that the engine's data goes to, one level at a time.
 * @throws CliError DATA_DIR when something on its way is not a folder, or may not be written to.
 */
export function makeDataDir(folder: string): void {
  if (existsSync(folder)) return
  if (dirname(folder) !== folder) makeDataDir(dirname(folder))
  try {
    mkdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return
    throw new CliError('DATA_DIR', `Cannot make the data directory ${folder}: ${(error as Error).message}`, {
      hint: 'Name another one with --data-dir.',
      cause: error,
    })
  }
}

async function startRealKafka(options: EngineOptions): Promise<RunningEngine> {
  const brokers = apacheBrokers(options.brokers)
  const { startApache } = await import('@selfmonitor/apache')
  const cluster = await startApache({
    dataDir: engineDataDir(options.dataDir, 'apache'),
    port: options.port,
    brokers,
    config: options.config,
    signal: options.signal,
    onProgress: ({ stage, detail }) => options.onProgress(detail === undefined ? stage : `${stage} ${detail}`),
    onExit: ({ nodeId, code, signal, logFile }) =>
      options.onTrouble(`broker ${nodeId} ended (${signal ?? `exit code ${code}`}); its log: ${logFile}`),
  })
  return {
    bootstrapServers: cluster.bootstrapServers,
    description: `Apache Kafka ${cluster.version}, ${nodeCount(brokers)}`,
    nodes: cluster.nodes.map(({ nodeId, host, port, pid }) => ({
      nodeId,
      address: `${host}:${port}`,
      pid,
      identity: processIdentity(pid) ?? '',
    })),
    brokerMetrics: undefined,
    close: () => cluster.close(),
  }
}

/**
 * Returns a function that kills the Kafka processes that were started after this call. It tells them from older ones by the pid
 * files that each node keeps beside its data.
 */
export function forcedEnd(dataDir: string, engine: Engine): () => void {
  if (engine === 'embedded') return () => {}
  const folder = engineDataDir(dataDir, engine)
  const before = new Set(nodePids(folder))
  return () => {
    for (const pid of nodePids(folder)) if (!before.has(pid)) process.kill(pid, 'SIGKILL')
  }
}

function nodePids(folder: string): number[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.startsWith('node-') && existsSync(join(folder, name, 'pid')))
    .map((name) => ({ node: join(folder, name), pid: Number(readFileSync(join(folder, name, 'pid'), 'utf8')) }))
    .filter(({ node, pid }) => commandLine(pid)?.includes(node))
    .map(({ pid }) => pid)
}

function nodeCount(brokers: number): string {
  return brokers === 1 ? '1 node' : `${brokers} nodes`
}

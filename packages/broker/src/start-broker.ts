// Starts the embedded broker: data directory, sockets, then metadata, logs and groups (`open-context.ts`); and stops it in reverse.
import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { handlers } from './api/handlers.ts'
import type { BrokerContext } from './broker-context.ts'
import { checkOptions, requestMemoryBytes, staticConfig } from './broker-options.ts'
import { makeManualClock, systemClock } from './clock.ts'
import { type DataDir, failingWhen, openDataDir } from './data-dir/index.ts'
import { offsetsTopic } from './group/index.ts'
import { nodeFs, parseFolderName, temporaryFs } from './log/index.ts'
import { type MetadataStore, RecordLogError } from './metadata/index.ts'
import { createIdleRatio, type MetricsSource, metricFamilies, processUse } from './metrics/index.ts'
import { type ContextOptions, openContext, type Undo } from './open-context.ts'
import { type KafkaServer, listen, makeDispatcher, makeFaults, makeRequestLog } from './server/index.ts'
import { BrokerStartError, diskFull } from './start-error.ts'
import type { Broker, BrokerOptions, Clock, Logger } from './types.ts'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** How long `close()` waits for requests under way before it closes their connections. */
const closeGraceMs = 5000

/** The opened parts, which `close()` must close. */
interface OpenBroker {
  readonly context: BrokerContext
  readonly dataDir: DataDir
  readonly server: KafkaServer
}

/**
 * Starts a broker in this process.
 *
 * It is ready when the promise resolves: topics and offsets of earlier runs are there, and connections are accepted.
 * Presented as several brokers, they share everything; leaders and group coordinators are spread over their node ids, and
 * a request that reaches the wrong one is answered as Kafka would (NOT_LEADER_OR_FOLLOWER, NOT_COORDINATOR).
 *
 * @throws BrokerStartError with a stable `code` (a wrong option, a taken port, a data directory in use or of a newer
 *   release); or the system's error. Nothing is left open then.
 */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const undo: Undo = []
  const { logger = silent } = options
  try {
    const open = await openBroker(options, logger, undo)
    const broker = serve(open)
    checkFolders(open.context, options.onCheck)
    stopWhenGone(open, options.onFailure)
    return broker
  } catch (error) {
    for (const step of undo) {
      // The first failure is the one to report.
      await Promise.resolve(step()).catch((later: unknown) => logger.warn({ error: later }, 'clean-up failed'))
    }
    throw diskFull(options.dataDir ?? tmpdir(), error) ?? error
  }
}

async function openBroker(options: BrokerOptions, logger: Logger, undo: Undo): Promise<OpenBroker> {
  const { host = '127.0.0.1', port = 0, brokers = 1 } = options
  checkOptions(options, host, port, brokers)
  const clock: Clock = options.clock === 'manual' ? makeManualClock() : (options.clock ?? systemClock)
  const dataDir = openDataDir(options.dataDir, options.clusterId)
  undo.unshift(() => dataDir.release())

  // Bound first, since a taken port is the likeliest failure. Connections wait until everything is ready.
  const server = await bind(host, port, brokers, clock, logger)
  undo.unshift(() => server.close(0))

  const context = await openFolders(
    {
      clusterId: dataDir.clusterId,
      dataDir: dataDir.dir,
      metadataDir: dataDir.metadataDir,
      logsDir: dataDir.logsDir,
      durable: !dataDir.temporary,
      mustExist: recordsWithoutMetadata(dataDir.logsDir),
      brokers: server.brokers,
      staticConfig: staticConfig(options, dataDir.logsDir, server.brokers[0]!),
      fs: dataDir.temporary ? temporaryFs : failingWhen(nodeFs, () => dataDir.failure),
      clock,
      logger,
    },
    undo,
  )
  if (dataDir.isNew) await noteMinInsyncReplicas(context.metadata)
  return { context, dataDir, server }
}

async function bind(host: string, port: number, brokers: number, clock: Clock, logger: Logger): Promise<KafkaServer> {
  try {
    return await listen({ host, port, brokers, clock, logger })
  } catch (error) {
    const { code, port: taken } = error as NodeJS.ErrnoException & { port?: number }
    if (code === 'EADDRINUSE') {
      const message = `port ${taken} on ${host} is taken: stop what listens there, or choose another port`
      throw new BrokerStartError('PORT_IN_USE', message, { port: taken, cause: error })
    }
    if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
      const why = (error as Error).message
      throw new BrokerStartError('CANNOT_LISTEN', `cannot listen on ${host}:${port}: ${why}`, { port, cause: error })
    }
    throw error
  }
}

async function openFolders(options: ContextOptions, undo: Undo): Promise<BrokerContext> {
  try {
    return await openContext(options, undo)
  } catch (error) {
    if (!(error instanceof RecordLogError)) throw error
    const code = error.code === 'NEWER_FORMAT' ? 'DATA_DIR_NEWER' : 'DATA_DIR_INVALID'
    throw new BrokerStartError(code, error.message, { cause: error })
  }
}

/** Why the metadata file must exist: without it every record in the folder would be orphaned. Undefined in a new directory. */
function recordsWithoutMetadata(logsDir: string): string | undefined {
  const folders = existsSync(logsDir) ? readdirSync(logsDir).filter((name) => parseFolderName(name) !== undefined) : []
  if (folders.length === 0) return undefined
  const names = `${folders.slice(0, 3).join(', ')}${folders.length > 3 ? ', …' : ''}`
  return (
    `${logsDir} has the records of ${folders.length} partitions (${names}). ` +
    `Restore the file from a backup; or, to begin with no topics, move ${logsDir} away`
  )
}

/**
 * Formatting Kafka 4 notes `min.insync.replicas` as a setting of the whole cluster (KIP-966), which tools show as its source. A data
 * folder that is older than that has no such note, in Kafka and here.
 */
async function noteMinInsyncReplicas(metadata: MetadataStore): Promise<void> {
  const name = 'min.insync.replicas'
  const configs = new Map([[name, String(metadata.brokerConfig.number(name))]])
  await metadata.alterConfigs([{ resource: { type: 'broker', name: '' }, configs }])
}

/** Starts to answer requests. */
function serve(open: OpenBroker): Broker {
  const { context, server } = open
  const { config, logger, brokers } = context
  const faults = makeFaults()
  const requests = makeRequestLog()
  server.serve(makeDispatcher({ broker: context, handlers, faults, requests }), {
    maxRequestBytes: config.number('socket.request.max.bytes'),
    maxIdleMs: config.number('connections.max.idle.ms'),
    maxConnections: config.number('max.connections'),
    maxConnectionsPerIp: config.number('max.connections.per.ip'),
    maxRequestMemoryBytes: requestMemoryBytes(config.number('queued.max.request.bytes')),
  })
  logger.info({ addresses: brokers, dataDir: context.dataDir, clusterId: context.clusterId }, 'the broker is ready')

  const idleRatio = createIdleRatio()
  let closing: Promise<void> | undefined
  return {
    bootstrapServers: brokers.map((broker) => `${broker.host}:${broker.port}`).join(','),
    addresses: brokers,
    clusterId: context.clusterId,
    dataDir: context.dataDir,
    clock: context.clock,
    faults: { add: faults.add, clear: faults.clear },
    requests: { list: requests.list, clear: requests.clear },
    metrics: () => metricFamilies(metricsSource(open, idleRatio())),
    waitForCommit: (group, topic, partition, offset, timeoutMs = 10_000) =>
      context.groups.waitForCommit(group, topic, partition, offset, timeoutMs),
    close() {
      closing ??= stop(open)
      return closing
    },
  }
}

function metricsSource({ context, server }: OpenBroker, idleRatio: number): MetricsSource {
  const { counters, metadata, groups, brokers } = context
  return {
    counters,
    nowMs: performance.now(),
    brokers: brokers.length,
    topics: metadata.topics(),
    groups: groups.list({ states: [], types: [] }).length,
    damagedGroupPartitions: groups.damagedPartitions,
    offsetsPartitions: metadata.topic(offsetsTopic)?.partitions.length ?? 0,
    ...server.load(),
    idleRatio,
    process: processUse(),
  }
}

/** Checks the folders of partitions while requests are already answered. */
function checkFolders({ metadata, logs, logger }: BrokerContext, onCheck: BrokerOptions['onCheck']): void {
  const deletedBefore = metadata.deletedTopics()
  logs
    .checkFolders((progress) => onCheck?.(progress))
    .then(
      // Only after the whole check: until then folders of deleted topics may be left, and the next start has to know them.
      (complete) => complete && metadata.forgetDeleted(deletedBefore),
      (error: unknown) => logger.error({ err: error }, 'the folders of partitions could not be checked'),
    )
}

/** Stops serving when the data directory is gone, as Kafka does when its last log directory has failed. */
function stopWhenGone({ context, dataDir, server }: OpenBroker, onFailure: BrokerOptions['onFailure']): void {
  dataDir.watch((failure) => {
    context.logger.error({ dataDir: dataDir.dir }, failure.message)
    // At once: each further answer would acknowledge records that can never be read again.
    server.stopAccepting()
    void server.close(0).finally(() => onFailure?.(failure))
  })
}

/** @throws the first error of a part that could not be closed properly, after all other parts are closed */
async function stop({ context, dataDir, server }: OpenBroker): Promise<void> {
  const { groups, logs, metadata, logger } = context
  server.stopAccepting()
  // Long polls and waiting joins are answered while their connections drain.
  const drained = server.close(closeGraceMs)
  const failures: unknown[] = []
  for (const step of [() => groups.close(), () => drained, () => logs.close(), () => metadata.close()]) {
    await step().catch((error: unknown) => failures.push(error))
  }
  dataDir.release()
  // A deleted directory cannot be closed properly.
  if (failures.length > 0 && dataDir.failure === undefined) throw failures[0]
  logger.info({ dataDir: dataDir.dir }, 'the broker has stopped')
}

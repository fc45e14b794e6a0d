// Starts the embedded broker: data directory, sockets, metadata, logs, groups, in this order; and stops it in reverse.
import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { handlers } from './api/handlers.ts'
import type { BrokerContext } from './broker-context.ts'
import { checkOptions, requestMemoryBytes, staticConfig } from './broker-options.ts'
import { makeManualClock, systemClock } from './clock.ts'
import { type DataDir, failingWhen, openDataDir } from './data-dir/index.ts'
import { createFetchState } from './fetch-sessions/state.ts'
import { groupConfigOf, offsetsTopic, openGroupCoordinator, topicGroupLog } from './group/index.ts'
import { type LogManager, nodeFs, openLogManager, parseFolderName, temporaryFs } from './log/index.ts'
import {
  type MetadataChange,
  type MetadataStore,
  nameHash,
  openMetadataStore,
  RecordLogError,
} from './metadata/index.ts'
import { folderOwner, groupTopic, logConfigOf } from './metadata-views.ts'
import { type KafkaServer, listen, makeDispatcher, makeFaults, makeRequestLog } from './server/index.ts'
import { BrokerStartError, diskFull } from './start-error.ts'
import type { Broker, BrokerOptions, Clock, Logger } from './types.ts'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** How long `close()` waits for requests under way before it closes their connections. */
const closeGraceMs = 5000

/** What is open, and with it what `close()` has to close. */
interface OpenBroker {
  readonly context: BrokerContext
  readonly dataDir: DataDir
  readonly server: KafkaServer
}

/** Undoes, newest first, what a start that failed had already done. */
type Undo = (() => void | Promise<void>)[]

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
    open.context.metadata.onChange((change) => followMetadata(open.context, change))
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

  const settings = staticConfig(options, dataDir.logsDir, server.brokers[0]!)
  const metadata = await openMetadata(dataDir, server, settings, logger)
  undo.unshift(() => metadata.close())
  if (dataDir.isNew) await noteMinInsyncReplicas(metadata)

  const logs = await openLogs(dataDir, metadata, clock, logger)
  undo.unshift(() => logs.close())

  const groups = await openGroupCoordinator({
    config: groupConfigOf(metadata.brokerConfig),
    clock,
    log: topicGroupLog(metadata, logs),
    logger,
    topic: (name) => groupTopic(metadata, name),
  })
  undo.unshift(() => groups.close())

  const context: BrokerContext = {
    clusterId: dataDir.clusterId,
    dataDir: dataDir.dir,
    clock,
    logger,
    config: metadata.brokerConfig,
    metadata,
    logs,
    groups,
    fetches: createFetchState(),
    brokers: server.brokers,
    coordinatorOf: (key) => server.brokers[nameHash(key) % server.brokers.length]!,
  }
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

async function openMetadata(
  { metadataDir, logsDir, temporary }: DataDir,
  server: KafkaServer,
  config: ReadonlyMap<string, string>,
  logger: Logger,
): Promise<MetadataStore> {
  try {
    return await openMetadataStore({
      dir: metadataDir,
      durable: !temporary,
      mustExist: recordsWithoutMetadata(logsDir),
      brokerIds: server.brokers.map(({ brokerId }) => brokerId),
      staticConfig: config,
      logger,
    })
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

function openLogs(dataDir: DataDir, metadata: MetadataStore, clock: Clock, logger: Logger): Promise<LogManager> {
  const config = metadata.brokerConfig
  return openLogManager({
    dir: dataDir.logsDir,
    fs: dataDir.temporary ? temporaryFs : failingWhen(nodeFs, () => dataDir.failure),
    clock,
    logger,
    configOf: (topic) => logConfigOf(metadata, topic),
    ownerOf: (topic, topicId, partition) => folderOwner(metadata, topic, topicId, partition),
    producerIdExpirationMs: config.number('producer.id.expiration.ms'),
    retentionCheckIntervalMs: config.number('log.retention.check.interval.ms'),
  })
}

/** Keeps logs and groups in step with the metadata. */
function followMetadata({ metadata, logs, groups, logger }: BrokerContext, change: MetadataChange): void {
  switch (change.kind) {
    case 'topic-deleted': {
      const { name, id } = change.topic
      // Requests for the topic fail from here on; its folders are removed while other topics are created and deleted.
      logs.deleteTopic(name, id).then(
        () => metadata.forgetDeleted([id]),
        (error: unknown) =>
          logger.error({ topic: name, err: error }, 'could not remove all of a deleted topic; a restart will'),
      )
      if (name === offsetsTopic) return
      // Writes tombstones, perhaps after creating a topic, so a metadata change must not wait for it.
      groups.topicsDeleted([name]).catch((error: unknown) => {
        logger.error({ topic: name, error }, 'could not remove the committed offsets of a deleted topic')
      })
      return
    }
    case 'topic-config-changed':
      logs.configChanged(change.topic.name)
      return
    case 'topic-created':
    case 'partitions-added':
    case 'broker-config-changed':
      return
    default:
      change satisfies never
  }
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

  let closing: Promise<void> | undefined
  return {
    bootstrapServers: brokers.map((broker) => `${broker.host}:${broker.port}`).join(','),
    addresses: brokers,
    clusterId: context.clusterId,
    dataDir: context.dataDir,
    clock: context.clock,
    faults: { add: faults.add, clear: faults.clear },
    requests: { list: requests.list, clear: requests.clear },
    waitForCommit: (group, topic, partition, offset, timeoutMs = 10_000) =>
      context.groups.waitForCommit(group, topic, partition, offset, timeoutMs),
    close() {
      closing ??= stop(open)
      return closing
    },
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

/** @throws the first error of what could not be closed properly; everything else is closed all the same */
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
  // A directory that is gone cannot be left in order.
  if (failures.length > 0 && dataDir.failure === undefined) throw failures[0]
  logger.info({ dataDir: dataDir.dir }, 'the broker has stopped')
}

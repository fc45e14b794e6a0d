// Starts the embedded broker: data directory, metadata, logs, groups, sockets, in this order; and stops it in reverse.

import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { apiTable } from './api/registry.ts'
import { makeManualClock, systemClock } from './clock.ts'
import { brokerConfig, ConfigError, factsOf, parseValue } from './config/index.ts'
import { type DataDir, openDataDir } from './data-dir/index.ts'
import { groupConfigOf, offsetsTopic, openGroupCoordinator, topicGroupLog } from './group/index.ts'
import { kafkaRelease } from './kafka-release.ts'
import { openLogManager, parseFolderName, temporaryFs, toLogConfig } from './log/index.ts'
import { type MetadataStore, nameHash, openMetadataStore, RecordLogError } from './metadata/index.ts'
import { type KafkaServer, listen, makeDispatcher, makeFaults, makeRequestLog } from './server/index.ts'
import { BrokerStartError, diskFull } from './start-error.ts'
import type { BrokerState } from './state.ts'
import type { Broker, BrokerOptions, Clock, Logger } from './types.ts'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** How long `close()` waits for requests under way before it ends their connections. */
const closeGraceMs = 5000

/** What requests may hold in memory, over all connections, unless `queued.max.request.bytes` says otherwise. */
const defaultRequestMemoryBytes = 256 * 1024 * 1024

/** What differs from Kafka's defaults because one node serves a laptop; `options.config` has the last word. */
export const embeddedDefaults: Readonly<Record<string, string>> = {
  // As in the server.properties that Kafka ships: a first consumer need not wait three seconds.
  'group.initial.rebalance.delay.ms': '0',
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
  const { host = '127.0.0.1', port = 0, brokers: brokerCount = 1, logger = silent } = options
  checkOptions(options, host, port, brokerCount)
  const clock: Clock = options.clock === 'manual' ? makeManualClock() : (options.clock ?? systemClock)
  const undo: (() => void | Promise<void>)[] = []
  try {
    const dataDir = openDataDir(options.dataDir, options.clusterId)
    undo.unshift(() => dataDir.release())

    // Bound first, since a taken port is the likeliest failure; what connects waits until everything is ready.
    const server = await bind(host, port, brokerCount, clock, logger)
    undo.unshift(() => server.close(0))

    const metadata = await openMetadata(dataDir, server, staticConfig(options, dataDir.logsDir, server), logger)
    undo.unshift(() => metadata.close())
    const config = metadata.brokerConfig
    if (dataDir.isNew) await noteMinInsyncReplicas(metadata)

    const logs = await openLogManager({
      dir: dataDir.logsDir,
      ...(dataDir.temporary ? { fs: temporaryFs } : {}),
      clock,
      logger,
      configOf: (topic) => toLogConfig(metadata.topic(topic)!.config),
      ownerOf(topic, topicId, partition) {
        const known = metadata.topic(topic)
        if (known?.id === topicId && partition < known.partitions.length) return 'current'
        return metadata.isDeleted(topicId) ? 'deleted' : 'unknown'
      },
      producerIdExpirationMs: config.number('producer.id.expiration.ms'),
      retentionCheckIntervalMs: config.number('log.retention.check.interval.ms'),
    })
    undo.unshift(() => logs.close())

    const groups = await openGroupCoordinator({
      config: groupConfigOf(config),
      clock,
      log: topicGroupLog(metadata, logs),
      logger,
      topic(name) {
        const topic = metadata.topic(name)
        return topic && { id: topic.id, partitions: topic.partitions.length }
      },
    })
    undo.unshift(() => groups.close())

    metadata.onChange((change) => {
      switch (change.kind) {
        case 'topic-deleted': {
          const { name, id } = change.topic
          // Refused from here on; the folders follow, while other topics are created and deleted.
          logs.deleteTopic(name, id).then(
            () => metadata.forgetDeleted([id]),
            (error: unknown) =>
              logger.error({ topic: name, err: error }, 'could not remove all of a deleted topic; a restart will'),
          )
          if (name === offsetsTopic) return
          // Writes tombstones, perhaps after creating a topic: never waited for inside a metadata change.
          groups.topicsDeleted([name]).catch((error: unknown) => {
            logger.error({ topic: name, error }, 'could not forget the offsets of a deleted topic')
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
    })

    const state: BrokerState = {
      clusterId: dataDir.clusterId,
      dataDir: dataDir.dir,
      clock,
      logger,
      config,
      metadata,
      logs,
      groups,
      brokers: server.brokers,
      coordinatorOf: (key) => server.brokers[nameHash(key) % server.brokers.length]!,
    }
    const faults = makeFaults()
    const requests = makeRequestLog()
    server.serve(makeDispatcher({ state, apis: apiTable, faults, requests }), {
      maxRequestBytes: config.number('socket.request.max.bytes'),
      maxIdleMs: config.number('connections.max.idle.ms'),
      maxConnections: config.number('max.connections'),
      maxConnectionsPerIp: config.number('max.connections.per.ip'),
      maxRequestMemoryBytes: requestMemoryBytes(config.number('queued.max.request.bytes')),
    })
    logger.info(
      { addresses: server.brokers, dataDir: dataDir.dir, clusterId: dataDir.clusterId },
      'the broker is ready',
    )

    const deletedBefore = metadata.deletedTopics()
    logs
      .checkFolders((progress) => options.onCheck?.(progress))
      .then(
        // Until nothing of them is left, or it will be looked for at the next start.
        (complete) => complete && metadata.forgetDeleted(deletedBefore),
        (error: unknown) => logger.error({ err: error }, 'the folders of partitions could not be checked'),
      )

    let closing: Promise<void> | undefined
    async function stop(): Promise<void> {
      server.stopAccepting()
      // Long polls and parked joins are answered while their connections drain.
      const drained = server.close(closeGraceMs)
      const failures: unknown[] = []
      for (const step of [() => groups.close(), () => drained, () => logs.close(), () => metadata.close()]) {
        await step().catch((error: unknown) => failures.push(error))
      }
      dataDir.release()
      if (failures.length > 0) throw failures[0]
      logger.info({ dataDir: dataDir.dir }, 'the broker has stopped')
    }

    return {
      bootstrapServers: server.brokers.map((broker) => `${broker.host}:${broker.port}`).join(','),
      addresses: server.brokers,
      clusterId: dataDir.clusterId,
      dataDir: dataDir.dir,
      clock,
      faults: { add: faults.add, clear: faults.clear },
      requests: { list: requests.list, clear: requests.clear },
      waitForCommit: (group, topic, partition, offset, timeoutMs = 10_000) =>
        groups.waitForCommit(group, topic, partition, offset, timeoutMs),
      close() {
        closing ??= stop()
        return closing
      },
    }
  } catch (error) {
    for (const step of undo) {
      // The first failure is the one to report.
      await Promise.resolve(step()).catch((later: unknown) => logger.warn({ error: later }, 'clean-up failed'))
    }
    throw diskFull(options.dataDir ?? tmpdir(), error) ?? error
  }
}

function checkOptions(options: BrokerOptions, host: string, port: number, brokers: number): void {
  const invalid = (message: string) => new BrokerStartError('INVALID_OPTION', message)
  if (!Number.isInteger(brokers) || brokers < 1 || brokers > 100) {
    throw invalid(`brokers: must be a whole number from 1 to 100, it is ${brokers}`)
  }
  if (!Number.isInteger(port) || port < 0 || port + brokers - 1 > 65535) {
    throw invalid(`port: must be a whole number from 0 to ${65536 - brokers}, it is ${port}`)
  }
  if (!isLoopback(host) && options.insecure !== true) {
    throw invalid(
      `host: ${host} can be reached from other machines, and this broker asks nobody who they are; ` +
        'listen on 127.0.0.1, or say `insecure: true`',
    )
  }
  for (const [name, value] of Object.entries(options.config ?? {})) {
    const definition = brokerConfig(name)
    if (!definition) throw invalid(`config: ${name} is not a broker setting of Kafka ${kafkaRelease}`)
    if (definition.refused !== undefined && value !== definition.default) {
      throw invalid(`config: ${name} cannot be set: ${definition.refused}`)
    }
    try {
      parseValue(definition, value)
    } catch (error) {
      if (error instanceof ConfigError) throw invalid(`config: ${error.message}`)
      throw error
    }
  }
}

function requestMemoryBytes(configured: number): number {
  return configured < 0 ? defaultRequestMemoryBytes : Math.max(configured, 1024 * 1024)
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

async function bind(host: string, port: number, brokers: number, clock: Clock, logger: Logger): Promise<KafkaServer> {
  try {
    return await listen({ host, port, brokers, clock, logger })
  } catch (error) {
    const { code, port: taken } = error as NodeJS.ErrnoException & { port?: number }
    if (code === 'EADDRINUSE') {
      throw new BrokerStartError(
        'PORT_IN_USE',
        `port ${taken} on ${host} is taken: stop what listens there, or choose another port`,
        {
          port: taken,
          cause: error,
        },
      )
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

/** Why metadata must be there; undefined in a new directory. Without it every record in it would belong to nothing. */
function recordsWithoutMetadata(logsDir: string): string | undefined {
  const folders = existsSync(logsDir) ? readdirSync(logsDir).filter((name) => parseFolderName(name) !== undefined) : []
  if (folders.length === 0) return undefined
  return (
    `${logsDir} has the records of ${folders.length} partitions (${folders.slice(0, 3).join(', ')}${folders.length > 3 ? ', …' : ''}). ` +
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

/** What `server.properties` would say. */
function staticConfig(options: BrokerOptions, logsDir: string, server: KafkaServer): ReadonlyMap<string, string> {
  const facts = {
    ...factsOf(server.brokers[0]!),
    'process.roles': 'broker,controller',
    'log.dirs': logsDir,
    'group.coordinator.rebalance.protocols': 'classic',
  }
  return new Map(Object.entries({ ...embeddedDefaults, ...options.config, ...facts }))
}

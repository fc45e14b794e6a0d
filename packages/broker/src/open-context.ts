// Opens what a broker keeps: metadata, partition logs and groups, in this order, and keeps them in step with each other. Without
// sockets, so that tests can feed the handlers directly.
import type { BrokerContext } from './broker-context.ts'
import type { PresentedBroker } from './config/index.ts'
import { createFetchState } from './fetch-sessions/state.ts'
import { groupConfigOf, offsetsTopic, openGroupCoordinator, topicGroupLog } from './group/index.ts'
import { type LogFs, type LogManager, openLogManager } from './log/index.ts'
import { type MetadataChange, type MetadataStore, nameHash, openMetadataStore } from './metadata/index.ts'
import { folderOwner, groupTopic, logConfigOf } from './metadata-views.ts'
import { BrokerCounters } from './metrics/index.ts'
import type { Clock, Logger } from './types.ts'

export interface ContextOptions {
  readonly clusterId: string
  /** As it is shown to users. */
  readonly dataDir: string
  readonly metadataDir: string
  readonly logsDir: string
  /** Whether the metadata is synced to the disk. Default true. */
  readonly durable?: boolean
  /** Why the metadata file must exist. */
  readonly mustExist?: string | undefined
  readonly brokers: readonly PresentedBroker[]
  readonly staticConfig: ReadonlyMap<string, string>
  readonly fs: LogFs
  readonly clock: Clock
  readonly logger: Logger
}

/** Undoes, newest first, what a start that failed had already done. */
export type Undo = (() => void | Promise<void>)[]

/**
 * @param undo gets what closes each part, as soon as the part is open
 * @throws RecordLogError when the metadata cannot be read; or the system's error
 */
export async function openContext(options: ContextOptions, undo: Undo): Promise<BrokerContext> {
  const { clusterId, dataDir, brokers, clock, logger } = options
  const metadata = await openMetadataStore({
    dir: options.metadataDir,
    durable: options.durable,
    mustExist: options.mustExist,
    brokerIds: brokers.map(({ brokerId }) => brokerId),
    staticConfig: options.staticConfig,
    logger,
  })
  undo.unshift(() => metadata.close())

  const counters = new BrokerCounters()
  const logs = await openLogs(options, metadata, counters)
  undo.unshift(() => logs.close())

  const groups = await openGroupCoordinator({
    config: groupConfigOf(metadata.brokerConfig),
    clock,
    log: topicGroupLog(metadata, logs),
    logger,
    topic: (name) => groupTopic(metadata, name),
    counters,
  })
  undo.unshift(() => groups.close())

  const context: BrokerContext = {
    clusterId,
    dataDir,
    clock,
    logger,
    config: metadata.brokerConfig,
    metadata,
    logs,
    groups,
    fetches: createFetchState(),
    counters,
    brokers,
    coordinatorOf: (key) => brokers[nameHash(key) % brokers.length]!,
  }
  metadata.onChange((change) => followMetadata(context, change))
  return context
}

function openLogs(
  { logsDir, fs, clock, logger }: ContextOptions,
  metadata: MetadataStore,
  counters: BrokerCounters,
): Promise<LogManager> {
  const config = metadata.brokerConfig
  return openLogManager({
    dir: logsDir,
    fs,
    clock,
    logger,
    counters,
    configOf: (topic) => logConfigOf(metadata, topic),
    ownerOf: (topic, topicId, partition) => folderOwner(metadata, topic, topicId, partition),
    producerIdExpirationMs: config.number('producer.id.expiration.ms'),
    retentionCheckIntervalMs: config.number('log.retention.check.interval.ms'),
  })
}

/** Keeps logs and groups in step with the metadata. */
function followMetadata({ metadata, logs, groups, counters, logger }: BrokerContext, change: MetadataChange): void {
  switch (change.kind) {
    case 'topic-deleted': {
      const { name, id } = change.topic
      counters.topics.delete(name)
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

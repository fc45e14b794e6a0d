// The options of the log manager.
import type { Uuid } from '@selfmonitor/protocol'
import type { BrokerCounters } from '../../metrics/index.ts'
import type { Clock, Logger } from '../../types.ts'
import type { LogFs } from '../disk/fs.ts'
import type { FolderOwner, LogConfig } from '../types.ts'

export interface LogManagerOptions {
  /** Folder for the partitions' folders; created when missing. */
  readonly dir: string
  readonly clock: Clock
  readonly logger: Logger
  /** The present settings of a topic (`toLogConfig(topic.config)`). @throws LogError when the topic was deleted */
  configOf(topic: string): LogConfig
  /** Whether the metadata knows the topic that a folder belongs to. Only folders of deleted topics are ever deleted. */
  ownerOf(topic: string, topicId: Uuid, partition: number): FolderOwner
  /** Where appends and syncs are counted. Default: nowhere that is looked at. */
  readonly counters?: BrokerCounters
  /** `producer.id.expiration.ms`. Default 1 day. */
  readonly producerIdExpirationMs?: number
  /** `log.retention.check.interval.ms`. Default 5 minutes. */
  readonly retentionCheckIntervalMs?: number
  /** A log that was not used for this long (at most twice as long) is closed, which frees its memory. Default 5 minutes. */
  readonly idleCheckIntervalMs?: number
  /** How long a request waits for a log that is being opened before it is answered NOT_LEADER_OR_FOLLOWER. Default 2 s. */
  readonly openPatienceMs?: number
  /** Most segment files open at once. Default 512. */
  readonly maxOpenFiles?: number
  /** Memory for the newest batches, over all partitions. Default 16 MiB. */
  readonly tailCacheBytes?: number
  /** Memory for indexes of older segments. Default 32 MiB. */
  readonly indexCacheBytes?: number
  /** Default: the real file system. */
  readonly fs?: LogFs
}

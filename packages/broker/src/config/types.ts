// Settings as typed values, and where broker settings come from.

/**
 * A topic's settings by Kafka's names, resolved. Longs are numbers: a value over 2^53 (Long.MAX for "never") loses its
 * last digits, which no comparison notices. -1 keeps Kafka's meaning (no limit).
 */
export interface TopicConfig {
  readonly 'cleanup.policy': readonly ('delete' | 'compact')[]
  readonly 'compression.gzip.level': number
  readonly 'compression.lz4.level': number
  readonly 'compression.type': 'uncompressed' | 'zstd' | 'lz4' | 'snappy' | 'gzip' | 'producer'
  readonly 'compression.zstd.level': number
  readonly 'delete.retention.ms': number
  readonly 'file.delete.delay.ms': number
  readonly 'flush.messages': number
  readonly 'flush.ms': number
  readonly 'index.interval.bytes': number
  readonly 'max.compaction.lag.ms': number
  readonly 'max.message.bytes': number
  readonly 'message.timestamp.after.max.ms': number
  readonly 'message.timestamp.before.max.ms': number
  readonly 'message.timestamp.type': 'CreateTime' | 'LogAppendTime'
  readonly 'min.cleanable.dirty.ratio': number
  readonly 'min.compaction.lag.ms': number
  readonly 'min.insync.replicas': number
  readonly preallocate: boolean
  readonly 'retention.bytes': number
  readonly 'retention.ms': number
  readonly 'segment.bytes': number
  readonly 'segment.index.bytes': number
  readonly 'segment.jitter.ms': number
  readonly 'segment.ms': number
  readonly 'unclean.leader.election.enable': boolean
}

/** Every setting that was made for brokers, most specific first. */
export interface BrokerLayers {
  /** Changed while running, on one broker. */
  readonly dynamic: ReadonlyMap<string, string>
  /** Changed while running, for all brokers. */
  readonly dynamicDefault: ReadonlyMap<string, string>
  /** Given when the broker was started. */
  readonly static: ReadonlyMap<string, string>
}

/** Broker-level settings by Kafka's names: given at the start, changed by AlterConfigs, else Kafka's default. */
export interface BrokerConfig {
  /** @throws when the name is not in the table of `config/` or is not a number: a mistake in our code. */
  number(name: string): number
  boolean(name: string): boolean
  string(name: string): string
  list(name: string): readonly string[]
  /** A string setting that may be absent. */
  optionalString(name: string): string | null
}

/** One of the brokers that this process presents itself as. */
export interface PresentedBroker {
  readonly brokerId: number
  readonly host: string
  readonly port: number
}

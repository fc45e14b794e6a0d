// The public types of the embedded broker: its options, and the object that `startBroker` returns.
import type { BrokerFailure } from './failure.ts'

/** Time as the broker sees it. Every timer and timestamp inside the broker goes through one of these. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls `callback` once after `delayMs`; the returned function cancels it. */
  setTimer(delayMs: number, callback: () => void): () => void
}

/** The clock of a broker started with `clock: 'manual'`: its time moves only by `advance`. */
export interface ManualClock extends Clock {
  /** Moves time forward, firing due timers in order. */
  advance(ms: number): void
}

/** The subset of a pino logger that the broker writes to. */
export interface Logger {
  debug(context: object, message: string): void
  info(context: object, message: string): void
  warn(context: object, message: string): void
  error(context: object, message: string): void
  /**
   * Pino's name of the lowest level that is written. If it is set, clients can see and change it as the level of the broker's
   * logger `root` (`kafka-configs --entity-type broker-loggers`).
   */
  level?: string
}

/** One value of a metric. */
export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A metric with its samples, as Prometheus' text has it. */
export interface MetricFamily {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly help: string
  readonly samples: readonly MetricSample[]
}

export interface BrokerOptions {
  /** Folder that holds everything; created when missing. Default: a temporary folder, removed by `close()`. */
  dataDir?: string
  /** Address to listen on. Default `127.0.0.1`; any other than loopback needs `insecure: true`. */
  host?: string
  /** Allows every client that can reach `host` to do everything. Default false. */
  insecure?: boolean
  /** First port; 0 takes a free one. Default 0. Broker n listens on `port + n - 1`. */
  port?: number
  /** How many brokers to present (node ids 1…n, one port each, same data). Default 1. */
  brokers?: number
  /** Cluster id, used when the data directory is new. Default: a random one. */
  clusterId?: string
  /** Broker-level settings by Kafka's names (`auto.create.topics.enable`, `num.partitions`, `log.retention.ms`, …). */
  config?: Readonly<Record<string, string>>
  /** `'manual'` for tests that move time themselves. Default: the system's clock. */
  clock?: Clock | 'manual'
  logger?: Logger
  /** Called while the folders of partitions are checked after a start. Requests are already answered then. */
  onCheck?: (progress: { readonly done: number; readonly total: number }) => void
  /**
   * Called once when the broker had to stop serving, because its data directory is gone. Connections are closed by then;
   * `close()` is still to be called.
   */
  onFailure?: (failure: BrokerFailure) => void
}

/** A typed fault, for the nth matching request. */
export interface FaultRule {
  /** Kafka's name of the API, `Produce`, `Fetch`, … */
  api: string
  /** Only requests that touch this topic. */
  topic?: string
  /** Only requests of this group. */
  group?: string
  /** Only the nth matching request, counted from 1. Default: every one, until removed. */
  nth?: number
  /** The fault: close the connection, wait before handling, never answer, or answer with this Kafka error. */
  action: { close: true } | { delayMs: number } | { drop: true } | { error: string }
}

export interface RequestLogEntry {
  readonly timestampMs: number
  readonly api: string
  readonly apiVersion: number
  readonly clientId: string | null
  readonly correlationId: number
  readonly brokerId: number
}

export interface Broker {
  /** `host:port` of every presented broker, joined with commas. */
  readonly bootstrapServers: string
  readonly addresses: readonly { readonly host: string; readonly port: number; readonly brokerId: number }[]
  readonly clusterId: string
  readonly dataDir: string
  /** The broker's clock; a `ManualClock` when it was started with `clock: 'manual'`. */
  readonly clock: Clock
  readonly faults: { add(rule: FaultRule): () => void; clear(): void }
  /** The last requests (bounded), oldest first. */
  readonly requests: { list(): readonly RequestLogEntry[]; clear(): void }
  /**
   * The broker's metrics now, under the names that the Prometheus JMX agent with the chart's rules gives for Apache Kafka. Those of the
   * process (`process_*`) are those of this process, whatever else runs in it. With several presented brokers they are
   * sums. `metricsText` makes them text for Prometheus.
   */
  metrics(): readonly MetricFamily[]
  /**
   * Resolves once `group` has committed an offset ≥ `offset` (exclusive end, as Kafka commits it) for the partition.
   * @throws when the broker is closed first, or after `timeoutMs` (default 10000).
   */
  waitForCommit(group: string, topic: string, partition: number, offset: bigint, timeoutMs?: number): Promise<void>
  /** Stops listening, answers requests under way, syncs and closes the logs. Safe to call twice. */
  close(): Promise<void>
}

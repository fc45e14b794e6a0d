// An exporter: a collector, the metrics of its snapshots, and the server that shows them.
import { type ClusterOptions, connectCluster, type Logger } from '@selfmonitor/cluster'
import { readBackupOutcomes } from '../collect/backups.ts'
import { type Collector, type CollectorOptions, startCollector } from '../collect/index.ts'
import type { Granularity } from '../metrics/families.ts'
import { viewOf } from '../metrics/view.ts'
import type { ProbeOptions, RunningProbe } from '../probe/probe.ts'
import type { Snapshot } from '../snapshot/types.ts'
import { createPages } from './pages.ts'
import { type Listen, type MetricsServer, startMetricsServer } from './server.ts'

export interface ExporterOptions {
  /** How to connect to Kafka. */
  readonly connect: ClusterOptions
  readonly listen: Listen
  readonly collect?: Omit<CollectorOptions, 'logger' | 'tls' | 'probe'>
  /** `topic` leaves out the series of single partitions, for clusters with very many. Default `partition`. */
  readonly granularity?: Granularity
  /** The end-to-end probe writes to the cluster; default: none. */
  readonly probe?: ProbeOptions
  /** Shown as kafka_exporter_build_info. */
  readonly version: string
  readonly logger?: Logger
  /**
   * Metrics of the brokers themselves, as text for Prometheus (version 0.0.4), where they are in this process: the embedded broker's.
   * Served at /metrics/broker, a page of its own, because several exporters may show the cluster and only one process is the broker.
   */
  readonly brokerMetrics?: (() => string) | undefined
  /** Called after each collection. */
  readonly onSnapshot?: (snapshot: Snapshot) => void
}

export interface Exporter {
  /** `http://127.0.0.1:9308` */
  readonly url: string
  /** The last snapshot; null before the first collection has ended. */
  snapshot(): Snapshot | null
  close(): Promise<void>
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * Starts to listen, then to collect: Kafka need not be there.
 * @throws ExporterError LISTEN_INSECURE, PORT_TAKEN
 * @throws PatternError, HostPatternError, ClusterError INVALID_ARGUMENT for options that cannot be used
 */
export async function startExporter(options: ExporterOptions): Promise<Exporter> {
  const { connect, listen, granularity = 'partition', version, logger = silent } = options
  const cluster = connectCluster({ clientId: 'selfmonitor-exporter', ...connect })
  const now = options.collect?.now ?? Date.now
  const pages = createPages(now)
  let last: Snapshot | null = null
  let probe: RunningProbe | null = null
  let server: MetricsServer | undefined
  const close = async (collector?: Collector): Promise<void> => {
    await server?.close()
    // Ends what waits for a broker.
    await Promise.all([probe?.close(), collector?.close(), cluster.close()])
  }
  try {
    const { brokerMetrics } = options
    server = await startMetricsServer(listen, { pages, snapshot: () => last, brokerMetrics, logger })
    if (options.probe !== undefined) {
      const { startProbe } = await import('../probe/probe.ts')
      probe = startProbe(cluster, connect, options.probe, logger)
    }
    const collector = startCollector(
      cluster,
      {
        readBackups: () => readBackupOutcomes(cluster),
        ...options.collect,
        tls: connect.tls,
        logger,
        probe: () => probe?.totals() ?? null,
      },
      async (snapshot) => {
        await pages.show(viewOf(snapshot, { version, requests: cluster.requestsSent() }), granularity)
        last = snapshot
        options.onSnapshot?.(snapshot)
      },
    )
    return {
      url: server.url,
      snapshot: () => last,
      close: () => close(collector),
    }
  } catch (error) {
    await close()
    throw error
  }
}

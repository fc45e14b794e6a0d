// The broker's own metrics: one row each, under the name, the type and the labels that Apache Kafka's bean has behind the Prometheus JMX
// agent with the chart's rules (infra/k8s/kafka/helm/templates/kafka/_jmx.tpl), so that one dashboard serves both. test/
// broker-metrics.test.ts compares the rows with what the agent gives for Apache Kafka. Pure.
import { type ApiName, kafkaErrorByCode } from '@selfmonitor/protocol'
import type { MetricFamily, MetricSample } from '../types.ts'
import type { BrokerCounters, RequestCounters } from './counters.ts'
import type { RecentTimes } from './recent-times.ts'

/** What the samples are computed from. */
export interface MetricsSource {
  readonly counters: BrokerCounters
  /** Of a monotonic clock. */
  readonly nowMs: number
  /** Presented brokers. */
  readonly brokers: number
  readonly topics: readonly { readonly name: string; readonly partitions: readonly unknown[] }[]
  readonly groups: number
  /** Partitions of `__consumer_offsets` that are damaged. */
  readonly damagedGroupPartitions: number
  readonly offsetsPartitions: number
  readonly connections: number
  /** Requests that have arrived and wait for an earlier one of their connection. */
  readonly waitingRequests: number
  /** Share of the last minute in which the process had nothing to do, 0 to 1. */
  readonly idleRatio: number
  readonly process: {
    readonly cpuSeconds: number
    readonly residentBytes: number
    readonly startSeconds: number
    /** undefined where the system does not tell. */
    readonly openFiles: number | undefined
    readonly maxFiles: number | undefined
  }
}

export interface BrokerMetric {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly labels: readonly string[]
  readonly help: string
  samples(source: MetricsSource): readonly MetricSample[]
}

type Value = (source: MetricsSource) => number | undefined

const none: Readonly<Record<string, string>> = {}
/** There is one listener, and one thread that serves it. */
const processor = { listener: 'PLAINTEXT', processor: '0' } as const

function single(type: BrokerMetric['type'], name: string, help: string, value: Value): BrokerMetric {
  const samples = (source: MetricsSource) => {
    const found = value(source)
    return found === undefined ? [] : [{ labels: none, value: found }]
  }
  return { name, type, labels: [], help, samples }
}
const gauge = (name: string, help: string, value: Value) => single('gauge', name, help, value)
const counter = (name: string, help: string, value: Value) => single('counter', name, help, value)

const labelled = (
  type: BrokerMetric['type'],
  name: string,
  labels: readonly string[],
  help: string,
  samples: BrokerMetric['samples'],
): BrokerMetric => ({ name, type, labels, help, samples })

const byTopic = (name: string, help: string, key: 'bytesIn' | 'bytesOut' | 'messagesIn'): BrokerMetric =>
  labelled('counter', `kafka_server_topic_${name}_total`, ['topic'], help, ({ counters }) =>
    [...counters.topics].map(([topic, traffic]) => ({ labels: { topic }, value: traffic[key] })),
  )

const quantileLabels = ['0.50', '0.95', '0.99', '0.999'] as const

const quantiles = (
  times: RecentTimes,
  nowMs: number,
  labels: Readonly<Record<string, string>> = none,
): readonly MetricSample[] =>
  times
    .quantiles(quantileLabels.map(Number), nowMs)
    .map((value, at) => ({ labels: { ...labels, quantile: quantileLabels[at]! }, value }))

/** As Kafka names requests: a Fetch is also counted as a consumer's; there are no followers here. */
const requestNames = (api: ApiName): readonly string[] => (api === 'Fetch' ? ['Fetch', 'FetchConsumer'] : [api])
const consumerName = (api: ApiName): string => (api === 'Fetch' ? 'FetchConsumer' : api)

const requestSamples = (
  { counters }: MetricsSource,
  of: (name: string, counters: RequestCounters) => readonly MetricSample[],
): readonly MetricSample[] =>
  [...counters.requests].flatMap(([api, counted]) => requestNames(api).flatMap((request) => of(request, counted)))

const requestTimes = ({ counters, nowMs }: MetricsSource, which: 'total' | 'queue'): readonly MetricSample[] =>
  [...counters.requests].flatMap(([api, counted]) => quantiles(counted[which], nowMs, { request: consumerName(api) }))

const partitionsOf = ({ topics }: MetricsSource): number =>
  topics.reduce((sum, { partitions }) => sum + partitions.length, 0)

const nothing = (): number => 0

export const brokerMetrics: readonly BrokerMetric[] = [
  counter(
    'kafka_server_brokertopicmetrics_bytesin_total',
    'Bytes of record batches that were appended.',
    (s) => s.counters.all.bytesIn,
  ),
  counter(
    'kafka_server_brokertopicmetrics_bytesout_total',
    'Bytes of record batches that were sent to consumers.',
    (s) => s.counters.all.bytesOut,
  ),
  counter(
    'kafka_server_brokertopicmetrics_messagesin_total',
    'Messages that were appended.',
    (s) => s.counters.all.messagesIn,
  ),
  counter(
    'kafka_server_brokertopicmetrics_bytesrejected_total',
    'Bytes of batches larger than max.message.bytes.',
    (s) => s.counters.produce.bytesRejected,
  ),
  counter(
    'kafka_server_brokertopicmetrics_totalproducerequests_total',
    'Appends to partitions: by producers, and by the group coordinator to __consumer_offsets.',
    (s) => s.counters.produce.total,
  ),
  counter(
    'kafka_server_brokertopicmetrics_failedproducerequests_total',
    'Partitions in Produce requests that failed unexpectedly.',
    (s) => s.counters.produce.failed,
  ),
  counter(
    'kafka_server_brokertopicmetrics_totalfetchrequests_total',
    'Partitions in Fetch requests.',
    (s) => s.counters.fetch.total,
  ),
  counter(
    'kafka_server_brokertopicmetrics_failedfetchrequests_total',
    'Partitions in Fetch requests that failed unexpectedly.',
    (s) => s.counters.fetch.failed,
  ),
  byTopic('bytesin', 'Bytes of record batches that were appended to the topic.', 'bytesIn'),
  byTopic('bytesout', 'Bytes of record batches of the topic that were sent to consumers.', 'bytesOut'),
  byTopic('messagesin', 'Messages that were appended to the topic.', 'messagesIn'),

  labelled('counter', 'kafka_network_requests_total', ['request', 'version'], 'Requests.', (source) =>
    requestSamples(source, (request, { byVersion }) =>
      [...byVersion.entries()].flatMap(([version, value]) =>
        value === 0 ? [] : [{ labels: { request, version: String(version) }, value }],
      ),
    ),
  ),
  labelled(
    'counter',
    'kafka_network_errors_total',
    ['request', 'error'],
    'Error codes in answers, NONE included.',
    (source) =>
      requestSamples(source, (request, { errors }) =>
        [...errors].map(([code, value]) => ({
          labels: { request, error: kafkaErrorByCode(code)?.name ?? `${code}` },
          value,
        })),
      ),
  ),
  labelled(
    'gauge',
    'kafka_network_request_total_time_ms',
    ['request', 'quantile'],
    'Time of a request until its answer was sent, in the last five minutes. A Fetch waits for records, and a JoinGroup for the other members.',
    (source) => requestTimes(source, 'total'),
  ),
  labelled(
    'gauge',
    'kafka_network_request_requestqueue_time_ms',
    ['request', 'quantile'],
    'Part of that time before the request was started.',
    (source) => requestTimes(source, 'queue'),
  ),
  gauge('kafka_network_requestchannel_requestqueuesize', 'Requests that wait to be started.', (s) => s.waitingRequests),
  gauge(
    'kafka_network_socketserver_networkprocessoravgidlepercent',
    'Share of the last minute in which the process had nothing to do, 0 to 1.',
    (s) => s.idleRatio,
  ),
  gauge(
    'kafka_server_request_handler_idle_ratio',
    'The same: one thread reads, handles and answers.',
    (s) => s.idleRatio,
  ),
  labelled(
    'gauge',
    'kafka_server_socket_connection_count',
    ['listener', 'processor'],
    'Connections of clients.',
    (s) => [{ labels: processor, value: s.connections }],
  ),
  labelled(
    'counter',
    'kafka_server_socket_failed_authentication_total',
    ['listener', 'processor'],
    'Always 0: the embedded broker has no authentication.',
    () => [{ labels: processor, value: 0 }],
  ),

  gauge('kafka_server_kafkaserver_brokerstate', '3: the broker is running.', () => 3),
  gauge('kafka_server_replicamanager_partitioncount', 'Partitions.', partitionsOf),
  gauge('kafka_server_replicamanager_leadercount', 'Partitions that are led: all.', partitionsOf),
  gauge('kafka_server_replicamanager_underreplicatedpartitions', 'Always 0: there is one copy.', nothing),
  gauge('kafka_server_replicamanager_underminisrpartitioncount', 'Always 0: there is one copy.', nothing),
  counter('kafka_server_replicamanager_isrshrinks_total', 'Always 0.', nothing),
  counter('kafka_server_replicamanager_isrexpands_total', 'Always 0.', nothing),
  gauge('kafka_server_replicamanager_offlinereplicacount', 'Always 0.', nothing),
  gauge('kafka_controller_kafkacontroller_activecontrollercount', 'Always 1.', () => 1),
  gauge('kafka_controller_kafkacontroller_activebrokercount', 'Presented brokers.', (s) => s.brokers),
  gauge('kafka_controller_kafkacontroller_fencedbrokercount', 'Always 0.', nothing),
  gauge('kafka_controller_kafkacontroller_globaltopiccount', 'Topics.', (s) => s.topics.length),
  gauge('kafka_controller_kafkacontroller_globalpartitioncount', 'Partitions of all topics.', partitionsOf),
  gauge('kafka_controller_kafkacontroller_offlinepartitionscount', 'Always 0.', nothing),
  gauge('kafka_controller_kafkacontroller_preferredreplicaimbalancecount', 'Always 0.', nothing),
  gauge('kafka_controller_kafkacontroller_metadataerrorcount', 'Always 0.', nothing),
  counter('kafka_controller_controllerstats_uncleanleaderelections_total', 'Always 0.', nothing),

  labelled(
    'gauge',
    'kafka_log_logflushstats_logflushrateandtime_ms',
    ['quantile'],
    'Time that syncing a log to the disk took, in the last five minutes.',
    (s) => quantiles(s.counters.flushes, s.nowMs),
  ),

  labelled('gauge', 'kafka_server_group_coordinator_group_count', ['protocol'], 'Groups.', (s) => [
    { labels: { protocol: 'classic' }, value: s.groups },
  ]),
  labelled(
    'gauge',
    'kafka_server_group_coordinator_num_partitions',
    ['state'],
    'Partitions of __consumer_offsets; failed are those that are damaged.',
    (s) => [
      { labels: { state: 'active' }, value: s.offsetsPartitions - s.damagedGroupPartitions },
      { labels: { state: 'failed' }, value: s.damagedGroupPartitions },
    ],
  ),
  counter(
    'kafka_server_group_coordinator_offset_commit_total',
    'Offsets that were committed.',
    (s) => s.counters.groups.offsetCommits,
  ),
  counter(
    'kafka_server_group_coordinator_offset_deletion_total',
    'Offsets that were deleted.',
    (s) => s.counters.groups.offsetDeletions,
  ),
  counter(
    'kafka_server_group_coordinator_offset_expiration_total',
    'Offsets that expired.',
    (s) => s.counters.groups.offsetExpirations,
  ),
  counter(
    'kafka_server_group_coordinator_group_completed_rebalance_total',
    'Rebalances that ended with an assignment.',
    (s) => s.counters.groups.completedRebalances,
  ),

  counter('process_cpu_seconds_total', 'CPU time of the process.', (s) => s.process.cpuSeconds),
  gauge('process_resident_memory_bytes', 'Resident memory of the process.', (s) => s.process.residentBytes),
  gauge(
    'process_start_time_seconds',
    'When the process started, in seconds since the epoch.',
    (s) => s.process.startSeconds,
  ),
  gauge('process_open_fds', 'Open file descriptors of the process.', (s) => s.process.openFiles),
  gauge('process_max_fds', 'Limit of open file descriptors.', (s) => s.process.maxFiles),
]

/** All metrics with their present samples; those without one are left out. */
export function metricFamilies(source: MetricsSource): readonly MetricFamily[] {
  return brokerMetrics.flatMap(({ name, type, help, samples }) => {
    const found = samples(source)
    return found.length === 0 ? [] : [{ name, type, help, samples: found }]
  })
}

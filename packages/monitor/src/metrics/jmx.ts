// Metrics of the brokers themselves, under the names that the chart's rules for the Prometheus JMX agent give them
// (infra/k8s/kafka/helm/templates/kafka/_jmx.tpl). The embedded broker exposes its own under the same names. Only those are here
// that a rule or a panel uses. They come from each broker, so replicas of the exporter do not double them.

export interface JmxMetric {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly labels: readonly string[]
  /** `jvm`: only Java processes have it. `kafka`: Apache Kafka has it, the embedded broker does not. */
  readonly only?: 'jvm' | 'kafka'
}

const gauge = (name: string, labels: readonly string[] = [], only?: JmxMetric['only']) =>
  ({ name, type: 'gauge', labels, ...(only === undefined ? {} : { only }) }) as const satisfies JmxMetric
const counter = (name: string, labels: readonly string[] = [], only?: JmxMetric['only']) =>
  ({ name, type: 'counter', labels, ...(only === undefined ? {} : { only }) }) as const satisfies JmxMetric

export const jmxMetrics = {
  // Throughput
  bytesIn: counter('kafka_server_brokertopicmetrics_bytesin_total'),
  bytesOut: counter('kafka_server_brokertopicmetrics_bytesout_total'),
  messagesIn: counter('kafka_server_brokertopicmetrics_messagesin_total'),
  bytesRejected: counter('kafka_server_brokertopicmetrics_bytesrejected_total'),
  topicBytesIn: counter('kafka_server_topic_bytesin_total', ['topic']),
  topicBytesOut: counter('kafka_server_topic_bytesout_total', ['topic']),
  topicMessagesIn: counter('kafka_server_topic_messagesin_total', ['topic']),
  failedProduce: counter('kafka_server_brokertopicmetrics_failedproducerequests_total'),
  failedFetch: counter('kafka_server_brokertopicmetrics_failedfetchrequests_total'),

  // Requests
  requests: counter('kafka_network_requests_total', ['request', 'version']),
  requestErrors: counter('kafka_network_errors_total', ['request', 'error']),
  requestTime: gauge('kafka_network_request_total_time_ms', ['request', 'quantile']),
  requestQueueTime: gauge('kafka_network_request_requestqueue_time_ms', ['request', 'quantile']),
  requestQueue: gauge('kafka_network_requestchannel_requestqueuesize'),
  handlerIdle: gauge('kafka_server_request_handler_idle_ratio'),
  networkIdle: gauge('kafka_network_socketserver_networkprocessoravgidlepercent'),
  connections: gauge('kafka_server_socket_connection_count', ['listener', 'processor']),
  failedLogins: counter('kafka_server_socket_failed_authentication_total', ['listener', 'processor']),

  // Replicas, controllers, quorum
  brokerState: gauge('kafka_server_kafkaserver_brokerstate'),
  partitionCount: gauge('kafka_server_replicamanager_partitioncount'),
  leaderCount: gauge('kafka_server_replicamanager_leadercount'),
  underReplicated: gauge('kafka_server_replicamanager_underreplicatedpartitions'),
  isrShrinks: counter('kafka_server_replicamanager_isrshrinks_total'),
  isrExpands: counter('kafka_server_replicamanager_isrexpands_total'),
  activeControllers: gauge('kafka_controller_kafkacontroller_activecontrollercount'),
  fencedBrokers: gauge('kafka_controller_kafkacontroller_fencedbrokercount'),
  metadataErrors: gauge('kafka_controller_kafkacontroller_metadataerrorcount'),
  uncleanElections: counter('kafka_controller_controllerstats_uncleanleaderelections_total'),
  raftCommitLatency: gauge('kafka_raft_commit_latency_avg', [], 'kafka'),

  // Disk, groups
  flushTime: gauge('kafka_log_logflushstats_logflushrateandtime_ms', ['quantile']),
  offsetCommits: counter('kafka_server_group_coordinator_offset_commit_total'),
  rebalances: counter('kafka_server_group_coordinator_group_completed_rebalance_total'),

  // The process
  cpu: counter('process_cpu_seconds_total'),
  residentMemory: gauge('process_resident_memory_bytes'),
  startTime: gauge('process_start_time_seconds'),
  openFiles: gauge('process_open_fds'),
  maxFiles: gauge('process_max_fds'),
  jvmMemoryUsed: gauge('jvm_memory_used_bytes', ['area'], 'jvm'),
  jvmMemoryMax: gauge('jvm_memory_max_bytes', ['area'], 'jvm'),
  jvmGcSeconds: counter('jvm_gc_collection_seconds_sum', ['gc'], 'jvm'),
} as const

export type JmxMetricKey = keyof typeof jmxMetrics

// Metrics of the brokers themselves, under the names that the chart's rules for the Prometheus JMX agent give them
// (infra/k8s/kafka/helm/templates/kafka/_jmx.tpl). The embedded broker exposes its own under the same names. Here are those that a
// rule or a panel uses. They come from each broker, so replicas of the exporter do not double them.

export interface JmxMetric {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly labels: readonly string[]
}

const gauge = (name: string, labels: readonly string[] = []) =>
  ({ name, type: 'gauge', labels }) as const satisfies JmxMetric
const counter = (name: string, labels: readonly string[] = []) =>
  ({ name, type: 'counter', labels }) as const satisfies JmxMetric

export const jmxMetrics = {
  // Throughput
  bytesIn: counter('kafka_server_brokertopicmetrics_bytesin_total'),
  bytesOut: counter('kafka_server_brokertopicmetrics_bytesout_total'),
  topicBytesIn: counter('kafka_server_topic_bytesin_total', ['topic']),

  // Requests
  requests: counter('kafka_network_requests_total', ['request', 'version']),
  requestErrors: counter('kafka_network_errors_total', ['request', 'error']),
  requestTime: gauge('kafka_network_request_total_time_ms', ['request', 'quantile']),
  requestQueueTime: gauge('kafka_network_request_requestqueue_time_ms', ['request', 'quantile']),
  handlerIdle: gauge('kafka_server_request_handler_idle_ratio'),
  networkIdle: gauge('kafka_network_socketserver_networkprocessoravgidlepercent'),
  connections: gauge('kafka_server_socket_connection_count', ['listener', 'processor']),
  failedLogins: counter('kafka_server_socket_failed_authentication_total', ['listener', 'processor']),

  // Replicas, controllers, quorum
  partitionCount: gauge('kafka_server_replicamanager_partitioncount'),
  isrShrinks: counter('kafka_server_replicamanager_isrshrinks_total'),
  isrExpands: counter('kafka_server_replicamanager_isrexpands_total'),
  activeControllers: gauge('kafka_controller_kafkacontroller_activecontrollercount'),
  uncleanElections: counter('kafka_controller_controllerstats_uncleanleaderelections_total'),

  // Disk
  flushTime: gauge('kafka_log_logflushstats_logflushrateandtime_ms', ['quantile']),

  // The process; those of the JVM are Java's only
  cpu: counter('process_cpu_seconds_total'),
  residentMemory: gauge('process_resident_memory_bytes'),
  startTime: gauge('process_start_time_seconds'),
  openFiles: gauge('process_open_fds'),
  maxFiles: gauge('process_max_fds'),
  jvmMemoryUsed: gauge('jvm_memory_used_bytes', ['area']),
  jvmMemoryMax: gauge('jvm_memory_max_bytes', ['area']),
  jvmGcSeconds: counter('jvm_gc_collection_seconds_sum', ['gc']),
} as const

export type JmxMetricKey = keyof typeof jmxMetrics

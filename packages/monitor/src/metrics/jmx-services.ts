// Metrics of Connect, Schema Registry and ksqlDB, under the names that the chart's rules for the Prometheus JMX agent give them
// (infra/k8s/kafka/helm/templates/platform/_jmx.tpl). Our own registry has those of Schema Registry under the same names, as far as it
// has the figure, at /metrics of its port. Only those are here that a panel uses.
import type { JmxMetric } from './jmx.ts'

export interface ServiceMetric extends Omit<JmxMetric, 'type' | 'only'> {
  readonly type: 'gauge' | 'counter' | 'histogram'
  /** `ours`: our registry has it, Confluent's does not. `confluent`: the other way round. */
  readonly only?: 'ours' | 'confluent'
}

const gauge = (name: string, labels: readonly string[] = [], only?: ServiceMetric['only']) =>
  ({ name, type: 'gauge', labels, ...(only === undefined ? {} : { only }) }) as const satisfies ServiceMetric
const counter = (name: string, labels: readonly string[] = []) =>
  ({ name, type: 'counter', labels }) as const satisfies ServiceMetric

const task = ['connector', 'task'] as const

export const connectMetrics = {
  connectors: gauge('kafka_connect_worker_connector_count'),
  tasks: gauge('kafka_connect_worker_task_count'),
  connectorStartupFailures: counter('kafka_connect_worker_connector_startup_failure_total'),
  taskStartupFailures: counter('kafka_connect_worker_task_startup_failure_total'),
  tasksByState: gauge('kafka_connect_worker_connector_tasks', ['connector', 'state']),
  workerRebalances: counter('kafka_connect_worker_rebalances_total'),
  sinceRebalance: gauge('kafka_connect_worker_time_since_last_rebalance_ms'),
  taskStatus: gauge('kafka_connect_task_status', [...task, 'status']),
  commitFailures: gauge('kafka_connect_task_offset_commit_failure_percentage', task),
  commitTime: gauge('kafka_connect_task_offset_commit_max_time_ms', task),
  sourcePolled: counter('kafka_connect_source_records_poll_total', task),
  sourceWritten: counter('kafka_connect_source_records_write_total', task),
  sourceInFlight: gauge('kafka_connect_source_record_active_count', task),
  sourceBatchTime: gauge('kafka_connect_poll_batch_avg_time_ms', task),
  sinkRead: counter('kafka_connect_sink_records_read_total', task),
  sinkSent: counter('kafka_connect_sink_records_send_total', task),
  sinkInFlight: gauge('kafka_connect_sink_sink_record_active_count', task),
  sinkBatchTime: gauge('kafka_connect_sink_put_batch_avg_time_ms', task),
  recordErrors: counter('kafka_connect_task_record_errors_total', task),
  recordFailures: counter('kafka_connect_task_record_failures_total', task),
  recordsSkipped: counter('kafka_connect_task_records_skipped_total', task),
  retries: counter('kafka_connect_task_retries_total', task),
  deadLetters: counter('kafka_connect_task_deadletterqueue_requests_total', task),
  deadLettersFailed: counter('kafka_connect_task_deadletterqueue_failures_total', task),
} as const satisfies Record<string, ServiceMetric>

export const registryMetrics = {
  registrySucceeded: counter('schema_registry_api_success_total'),
  registryFailed: counter('schema_registry_api_failure_total'),
  registrySchemas: gauge('schema_registry_schemas_registered'),
  registryDeleted: gauge('schema_registry_schemas_deleted'),
  registryLeader: gauge('schema_registry_leader', [], 'confluent'),
  /** Milliseconds. */
  registryLatency: gauge('schema_registry_request_latency_99', [], 'confluent'),
  registryThreads: gauge('schema_registry_jetty_thread_pool_usage', [], 'confluent'),
  registryConnections: gauge('schema_registry_jetty_connections_active', [], 'confluent'),
  registryDuration: {
    name: 'schema_registry_request_duration_seconds',
    type: 'histogram',
    labels: ['method', 'path', 'status'],
    only: 'ours',
  },
} as const satisfies Record<string, ServiceMetric>

export const ksqldbMetrics = {
  queriesByState: gauge('ksqldb_engine_queries', ['state']),
  queryStatus: gauge('ksqldb_query_status', ['query', 'status']),
  messagesConsumed: gauge('ksqldb_engine_messages_consumed_per_sec'),
  messagesProduced: gauge('ksqldb_engine_messages_produced_per_sec'),
  bytesConsumed: counter('ksqldb_engine_bytes_consumed_total'),
  errorRate: gauge('ksqldb_engine_error_rate'),
  commandRunner: gauge('ksqldb_command_runner_status', ['status']),
} as const satisfies Record<string, ServiceMetric>

export const serviceMetrics = { ...connectMetrics, ...registryMetrics, ...ksqldbMetrics } as const
export type ServiceMetricKey = keyof typeof serviceMetrics

{{/*
Rules of the Prometheus JMX agent for Connect, ksqlDB and Schema Registry. As for the brokers, only these beans are read and only what a rule
matches is exported: series for connectors, tasks and queries, never for clients.
*/}}

{{/* https://kafka.apache.org/documentation/#connect_monitoring. A name with special characters is in quotes in the bean's name. */}}
{{- define "selfmonitor.connect.jmx" -}}
lowercaseOutputName: true
lowercaseOutputLabelNames: true
includeObjectNames:
  - kafka.connect:type=connect-worker-metrics
  - kafka.connect:type=connect-worker-metrics,connector=*
  - kafka.connect:type=connect-worker-rebalance-metrics
  - kafka.connect:type=connector-metrics,connector=*
  - kafka.connect:type=connector-task-metrics,connector=*,task=*
  - kafka.connect:type=source-task-metrics,connector=*,task=*
  - kafka.connect:type=sink-task-metrics,connector=*,task=*
  - kafka.connect:type=task-error-metrics,connector=*,task=*
rules:
  # The worker: how many connectors and tasks it runs, and how many did not start.
  - pattern: 'kafka.connect<type=connect-worker-metrics><>(connector-count|task-count):'
    name: kafka_connect_worker_$1
    type: GAUGE
  - pattern: 'kafka.connect<type=connect-worker-metrics><>(connector-startup|task-startup)-(attempts|success|failure)-total:'
    name: kafka_connect_worker_$1_$2_total
    type: COUNTER
  - pattern: 'kafka.connect<type=connect-worker-metrics, connector="?([^"]+?)"?><>connector-(total|running|paused|failed|unassigned|destroyed|restarting)-task-count:'
    name: kafka_connect_worker_connector_tasks
    type: GAUGE
    labels: { connector: "$1", state: "$2" }
  # The group of the workers.
  - pattern: 'kafka.connect<type=connect-worker-rebalance-metrics><>completed-rebalances-total:'
    name: kafka_connect_worker_rebalances_total
    type: COUNTER
  - pattern: 'kafka.connect<type=connect-worker-rebalance-metrics><>(time-since-last-rebalance-ms|rebalance-avg-time-ms|rebalance-max-time-ms):'
    name: kafka_connect_worker_$1
    type: GAUGE
  # States, as 1 with the state as a label.
  - pattern: 'kafka.connect<type=connector-metrics, connector="?([^"]+?)"?><>status: (\w+)'
    name: kafka_connect_connector_status
    value: 1
    type: GAUGE
    labels: { connector: "$1", status: "$2" }
  - pattern: 'kafka.connect<type=connector-task-metrics, connector="?([^"]+?)"?, task="?(\d+)"?><>status: (\w+)'
    name: kafka_connect_task_status
    value: 1
    type: GAUGE
    labels: { connector: "$1", task: "$2", status: "$3" }
  - pattern: 'kafka.connect<type=connector-task-metrics, connector="?([^"]+?)"?, task="?(\d+)"?><>(running-ratio|pause-ratio|batch-size-avg|batch-size-max|offset-commit-failure-percentage|offset-commit-avg-time-ms|offset-commit-max-time-ms):'
    name: kafka_connect_task_$3
    type: GAUGE
    labels: { connector: "$1", task: "$2" }
  # Records. A source polls and writes them, a sink reads and sends them.
  - pattern: 'kafka.connect<type=source-task-metrics, connector="?([^"]+?)"?, task="?(\d+)"?><>source-record-(poll|write)-total:'
    name: kafka_connect_source_records_$3_total
    type: COUNTER
    labels: { connector: "$1", task: "$2" }
  - pattern: 'kafka.connect<type=source-task-metrics, connector="?([^"]+?)"?, task="?(\d+)"?><>(source-record-active-count|poll-batch-avg-time-ms|poll-batch-max-time-ms):'
    name: kafka_connect_$3
    type: GAUGE
    labels: { connector: "$1", task: "$2" }
  - pattern: 'kafka.connect<type=sink-task-metrics, connector="?([^"]+?)"?, task="?(\d+)"?><>sink-record-(read|send)-total:'
    name: kafka_connect_sink_records_$3_total
    type: COUNTER
    labels: { connector: "$1", task: "$2" }
  - pattern: 'kafka.connect<type=sink-task-metrics, connector="?([^"]+?)"?, task="?(\d+)"?><>(partition-count|sink-record-active-count|put-batch-avg-time-ms|put-batch-max-time-ms):'
    name: kafka_connect_sink_$3
    type: GAUGE
    labels: { connector: "$1", task: "$2" }
  # Errors, retries and dead letters.
  - pattern: 'kafka.connect<type=task-error-metrics, connector="?([^"]+?)"?, task="?(\d+)"?><>total-(record-failures|record-errors|records-skipped|errors-logged|retries):'
    name: kafka_connect_task_$3_total
    type: COUNTER
    labels: { connector: "$1", task: "$2" }
  - pattern: 'kafka.connect<type=task-error-metrics, connector="?([^"]+?)"?, task="?(\d+)"?><>deadletterqueue-produce-(requests|failures):'
    name: kafka_connect_task_deadletterqueue_$3_total
    type: COUNTER
    labels: { connector: "$1", task: "$2" }
{{ end -}}

{{/* https://docs.confluent.io/platform/current/ksqldb/reference/metrics.html */}}
{{- define "selfmonitor.ksqldb.jmx" -}}
lowercaseOutputName: true
lowercaseOutputLabelNames: true
includeObjectNames:
  - io.confluent.ksql.metrics:type=_confluent-ksql-engine-query-stats,*
  - io.confluent.ksql.metrics:type=ksql-queries,*
  - io.confluent.ksql.metrics:type=_confluent-ksql-rest-app-command-runner,*
rules:
  # All queries of this server. States are those of Kafka Streams.
  - pattern: 'io.confluent.ksql.metrics<type=_confluent-ksql-engine-query-stats, ksql_service_id=([^,]+)><>(num-persistent-queries|num-active-queries|num-idle-queries|liveness-indicator|error-rate):'
    name: ksqldb_engine_$2
    type: GAUGE
  - pattern: 'io.confluent.ksql.metrics<type=_confluent-ksql-engine-query-stats, ksql_service_id=([^,]+)><>(CREATED|RUNNING|REBALANCING|PENDING_SHUTDOWN|PENDING_ERROR|ERROR|NOT_RUNNING)-queries:'
    name: ksqldb_engine_queries
    type: GAUGE
    labels: { state: "$2" }
  - pattern: 'io.confluent.ksql.metrics<type=_confluent-ksql-engine-query-stats, ksql_service_id=([^,]+)><>(messages-consumed|bytes-consumed)-total:'
    name: ksqldb_engine_$2_total
    type: COUNTER
  - pattern: 'io.confluent.ksql.metrics<type=_confluent-ksql-engine-query-stats, ksql_service_id=([^,]+)><>(messages-consumed-per-sec|messages-produced-per-sec):'
    name: ksqldb_engine_$2
    type: GAUGE
  # Each query: its state, and its last error.
  - pattern: 'io.confluent.ksql.metrics<type=ksql-queries, ksql_service_id=([^,]+), status=_confluent-ksql-[^,]*?_?query_([^,]+)><>query-status: (\w+)'
    name: ksqldb_query_status
    value: 1
    type: GAUGE
    labels: { query: "$2", status: "$3" }
  # The thread that executes the statements of the command topic: RUNNING, ERROR or DEGRADED.
  - pattern: 'io.confluent.ksql.metrics<type=_confluent-ksql-rest-app-command-runner, ksql_service_id=([^,]+)><>status: (\w+)'
    name: ksqldb_command_runner_status
    value: 1
    type: GAUGE
    labels: { status: "$2" }
{{ end -}}

{{/* https://docs.confluent.io/platform/current/schema-registry/monitoring.html */}}
{{- define "selfmonitor.schemaRegistry.jmx" -}}
lowercaseOutputName: true
lowercaseOutputLabelNames: true
includeObjectNames:
  - kafka.schema.registry:type=master-slave-role
  - kafka.schema.registry:type=jetty-metrics
  - kafka.schema.registry:type=jersey-metrics
  - kafka.schema.registry:type=registered-count
  - kafka.schema.registry:type=deleted-count
  - kafka.schema.registry:type=api-success-count
  - kafka.schema.registry:type=api-failure-count
rules:
  # 1 on the replica that takes writes, 0 on the others.
  - pattern: 'kafka.schema.registry<type=master-slave-role><>master-slave-role:'
    name: schema_registry_leader
    type: GAUGE
  - pattern: 'kafka.schema.registry<type=jetty-metrics><>(connections-active|busy-thread-count|thread-pool-usage):'
    name: schema_registry_jetty_$1
    type: GAUGE
  # All requests together. Beside these, the bean has the same attributes for each resource, which are not exported.
  - pattern: 'kafka.schema.registry<type=jersey-metrics><>(request-rate|request-error-rate|request-latency-avg|request-latency-max|request-latency-95|request-latency-99):'
    name: schema_registry_$1
    type: GAUGE
  - pattern: 'kafka.schema.registry<type=(registered|deleted)-count><>\w+-count:'
    name: schema_registry_schemas_$1
    type: GAUGE
  - pattern: 'kafka.schema.registry<type=api-(success|failure)-count><>\w+-\w+-count:'
    name: schema_registry_api_$1_total
    type: COUNTER
{{ end -}}

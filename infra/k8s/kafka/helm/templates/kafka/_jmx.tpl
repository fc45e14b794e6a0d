{{/*
Rules of the Prometheus JMX agent for brokers and controllers. The agent reads only these beans and exports only what a rule matches. So
the number of series depends on listeners, request types and error codes, and with perTopicMetrics also on topics and on the partitions
of one broker (their sizes), but never on clients.
*/}}
{{- define "selfmonitor.kafka.jmx" -}}
lowercaseOutputName: true
lowercaseOutputLabelNames: true
includeObjectNames:
  - kafka.server:type=ReplicaManager,*
  - kafka.server:type=KafkaServer,name=BrokerState
  - kafka.server:type=BrokerTopicMetrics,name=*
  {{- if .Values.monitoring.perTopicMetrics }}
  - kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec,topic=*
  - kafka.server:type=BrokerTopicMetrics,name=BytesOutPerSec,topic=*
  - kafka.server:type=BrokerTopicMetrics,name=MessagesInPerSec,topic=*
  - kafka.log:type=Log,name=Size,*
  {{- end }}
  - kafka.server:type=KafkaRequestHandlerPool,*
  - kafka.server:type=DelayedOperationPurgatory,name=PurgatorySize,*
  - kafka.server:type=ReplicaFetcherManager,name=MaxLag,*
  - kafka.server:type=FetcherLagMetrics,name=ConsumerLag,clientId=*,topic=__cluster_metadata,*
  - kafka.server:type=raft-metrics
  - kafka.server:type=broker-metadata-metrics
  - kafka.server:type=MetadataLoader,*
  - kafka.server:type=SnapshotEmitter,*
  - kafka.server:type=socket-server-metrics,listener=*,networkProcessor=*
  - kafka.controller:type=KafkaController,*
  - kafka.controller:type=ControllerEventManager,*
  - kafka.controller:type=ControllerStats,*
  - kafka.network:type=RequestMetrics,name=RequestsPerSec,*
  - kafka.network:type=RequestMetrics,name=ErrorsPerSec,*
  - kafka.network:type=RequestMetrics,name=TotalTimeMs,request=Produce
  - kafka.network:type=RequestMetrics,name=TotalTimeMs,request=FetchConsumer
  - kafka.network:type=RequestMetrics,name=TotalTimeMs,request=FetchFollower
  - kafka.network:type=RequestMetrics,name=TotalTimeMs,request=Metadata
  - kafka.network:type=RequestMetrics,name=RequestQueueTimeMs,request=Produce
  - kafka.network:type=RequestMetrics,name=RequestQueueTimeMs,request=FetchConsumer
  - kafka.network:type=RequestMetrics,name=LocalTimeMs,request=Produce
  - kafka.network:type=RequestMetrics,name=LocalTimeMs,request=FetchConsumer
  - kafka.network:type=RequestMetrics,name=RemoteTimeMs,request=Produce
  - kafka.network:type=RequestChannel,*
  - kafka.network:type=SocketServer,*
  - kafka.network:type=Acceptor,*
  - kafka.log:type=LogManager,*
  - kafka.log:type=LogCleaner,name=*
  - kafka.log:type=LogCleanerManager,name=uncleanable-partitions-count,*
  - kafka.log:type=LogFlushStats,*
  - kafka.coordinator.group:type=GroupMetadataManager,*
  - kafka.server:type=group-coordinator-metrics,*
rules:
  # A pattern is matched against `domain<properties><>attribute: value`, so a pattern that ends with the attribute needs a colon.
  # Counters, with labels for topic, request, version and error where they exist.
  - pattern: 'kafka.server<type=BrokerTopicMetrics, name=(\w+)PerSec, topic=(.+)><>Count:'
    name: kafka_server_topic_$1_total
    type: COUNTER
    labels: { topic: "$2" }
  - pattern: 'kafka.network<type=RequestMetrics, name=RequestsPerSec, request=(\w+), version=(\d+)><>Count:'
    name: kafka_network_requests_total
    type: COUNTER
    labels: { request: "$1", version: "$2" }
  - pattern: 'kafka.network<type=RequestMetrics, name=ErrorsPerSec, request=(\w+), error=(\w+)><>Count:'
    name: kafka_network_errors_total
    type: COUNTER
    labels: { request: "$1", error: "$2" }
  - pattern: 'kafka.(\w+)<type=(\w+), name=(\w+)PerSec><>Count:'
    name: kafka_$1_$2_$3_total
    type: COUNTER
  # The fraction of time in which the request handlers were idle, 0 to 1.
  - pattern: 'kafka.server<type=KafkaRequestHandlerPool, name=RequestHandlerAvgIdlePercent><>OneMinuteRate:'
    name: kafka_server_request_handler_idle_ratio
    type: GAUGE
  # Percentiles of times, in milliseconds.
  - pattern: 'kafka.network<type=RequestMetrics, name=(\w+)TimeMs, request=(\w+)><>(50|95|99|999)thPercentile:'
    name: kafka_network_request_$1_time_ms
    type: GAUGE
    labels: { request: "$2", quantile: "0.$3" }
  - pattern: 'kafka.(\w+)<type=(\w+), name=(\w+)Ms><>(50|95|99|999)thPercentile:'
    name: kafka_$1_$2_$3_ms
    type: GAUGE
    labels: { quantile: "0.$4" }
  # The size of each partition on this broker's disk, in bytes.
  - pattern: 'kafka.log<type=Log, name=Size, topic=(.+), partition=(\d+)><>Value:'
    name: kafka_log_size_bytes
    type: GAUGE
    labels: { topic: "$1", partition: "$2" }
  # Connections and logins, by listener and network thread.
  - pattern: 'kafka.server<type=socket-server-metrics, listener=(\w+), networkProcessor=(\d+)><>(connection-count|connection-creation-rate|connection-close-rate):'
    name: kafka_server_socket_$3
    type: GAUGE
    labels: { listener: "$1", processor: "$2" }
  - pattern: 'kafka.server<type=socket-server-metrics, listener=(\w+), networkProcessor=(\d+)><>(failed-authentication|successful-authentication|expired-connections-killed)-(total|count):'
    name: kafka_server_socket_$3_total
    type: COUNTER
    labels: { listener: "$1", processor: "$2" }
  # The quorum, and the lag of this node's copy of the metadata.
  - pattern: 'kafka.server<type=raft-metrics><>(current-leader|current-epoch|current-vote|high-watermark|log-end-offset|number-of-voters|number-unknown-voter-connections|commit-latency-avg|commit-latency-max|election-latency-max|append-records-rate|fetch-records-rate|poll-idle-ratio-avg):'
    name: kafka_raft_$1
    type: GAUGE
  - pattern: 'kafka.server<type=broker-metadata-metrics><>([\w-]+):'
    name: kafka_server_broker_metadata_$1
    type: GAUGE
  # Consumer groups.
  - pattern: 'kafka.server<type=group-coordinator-metrics, (\w+)=([\w-]+)><>((consumer-)?group-count|num-partitions):'
    name: kafka_server_group_coordinator_$3
    type: GAUGE
    labels: { "$1": "$2" }
  - pattern: 'kafka.server<type=group-coordinator-metrics><>(event-queue-size|thread-idle-ratio-avg|partition-load-time-max|event-processing-time-ms-p99):'
    name: kafka_server_group_coordinator_$1
    type: GAUGE
  - pattern: 'kafka.server<type=group-coordinator-metrics><>(offset-commit|offset-expiration|offset-deletion|group-completed-rebalance|consumer-group-rebalance)-count:'
    name: kafka_server_group_coordinator_$1_total
    type: COUNTER
  # Gauges: one value, with the other parts of the bean's name as labels.
  - pattern: 'kafka.(\w+)<type=(\w+), name=([\w-]+), (\w+)=([^,]+), (\w+)=([^,]+)><>Value:'
    name: kafka_$1_$2_$3
    type: GAUGE
    labels: { "$4": "$5", "$6": "$7" }
  - pattern: 'kafka.(\w+)<type=(\w+), name=([\w-]+), (\w+)=([^,]+)><>Value:'
    name: kafka_$1_$2_$3
    type: GAUGE
    labels: { "$4": "$5" }
  - pattern: 'kafka.(\w+)<type=(\w+), name=([\w-]+)><>Value:'
    name: kafka_$1_$2_$3
    type: GAUGE
{{ end -}}

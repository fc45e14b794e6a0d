{{/*
Rules of the Prometheus JMX agent, for brokers and controllers. Only the beans named here are read, so that the number of series
is bounded by listeners, request types and error codes; with perTopicMetrics also by topics and by the partitions of one broker
(their sizes). Never by clients. What no rule matches is not exported.
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
  # Counters: Count of every meter, by topic, request and error where there is one.
  - pattern: kafka.server<type=BrokerTopicMetrics, name=(.+)PerSec, topic=(.+)><>Count
    name: kafka_server_topic_$1_total
    type: COUNTER
    labels: { topic: "$2" }
  - pattern: kafka.network<type=RequestMetrics, name=RequestsPerSec, request=(.+), version=(.+)><>Count
    name: kafka_network_requests_total
    type: COUNTER
    labels: { request: "$1", version: "$2" }
  - pattern: kafka.network<type=RequestMetrics, name=ErrorsPerSec, request=(.+), error=(.+)><>Count
    name: kafka_network_errors_total
    type: COUNTER
    labels: { request: "$1", error: "$2" }
  - pattern: kafka.server<type=KafkaRequestHandlerPool, name=RequestHandlerAvgIdlePercent><>OneMinuteRate
    name: kafka_server_request_handler_idle_ratio
    type: GAUGE
  - pattern: kafka.(\w+)<type=(.+), name=(.+)PerSec><>Count
    name: kafka_$1_$2_$3_total
    type: COUNTER
  # Times in milliseconds: count and percentiles.
  - pattern: kafka.network<type=RequestMetrics, name=(.+)TimeMs, request=(.+)><>(50|95|99|999)thPercentile
    name: kafka_network_request_$1_time_ms
    type: GAUGE
    labels: { request: "$2", quantile: "0.$3" }
  - pattern: kafka.network<type=RequestMetrics, name=(.+)TimeMs, request=(.+)><>Count
    name: kafka_network_request_$1_time_ms_count
    type: COUNTER
    labels: { request: "$2" }
  - pattern: kafka.(\w+)<type=(.+), name=(.+)(Ms)><>(50|95|99|999)thPercentile
    name: kafka_$1_$2_$3_ms
    type: GAUGE
    labels: { quantile: "0.$5" }
  # Bytes on this broker's disk of each partition it holds.
  - pattern: kafka.log<type=Log, name=Size, topic=(.+), partition=(.+)><>Value
    name: kafka_log_size_bytes
    type: GAUGE
    labels: { topic: "$1", partition: "$2" }
  # Threads of the network, by listener.
  - pattern: kafka.server<type=socket-server-metrics, listener=(.+), networkProcessor=(.+)><>(connection-count|connection-close-rate|connection-creation-rate|expired-connections-killed-count|failed-authentication-total|failed-reauthentication-total|successful-authentication-total)
    name: kafka_server_socket_$3
    labels: { listener: "$1", processor: "$2" }
  - pattern: kafka.server<type=raft-metrics><>(.+)
    name: kafka_raft_$1
    type: GAUGE
  - pattern: kafka.server<type=(broker-metadata-metrics|group-coordinator-metrics)(.*)><>(.+)
    name: kafka_server_$1_$3
    type: GAUGE
  # Gauges: one value, with the remaining parts of the name as labels.
  - pattern: kafka.(\w+)<type=(.+), name=(.+), (.+)=(.+), (.+)=(.+)><>(Value|Count)
    name: kafka_$1_$2_$3
    type: GAUGE
    labels: { "$4": "$5", "$6": "$7" }
  - pattern: kafka.(\w+)<type=(.+), name=(.+), (.+)=(.+)><>(Value|Count)
    name: kafka_$1_$2_$3
    type: GAUGE
    labels: { "$4": "$5" }
  - pattern: kafka.(\w+)<type=(.+), name=(.+)><>(Value|Count)
    name: kafka_$1_$2_$3
    type: GAUGE
{{ end -}}

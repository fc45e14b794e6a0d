{{/* For `coordination: zookeeper`: ZooKeeper's properties, the brokers' connection to it, and the steps of the migration to KRaft. */}}

{{/* "true" when brokers run with KRaft: always, or in the last steps of a migration. */}}
{{- define "selfmonitor.brokersUseKraft" -}}
{{- if or (eq .Values.coordination "kraft") (has .Values.zookeeper.migration (list "kraft" "finished")) -}}true{{- end -}}
{{- end -}}

{{/* "true" while controllers read and write ZooKeeper. */}}
{{- define "selfmonitor.controllersCopy" -}}
{{- if and (eq .Values.coordination "zookeeper") (has .Values.zookeeper.migration (list "controllers" "brokers" "kraft")) -}}true{{- end -}}
{{- end -}}

{{/* "true" during a migration, when ZooKeeper and controllers run side by side. */}}
{{- define "selfmonitor.migrating" -}}
{{- if and (eq .Values.coordination "zookeeper") (ne .Values.zookeeper.migration "none") -}}true{{- end -}}
{{- end -}}

{{/* The key in `images` of the image for brokers and controllers. */}}
{{- define "selfmonitor.kafka.imageName" -}}
{{- ternary "kafkaZookeeper" "kafka" (eq .Values.coordination "zookeeper") -}}
{{- end -}}

{{- define "selfmonitor.zookeeper.connect" -}}
{{- $servers := list -}}
{{- range $ordinal := until (int .Values.zookeeper.replicaCount) -}}
{{- $servers = append $servers (printf "zookeeper-%d.zookeeper-headless.%s:%s" $ordinal (include "selfmonitor.domain" $) (include "selfmonitor.zookeeperClientPort" $)) -}}
{{- end -}}
{{- join "," $servers -}}
{{- end -}}

{{/*
TLS settings of Kafka's connections to ZooKeeper, with certificates on both sides if security is on. (dict "root" . "keystore" "/run/kafka/tls/keystore.pem")
*/}}
{{- define "selfmonitor.zookeeper.clientTls" -}}
{{- if .root.Values.security.enabled -}}
zookeeper.ssl.client.enable=true
zookeeper.clientCnxnSocket=org.apache.zookeeper.ClientCnxnSocketNetty
zookeeper.ssl.keystore.type=PEM
zookeeper.ssl.keystore.location={{ .keystore }}
zookeeper.ssl.truststore.type=PEM
zookeeper.ssl.truststore.location=/run/kafka/tls/ca.crt
{{- end -}}
{{- end -}}

{{/*
Properties of a broker or controller that connects to ZooKeeper: (dict "root" . "role" "broker" | "controller"). A node in ZooKeeper belongs
to the name in the certificate of its writer. So controllers present the brokers' certificate: if a migration is rolled back, the brokers
must still own the nodes that the controllers wrote.
*/}}
{{- define "selfmonitor.zookeeper.kafkaProperties" -}}
zookeeper.connect={{ include "selfmonitor.zookeeper.connect" .root }}
{{- with include "selfmonitor.zookeeper.clientTls" (dict "root" .root "keystore" (ternary "/run/kafka/tls/zookeeper.pem" "/run/kafka/tls/keystore.pem" (eq .role "controller"))) }}
zookeeper.set.acl=true
{{ . }}
{{- end }}
{{- end -}}

{{- define "selfmonitor.zookeeper.properties" -}}
{{- $domain := include "selfmonitor.domain" . -}}
tickTime=2000
initLimit=30
syncLimit=5
dataDir=/var/lib/zookeeper/data
dataLogDir=/var/lib/zookeeper/log
autopurge.snapRetainCount=5
autopurge.purgeInterval=24
maxClientCnxns=60
# Answers the probes, inside this pod only.
admin.enableServer=true
admin.serverAddress=127.0.0.1
admin.serverPort=8080
4lw.commands.whitelist=srvr
{{- range $ordinal := until (int .Values.zookeeper.replicaCount) }}
server.{{ add1 $ordinal }}=zookeeper-{{ $ordinal }}.zookeeper-headless.{{ $domain }}:2888:3888
{{- end }}
{{- if .Values.security.enabled }}
secureClientPort={{ include "selfmonitor.zookeeperClientPort" . }}
serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory
authProvider.x509=org.apache.zookeeper.server.auth.X509AuthenticationProvider
ssl.clientAuth=need
ssl.keyStore.type=PEM
ssl.keyStore.location=/run/kafka/tls/keystore.pem
ssl.trustStore.type=PEM
ssl.trustStore.location=/run/kafka/tls/ca.crt
sslQuorum=true
ssl.quorum.keyStore.type=PEM
ssl.quorum.keyStore.location=/run/kafka/tls/keystore.pem
ssl.quorum.trustStore.type=PEM
ssl.quorum.trustStore.location=/run/kafka/tls/ca.crt
# The check would do a reverse lookup of the peer's address, which fails for pods. The peer must still present a certificate.
ssl.quorum.hostnameVerification=false
{{- else }}
clientPort={{ include "selfmonitor.zookeeperClientPort" . }}
{{- end }}
{{- range $key, $value := .Values.zookeeper.config }}
{{- if regexMatch "^(dataDir|dataLogDir|clientPort|secureClientPort|server\\.|admin\\.|ssl|authProvider)" $key }}
{{- fail (printf "zookeeper.config: the chart sets %s itself; use zookeeper.replicaCount, zookeeper.persistence or security instead" $key) }}
{{- end }}
{{ $key }}={{ include "selfmonitor.propertyValue" (dict "value" $value "name" (printf "zookeeper.config.%s" $key)) }}
{{- end }}
{{ end -}}

{{/* Log4j 1, which Kafka 3.9 and ZooKeeper 3.8 use, to standard output: (dict "level" "INFO" "loggers" (dict)). */}}
{{- define "selfmonitor.zookeeper.log4j" -}}
log4j.rootLogger={{ .level }}, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=%d{yyyy-MM-dd'T'HH:mm:ss.SSSX} %p [%c{1}] %m%n
log4j.logger.kafka.authorizer.logger=INFO
log4j.logger.org.apache.zookeeper.ClientCnxnSocketNetty=WARN
{{- range $name, $level := .loggers }}
log4j.logger.{{ $name }}={{ $level }}
{{- end }}
{{ end -}}

{{- define "selfmonitor.zookeeper.heapMiB" -}}
{{- include "selfmonitor.heapMiB" (dict "name" "zookeeper" "of" .Values.zookeeper "divisor" 2 "most" 4096 "memoryLeast" 512) -}}
{{- end -}}

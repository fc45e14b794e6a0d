{{/*
Templates of the properties files of brokers and controllers. kafka-init.sh replaces the @@placeholders@@, whose values only the pod knows.
kafka.config and controller.config must not contain keys that the chart sets; other keys in them override the chart's defaults.
*/}}

{{/* The value to use instead of a key, by a regular expression on the key. */}}
{{- define "selfmonitor.kafka.ownedKeys" -}}
"^process\\.roles$": controller.mode
"^(node|broker)\\.id(\\.generation\\.enable)?$": nothing, it is the ordinal of the pod
"^reserved\\.broker\\.max\\.id$": nothing, ids are ordinals
"^(advertised\\.)?listeners$": kafka.external and security.enabled
"^listener\\.security\\.protocol\\.map$": security.enabled
"^(inter\\.broker\\.listener\\.name|security\\.inter\\.broker\\.protocol|early\\.start\\.listeners|control\\.plane\\.listener\\.name)$": nothing, the listeners are the chart's
"^controller\\.(listener\\.names|quorum\\.(voters|bootstrap\\.servers|auto\\.join\\.enable))$": controller.replicaCount
"^(log|metadata\\.log)\\.dirs?$": kafka.persistence or controller.persistence
"^broker\\.rack$": kafka.rack.enabled
"^authorizer\\.class\\.name$": security.enabled
"^allow\\.everyone\\.if\\.no\\.acl\\.found$": security.enabled
"^super\\.users$": security.superUsers
"^(listener\\.name\\.[^.]+\\.)?ssl\\.(keystore|truststore|key|principal|client\\.auth)": security.tls
"^(listener\\.name\\.[^.]+\\.(.*\\.)?)?sasl\\.(enabled|mechanism|jaas)": security.enabled
"^zookeeper\\.(connect|ssl|clientCnxnSocket|set\\.acl)": zookeeper
{{- end -}}

{{/* A value for a properties file: one line, with backslashes doubled. */}}
{{- define "selfmonitor.propertyValue" -}}
{{- if or (kindIs "map" .value) (kindIs "slice" .value) (kindIs "invalid" .value) -}}
{{- fail (printf "%s: write a text, a number, true or false%s" .name (ternary " (a key with dots needs no nesting; with --set write kafka\\.key\\.with\\.dots)" "" (kindIs "map" .value))) -}}
{{- end -}}
{{- $text := include "selfmonitor.scalar" .value -}}
{{- if contains "\n" $text }}{{ fail (printf "%s has more than one line: write it as one" .name) }}{{ end -}}
{{- replace "\\" "\\\\" $text -}}
{{- end -}}

{{/* (dict "name" "kafka.config" "given" .Values.kafka.config "defaults" (dict)): the lines of both, sorted; given values override defaults. */}}
{{- define "selfmonitor.propertyLines" -}}
{{- $owned := fromYaml (include "selfmonitor.kafka.ownedKeys" .) -}}
{{- $lines := deepCopy .defaults -}}
{{- range $key, $value := .given -}}
{{- range $pattern, $instead := $owned -}}
{{- if regexMatch $pattern $key -}}
{{- fail (printf "%s: the chart sets %s itself; use %s instead" $.name $key $instead) -}}
{{- end -}}
{{- end -}}
{{- if not (regexMatch "^[A-Za-z0-9._-]+$" $key) }}{{ fail (printf "%s: %q is not a valid key of a properties file" $.name $key) }}{{ end -}}
{{- $_ := set $lines $key $value -}}
{{- end -}}
{{- range $key, $value := $lines }}
{{ $key }}={{ include "selfmonitor.propertyValue" (dict "value" $value "name" (printf "%s.%s" $.name $key)) }}
{{- end }}
{{- end -}}

{{/*
The chart's defaults, which kafka.config overrides. The setup timeouts are short because a restarted pod has a new address, and
connections to the old address get no answer. With Kafka's 10 to 30 s a broker would miss heartbeats and be fenced (after
broker.session.timeout.ms, 9 s), although the controller is already back.
*/}}
{{- define "selfmonitor.kafka.defaults" -}}
{{- $replicas := min 3 (int .Values.kafka.replicaCount) -}}
{{- $inSync := ternary 2 1 (ge (int $replicas) 3) -}}
{{- $heap := int (include "selfmonitor.kafka.heapMiB" .) -}}
auto.create.topics.enable: false
unclean.leader.election.enable: false
default.replication.factor: {{ $replicas }}
min.insync.replicas: {{ $inSync }}
offsets.topic.replication.factor: {{ $replicas }}
transaction.state.log.replication.factor: {{ $replicas }}
transaction.state.log.min.isr: {{ $inSync }}
share.coordinator.state.topic.replication.factor: {{ $replicas }}
share.coordinator.state.topic.min.isr: {{ $inSync }}
num.recovery.threads.per.data.dir: 2
socket.connection.setup.timeout.ms: 2000
socket.connection.setup.timeout.max.ms: 4000
{{- if lt $heap 1024 }}
# The default of 128 MB would be most of this heap.
log.cleaner.dedupe.buffer.size: {{ mul $heap 65536 }}
{{- end }}
{{- end -}}

{{/* TLS and authorization, the same on every node: (dict "root" . "role" "broker" | "controller"). */}}
{{- define "selfmonitor.kafka.commonSecurity" -}}
{{- $kraft := ternary true (include "selfmonitor.brokersUseKraft" .root) (eq .role "controller") -}}
ssl.keystore.type=PEM
ssl.keystore.location=/run/kafka/tls/keystore.pem
ssl.truststore.type=PEM
ssl.truststore.location=/run/kafka/tls/ca.crt
ssl.enabled.protocols=TLSv1.3,TLSv1.2
ssl.principal.mapping.rules=RULE:^CN=([^,]+).*$/$1/,DEFAULT
# A renewed certificate may contain different names, for example of external brokers.
ssl.allow.san.changes=true
authorizer.class.name={{ ternary "org.apache.kafka.metadata.authorizer.StandardAuthorizer" "kafka.security.authorizer.AclAuthorizer" (not (not $kraft)) }}
allow.everyone.if.no.acl.found=false
super.users={{ join ";" (concat (list "User:kafka-broker" "User:kafka-controller" "User:admin") .root.Values.security.superUsers) }}
{{- end -}}

{{/* The listeners of a broker in the order of their ports, separated by commas: (dict "root" . "combined" false). */}}
{{- define "selfmonitor.kafka.listenerNames" -}}
CLIENT,INTERNAL{{ if .root.Values.kafka.external.enabled }},EXTERNAL{{ end }}{{ if .combined }},CONTROLLER{{ end }}
{{- end -}}

{{/* broker.properties and combined.properties: (dict "root" . "combined" false). */}}
{{- define "selfmonitor.kafka.brokerProperties" -}}
{{- $values := .root.Values -}}
{{- $secure := $values.security.enabled -}}
{{- $protocol := include "selfmonitor.kafka.securityProtocol" .root -}}
{{- $host := printf "@@pod@@.kafka-headless.%s" (include "selfmonitor.domain" .root) -}}
{{- $ports := dict "CLIENT" 9092 "INTERNAL" 9091 "EXTERNAL" 9094 "CONTROLLER" 9093 -}}
{{- $listeners := list -}}
{{- $advertised := list -}}
{{- $protocols := list (printf "CONTROLLER:%s" (ternary "SSL" "PLAINTEXT" $secure)) -}}
{{- range $name := splitList "," (include "selfmonitor.kafka.listenerNames" .) -}}
{{- $listeners = append $listeners (printf "%s://:%v" $name (index $ports $name)) -}}
{{- if eq $name "EXTERNAL" -}}
{{- $advertised = append $advertised "EXTERNAL://@@external.host@@:@@external.port@@" -}}
{{- else -}}
{{- $advertised = append $advertised (printf "%s://%s:%v" $name $host (index $ports $name)) -}}
{{- end -}}
{{- if eq $name "INTERNAL" }}{{ $protocols = append $protocols (printf "INTERNAL:%s" (ternary "SSL" "PLAINTEXT" $secure)) -}}
{{- else if ne $name "CONTROLLER" }}{{ $protocols = append $protocols (printf "%s:%s" $name $protocol) }}{{ end -}}
{{- end -}}
{{- $kraft := include "selfmonitor.brokersUseKraft" .root -}}
{{- if $kraft -}}
process.roles={{ ternary "broker,controller" "broker" .combined }}
node.id=@@node.id@@
{{ else -}}
broker.id=@@node.id@@
{{ include "selfmonitor.zookeeper.kafkaProperties" (dict "root" .root "role" "broker") }}
{{ if eq $values.zookeeper.migration "brokers" -}}
zookeeper.metadata.migration.enable=true
{{ end -}}
{{ end -}}
{{- if or $kraft (eq $values.zookeeper.migration "brokers") -}}
controller.quorum.bootstrap.servers={{ include "selfmonitor.controllerBootstrap" .root }}
controller.listener.names=CONTROLLER
{{ end -}}
listeners={{ join "," $listeners }}
advertised.listeners={{ join "," $advertised }}
listener.security.protocol.map={{ join "," $protocols }}
inter.broker.listener.name=INTERNAL
log.dirs=/var/lib/kafka/data/logs
{{- if $values.kafka.rack.enabled }}
broker.rack=@@rack@@
{{- end }}
{{- if $secure }}
{{ include "selfmonitor.kafka.commonSecurity" (dict "root" .root "role" "broker") }}
# Brokers authenticate to each other by certificate, so that no password has to change on all of them at the same moment.
listener.name.internal.ssl.client.auth=required
sasl.enabled.mechanisms=SCRAM-SHA-512
{{- range $name := without (splitList "," (include "selfmonitor.kafka.listenerNames" (dict "root" .root "combined" false))) "INTERNAL" }}
listener.name.{{ lower $name }}.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
{{- end }}
{{- if .combined }}
listener.name.controller.ssl.client.auth=required
{{- end }}
{{- end }}
# The chart's defaults, and kafka.config.
{{- $defaults := fromYaml (include "selfmonitor.kafka.defaults" .root) -}}
{{- /* Kafka 4 reads it on the controllers, where topics are created, and logs a warning if a broker has it. */ -}}
{{- if and (eq $values.coordination "kraft") (not .combined) }}{{ $_ := unset $defaults "default.replication.factor" }}{{ end -}}
{{- include "selfmonitor.propertyLines" (dict "name" "kafka.config" "given" $values.kafka.config "defaults" $defaults) }}
{{ end -}}

{{- define "selfmonitor.controllerProperties" -}}
process.roles=controller
node.id=@@node.id@@
controller.quorum.bootstrap.servers={{ include "selfmonitor.controllerBootstrap" . }}
# A controller that lost its volume, or an additional one, becomes a voter automatically.
controller.quorum.auto.join.enable=true
controller.listener.names=CONTROLLER
listeners=CONTROLLER://:9093
advertised.listeners=CONTROLLER://@@pod@@.kafka-controller-headless.{{ include "selfmonitor.domain" . }}:9093
{{- $migrating := include "selfmonitor.controllersCopy" . }}
listener.security.protocol.map=CONTROLLER:{{ ternary "SSL" "PLAINTEXT" .Values.security.enabled }}{{ if $migrating }},INTERNAL:{{ ternary "SSL" "PLAINTEXT" .Values.security.enabled }}{{ end }}
{{- if $migrating }}
# The controller copies ZooKeeper's metadata, then writes to both, and updates the brokers that do not use KRaft yet.
zookeeper.metadata.migration.enable=true
{{ include "selfmonitor.zookeeper.kafkaProperties" (dict "root" . "role" "controller") }}
inter.broker.listener.name=INTERNAL
{{- end }}
log.dirs=/var/lib/kafka/data/logs
{{- if .Values.security.enabled }}
{{ include "selfmonitor.kafka.commonSecurity" (dict "root" . "role" "controller") }}
listener.name.controller.ssl.client.auth=required
{{- end }}
# The controllers create topics, so they need the defaults of topics too. Then controller.config.
{{- $broker := fromYaml (include "selfmonitor.kafka.defaults" .) -}}
{{- range $key, $value := .Values.kafka.config }}{{ if hasKey $broker $key }}{{ $_ := set $broker $key $value }}{{ end }}{{ end -}}
{{- $defaults := pick $broker "default.replication.factor" "min.insync.replicas" "unclean.leader.election.enable" "socket.connection.setup.timeout.ms" "socket.connection.setup.timeout.max.ms" -}}
{{- include "selfmonitor.propertyLines" (dict "name" "controller.config" "given" .Values.controller.config "defaults" $defaults) }}
{{ end -}}

{{/* For tools in the pod that use the client listener. */}}
{{- define "selfmonitor.kafka.clientProperties" -}}
{{- if .Values.security.enabled -}}
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="kafka-broker" password="@@password.broker@@";
ssl.truststore.type=PEM
ssl.truststore.location=/run/kafka/tls/ca.crt
{{ else -}}
security.protocol=PLAINTEXT
{{ end -}}
{{- end -}}

{{/* For tools in the pod that log in as this node: on the controllers' listener (--bootstrap-controller) and the inter-broker listener. */}}
{{- define "selfmonitor.kafka.controllerClientProperties" -}}
{{- if .Values.security.enabled -}}
security.protocol=SSL
ssl.keystore.type=PEM
ssl.keystore.location=/run/kafka/tls/keystore.pem
ssl.truststore.type=PEM
ssl.truststore.location=/run/kafka/tls/ca.crt
{{ else -}}
security.protocol=PLAINTEXT
{{ end -}}
{{- end -}}

{{/* Log4j 2 to standard output: (dict "level" "INFO" "loggers" (dict)). */}}
{{- define "selfmonitor.kafka.log4j2" -}}
{{- $loggers := dict "org.apache.kafka" .level "kafka" .level "kafka.authorizer.logger" "INFO" "kafka.request.logger" "WARN" "kafka.network.RequestChannel$" "WARN" "state.change.logger" "WARN" "org.reflections" "ERROR" -}}
{{- range $name, $level := .loggers }}{{ $_ := set $loggers $name $level }}{{ end -}}
Configuration:
  status: WARN
  Appenders:
    Console:
      name: STDOUT
      target: SYSTEM_OUT
      PatternLayout:
        pattern: "%d{yyyy-MM-dd'T'HH:mm:ss.SSSX}{UTC} %p [%c{1}] %m%n"
  Loggers:
    Root:
      level: {{ .level }}
      AppenderRef:
        - ref: STDOUT
    Logger:
      {{- range $name, $level := $loggers }}
      - name: {{ $name | quote }}
        level: {{ $level }}
      {{- end }}
{{ end -}}

{{/* Both logging configurations, for the checksum of a pod: Kafka 3.9 reads the one for Log4j 1, also without ZooKeeper. */}}
{{- define "selfmonitor.kafka.logging" -}}
{{- include "selfmonitor.kafka.log4j2" . }}{{ include "selfmonitor.zookeeper.log4j" . -}}
{{- end -}}

{{/* The heaps in MiB. */}}
{{- define "selfmonitor.kafka.heapMiB" -}}
{{- include "selfmonitor.heapMiB" (dict "name" "kafka" "of" .Values.kafka "divisor" 4 "most" 6144 "memoryLeast" 768) -}}
{{- end -}}
{{- define "selfmonitor.controller.heapMiB" -}}
{{- include "selfmonitor.heapMiB" (dict "name" "controller" "of" .Values.controller "divisor" 2 "most" 4096 "memoryLeast" 768) -}}
{{- end -}}

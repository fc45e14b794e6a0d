{{/*
Rejects values that Kubernetes or Kafka would accept but that fail later, at the first start or the first renewal. Each message names the
value and the remedy. Called by selfmonitor.validate; renders nothing.
*/}}

{{/* A Go duration in seconds: "8760h", "1h30m". The schema has checked the format. */}}
{{- define "selfmonitor.seconds" -}}
{{- $seconds := 0 -}}
{{- range regexFindAll "[0-9]+[hms]" (toString .) -1 -}}
{{- $seconds = add $seconds (mul (int64 (regexFind "[0-9]+" .)) (index (dict "h" 3600 "m" 60 "s" 1) (regexFind "[hms]" .))) -}}
{{- end -}}
{{- $seconds -}}
{{- end -}}

{{/* "true" if `helm test` has a pod, whose topic and account the setup Job creates. */}}
{{- define "selfmonitor.testRuns" -}}
{{- if and .Values.test.enabled .Values.setup.enabled -}}true{{- end -}}
{{- end -}}

{{- define "selfmonitor.validateVolumes" -}}
{{- $sets := list "kafka" -}}
{{- if include "selfmonitor.controllersAreDedicated" . }}{{ $sets = append $sets "controller" }}{{ end -}}
{{- if eq .Values.coordination "zookeeper" }}{{ $sets = append $sets "zookeeper" }}{{ end -}}
{{- range $name := $sets -}}
{{- $persistence := (index $.Values $name).persistence -}}
{{- $key := printf "%s.persistence.size" $name -}}
{{- if lt (int64 (include "selfmonitor.bytes" (dict "value" $persistence.size "name" $key))) 1073741824 -}}
{{- fail (printf "%s is %s: set it to 1Gi or more, the size of one log segment" $key (include "selfmonitor.scalar" $persistence.size)) -}}
{{- end -}}
{{- range $policy := list "whenDeleted" "whenScaled" -}}
{{- if and (eq (toString (index $persistence $policy)) "Delete") (not (semverCompare ">=1.27.0-0" $.Capabilities.KubeVersion.Version)) -}}
{{- fail (printf "%s.persistence.%s is Delete, which Kubernetes %s does not know: set it to Retain, or upgrade Kubernetes to 1.27" $name $policy $.Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Counts of replicas in kafka.config and controller.config. */}}
{{- define "selfmonitor.validateReplicas" -}}
{{- $brokers := int .Values.kafka.replicaCount -}}
{{- range $name := list "kafka" "controller" -}}
{{- range $key, $value := (index $.Values $name).config -}}
{{- if and (regexMatch "(^|\\.)(min\\.insync\\.replicas|min\\.isr|replication\\.factor)$" $key) (gt (int $value) $brokers) -}}
{{- fail (printf "%s.config.%s is %v, with %d brokers: set it to %d or less, or kafka.replicaCount to %v or more" $name $key $value $brokers $brokers $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Labels in selectors, and labels that the chart sets: a second label with the same name would be invalid YAML. */}}
{{- define "selfmonitor.validateLabels" -}}
{{- $own := list "app" -}}
{{- range list "name" "instance" "component" "part-of" "version" "managed-by" }}{{ $own = append $own (printf "app.kubernetes.io/%s" .) }}{{ end -}}
{{- $given := dict "commonLabels" .Values.commonLabels -}}
{{- range list "kafka" "controller" "zookeeper" "schemaRegistry" "connect" "ksqldb" "ui" -}}
{{- $_ := set $given (printf "%s.podLabels" .) (index $.Values .).podLabels -}}
{{- end -}}
{{- if .Values.backup.enabled -}}
{{- if not .Values.setup.enabled -}}
{{- fail "backup.enabled needs setup.enabled: the setup Job creates its account and the ConfigMap with platform.yaml" -}}
{{- end -}}
{{- if and (eq .Values.environment "production") (not .Values.backup.target) (contains "lock:" (.Files.Get "files/platform/platform.yaml")) -}}
{{- fail "backup.target is empty, so backups would go to a volume, which cannot hold Object Lock, and platform.yaml locks topics in production: give backup.target a bucket with Object Lock, s3://bucket/prefix" -}}
{{- end -}}
{{- if and (hasPrefix "s3://" .Values.backup.target) .Values.networkPolicy.enabled (not .Values.backup.egress) -}}
{{- fail "backup.target is a bucket, and backup.egress allows no address: name those of the store, for example [{ cidr: 0.0.0.0/0, ports: [443] }]" -}}
{{- end -}}
{{- end -}}
{{- range list "exporter" "prometheus" "alertmanager" "grafana" -}}
{{- $_ := set $given (printf "monitoring.%s.podLabels" .) (index $.Values.monitoring .).podLabels -}}
{{- end -}}
{{- range list "podMonitor" "rules" "dashboards" -}}
{{- $_ := set $given (printf "monitoring.%s.labels" .) (index $.Values.monitoring .).labels -}}
{{- end -}}
{{- range $name, $labels := $given -}}
{{- range $label, $_ := $labels -}}
{{- if has $label $own -}}
{{- fail (printf "%s has %q, which the chart sets: remove it, or choose another label" $name $label) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "selfmonitor.validateExternal" -}}
{{- $external := .Values.kafka.external -}}
{{- if and $external.enabled (eq $external.type "NodePort") $external.nodePortBase -}}
{{- $last := add (int $external.nodePortBase) (int (include "selfmonitor.externalOrdinals" .)) -}}
{{- if gt (int $last) 32767 -}}
{{- fail (printf "kafka.external.nodePortBase is %d, so its last port would be %d: set it to %d or less, because node ports end at 32767" (int $external.nodePortBase) $last (sub (add (int $external.nodePortBase) 32767) $last)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "selfmonitor.validateRenewal" -}}
{{- $credentials := .Values.credentials -}}
{{- if ge (int64 (include "selfmonitor.seconds" $credentials.renewBefore)) (int64 (include "selfmonitor.seconds" $credentials.validity)) -}}
{{- fail (printf "credentials.renewBefore is %s, but credentials.validity is only %s: set it to less, because otherwise every check would renew the certificates" $credentials.renewBefore $credentials.validity) -}}
{{- end -}}
{{- if not (regexMatch "^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|[0-9A-Za-z*?,/-]+( +[0-9A-Za-z*?,/-]+){4})$" (trim $credentials.renewSchedule)) -}}
{{- fail (printf "credentials.renewSchedule is %q: write the five fields of cron, \"17 3 * * *\", or @daily" $credentials.renewSchedule) -}}
{{- end -}}
{{- end -}}

{{/* Kafka 4 has no ZooKeeper: Confluent's images from 8.0 on, Apache's from 4.0 on. */}}
{{- define "selfmonitor.validateImages" -}}
{{- if eq .Values.coordination "zookeeper" -}}
{{- $image := .Values.images.kafkaZookeeper -}}
{{- $first := ternary 8 4 (hasPrefix "cp-" (base $image.repository)) -}}
{{- if and (regexMatch "^[0-9]+\\." (toString $image.tag)) (ge (int (regexFind "^[0-9]+" (toString $image.tag))) $first) -}}
{{- fail (printf "images.kafkaZookeeper.tag is %v, a Kafka without ZooKeeper: leave it at 7.9 (Apache's images: 3.9) while coordination is zookeeper; after the migration the chart uses images.kafka" $image.tag) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* KAFKA_HEAP_OPTS in extraEnv must fit into the container's memory, like `heap`. */}}
{{- define "selfmonitor.validateHeapOptions" -}}
{{- range $name := list "kafka" "controller" -}}
{{- $set := index $.Values $name -}}
{{- range $set.extraEnv -}}
{{- $option := regexFind "-Xmx[0-9]+[gGmM]" (toString (.value | default "")) -}}
{{- if and (eq .name "KAFKA_HEAP_OPTS") $option -}}
{{- $heap := dict "heap" (trimPrefix "-Xmx" $option) "resources" $set.resources -}}
{{- $_ := include "selfmonitor.heapMiB" (dict "name" $name "heapKey" (printf "%s.extraEnv KAFKA_HEAP_OPTS" $name) "of" $heap "divisor" 4 "most" 6144 "memoryLeast" 768) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* An Ingress without a host would match the requests of all other hosts. */}}
{{- define "selfmonitor.validateIngress" -}}
{{- range $name := list "schemaRegistry" "connect" "ksqldb" "ui" -}}
{{- $ingress := (index $.Values $name).ingress -}}
{{- if and $ingress.enabled (not $ingress.host) -}}
{{- fail (printf "%s.ingress.enabled is true without a host: set %s.ingress.host to the name that users open" $name $name) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.monitoring.grafana.ingress.enabled (not .Values.monitoring.grafana.ingress.host) -}}
{{- fail "monitoring.grafana.ingress.enabled is true without a host: set monitoring.grafana.ingress.host to the name that users open" -}}
{{- end -}}
{{- end -}}

{{/* ui.config becomes a ConfigMap, which every user with read access to the namespace can read. */}}
{{- define "selfmonitor.validateSecrets" -}}
{{- $secret := regexFind "(?i)\"[a-z_-]*(client-?secret|password|passphrase|private-?key|api-?key)\":\"[^$\"][^\"]*\"" (toJson .Values.ui.config) -}}
{{- if $secret -}}
{{- fail (printf "ui.config has %s, which would be readable in a ConfigMap: put it into a Secret, and set it in ui.extraEnv (valueFrom.secretKeyRef) under Spring's name for the property" (first (splitList ":" $secret))) -}}
{{- end -}}
{{- end -}}

{{/* A part of monitoring that would have nothing to work with, or nowhere to send to. */}}
{{- define "selfmonitor.validateMonitoring" -}}
{{- $monitoring := .Values.monitoring -}}
{{- $prometheus := include "selfmonitor.prometheusRuns" . -}}
{{- if $prometheus -}}
{{- $key := "monitoring.prometheus.persistence.size" -}}
{{- if lt (int64 (include "selfmonitor.bytes" (dict "value" $monitoring.prometheus.persistence.size "name" $key))) 1073741824 -}}
{{- fail (printf "%s is %s: set it to 1Gi or more" $key (include "selfmonitor.scalar" $monitoring.prometheus.persistence.size)) -}}
{{- end -}}
{{- if and (not $monitoring.exporter.enabled) (ne (toString $monitoring.enabled) "true") -}}
{{- fail "monitoring.prometheus.enabled is true, but it has nothing to scrape: set monitoring.enabled or monitoring.exporter.enabled to true" -}}
{{- end -}}
{{- end -}}
{{- if and (include "selfmonitor.alertmanagerRuns" .) (not $prometheus) -}}
{{- fail "monitoring.alertmanager.enabled is true without this release's Prometheus, which sends it the alerts: set monitoring.prometheus.enabled to true, or use the Alertmanager of your own Prometheus" -}}
{{- end -}}
{{- if and (include "selfmonitor.grafanaRuns" .) (not $prometheus) (not $monitoring.grafana.prometheusUrl) -}}
{{- fail "monitoring.grafana.enabled is true without a Prometheus: set monitoring.prometheus.enabled to true, or monitoring.grafana.prometheusUrl to the address of yours" -}}
{{- end -}}
{{- end -}}

{{- define "selfmonitor.validateLater" -}}
{{- range list "Monitoring" "Rest" "Secrets" "HeapOptions" "Ingress" "Volumes" "Replicas" "Labels" "External" "Renewal" "Images" }}{{ include (printf "selfmonitor.validate%s" .) $ }}{{ end -}}
{{- end -}}

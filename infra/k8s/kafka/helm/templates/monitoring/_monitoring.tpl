{{/*
Helpers for monitoring: which parts are installed, names, scrape targets, and what the pods have in common.
*/}}

{{/* "true" if the API server has the kinds of the Prometheus operator. */}}
{{- define "selfmonitor.operatorIsHere" -}}
{{- if .Capabilities.APIVersions.Has "monitoring.coreos.com/v1" -}}true{{- end -}}
{{- end -}}

{{/* "true" if this release has its own Prometheus. auto: with monitoring.enabled, where no Prometheus operator is. */}}
{{- define "selfmonitor.prometheusRuns" -}}
{{- $wanted := toString .Values.monitoring.prometheus.enabled -}}
{{- if or (eq $wanted "true") (and (eq $wanted "auto") (eq (toString .Values.monitoring.enabled) "true") (not (include "selfmonitor.operatorIsHere" .))) -}}true{{- end -}}
{{- end -}}

{{/* auto, for Alertmanager and Grafana: with this release's Prometheus. */}}
{{- define "selfmonitor.alertmanagerRuns" -}}
{{- $wanted := toString .Values.monitoring.alertmanager.enabled -}}
{{- if or (eq $wanted "true") (and (eq $wanted "auto") (include "selfmonitor.prometheusRuns" .)) -}}true{{- end -}}
{{- end -}}
{{- define "selfmonitor.grafanaRuns" -}}
{{- $wanted := toString .Values.monitoring.grafana.enabled -}}
{{- if or (eq $wanted "true") (and (eq $wanted "auto") (include "selfmonitor.prometheusRuns" .)) -}}true{{- end -}}
{{- end -}}

{{/* (dict "root" . "enabled" …): "true" if an object of the operator, or a ConfigMap for its Grafana, is created. auto: if the operator is here. */}}
{{- define "selfmonitor.operatorPart" -}}
{{- $wanted := toString .enabled -}}
{{- if or (eq $wanted "true") (and (eq $wanted "auto") (include "selfmonitor.operatorIsHere" .root)) -}}true{{- end -}}
{{- end -}}

{{/* Secret with the password of Grafana's user `admin`. */}}
{{- define "selfmonitor.grafanaSecret" -}}
kafka-grafana-login
{{- end -}}

{{/* The label `cluster` of all series. */}}
{{- define "selfmonitor.clusterLabel" -}}
{{- .Values.monitoring.cluster | default .Release.Name -}}
{{- end -}}

{{/*
The servers with a JMX agent, as a YAML list: component, job, and the headless Service under which Prometheus finds each pod
(DNS SRV records, so that no rights at the API server are needed).
*/}}
{{- define "selfmonitor.jmxTargets" -}}
{{- if eq (toString .Values.monitoring.enabled) "true" -}}
- { component: kafka, name: kafka, service: kafka-headless }
{{- if include "selfmonitor.controllersAreDedicated" . }}
- { component: controller, name: kafka-controller, service: kafka-controller-headless }
{{- end }}
{{- if .Values.schemaRegistry.enabled }}
- { component: schema-registry, name: schema-registry, service: schema-registry-metrics }
{{- end }}
{{- if .Values.connect.enabled }}
- { component: kafka-connect, name: kafka-connect, service: kafka-connect-metrics }
{{- end }}
{{- if .Values.ksqldb.enabled }}
- { component: ksqldb-server, name: ksqldb-server, service: ksqldb-metrics }
{{- end }}
{{- else -}}
[]
{{- end -}}
{{- end -}}

{{/* Peers that may read metrics: Prometheus of this release, and the namespaces in values. YAML list items, or nothing. */}}
{{- define "selfmonitor.metricsReaders" -}}
{{- if include "selfmonitor.prometheusRuns" . }}
{{- include "selfmonitor.peers" (dict "root" . "components" (list "prometheus")) }}
{{- end }}
{{- with .Values.networkPolicy.prometheusNamespace }}
{{- include "selfmonitor.namespacePeers" (dict "namespaces" (list .) "podLabels" $.Values.networkPolicy.prometheusPodLabels) }}
{{- end }}
{{- include "selfmonitor.namespacePeers" (dict "namespaces" .Values.monitoring.allowedNamespaces) }}
{{- end -}}

{{/* Fields of a pod's spec that all monitoring pods have: (dict "root" . "component" "prometheus" "of" .Values.monitoring.prometheus "seconds" 300). */}}
{{- define "selfmonitor.monitoringPodSpec" -}}
serviceAccountName: {{ include "selfmonitor.monitoringName" .component }}
automountServiceAccountToken: false
enableServiceLinks: false
{{ include "selfmonitor.podSecurityContext" .root }}
terminationGracePeriodSeconds: {{ .seconds }}
{{- with include "selfmonitor.imagePullSecrets" .root }}
{{- . }}
{{- end }}
{{- with .of.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .of.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The name of a component's objects: exporter becomes kafka-exporter. */}}
{{- define "selfmonitor.monitoringName" -}}
kafka-{{ . }}
{{- end -}}

{{/* For a Prometheus that selects pods by annotations, with the port of the metrics. podAnnotations of the user win. */}}
{{- define "selfmonitor.scrapeAnnotations" -}}
prometheus.io/scrape: "true"
prometheus.io/port: {{ . | quote }}
prometheus.io/path: /metrics
{{- end -}}

{{/* Labels and annotations of a pod: (dict "root" . "component" "prometheus" "of" … "checksums" (dict "checksum/config" …)), or "defaults". */}}
{{- define "selfmonitor.monitoringPodMetadata" -}}
labels:
  {{- include "selfmonitor.podLabels" (dict "root" .root "component" .component "app" (include "selfmonitor.monitoringName" .component)) | nindent 2 }}
  {{- with .of.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) (.checksums | default dict) (.of.podAnnotations | default dict) (.defaults | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* ServiceAccount of a component, without a token: (dict "root" . "component" "prometheus"). */}}
{{- define "selfmonitor.monitoringAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "selfmonitor.metadata" (dict "root" .root "component" .component "name" (include "selfmonitor.monitoringName" .component)) | nindent 2 }}
automountServiceAccountToken: false
{{- end -}}

{{/* HTTP probes of a pod that has a port `http`, or the one given: (dict "ready" "/-/ready" "live" "/-/healthy" "startupSeconds" 300). */}}
{{- define "selfmonitor.monitoringProbes" -}}
startupProbe:
  httpGet: { path: {{ .live }}, port: {{ .port | default "http" }} }
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: {{ div .startupSeconds 5 }}
readinessProbe:
  httpGet: { path: {{ .ready }}, port: {{ .port | default "http" }} }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
livenessProbe:
  {{- if ne .live .ready }}
  httpGet: { path: {{ .live }}, port: {{ .port | default "http" }} }
  {{- else }}
  tcpSocket: { port: {{ .port | default "http" }} }
  {{- end }}
  periodSeconds: 15
  timeoutSeconds: 10
  failureThreshold: 6
{{- end -}}

{{/* A volume claim of a StatefulSet: (dict "root" . "component" "prometheus" "of" .Values.monitoring.prometheus). */}}
{{- define "selfmonitor.monitoringClaim" -}}
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata:
    name: data
    labels:
      {{- include "selfmonitor.selector" . | nindent 6 }}
    {{- with .of.persistence.annotations }}
    annotations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  spec:
    accessModes: [ReadWriteOnce]
    {{- if not (kindIs "invalid" .of.persistence.storageClass) }}
    storageClassName: {{ .of.persistence.storageClass | quote }}
    {{- end }}
    resources:
      requests: { storage: {{ include "selfmonitor.scalar" .of.persistence.size | quote }} }
{{- end -}}

{{/* A file that `npm run manifests` writes into the chart. */}}
{{- define "selfmonitor.monitoringFile" -}}
{{- .root.Files.Get (printf "files/monitoring/%s" .name) | required (printf "files/monitoring/%s is missing from the chart: run `npm run manifests`, which makes it" .name) -}}
{{- end -}}

{{/* A file of rules, with links where monitoring.links has their addresses: (dict "root" . "text" …). */}}
{{- define "selfmonitor.rules" -}}
{{- $links := .root.Values.monitoring.links -}}
{{- $text := .text -}}
{{- with $links.runbook }}{{ $text = replace "runbook: docs/runbooks/alerts.md#" (printf "runbook_url: %s#" (trimSuffix "/" .)) $text }}{{ end -}}
{{- with $links.console }}{{ $text = replace "console_path: /" (printf "console_url: %s/" (trimSuffix "/" .)) $text }}{{ end -}}
{{- $text -}}
{{- end -}}

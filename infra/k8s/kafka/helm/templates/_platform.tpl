{{/*
Helpers for the platform: accounts, the four components beside Kafka, and peers of network policies.
*/}}

{{/* "true" when accounts, TLS and ACLs are on. */}}
{{- define "selfmonitor.secured" -}}
{{- if eq (toString .Values.security.enabled) "true" -}}true{{- end -}}
{{- end -}}

{{/* The platform.yaml in the chart. */}}
{{- define "selfmonitor.platformFile" -}}
{{- .Files.Get "files/platform/platform.yaml" | required "files/platform/platform.yaml is missing from the chart: run `npm run manifests`, which copies it" -}}
{{- end -}}

{{/*
The platform.yaml for the setup Job: the file in the chart, adapted to this release. If security differs from the file's environment, `access`
is changed (ACLs in development, or none in production); without a registry, the schemas are removed.
*/}}
{{- define "selfmonitor.platformText" -}}
{{- $text := include "selfmonitor.platformFile" . -}}
{{- $platform := fromYaml $text -}}
{{- $overlay := dig "environments" .Values.environment dict $platform | default dict -}}
{{- $says := $overlay.access | default $platform.access | default "none" -}}
{{- $wanted := ternary "acls" "none" (eq (include "selfmonitor.secured" .) "true") -}}
{{- $changes := list -}}
{{- if ne $says $wanted -}}
{{- $changes = append $changes (printf "with access: %s, because security in this release is %s" $wanted (ternary "on" "off" (eq $wanted "acls"))) -}}
{{- $environments := mergeOverwrite (deepCopy ($platform.environments | default dict)) (dict .Values.environment (mergeOverwrite (deepCopy $overlay) (dict "access" $wanted))) -}}
{{- $platform = mergeOverwrite $platform (dict "environments" $environments) -}}
{{- end -}}
{{- if not (or .Values.schemaRegistry.enabled .Values.setup.schemaRegistryUrl) -}}
{{- $changes = append $changes "without schemas, because this release has no registry" -}}
{{- $overlay = index ($platform.environments | default dict) .Values.environment | default dict -}}
{{- range $part := list $platform $overlay -}}
{{- range $settings := prepend (values ($part.topics | default dict)) ($part.defaults | default dict) -}}
{{- if $settings }}{{ $_ := unset (unset (unset $settings "schema") "compatibility") "events" }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $changes -}}
# platform.yaml {{ join "; " $changes }}.
{{ toYaml $platform }}
{{- else -}}
{{- $text -}}
{{- end -}}
{{- end -}}

{{/* ---- Accounts ---- */}}

{{/* Accounts of the installed components, and kafka-operator, as a YAML list. */}}
{{- define "selfmonitor.componentAccounts" -}}
{{- $accounts := list "kafka-operator" -}}
{{- if .Values.schemaRegistry.enabled }}{{ $accounts = append $accounts "schema-registry" }}{{ end -}}
{{- if .Values.connect.enabled }}{{ $accounts = append $accounts "kafka-connect" }}{{ end -}}
{{- if .Values.ksqldb.enabled }}{{ $accounts = append $accounts "ksqldb" }}{{ end -}}
{{- if ne .Values.ui.kind "none" }}{{ $accounts = append $accounts "kafka-ui" }}{{ end -}}
{{- if .Values.monitoring.exporter.enabled }}{{ $accounts = append $accounts "kafka-exporter" }}{{ end -}}
{{- if .Values.backup.enabled }}{{ $accounts = append $accounts "kafka-backup" }}{{ end -}}
{{- if .Values.test.enabled }}{{ $accounts = append $accounts "helm-test" }}{{ end -}}
{{- toYaml $accounts -}}
{{- end -}}

{{/* Accounts that the setup Job declares: those of the components, and every service and user of platform.yaml. A YAML list. */}}
{{- define "selfmonitor.declaredAccounts" -}}
{{- $platform := include "selfmonitor.platformFile" . | fromYaml -}}
{{- $accounts := include "selfmonitor.componentAccounts" . | fromYamlArray -}}
{{- $accounts = concat $accounts (keys ($platform.services | default dict) | sortAlpha) (keys ($platform.users | default dict) | sortAlpha) -}}
{{- uniq $accounts | toYaml -}}
{{- end -}}

{{/* Every account that has a Secret kafka-user-<name>. Empty when security is off. A YAML list. */}}
{{- define "selfmonitor.accounts" -}}
{{- if include "selfmonitor.secured" . -}}
{{- concat (list "kafka-broker" "admin") (include "selfmonitor.declaredAccounts" . | fromYamlArray) (.Values.credentials.extraAccounts | default list) | uniq | toYaml -}}
{{- else -}}
[]
{{- end -}}
{{- end -}}

{{/* Replicas of the components' topics: one for each broker, at most 3. */}}
{{- define "selfmonitor.replicationFactor" -}}
{{- if .Values.setup.replicationFactor -}}
{{- int .Values.setup.replicationFactor -}}
{{- else -}}
{{- min 3 (int .Values.kafka.replicaCount) -}}
{{- end -}}
{{- end -}}

{{/* min.insync.replicas of the components' topics: one less than the replicas, at least 1. */}}
{{- define "selfmonitor.minInsyncReplicas" -}}
{{- max 1 (sub (int (include "selfmonitor.replicationFactor" .)) 1) -}}
{{- end -}}

{{/* ---- Client connections of the components ---- */}}

{{/*
Lines of a properties file with a client's connection and account: (dict "root" . "prefix" "kafkastore."). Name and password are placeholders
that component-init.sh replaces. The client reads the CA from the mounted Secret, or, with "store" (the component's name), from the PKCS#12
store in memory.
*/}}
{{- define "selfmonitor.clientProperties" -}}
{{- $prefix := .prefix | default "" -}}
{{- if include "selfmonitor.secured" .root -}}
{{ $prefix }}security.protocol=SASL_SSL
{{ $prefix }}sasl.mechanism=SCRAM-SHA-512
{{ $prefix }}sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="@@username@@" password="@@password@@";
{{- if .store }}
{{ include "selfmonitor.trustStoreProperties" (dict "name" .store "prefix" $prefix) }}
{{- else }}
{{ $prefix }}ssl.truststore.type=PEM
{{ $prefix }}ssl.truststore.location=/etc/selfmonitor/secrets/ca/ca.crt
{{- end }}
{{ $prefix }}ssl.enabled.protocols=TLSv1.3,TLSv1.2
{{- else -}}
{{ $prefix }}security.protocol=PLAINTEXT
{{- end -}}
{{- end -}}

{{/*
Additional lines of a component's properties: (dict "name" "connect" "config" .Values.connect.config "owned" (list "group.id")).
`owned` lists the keys that the chart sets; with a trailing *, prefixes of keys.
*/}}
{{- define "selfmonitor.extraProperties" -}}
{{- range $key, $value := .config }}
{{- range $owned := $.owned }}
{{- if or (eq $owned $key) (and (hasSuffix "*" $owned) (hasPrefix (trimSuffix "*" $owned) $key)) }}
{{- fail (printf "%s.config has %q, which the chart sets: remove it, and use the values of %s and of security instead" $.name $key $.name) }}
{{- end }}
{{- end }}
{{ $key }}={{ include "selfmonitor.scalar" $value }}
{{- end }}
{{- end -}}

{{/* ---- A component: Deployment, Service, ConfigMap, ServiceAccount, PodDisruptionBudget ---- */}}

{{/*
(dict "root" . "name" "schema-registry" "service" "schema-registry-service" "account" "schema-registry" "values" .Values.schemaRegistry
 "valuesName" "schemaRegistry" "image" "schemaRegistry" "port" 8081 "file" "schema-registry.properties" "content" "…"
 "command" (list …) "env" (list (dict "name" … "value" …)) "probes" (dict "startup" "/" "readiness" "/config" "liveness" "/")
 "logging" true "scratch" (list (dict "name" "state" "path" "/var/lib/ksqldb"))
 "agent" (dict "variable" "KAFKA_OPTS" "rules" "…" "service" "kafka-connect-metrics"), of a server with a JMX agent,
 "rest" (the service itself, of selfmonitor.rest) "asks" (list of services that it is a client of) "stores" true)

The init container renders `content` to /run/<name>/<file> in memory, and the server's own start command reads that file.

A changed configuration restarts the pods, because its checksum is a pod annotation. A changed password does not, because nothing rendered may
depend on it: after a rotation, run `kubectl rollout restart deployment/<name>`.
*/}}
{{- define "selfmonitor.component" -}}
{{- $root := .root -}}
{{- $values := .values -}}
{{- $secured := include "selfmonitor.secured" $root -}}
{{- $rest := .rest | default (dict "tls" false "login" false) -}}
{{- $asks := .asks | default list -}}
{{- $stores := .stores | default $rest.tls -}}
{{- $agent := ternary .agent dict (and (not (not .agent)) (eq (toString $root.Values.monitoring.enabled) "true")) -}}
{{- /* Secrets with a ca.crt to trust in addition to Kafka's CA, and Secrets with logins. */ -}}
{{- $cas := list -}}
{{- $logins := list -}}
{{- range prepend $asks $rest -}}
{{- if .tls }}{{ with .caSecret }}{{ $cas = append $cas . }}{{ end }}{{ end -}}
{{- if .login }}{{ $logins = append $logins .loginSecret }}{{ end -}}
{{- end -}}
{{- $cas = uniq $cas -}}
{{- $logins = uniq $logins -}}
{{- $config := dict .file .content -}}
{{- if $rest.login -}}
{{- $_ := set $config "login.conf" (include "selfmonitor.loginConfig" (dict "root" $root "rest" $rest "image" .image)) -}}
{{- end -}}
{{- with $agent -}}
{{- $_ := set $config "jmx.yaml" .rules -}}
{{- end -}}
{{- if .logging -}}
{{- $_ := set $config "log4j2.xml" ($root.Files.Get "files/logging/component-log4j2.xml" | replace "@@log-level@@" $values.logLevel) -}}
{{- end -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "selfmonitor.metadata" (dict "root" $root "component" .name "name" .name "annotations" $values.serviceAccountAnnotations) | nindent 2 }}
automountServiceAccountToken: false
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "selfmonitor.metadata" (dict "root" $root "component" .name "name" (printf "%s-config" .name)) | nindent 2 }}
data:
  {{- range $file, $text := $config }}
  {{ $file }}: |
    {{- $text | nindent 4 }}
  {{- end }}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "selfmonitor.metadata" (dict "root" $root "component" .name "name" .service "annotations" $values.service.annotations) | nindent 2 }}
spec:
  type: {{ $values.service.type }}
  selector:
    {{- include "selfmonitor.selector" (dict "root" $root "component" .name) | nindent 4 }}
  ports:
    - { name: http, port: {{ .port }}, targetPort: http, protocol: TCP{{ if $rest.tls }}, appProtocol: https{{ end }} }
{{- with $agent }}
---
# Headless: Prometheus finds each pod by the SRV records of this port.
apiVersion: v1
kind: Service
metadata:
  {{- include "selfmonitor.metadata" (dict "root" $root "component" $.name "name" .service) | nindent 2 }}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector:
    {{- include "selfmonitor.selector" (dict "root" $root "component" $.name) | nindent 4 }}
  ports:
    - { name: metrics, port: 5556, targetPort: metrics, protocol: TCP }
{{- end }}
{{- with $values.ingress }}
{{- if .enabled }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  {{- include "selfmonitor.metadata" (dict "root" $root "component" $.name "name" $.name "annotations" .annotations) | nindent 2 }}
spec:
  {{- with .className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- if .tlsSecret }}
  tls:
    - hosts: [{{ .host | quote }}]
      secretName: {{ .tlsSecret }}
  {{- end }}
  rules:
    - host: {{ .host | quote }}
      http:
        paths:
          - path: /
            pathType: Prefix
            backend: { service: { name: {{ $.service }}, port: { name: http } } }
{{- end }}
{{- end }}
{{- if gt (int $values.replicaCount) 1 }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "selfmonitor.metadata" (dict "root" $root "component" .name "name" .name) | nindent 2 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "selfmonitor.selector" (dict "root" $root "component" .name) | nindent 6 }}
{{- end }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "selfmonitor.metadata" (dict "root" $root "component" .name "name" .name) | nindent 2 }}
spec:
  replicas: {{ int $values.replicaCount }}
  revisionHistoryLimit: 5
  # Long enough to wait for the setup Job, which creates the component's account.
  progressDeadlineSeconds: {{ add (int $values.startupTimeoutSeconds) 600 }}
  strategy:
    type: RollingUpdate
    rollingUpdate: { maxUnavailable: 0, maxSurge: 1 }
  selector:
    matchLabels:
      {{- include "selfmonitor.selector" (dict "root" $root "component" .name) | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "selfmonitor.podLabels" (dict "root" $root "component" .name) | nindent 8 }}
        {{- with $values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        checksum/config: {{ toJson $config | sha256sum }}
        checksum/script: {{ include "selfmonitor.scriptsHash" (ternary (list $root "component-init.sh" "rest-probe.sh") (list $root "component-init.sh") (not (not .probes.exec))) }}
        {{- with merge (dict) ($values.podAnnotations | default dict) (ternary (include "selfmonitor.scrapeAnnotations" 5556 | fromYaml) dict (not (not $agent))) $root.Values.commonAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ .name }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      {{- include "selfmonitor.podSecurityContext" $root | nindent 6 }}
      terminationGracePeriodSeconds: {{ int $values.terminationGracePeriodSeconds }}
      {{- with include "selfmonitor.imagePullSecrets" $root }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- with $values.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- with $values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if gt (int $values.replicaCount) 1 }}
      topologySpreadConstraints:
        {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
        - maxSkew: 1
          topologyKey: {{ . }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "selfmonitor.selector" (dict "root" $root "component" $.name) | nindent 14 }}
        {{- end }}
      {{- end }}
      initContainers:
        {{- if $agent }}
        - name: jmx-agent
          {{- include "selfmonitor.jmxAgentContainer" $root | nindent 10 }}
        {{- end }}
        {{- if $stores }}
        - name: stores
          {{- include "selfmonitor.imageLines" (dict "root" $root "name" "selfmonitor") | nindent 10 }}
          command:
            - selfmonitor
            - kubernetes
            - stores
            - --out=/run/{{ .name }}
            - --trust=/etc/selfmonitor/secrets/ca/ca.crt
            {{- range $cas }}
            - --trust=/etc/selfmonitor/secrets/cas/{{ . }}/ca.crt
            {{- end }}
            {{- if $rest.tls }}
            - --certificate=/etc/selfmonitor/secrets/server-tls
            {{- end }}
          {{- include "selfmonitor.containerSecurityContext" $root | nindent 10 }}
          {{- include "selfmonitor.smallResources" (dict "memory" "192Mi") | nindent 10 }}
          volumeMounts:
            - { name: run, mountPath: /run/{{ .name }} }
            - { name: tmp, mountPath: /tmp }
            - { name: ca, mountPath: /etc/selfmonitor/secrets/ca, readOnly: true }
            {{- range $cas }}
            - { name: ca-{{ . }}, mountPath: /etc/selfmonitor/secrets/cas/{{ . }}, readOnly: true }
            {{- end }}
            {{- if $rest.tls }}
            - { name: server-tls, mountPath: /etc/selfmonitor/secrets/server-tls, readOnly: true }
            {{- end }}
        {{- end }}
        - name: configure
          {{- include "selfmonitor.imageLines" (dict "root" $root "name" .image) | nindent 10 }}
          command: [/bin/sh, /opt/selfmonitor/bin/component-init.sh, /etc/selfmonitor/{{ .name }}/{{ .file }}, /run/{{ .name }}/{{ .file }}]
          env:
            - { name: POD_IP, valueFrom: { fieldRef: { fieldPath: status.podIP } } }
            {{- if $rest.login }}
            - { name: LOGIN_FOLDER, value: /etc/selfmonitor/secrets/{{ $rest.loginSecret }} }
            - { name: LOGIN_ROLE, value: {{ .role | default "" | quote }} }
            {{- end }}
          {{- include "selfmonitor.containerSecurityContext" $root | nindent 10 }}
          {{- include "selfmonitor.smallResources" (dict "memory" "64Mi") | nindent 10 }}
          volumeMounts:
            - { name: scripts, mountPath: /opt/selfmonitor/bin, readOnly: true }
            - { name: config, mountPath: /etc/selfmonitor/{{ .name }}, readOnly: true }
            - { name: run, mountPath: /run/{{ .name }} }
            - { name: tmp, mountPath: /tmp }
            {{- if $secured }}
            - { name: user, mountPath: /etc/selfmonitor/secrets/user, readOnly: true }
            {{- end }}
            {{- range $logins }}
            - { name: {{ . }}, mountPath: /etc/selfmonitor/secrets/{{ . }}, readOnly: true }
            {{- end }}
            {{- if and $rest.login $rest.usersSecret }}
            - { name: users, mountPath: /etc/selfmonitor/secrets/users, readOnly: true }
            {{- end }}
      containers:
        - name: {{ .name }}
          {{- include "selfmonitor.imageLines" (dict "root" $root "name" .image) | nindent 10 }}
          command:
            {{- if $agent }}
            # Set here and not in the environment, so that tools that run in the container do not start an agent, whose port is taken.
            - /bin/sh
            - -c
            - export {{ $agent.variable }}="${{ "{" }}{{ $agent.variable }}:-} -javaagent:/opt/jmx/jmx_prometheus_javaagent.jar=5556:/etc/selfmonitor/{{ .name }}/jmx.yaml"; exec {{ join " " .command }}
            {{- else }}
            {{- range .command }}
            - {{ . | quote }}
            {{- end }}
            {{- end }}
          {{- if or .env $values.extraEnv }}
          env:
            {{- range .env }}
            - name: {{ .name }}
              value: {{ .value | quote }}
            {{- end }}
            {{- with $values.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          {{- end }}
          lifecycle:
            # Requests still arrive until every node has removed this pod from the Service, so the server must keep running.
            preStop:
              exec: { command: [sleep, "5"] }
          ports:
            - { name: http, containerPort: {{ .port }}, protocol: TCP }
            {{- if $agent }}
            - { name: metrics, containerPort: 5556, protocol: TCP }
            {{- end }}
          startupProbe:
            {{- include "selfmonitor.restProbe" (dict "of" . "rest" $rest "path" .probes.startup) | nindent 12 }}
            periodSeconds: 5
            timeoutSeconds: 10
            failureThreshold: {{ max 1 (div (int $values.startupTimeoutSeconds) 5) }}
          readinessProbe:
            {{- include "selfmonitor.restProbe" (dict "of" . "rest" $rest "path" .probes.readiness) | nindent 12 }}
            periodSeconds: 10
            timeoutSeconds: 10
            failureThreshold: 3
          livenessProbe:
            {{- include "selfmonitor.restProbe" (dict "of" . "rest" $rest "path" .probes.liveness) | nindent 12 }}
            periodSeconds: 20
            timeoutSeconds: 10
            failureThreshold: 6
          {{- include "selfmonitor.containerSecurityContext" $root | nindent 10 }}
          {{- include "selfmonitor.resources" (dict "resources" $values.resources "name" .valuesName "memoryLeast" 640) | nindent 10 }}
          volumeMounts:
            - { name: run, mountPath: /run/{{ .name }}, readOnly: true }
            - { name: tmp, mountPath: /tmp }
            {{- if .probes.exec }}
            - { name: scripts, mountPath: /opt/selfmonitor/bin, readOnly: true }
            {{- end }}
            {{- if or .logging $rest.login }}
            - { name: config, mountPath: /etc/selfmonitor/{{ .name }}, readOnly: true }
            {{- end }}
            {{- if $secured }}
            - { name: ca, mountPath: /etc/selfmonitor/secrets/ca, readOnly: true }
            {{- end }}
            {{- if $agent }}
            - { name: jmx-agent, mountPath: /opt/jmx, readOnly: true }
            {{- end }}
            {{- range .scratch }}
            - { name: {{ .name }}, mountPath: {{ .path }} }
            {{- end }}
            {{- range $index, $name := $values.secrets }}
            - { name: secret-{{ $index }}, mountPath: /etc/selfmonitor/connectors/{{ $name }}, readOnly: true }
            {{- end }}
            {{- with $values.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        {{- with $values.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        - name: scripts
          configMap: { name: kafka-scripts, defaultMode: 0555 }
        - name: config
          configMap: { name: {{ .name }}-config }
        # In memory, because the rendered file contains the password.
        - name: run
          emptyDir: { medium: Memory, sizeLimit: 1Mi }
        - name: tmp
          {{- $scratch := include "selfmonitor.scalar" (index $values.resources.limits "ephemeral-storage" | default "512Mi") }}
          emptyDir: {{ if eq $scratch "none" }}{}{{ else }}{ sizeLimit: {{ $scratch }} }{{ end }}
        {{- if $agent }}
        - name: jmx-agent
          emptyDir: { sizeLimit: 64Mi }
        {{- end }}
        {{- range .scratch }}
        - name: {{ .name }}
          emptyDir: { sizeLimit: {{ .size }} }
        {{- end }}
        {{- range $index, $name := $values.secrets }}
        - name: secret-{{ $index }}
          secret: { secretName: {{ $name }}, defaultMode: 0440 }
        {{- end }}
        {{- if $secured }}
        # Only the init container mounts the password; the server mounts the CA.
        - name: user
          secret:
            secretName: kafka-user-{{ .account }}
            defaultMode: 0440
            items: [{ key: username, path: username }, { key: password, path: password }]
        - name: ca
          secret:
            secretName: kafka-user-{{ .account }}
            defaultMode: 0440
            items: [{ key: ca.crt, path: ca.crt }]
        {{- end }}
        {{- if $rest.tls }}
        - name: server-tls
          secret:
            secretName: {{ $rest.tlsSecret }}
            defaultMode: 0440
            items: [{ key: tls.crt, path: tls.crt }, { key: tls.key, path: tls.key }]
        {{- end }}
        {{- if $stores }}
        {{- range $cas }}
        - name: ca-{{ . }}
          secret: { secretName: {{ . }}, defaultMode: 0440, items: [{ key: ca.crt, path: ca.crt }] }
        {{- end }}
        {{- end }}
        {{- range $logins }}
        - name: {{ . }}
          secret: { secretName: {{ . }}, defaultMode: 0440, items: [{ key: username, path: username }, { key: password, path: password }] }
        {{- end }}
        {{- if and $rest.login $rest.usersSecret }}
        - name: users
          secret: { secretName: {{ $rest.usersSecret }}, defaultMode: 0440 }
        {{- end }}
{{- end -}}

{{/* The init container that puts the JMX agent's jar, of our image, into volume jmx-agent, without its name. */}}
{{- define "selfmonitor.jmxAgentContainer" -}}
{{ include "selfmonitor.imageLines" (dict "root" . "name" "selfmonitor") }}
command: [cp, /opt/selfmonitor/jmx/jmx_prometheus_javaagent.jar, /opt/jmx/jmx_prometheus_javaagent.jar]
{{ include "selfmonitor.smallResources" (dict) }}
{{ include "selfmonitor.containerSecurityContext" . }}
volumeMounts:
  - { name: jmx-agent, mountPath: /opt/jmx }
{{- end -}}

{{/*
A probe: (dict "of" <arguments of selfmonitor.component> "rest" … "path" "/health"). If every path needs the login (`probes.exec`, a port of
this pod), a script sends the request with the login over loopback, because for the kubelet the password would have to be in the manifest. With
TLS the request names the Service as host: Jetty 12 answers 400 (Invalid SNI) if the certificate does not contain the name, as for the pod's
address.
*/}}
{{- define "selfmonitor.restProbe" -}}
{{- if .of.probes.exec -}}
exec: { command: [/bin/bash, /opt/selfmonitor/bin/rest-probe.sh, {{ .of.probes.exec | toString | quote }}, {{ .path }}, /run/{{ .of.name }}/probe-login] }
{{- else -}}
httpGet: { path: {{ .path }}, port: http{{ if .rest.tls }}, scheme: HTTPS, httpHeaders: [{ name: Host, value: {{ .rest.host }} }]{{ end }} }
{{- end -}}
{{- end -}}

{{/* -Xms and -Xmx and further JVM options of a component: (dict "name" "connect" "of" .Values.connect). */}}
{{- define "selfmonitor.componentHeap" -}}
{{- $mib := include "selfmonitor.heapMiB" (dict "name" .name "of" .of "divisor" 2 "most" 8192 "memoryLeast" 640) -}}
{{- printf "-Xms%sm -Xmx%sm" $mib $mib -}}
{{- end -}}

{{/* ---- Jobs ---- */}}

{{/* First 10 characters of the checksum of a Job's task, for its name: a Job is immutable, so a changed one needs a new name. */}}
{{- define "selfmonitor.hash" -}}
{{- toJson . | sha256sum | trunc 10 -}}
{{- end -}}

{{/* ---- Network policies ---- */}}

{{/* Pods of this release: (dict "root" . "components" (list "kafka" "controller")). One peer each, as YAML list items. */}}
{{- define "selfmonitor.peers" -}}
{{- range .components }}
- podSelector:
    matchLabels:
      {{- include "selfmonitor.selector" (dict "root" $.root "component" .) | nindent 6 }}
{{- end }}
{{- end -}}

{{/* Pods of other namespaces: (dict "namespaces" (list …) "podLabels" (dict …)). */}}
{{- define "selfmonitor.namespacePeers" -}}
{{- range .namespaces }}
- namespaceSelector:
    matchLabels: { kubernetes.io/metadata.name: {{ . }} }
  {{- with $.podLabels }}
  podSelector:
    matchLabels:
      {{- toYaml . | nindent 6 }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* External addresses: (list "192.0.2.0/24"). 0.0.0.0/0 becomes both families, because alone it matches nothing in an IPv6 cluster. */}}
{{- define "selfmonitor.addressPeers" -}}
{{- range . }}
- ipBlock: { cidr: {{ . | quote }} }
{{- if and (eq . "0.0.0.0/0") (not (has "::/0" $)) }}
- ipBlock: { cidr: "::/0" }
{{- end }}
{{- end }}
{{- end -}}

{{/* TCP ports as the list of a rule: `(list 9092 9093)`. */}}
{{- define "selfmonitor.ports" -}}
{{- range . }}
- { port: {{ int . }}, protocol: TCP }
{{- end }}
{{- end -}}

{{/* Egress rule for DNS. */}}
{{- define "selfmonitor.dnsEgress" -}}
{{- $dns := .Values.networkPolicy.dns -}}
- to:
    - namespaceSelector:
        matchLabels: { kubernetes.io/metadata.name: {{ $dns.namespace }} }
      {{- with $dns.podLabels }}
      podSelector:
        matchLabels:
          {{- toYaml . | nindent 10 }}
      {{- end }}
    {{- with $dns.nodeLocalCidrs }}
    {{- include "selfmonitor.addressPeers" . | trim | nindent 4 }}
    {{- end }}
  ports:
    {{- range $dns.ports }}
    - { port: {{ int . }}, protocol: UDP }
    - { port: {{ int . }}, protocol: TCP }
    {{- end }}
{{- end -}}

{{/*
"true" if a CiliumNetworkPolicy allows access to the API server, which for Cilium is a separate entity that no ipBlock matches.
https://docs.cilium.io/en/stable/security/policy/language/#entities-based
*/}}
{{- define "selfmonitor.ciliumPolicies" -}}
{{- $wanted := toString .Values.networkPolicy.cilium.enabled -}}
{{- if or (eq $wanted "true") (and (eq $wanted "auto") (.Capabilities.APIVersions.Has "cilium.io/v2")) -}}true{{- end -}}
{{- end -}}

{{/* Egress rule for the API server. */}}
{{- define "selfmonitor.apiServerEgress" -}}
- to:
    {{- $cidr := .Values.networkPolicy.apiServer.cidr }}
    {{- include "selfmonitor.addressPeers" (ternary $cidr (list $cidr) (kindIs "slice" $cidr)) | trim | nindent 4 }}
  ports:
    {{- include "selfmonitor.ports" .Values.networkPolicy.apiServer.ports | trim | nindent 4 }}
{{- end -}}

{{/* "true" if brokers have an init container that asks the API server (for the rack, or the external address). */}}
{{- define "selfmonitor.brokersDiscover" -}}
{{- if or (eq (toString .Values.kafka.rack.enabled) "true") .Values.kafka.external.enabled -}}true{{- end -}}
{{- end -}}

{{/* ---- Validation of the platform's values that the schema cannot express; called by selfmonitor.validate ---- */}}

{{- define "selfmonitor.validatePlatform" -}}
{{- $secured := include "selfmonitor.secured" . -}}
{{- if and (ne .Values.environment "development") (not $secured) (not .Values.security.acceptInsecure) -}}
{{- fail (printf "security.enabled is false in %s: leave it on, set environment to development, or, if another layer protects the cluster, set security.acceptInsecure to true as well" .Values.environment) -}}
{{- end -}}
{{- $replicas := int (include "selfmonitor.replicationFactor" .) -}}
{{- if gt $replicas (int .Values.kafka.replicaCount) -}}
{{- fail (printf "setup.replicationFactor is %d, with %d brokers: set it to %d or less, or kafka.replicaCount to %d or more" $replicas (int .Values.kafka.replicaCount) (int .Values.kafka.replicaCount) $replicas) -}}
{{- end -}}
{{- if and (ne .Values.environment "development") .Values.setup.enabled (lt (int .Values.kafka.replicaCount) 3) -}}
{{- fail (printf "kafka.replicaCount is %d in %s, whose topics in platform.yaml have 3 replicas with min.insync.replicas 2: set it to 3 or more, or environment to development" (int .Values.kafka.replicaCount) .Values.environment) -}}
{{- end -}}
{{- $issuer := .Values.credentials.certManager.issuerRef -}}
{{- if and $issuer.name (ne .Values.security.tls.mode "cert-manager") -}}
{{- fail (printf "credentials.certManager.issuerRef.name is %q, but security.tls.mode is %s: set security.tls.mode to cert-manager, or remove the issuer" $issuer.name .Values.security.tls.mode) -}}
{{- end -}}
{{- if and (eq .Values.security.tls.mode "existing") (or (not .Values.security.tls.brokerSecret) (not .Values.security.tls.controllerSecret)) -}}
{{- fail "security.tls.mode is existing: set security.tls.brokerSecret and security.tls.controllerSecret to the names of your kubernetes.io/tls Secrets (tls.crt, tls.key, ca.crt)" -}}
{{- end -}}
{{- if $secured -}}
{{- $platform := include "selfmonitor.platformFile" . | fromYaml -}}
{{- range concat (keys ($platform.services | default dict)) (keys ($platform.users | default dict)) (.Values.credentials.extraAccounts | default list) -}}
{{- if has . (list "admin" "kafka-broker" "kafka-controller") -}}
{{- fail (printf "the account %q, of platform.yaml or credentials.extraAccounts, would be a super user, because Kafka's own account has that name: choose another" .) -}}
{{- end -}}
{{- if eq . "kafka-operator" -}}
{{- fail (printf "the account %q, of platform.yaml or credentials.extraAccounts, has the name of the operators' account: choose another" .) -}}
{{- end -}}
{{- if not (regexMatch "^[a-z0-9]([-a-z0-9.]{0,200}[a-z0-9])?$" .) -}}
{{- fail (printf "the account %q, of platform.yaml or credentials.extraAccounts, cannot have a Secret kafka-user-%s: use lower-case letters, digits, - and . in its name" . .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $accounts := include "selfmonitor.accounts" . | fromYamlArray -}}
{{- if and .Values.clientAccess.secretReaders (not $accounts) -}}
{{- fail "clientAccess.secretReaders is set, but there are no accounts without security: leave it empty, or set security.enabled to true" -}}
{{- end -}}
{{- range .Values.clientAccess.secretReaders -}}
{{- if not (has .account $accounts) -}}
{{- fail (printf "clientAccess.secretReaders names the account %q, which does not exist: choose one of %s" .account (join ", " $accounts)) -}}
{{- end -}}
{{- if has .account (list "kafka-broker" "admin") -}}
{{- fail (printf "clientAccess.secretReaders would let others read the password of the super user %q: use the account of a service" .account) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* ---- Credentials ---- */}}

{{/* The certificates of this release: secret, commonName, dnsNames, ipAddresses; a YAML list. Empty when security is off. */}}
{{- define "selfmonitor.certificates" -}}
{{- $certificates := list -}}
{{- if include "selfmonitor.secured" . -}}
{{- $certificates = append $certificates (dict "secret" .Values.security.tls.brokerSecret "commonName" "kafka-broker"
  "dnsNames" (include "selfmonitor.certificateDnsNames" (dict "root" . "role" "broker") | fromYamlArray) "ipAddresses" (list "127.0.0.1")) -}}
{{- if include "selfmonitor.controllersAreDedicated" . -}}
{{- $certificates = append $certificates (dict "secret" .Values.security.tls.controllerSecret "commonName" "kafka-controller"
  "dnsNames" (include "selfmonitor.certificateDnsNames" (dict "root" . "role" "controller") | fromYamlArray) "ipAddresses" (list "127.0.0.1")) -}}
{{- end -}}
{{- if eq .Values.coordination "zookeeper" -}}
{{- $names := list "localhost" -}}
{{- range $name := list "*.zookeeper-headless" "zookeeper-service" -}}
{{- $names = concat $names (list (printf "%s.%s" $name (include "selfmonitor.domain" $)) (printf "%s.%s.svc" $name $.Release.Namespace) (printf "%s.%s" $name $.Release.Namespace)) -}}
{{- end -}}
{{- $certificates = append $certificates (dict "secret" "kafka-zookeeper-tls" "commonName" "zookeeper" "dnsNames" (append $names "zookeeper-service") "ipAddresses" (list "127.0.0.1")) -}}
{{- end -}}
{{- range $key := list "schemaRegistry" "connect" "ksqldb" -}}
{{- $rest := include "selfmonitor.rest" (dict "root" $ "key" $key) | fromJson -}}
{{- if and $rest.enabled $rest.tls (not $rest.caSecret) -}}
{{- $certificates = append $certificates (dict "secret" $rest.tlsSecret "commonName" $rest.service
  "dnsNames" (include "selfmonitor.restDnsNames" (dict "root" $ "rest" $rest) | fromYamlArray) "ipAddresses" (list "127.0.0.1")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $certificates -}}
{{- end -}}

{{/* Logins that the credentials Job creates, as a YAML list: those of this release's own clients for the REST services, and Grafana's. */}}
{{- define "selfmonitor.logins" -}}
{{- $logins := list -}}
{{- range $key := list "schemaRegistry" "connect" "ksqldb" -}}
{{- $rest := include "selfmonitor.rest" (dict "root" $ "key" $key) | fromJson -}}
{{- if and $rest.enabled $rest.login }}{{ $logins = append $logins (dict "username" "selfmonitor" "secret" $rest.loginSecret) }}{{ end -}}
{{- end -}}
{{- if include "selfmonitor.grafanaRuns" . }}{{ $logins = append $logins (dict "username" "admin" "secret" (include "selfmonitor.grafanaSecret" .)) }}{{ end -}}
{{- toYaml $logins -}}
{{- end -}}

{{/* spec.json of `selfmonitor kubernetes credentials`. It contains only names, no secrets. */}}
{{- define "selfmonitor.credentialsSpec" -}}
{{- $accounts := list -}}
{{- range include "selfmonitor.accounts" . | fromYamlArray -}}
{{- $accounts = append $accounts (dict "name" . "secret" (printf "kafka-user-%s" .)) -}}
{{- end -}}
{{- $secured := eq (include "selfmonitor.secured" .) "true" -}}
{{- dict
  "namespace" .Release.Namespace
  "clusterDomain" .Values.clusterDomain
  "security" $secured
  "bootstrapServers" (include "selfmonitor.kafka.bootstrap" .)
  "identity" (dict "configMap" "kafka-identity" "controllers" 9)
  "accounts" $accounts
  "logins" (include "selfmonitor.logins" . | fromYamlArray)
  "labels" (merge (dict "app.kubernetes.io/part-of" "selfmonitor-streams") (include "selfmonitor.selector" (dict "root" . "component" "credentials") | fromYaml) .Values.commonLabels)
  "tls" (dict
    "mode" (ternary .Values.security.tls.mode "none" $secured)
    "caSecret" "kafka-ca"
    "caConfigMap" "kafka-ca-bundle"
    "validity" .Values.credentials.validity
    "caValidity" .Values.credentials.caValidity
    "renewBefore" .Values.credentials.renewBefore
    "certificates" (include "selfmonitor.certificates" . | fromYamlArray))
  | toPrettyJson -}}
{{- end -}}

{{/* The pod of the credentials Job and of its CronJob. */}}
{{- define "selfmonitor.credentialsPod" -}}
metadata:
  labels:
    {{- include "selfmonitor.podLabels" (dict "root" . "component" "credentials") | nindent 4 }}
  annotations:
    # `kubectl describe pod` shows this next to ErrImagePull. This pod is the first that needs an image from this repository; all others wait for it.
    selfmonitor.com/when-the-image-cannot-be-pulled: {{ include "selfmonitor.whereOwnImagesAre" . | quote }}
    {{- with .Values.commonAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  restartPolicy: Never
  serviceAccountName: kafka-credentials
  # Creates Secrets and ConfigMaps through the API: one of the two Jobs that need a token.
  automountServiceAccountToken: true
  enableServiceLinks: false
  {{- include "selfmonitor.podSecurityContext" . | nindent 2 }}
  {{- with include "selfmonitor.imagePullSecrets" . }}
  {{- . | nindent 2 }}
  {{- end }}
  containers:
    - name: credentials
      {{- include "selfmonitor.imageLines" (dict "root" . "name" "selfmonitor") | nindent 6 }}
      command: [selfmonitor, kubernetes, credentials, --spec, /etc/selfmonitor/credentials/spec.json]
      {{- include "selfmonitor.containerSecurityContext" . | nindent 6 }}
      {{- include "selfmonitor.smallResources" (dict "memory" "256Mi") | nindent 6 }}
      volumeMounts:
        - { name: spec, mountPath: /etc/selfmonitor/credentials, readOnly: true }
        - { name: tmp, mountPath: /tmp }
  volumes:
    - name: spec
      configMap: { name: kafka-credentials-spec }
    - name: tmp
      emptyDir: { sizeLimit: 32Mi }
{{- end -}}

{{/* The port of ZooKeeper that brokers connect to. */}}
{{- define "selfmonitor.zookeeperClientPort" -}}
2181
{{- end -}}

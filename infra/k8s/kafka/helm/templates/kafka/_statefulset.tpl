{{/*
The StatefulSet of the brokers or of the controllers:
  (dict "root" . "name" "kafka" "component" "kafka" "of" .Values.kafka "template" "broker" "heapMiB" "2048" "tlsSecret" "…"
        "listeners" "client internal" "ports" (list …) "readiness" "client" "liveness" "internal" "checksum" "…"
        "discover" (list arguments) "env" (list …))
and optionally "needsAdmin" and "asBroker": whether kafka-init.sh gets the password of admin, and the brokers' certificate.
*/}}

{{- define "selfmonitor.kafka.statefulSet" -}}
{{- $values := .root.Values -}}
{{- $of := .of -}}
{{- $secure := $values.security.enabled -}}
{{- $monitoring := $values.monitoring.enabled -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  {{- include "selfmonitor.metadata" . | nindent 2 }}
spec:
  serviceName: {{ .name }}-headless
  replicas: {{ int $of.replicaCount }}
  # Starts all pods at once, because a quorum and in-sync replicas need several nodes to become ready. Updates still replace one pod at a time.
  podManagementPolicy: Parallel
  updateStrategy:
    type: {{ $of.updateStrategy.type }}
    {{- if eq $of.updateStrategy.type "RollingUpdate" }}
    rollingUpdate: { partition: {{ int $of.updateStrategy.partition }} }
    {{- end }}
  revisionHistoryLimit: 5
  {{- /* Kubernetes before 1.27 does not have this field and always retains the volumes. */}}
  {{- if and (semverCompare ">=1.27.0-0" .root.Capabilities.KubeVersion.Version) (or (ne $of.persistence.whenDeleted "Retain") (ne $of.persistence.whenScaled "Retain")) }}
  persistentVolumeClaimRetentionPolicy:
    whenDeleted: {{ $of.persistence.whenDeleted }}
    whenScaled: {{ $of.persistence.whenScaled }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "selfmonitor.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "selfmonitor.podLabels" . | nindent 8 }}
        {{- with $of.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        kubectl.kubernetes.io/default-container: kafka
        # Restarts the pods when the configuration changes.
        checksum/config: {{ .checksum }}
        # Restarts the pods when their scripts change, except scripts that only users run: kafka-tool.sh, reload-certificates.sh.
        checksum/scripts: {{ include "selfmonitor.scriptsHash" (list .root "lib.sh" "kafka-init.sh" "kafka-start.sh" "kafka-startup-probe.sh" "kafka-pre-stop.sh" "certificate-watch.sh") }}
        {{- with merge (dict) ($of.podAnnotations | default dict) (ternary (include "selfmonitor.scrapeAnnotations" 5556 | fromYaml) dict (eq (toString $monitoring) "true")) }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ .name }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ int $of.terminationGracePeriodSeconds }}
      {{- with include "selfmonitor.imagePullSecrets" .root | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- include "selfmonitor.podSecurityContext" . | nindent 6 }}
      {{- with include "selfmonitor.kafka.scheduling" . | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      initContainers:
        {{- if .discover }}
        # The only container with a token: it asks the API server for the node's zone and the external address.
        - name: discover
          {{- include "selfmonitor.imageLines" (dict "root" .root "name" "selfmonitor") | nindent 10 }}
          command:
            {{- toYaml .discover | nindent 12 }}
          env:
            {{- include "selfmonitor.kafka.podEnv" . | nindent 12 }}
            - name: NODE_NAME
              valueFrom: { fieldRef: { fieldPath: spec.nodeName } }
          {{- include "selfmonitor.smallResources" (dict "memory" "256Mi") | nindent 10 }}
          {{- include "selfmonitor.containerSecurityContext" . | nindent 10 }}
          volumeMounts:
            - { name: run, mountPath: /run/kafka }
            - { name: tmp, mountPath: /tmp }
            - { name: api-token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true }
        {{- end }}
        {{- if $monitoring }}
        - name: jmx-agent
          {{- include "selfmonitor.jmxAgentContainer" .root | nindent 10 }}
        {{- end }}
        # Renders the configuration and formats an empty volume. It uses the server's image, because an older server may not open a volume
        # that a newer tool formatted.
        - name: format
          {{- include "selfmonitor.imageLines" (dict "root" .root "name" (include "selfmonitor.kafka.imageName" .root)) | nindent 10 }}
          command: [/bin/bash, /opt/selfmonitor/bin/kafka-init.sh]
          env:
            {{- include "selfmonitor.kafka.nodeEnv" . | nindent 12 }}
          {{- include "selfmonitor.smallResources" (dict "memory" "512Mi" "cpu" "100m") | nindent 10 }}
          {{- include "selfmonitor.containerSecurityContext" . | nindent 10 }}
          volumeMounts:
            {{- include "selfmonitor.kafka.volumeMounts" . | nindent 12 }}
            - { name: identity, mountPath: /etc/selfmonitor/identity, readOnly: true }
            {{- if $secure }}
            - { name: broker-account, mountPath: /etc/selfmonitor/secrets/kafka-broker, readOnly: true }
            {{- end }}
            {{- if and $secure .needsAdmin }}
            - { name: admin, mountPath: /etc/selfmonitor/secrets/admin, readOnly: true }
            {{- end }}
            {{- if and $secure .asBroker }}
            - { name: broker-tls, mountPath: /etc/selfmonitor/secrets/broker-tls, readOnly: true }
            {{- end }}
      containers:
        - name: kafka
          {{- include "selfmonitor.imageLines" (dict "root" .root "name" (include "selfmonitor.kafka.imageName" .root)) | nindent 10 }}
          command: [/bin/bash, /opt/selfmonitor/bin/kafka-start.sh]
          env:
            {{- include "selfmonitor.kafka.nodeEnv" . | nindent 12 }}
            # For kafka-tool.sh.
            - { name: PATH, value: {{ include "selfmonitor.kafka.path" . | quote }} }
            - { name: TOOL_PLACE, value: {{ ternary "controller" "broker" (eq .template "controller") }} }
            {{- if $secure }}
            - { name: TOOL_CLIENT_PROPERTIES, value: /etc/selfmonitor/secrets/operator/client.properties }
            {{- end }}
            {{- with $of.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            {{- range .ports }}
            - { name: {{ .name }}, containerPort: {{ .port }} }
            {{- end }}
            {{- if $monitoring }}
            - { name: metrics, containerPort: 5556 }
            {{- end }}
          {{- include "selfmonitor.resources" (dict "resources" $of.resources "name" .valuesName "memoryLeast" 768) | nindent 10 }}
          {{- include "selfmonitor.containerSecurityContext" . | nindent 10 }}
          # Succeeds once, when this node has recovered or the time limit has passed.
          startupProbe:
            exec: { command: [/bin/bash, /opt/selfmonitor/bin/kafka-startup-probe.sh] }
            periodSeconds: 10
            timeoutSeconds: 30
            # The sum of both limits and one minute, so that a start that uses all of the first limit still has all of the second.
            failureThreshold: {{ div (add (int $of.startupTimeoutSeconds) (int $of.inSyncTimeoutSeconds) 60) 10 }}
          # Checks only this node, and is cheap: the state of the cluster must not take pods out of service.
          readinessProbe:
            tcpSocket: { port: {{ .readiness }} }
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 3
          livenessProbe:
            tcpSocket: { port: {{ .liveness }} }
            periodSeconds: 15
            timeoutSeconds: 10
            failureThreshold: 6
          lifecycle:
            preStop:
              exec: { command: [/bin/bash, /opt/selfmonitor/bin/kafka-pre-stop.sh] }
          volumeMounts:
            {{- include "selfmonitor.kafka.volumeMounts" . | nindent 12 }}
            - { name: tools, mountPath: /opt/selfmonitor/tools, readOnly: true }
            {{- if $secure }}
            - { name: operator, mountPath: /etc/selfmonitor/secrets/operator, readOnly: true }
            {{- end }}
            {{- if $monitoring }}
            - { name: jmx-agent, mountPath: /opt/jmx, readOnly: true }
            {{- end }}
            {{- with $of.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        {{- with $of.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        # In memory, so that passwords and keys are never on a disk.
        - name: run
          emptyDir: { medium: Memory, sizeLimit: 16Mi }
        - name: tmp
          emptyDir: { sizeLimit: 256Mi }
        - name: scripts
          configMap: { name: kafka-scripts, defaultMode: 0555 }
        {{- include "selfmonitor.kafka.toolVolumes" .root | nindent 8 }}
        - name: config
          configMap: { name: kafka-config }
        # Job kafka-credentials-… creates it: the pod waits for it and logs that it waits, see kafka-init.sh.
        - name: identity
          configMap: { name: kafka-identity, optional: true }
        {{- if $secure }}
        - name: tls
          secret: { secretName: {{ .tlsSecret }}, optional: true, defaultMode: 0440 }
        - name: broker-account
          secret: { secretName: kafka-user-kafka-broker, optional: true, defaultMode: 0440, items: [{ key: password, path: password }] }
        {{- if .asBroker }}
        # For ZooKeeper, where the controller must have the brokers' identity.
        - name: broker-tls
          secret: { secretName: {{ $values.security.tls.brokerSecret }}, optional: true, defaultMode: 0440 }
        {{- end }}
        {{- if .needsAdmin }}
        - name: admin
          secret: { secretName: kafka-user-admin, optional: true, defaultMode: 0440, items: [{ key: password, path: password }] }
        {{- end }}
        {{- end }}
        {{- if $monitoring }}
        - name: jmx-agent
          emptyDir: { sizeLimit: 64Mi }
        {{- end }}
        {{- if .discover }}
        - name: api-token
          projected:
            defaultMode: 0440
            sources:
              - serviceAccountToken: { path: token, expirationSeconds: 3600 }
              - configMap: { name: kube-root-ca.crt, items: [{ key: ca.crt, path: ca.crt }] }
              - downwardAPI: { items: [{ path: namespace, fieldRef: { fieldPath: metadata.namespace } }] }
        {{- end }}
  volumeClaimTemplates:
    - apiVersion: v1
      kind: PersistentVolumeClaim
      metadata:
        name: data
        labels:
          {{- include "selfmonitor.selector" . | nindent 10 }}
        {{- with $of.persistence.annotations }}
        annotations:
          {{- toYaml . | nindent 10 }}
        {{- end }}
      spec:
        accessModes: [ReadWriteOnce]
        {{- if not (kindIs "invalid" $of.persistence.storageClass) }}
        storageClassName: {{ $of.persistence.storageClass | quote }}
        {{- end }}
        resources:
          requests: { storage: {{ include "selfmonitor.scalar" $of.persistence.size | quote }} }
{{- end -}}

{{/* The PATH in a pod of Kafka: kafka-tool.sh under the tools' names first, then the folders of all supported images. */}}
{{- define "selfmonitor.kafka.path" -}}
/opt/selfmonitor/tools:/opt/java/openjdk/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/kafka/bin
{{- end -}}

{{/* The volumes of kafka-tool.sh: the script under the name of each of Kafka's tools, and the account kafka-operator. */}}
{{- define "selfmonitor.kafka.toolVolumes" -}}
- name: tools
  configMap:
    name: kafka-scripts
    defaultMode: 0555
    items:
      {{- range (.Files.Get "files/tools.txt" | trim | splitList "\n") }}
      - { key: kafka-tool.sh, path: {{ . }} }
      {{- end }}
      - { key: rest.sh, path: rest }
{{- if .Values.security.enabled }}
- name: operator
  secret: { secretName: kafka-user-kafka-operator, optional: true, defaultMode: 0440, items: [{ key: client.properties, path: client.properties }] }
{{- end }}
{{- end -}}

{{- define "selfmonitor.kafka.volumeMounts" -}}
- { name: data, mountPath: /var/lib/kafka/data }
- { name: run, mountPath: /run/kafka }
- { name: tmp, mountPath: /tmp }
- { name: scripts, mountPath: /opt/selfmonitor/bin, readOnly: true }
- { name: config, mountPath: /etc/selfmonitor/kafka, readOnly: true }
{{- if .root.Values.security.enabled }}
- { name: tls, mountPath: /etc/selfmonitor/secrets/tls, readOnly: true }
{{- end }}
{{- end -}}

{{- define "selfmonitor.kafka.podEnv" -}}
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: POD_NAMESPACE
  valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
{{- end -}}

{{/* The environment of the scripts, which the head of each script explains. It has no secrets, and no name begins with KAFKA_. */}}
{{- define "selfmonitor.kafka.nodeEnv" -}}
{{ include "selfmonitor.kafka.podEnv" . }}
- { name: NODE_TEMPLATE, value: {{ .template }} }
- { name: NODE_ID_BASE, value: {{ .nodeIdBase | quote }} }
- { name: NODE_SECURITY, value: {{ .root.Values.security.enabled | quote }} }
- { name: NODE_HEAP_MIB, value: {{ .heapMiB | quote }} }
{{- if ne (toString .of.resources.limits.memory) "none" }}
- name: NODE_MEMORY_MIB
  valueFrom: { resourceFieldRef: { containerName: kafka, resource: limits.memory, divisor: 1Mi } }
{{- end }}
- { name: NODE_JVM_OPTIONS, value: {{ .of.jvmOptions | quote }} }
- { name: NODE_LOG4J, value: /etc/selfmonitor/kafka/{{ ternary "controller" "broker" (eq .template "controller") }}-log4j }
- { name: NODE_IN_SYNC_SECONDS, value: {{ int .of.inSyncTimeoutSeconds | quote }} }
- { name: NODE_PRE_STOP_SECONDS, value: {{ int .of.preStopTimeoutSeconds | quote }} }
{{- if .root.Values.security.enabled }}
- { name: NODE_LISTENERS, value: {{ .listeners | quote }} }
- { name: NODE_SCRAM_ITERATIONS, value: {{ int .root.Values.security.scramIterations | quote }} }
- { name: NODE_CERTIFICATE_RELOAD_SECONDS, value: {{ int .root.Values.security.tls.reloadIntervalSeconds | quote }} }
- { name: NODE_CERTIFICATE_RESTART_SECONDS, value: {{ int .root.Values.security.tls.restartSlotSeconds | quote }} }
{{- end }}
{{- if .root.Values.monitoring.enabled }}
- { name: NODE_JMX_AGENT, value: "/opt/jmx/jmx_prometheus_javaagent.jar=5556:/etc/selfmonitor/kafka/jmx.yaml" }
{{- end }}
{{- range .env }}
- { name: {{ .name }}, value: {{ .value | quote }} }
{{- end }}
# Tools that run in the container write their logs to a writable folder.
- { name: LOG_DIR, value: /tmp/logs }
{{- end -}}

{{/* Where pods may run: spread over nodes and zones, selectors, tolerations. */}}
{{- define "selfmonitor.kafka.scheduling" -}}
{{- $of := .of -}}
{{- with $of.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $of.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $of.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $of.affinity }}
affinity:
  {{- toYaml $of.affinity | nindent 2 }}
{{- else if has $of.spread.nodes (list "required" "preferred") }}
affinity:
  podAntiAffinity:
    {{- if eq $of.spread.nodes "required" }}
    requiredDuringSchedulingIgnoredDuringExecution:
      - topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            {{- include "selfmonitor.selector" . | nindent 12 }}
    {{- else }}
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "selfmonitor.selector" . | nindent 14 }}
    {{- end }}
{{- end }}
{{- if or (ne $of.spread.nodes "none") (ne $of.spread.zones "none") }}
topologySpreadConstraints:
  {{- range $key, $how := dict "kubernetes.io/hostname" $of.spread.nodes "topology.kubernetes.io/zone" $of.spread.zones }}
  {{- if ne $how "none" }}
  - topologyKey: {{ $key }}
    maxSkew: 1
    whenUnsatisfiable: {{ ternary "DoNotSchedule" "ScheduleAnyway" (has $how (list "required" "even")) }}
    {{- if and (eq $how "even") (semverCompare ">=1.27.0-0" $.root.Capabilities.KubeVersion.Version) }}
    # With fewer nodes than this, Kubernetes places at most one pod on each node.
    minDomains: {{ min 3 (int $of.replicaCount) }}
    {{- end }}
    labelSelector:
      matchLabels:
        {{- include "selfmonitor.selector" $ | nindent 8 }}
  {{- end }}
  {{- end }}
{{- end }}
{{- end -}}

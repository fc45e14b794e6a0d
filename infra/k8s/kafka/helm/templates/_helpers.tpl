{{/*
Helpers for all templates of the chart: presets, names, labels, images, security contexts, sizes, addresses.

Begin each template file with `include "selfmonitor.init" .`: it replaces null in `.Values` by the preset of the environment, so that
the rest of the file can read `.Values`.
*/}}

{{/* Fills nulls of `.Values` from values-<environment>.yaml, then validates what the schema cannot. Renders nothing; may be called repeatedly. */}}
{{- define "selfmonitor.init" -}}
{{- if not (hasKey .Values "given") }}{{ $_ := set .Values "given" (include "selfmonitor.zookeeperGiven" . | fromYamlArray) }}{{ end -}}
{{- $file := printf "values-%s.yaml" .Values.environment -}}
{{- $preset := .Files.Get $file -}}
{{- if not $preset -}}
{{- fail (printf "environment is %q: set it to production, staging or development" (toString .Values.environment)) -}}
{{- end -}}
{{- include "selfmonitor.fill" (list .Values (fromYaml $preset)) -}}
{{- include "selfmonitor.validate" . -}}
{{- end -}}

{{/* Values of zookeeper that are set but have no effect with KRaft, for NOTES. A YAML list. */}}
{{- define "selfmonitor.zookeeperGiven" -}}
{{- $given := list -}}
{{- if eq .Values.coordination "kraft" -}}
{{- with .Values.zookeeper -}}
{{- range $key := list "replicaCount" "heap" -}}
{{- if not (kindIs "invalid" (index $.Values.zookeeper $key)) }}{{ $given = append $given (printf "zookeeper.%s" $key) }}{{ end -}}
{{- end -}}
{{- range $key := list "size" "storageClass" -}}
{{- if not (kindIs "invalid" (index $.Values.zookeeper.persistence $key)) }}{{ $given = append $given (printf "zookeeper.persistence.%s" $key) }}{{ end -}}
{{- end -}}
{{- range $part := list "requests" "limits" -}}
{{- range $key := list "cpu" "memory" -}}
{{- if not (kindIs "invalid" (index $.Values.zookeeper.resources $part $key)) }}{{ $given = append $given (printf "zookeeper.resources.%s.%s" $part $key) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if or .config .jvmOptions }}{{ $given = append $given (ternary "zookeeper.config" "zookeeper.jvmOptions" (not (not .config))) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- toYaml $given -}}
{{- end -}}

{{/* (list values preset): sets the keys of `values` that are missing or null. Keeps false, 0 and "". */}}
{{- define "selfmonitor.fill" -}}
{{- $values := index . 0 -}}
{{- range $key, $given := index . 1 -}}
{{- $mine := index $values $key -}}
{{- if kindIs "invalid" $mine -}}
{{- $_ := set $values $key $given -}}
{{- else if and (kindIs "map" $given) (kindIs "map" $mine) -}}
{{- include "selfmonitor.fill" (list $mine $given) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* ---- Labels: call with (dict "root" . "component" "kafka") ---- */}}

{{/* The labels in selectors, which must never change during the life of a release. */}}
{{- define "selfmonitor.selector" -}}
app.kubernetes.io/name: selfmonitor-kafka
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Labels of an object. */}}
{{- define "selfmonitor.labels" -}}
{{ include "selfmonitor.selector" . }}
app.kubernetes.io/part-of: selfmonitor-streams
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Labels of a pod template, without the version, so that a new chart version does not restart pods. Optional `app` (default: the component). */}}
{{- define "selfmonitor.podLabels" -}}
app: {{ .app | default .component }}
{{ include "selfmonitor.selector" . }}
app.kubernetes.io/part-of: selfmonitor-streams
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
The metadata of an object: (dict "root" . "component" "kafka" "name" "kafka-service"), optional "annotations" (map), "labels" (map).
*/}}
{{- define "selfmonitor.metadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "selfmonitor.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* ---- Images ---- */}}

{{/* The images that are built from this repository, for selfmonitorRegistry. */}}
{{- define "selfmonitor.ownImages" -}}
{{- list "selfmonitor" "tools" "connect" | toJson -}}
{{- end -}}

{{/*
(dict "root" . "name" "kafka"): the reference of images.<name>, quoted. If there is a digest, Kubernetes pulls the digest and ignores the
tag. As for `docker pull`, a repository names its registry if its first part has a dot or a port, or is localhost.
*/}}
{{- define "selfmonitor.image" -}}
{{- $image := index .root.Values.images .name -}}
{{- $repository := $image.repository -}}
{{- $tag := toString $image.tag -}}
{{- $hasRegistry := and (contains "/" $repository) (regexMatch "[.:]|^localhost$" (first (splitList "/" $repository))) -}}
{{- if and (has .name (include "selfmonitor.ownImages" . | fromJsonArray)) (not $hasRegistry) -}}
{{- with .root.Values.selfmonitorRegistry }}{{ $repository = printf "%s/%s" (trimSuffix "/" .) $repository }}{{ end -}}
{{- end -}}
{{- with .root.Values.imageRegistry }}{{ $repository = printf "%s/%s" (trimSuffix "/" .) $repository }}{{ end -}}
{{- if and (eq $tag "latest") (not $image.digest) -}}
{{- fail (printf "images.%s.tag is latest, which changes over time: set it to a version, or set images.%s.digest as well" .name .name) -}}
{{- end -}}
{{- if and (eq $tag "") (not $image.digest) -}}
{{- fail (printf "images.%s has neither a tag nor a digest: set images.%s.tag to a version, or images.%s.digest" .name .name .name) -}}
{{- end -}}
{{- if $tag }}{{ $repository = printf "%s:%s" $repository $tag }}{{ end -}}
{{- if $image.digest }}{{ $repository = printf "%s@%s" $repository $image.digest }}{{ end -}}
{{- quote $repository -}}
{{- end -}}

{{/* Advice for an image from this repository that cannot be pulled. */}}
{{- define "selfmonitor.whereOwnImagesAre" -}}
{{- $wanted := dict "selfmonitor" true "tools" .Values.tools.enabled "connect" .Values.connect.enabled -}}
{{- $own := list -}}
{{- range include "selfmonitor.ownImages" . | fromJsonArray -}}
{{- if index $wanted . }}{{ $own = append $own (include "selfmonitor.image" (dict "root" $ "name" .) | trimAll "\"") }}{{ end -}}
{{- end -}}
Expected: {{ join ", " $own }}. To use your own registry: build the images from infra/kafka, push them, and set selfmonitorRegistry; if it requires a login, also imagePullSecrets.
{{- end -}}

{{/* (dict "root" . "name" "kafka"): the two lines `image:` and `imagePullPolicy:` of a container. */}}
{{- define "selfmonitor.imageLines" -}}
image: {{ include "selfmonitor.image" . }}
imagePullPolicy: {{ (index .root.Values.images .name).pullPolicy }}
{{- end -}}

{{/* The line(s) `imagePullSecrets:` of a pod, if any. */}}
{{- define "selfmonitor.imagePullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* ---- Security contexts: Pod Security Standard `restricted`, and a read-only root file system on top ---- */}}

{{/* Argument: the root, or a dict with "root". */}}
{{- define "selfmonitor.podSecurityContext" -}}
{{- $root := .root | default . -}}
securityContext:
  runAsNonRoot: true
  {{- range $key := list "runAsUser" "runAsGroup" "fsGroup" }}
  {{- with index $root.Values.podSecurity $key }}
  {{ $key }}: {{ int64 . }}
  {{- end }}
  {{- end }}
  # If the root of the volume already belongs to the group, Kubernetes does not walk through the whole volume at every start.
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "selfmonitor.containerSecurityContext" -}}
securityContext:
  allowPrivilegeEscalation: false
  privileged: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  capabilities: { drop: [ALL] }
{{- end -}}

{{/* Resources of small containers (init containers, Jobs). Override with (dict "memory" "256Mi" "cpu" "100m"). */}}
{{- define "selfmonitor.smallResources" -}}
resources:
  requests: { cpu: {{ .cpu | default "50m" }}, memory: {{ .memory | default "128Mi" }}, ephemeral-storage: 32Mi }
  limits: { cpu: "1", memory: {{ .memory | default "128Mi" }}, ephemeral-storage: 128Mi }
{{- end -}}

{{/* The checksum of the scripts that start a server: (list . "lib.sh" …). */}}
{{- define "selfmonitor.scriptsHash" -}}
{{- $root := first . -}}
{{- $text := "" -}}
{{- range rest . }}{{ $text = printf "%s%s" $text ($root.Files.Get (printf "files/bin/%s" .)) }}{{ end -}}
{{- sha256sum $text -}}
{{- end -}}

{{/* ---- Sizes ---- */}}

{{/* A number as text. Whole numbers get no exponent (YAML and JSON parse large ones as floating point). */}}
{{- define "selfmonitor.scalar" -}}
{{- if kindIs "float64" . -}}
{{- if eq . (floor .) -}}{{ int64 . }}{{- else -}}{{ . }}{{- end -}}
{{- else -}}{{ . }}{{- end -}}
{{- end -}}

{{/* (dict "value" "8Gi" "name" "kafka.resources.requests.memory"): a quantity of memory or disk in bytes. */}}
{{- define "selfmonitor.bytes" -}}
{{- $text := include "selfmonitor.scalar" .value -}}
{{- if not (regexMatch "^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$" $text) -}}
{{- fail (printf "%s is %q: write a size such as 512Mi, 8Gi or 8G" .name $text) -}}
{{- end -}}
{{- $unit := regexFind "[A-Za-z]+$" $text -}}
{{- $factors := dict "" 1 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 -}}
{{- mulf (float64 (trimSuffix $unit $text)) (float64 (index $factors $unit)) | int64 -}}
{{- end -}}

{{/* (dict "value" "500m" "name" "…"): a quantity of CPU in thousandths. */}}
{{- define "selfmonitor.millicores" -}}
{{- $text := include "selfmonitor.scalar" .value -}}
{{- if not (regexMatch "^([0-9]+m|[0-9]+(\\.[0-9]+)?)$" $text) -}}
{{- fail (printf "%s is %q: write 500m, 2 or 0.5" .name $text) -}}
{{- end -}}
{{- if hasSuffix "m" $text -}}{{ trimSuffix "m" $text }}{{- else -}}{{ mulf (float64 $text) 1000.0 | int64 }}{{- end -}}
{{- end -}}

{{/*
(dict "resources" .Values.kafka.resources "name" "kafka" "memoryLeast" 768): requests and limits of a container. A memory limit that is
null is the request, or memoryLeast (MiB) if that is more. A CPU limit that is null is twice the request. "none" omits a limit.
*/}}
{{- define "selfmonitor.resources" -}}
{{- $requests := .resources.requests -}}
{{- $limits := deepCopy .resources.limits -}}
{{- range $part, $given := dict "requests" $requests "limits" $limits -}}
{{- range $key, $value := $given -}}
{{- if and (not (kindIs "invalid" $value)) (not (and (eq $part "limits") (eq (toString $value) "none"))) -}}
{{- $_ := include (ternary "selfmonitor.millicores" "selfmonitor.bytes" (eq $key "cpu")) (dict "value" $value "name" (printf "%s.resources.%s.%s" $.name $part $key)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (kindIs "invalid" $limits.memory) $requests.memory -}}
{{- $_ := set $limits "memory" $requests.memory -}}
{{- $least := int64 (.memoryLeast | default 0) -}}
{{- if lt (int64 (include "selfmonitor.bytes" (dict "value" $requests.memory "name" (printf "%s.resources.requests.memory" .name)))) (mul $least 1048576) -}}
{{- $_ := set $limits "memory" (printf "%dMi" $least) -}}
{{- end -}}
{{- end -}}
{{- if and $requests.memory $limits.memory (ne (toString $limits.memory) "none") -}}
{{- $key := printf "%s.resources.limits.memory" .name -}}
{{- if lt (int64 (include "selfmonitor.bytes" (dict "value" $limits.memory "name" $key))) (int64 (include "selfmonitor.bytes" (dict "value" $requests.memory "name" (printf "%s.resources.requests.memory" .name)))) -}}
{{- fail (printf "%s is %s, below %s.resources.requests.memory (%s): set it to that or more, or remove it" $key (toString $limits.memory) .name (toString $requests.memory)) -}}
{{- end -}}
{{- end -}}
{{- if and (kindIs "invalid" $limits.cpu) $requests.cpu -}}
{{- $millicores := include "selfmonitor.millicores" (dict "value" $requests.cpu "name" (printf "%s.resources.requests.cpu" .name)) -}}
{{- $_ := set $limits "cpu" (printf "%dm" (mul 2 (int64 $millicores))) -}}
{{- end -}}
resources:
  requests:
    {{- range $key, $value := $requests }}
    {{- if $value }}
    {{ $key }}: {{ include "selfmonitor.scalar" $value | quote }}
    {{- end }}
    {{- end }}
  limits:
    {{- range $key, $value := $limits }}
    {{- if and $value (ne (toString $value) "none") }}
    {{ $key }}: {{ include "selfmonitor.scalar" $value | quote }}
    {{- end }}
    {{- end }}
{{- end -}}

{{/*
(dict "name" "kafka" "of" .Values.kafka "divisor" 4 "most" 6144 "memoryLeast" 768): the heap in MiB. Given (`heap`) or derived from the
container's memory (limits.memory, or requests.memory and at least memoryLeast). Fails if the container has no room for the heap and the
JVM's other memory.
*/}}
{{- define "selfmonitor.heapMiB" -}}
{{- $of := .valuesName | default .name -}}
{{- $heapKey := .heapKey | default (printf "%s.heap" .name) -}}
{{- $key := printf "%s.resources.requests.memory" $of -}}
{{- $limit := .of.resources.limits.memory -}}
{{- $given := div (int64 (include "selfmonitor.bytes" (dict "value" .of.resources.requests.memory "name" $key))) 1048576 -}}
{{- $memory := max $given (int64 .memoryLeast) -}}
{{- $most := $memory -}}
{{- if and (not (kindIs "invalid" $limit)) (ne (toString $limit) "none") -}}
{{- $limitKey := printf "%s.resources.limits.memory" $of -}}
{{- $most = div (int64 (include "selfmonitor.bytes" (dict "value" $limit "name" $limitKey))) 1048576 -}}
{{- if lt $most (int64 .memoryLeast) -}}
{{- fail (printf "%s is %s: set it to %dMi or more, or remove it: the JVM, the tools that the probes run and some page cache must fit" $limitKey (toString $limit) (int64 .memoryLeast)) -}}
{{- end -}}
{{- end -}}
{{- if .of.heap -}}
{{- $text := toString .of.heap -}}
{{- if not (regexMatch "^[0-9]+[mMgG]$" $text) -}}
{{- fail (printf "%s is %q: write 512m or 4g, as for Java, or remove it" $heapKey $text) -}}
{{- end -}}
{{- $mib := int64 (regexFind "^[0-9]+" $text) -}}
{{- if regexMatch "[gG]$" $text }}{{ $mib = mul $mib 1024 }}{{ end -}}
{{- if gt (add $mib 384) $most -}}
{{- fail (printf "%s is %s, of %dMi memory (%s): leave 384Mi or more outside of the heap; for brokers, leave three quarters to the page cache" $heapKey $text $most (ternary $key (printf "%s.resources.limits.memory" $of) (eq $most $memory))) -}}
{{- end -}}
{{- if lt $mib 256 -}}
{{- fail (printf "%s is %s: set it to 256m or more" $heapKey $text) -}}
{{- end -}}
{{- $mib -}}
{{- else -}}
{{- min (max 256 (div $memory .divisor)) .most -}}
{{- end -}}
{{- end -}}

{{/* ---- Names and addresses ---- */}}

{{/* <namespace>.svc.<domain> */}}
{{- define "selfmonitor.domain" -}}
{{- printf "%s.svc.%s" .Release.Namespace .Values.clusterDomain -}}
{{- end -}}

{{/* bootstrap.servers of clients inside the cluster. */}}
{{- define "selfmonitor.kafka.bootstrap" -}}
{{- printf "kafka-service.%s:9092" (include "selfmonitor.domain" .) -}}
{{- end -}}

{{/* security.protocol of clients: SASL_SSL | PLAINTEXT */}}
{{- define "selfmonitor.kafka.securityProtocol" -}}
{{- ternary "SASL_SSL" "PLAINTEXT" (eq (toString .Values.security.enabled) "true") -}}
{{- end -}}

{{/* "true" if controllers have their own StatefulSet, which a migration from ZooKeeper needs. */}}
{{- define "selfmonitor.controllersAreDedicated" -}}
{{- if and (or (eq .Values.coordination "kraft") (include "selfmonitor.migrating" .)) (eq .Values.controller.mode "dedicated") -}}true{{- end -}}
{{- end -}}

{{/* controller.quorum.bootstrap.servers */}}
{{- define "selfmonitor.controllerBootstrap" -}}
{{- $domain := include "selfmonitor.domain" . -}}
{{- if include "selfmonitor.controllersAreDedicated" . -}}
{{- $servers := list -}}
{{- range $ordinal := until (int .Values.controller.replicaCount) -}}
{{- $servers = append $servers (printf "kafka-controller-%d.kafka-controller-headless.%s:9093" $ordinal $domain) -}}
{{- end -}}
{{- join "," $servers -}}
{{- else -}}
{{- printf "kafka-0.kafka-headless.%s:9093" $domain -}}
{{- end -}}
{{- end -}}

{{/* The number of brokers that get an external address. */}}
{{- define "selfmonitor.externalOrdinals" -}}
{{- add (int .Values.kafka.replicaCount) (int .Values.kafka.external.extraOrdinals) -}}
{{- end -}}

{{/* (dict "root" . "ordinal" 0): the external name of a broker from the values; empty if it is discovered at run time. */}}
{{- define "selfmonitor.externalHostname" -}}
{{- $external := .root.Values.kafka.external -}}
{{- if $external.hostnamePattern -}}
{{- replace "{ordinal}" (toString .ordinal) $external.hostnamePattern -}}
{{- else if lt (int .ordinal) (len $external.hostnames) -}}
{{- index $external.hostnames (int .ordinal) -}}
{{- end -}}
{{- end -}}

{{/*
The names that a certificate must contain, as a YAML list: (dict "root" . "role" "broker" | "controller"). Used by the credentials
spec (`include … | fromYamlArray`) and by Certificates of cert-manager.
*/}}
{{- define "selfmonitor.certificateDnsNames" -}}
{{- $namespace := .root.Release.Namespace -}}
{{- $domain := include "selfmonitor.domain" .root -}}
{{- $headless := ternary "kafka-controller-headless" "kafka-headless" (eq .role "controller") -}}
{{- $service := ternary "kafka-controller-service" "kafka-service" (eq .role "controller") -}}
{{- range $name := list (printf "*.%s" $headless) $service }}
- {{ printf "%s.%s" $name $domain | quote }}
- {{ printf "%s.%s.svc" $name $namespace | quote }}
- {{ printf "%s.%s" $name $namespace | quote }}
{{- end }}
- {{ $service | quote }}
- localhost
{{- if and (eq .role "broker") .root.Values.kafka.external.enabled }}
{{- $external := .root.Values.kafka.external }}
{{- range $ordinal := until (int (include "selfmonitor.externalOrdinals" .root)) }}
{{- with include "selfmonitor.externalHostname" (dict "root" $.root "ordinal" $ordinal) }}
- {{ . | quote }}
{{- end }}
{{- end }}
{{- with $external.bootstrapHostname }}
- {{ . | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* ---- Validation that the schema cannot express ---- */}}

{{- define "selfmonitor.validate" -}}
{{- include "selfmonitor.validatePlatform" . -}}
{{- $kafka := .Values.kafka -}}
{{- $kraft := eq .Values.coordination "kraft" -}}
{{- if not (has .Values.coordination (list "kraft" "zookeeper")) -}}
{{- fail (printf "coordination is %q: set it to kraft, or to zookeeper for a cluster that is not migrated yet" (toString .Values.coordination)) -}}
{{- end -}}
{{- if lt (int $kafka.replicaCount) 1 -}}
{{- fail "kafka.replicaCount is 0: set it to 1 or more; to stop the brokers, kubectl scale statefulset kafka --replicas=0" -}}
{{- end -}}
{{- if and (include "selfmonitor.controllersAreDedicated" .) (not (has (int .Values.controller.replicaCount) (list 1 3 5))) -}}
{{- fail (printf "controller.replicaCount is %v: set it to 1, 3 or 5; an even number tolerates no more failures than the odd number below it, and with more than five every write waits for more of them" .Values.controller.replicaCount) -}}
{{- end -}}
{{- if $kraft -}}
{{- if not (has .Values.controller.mode (list "dedicated" "combined")) -}}
{{- fail (printf "controller.mode is %q: set it to dedicated or combined" (toString .Values.controller.mode)) -}}
{{- end -}}
{{- $voters := int .Values.controller.replicaCount -}}
{{- if and (eq .Values.controller.mode "dedicated") .Values.controller.podDisruptionBudget.enabled (gt $voters 1) (gt (int .Values.controller.podDisruptionBudget.maxUnavailable) (int (div (sub $voters 1) 2))) -}}
{{- fail (printf "controller.podDisruptionBudget.maxUnavailable is %v of %d controllers: set it to %d or less, so that a majority of the voters stays" .Values.controller.podDisruptionBudget.maxUnavailable $voters (div (sub $voters 1) 2)) -}}
{{- end -}}
{{- if and (eq .Values.controller.mode "combined") (eq .Values.environment "production") -}}
{{- fail "controller.mode is combined in production: set it to dedicated (Kafka does not recommend combined for critical deployments), or environment to development" -}}
{{- end -}}
{{- end -}}
{{- if and (not $kraft) (not (has (int .Values.zookeeper.replicaCount) (list 1 3 5))) -}}
{{- fail (printf "zookeeper.replicaCount is %v: set it to 1, 3 or 5; an even number tolerates no more failures than the odd number below it, and with more than five every write waits for more of them" .Values.zookeeper.replicaCount) -}}
{{- end -}}
{{- if and (include "selfmonitor.migrating" .) (ne .Values.controller.mode "dedicated") -}}
{{- fail (printf "zookeeper.migration is %s with controller.mode %s: set controller.mode to dedicated, brokers that come from ZooKeeper cannot be controllers" .Values.zookeeper.migration .Values.controller.mode) -}}
{{- end -}}
{{- if and $kraft (ne .Values.zookeeper.migration "none") (ne .Values.zookeeper.migration "finished") -}}
{{- fail (printf "coordination is kraft with zookeeper.migration %s: go through the remaining steps to finished first (docs/guides/zookeeper-to-kraft.md)" .Values.zookeeper.migration) -}}
{{- end -}}
{{- if not (has .Values.security.tls.mode (list "chart" "cert-manager" "existing")) -}}
{{- fail (printf "security.tls.mode is %q: set it to chart, cert-manager or existing" (toString .Values.security.tls.mode)) -}}
{{- end -}}
{{- with $kafka.external -}}
{{- if and .enabled .hostnames .hostnamePattern -}}
{{- fail "kafka.external.hostnames and kafka.external.hostnamePattern are both set: set one of them" -}}
{{- end -}}
{{- if and .enabled .hostnamePattern (not (contains "{ordinal}" .hostnamePattern)) -}}
{{- fail (printf "kafka.external.hostnamePattern is %q: put {ordinal} into it, so that every broker has its own name" .hostnamePattern) -}}
{{- end -}}
{{- if and .enabled .hostnames (lt (len .hostnames) (int $kafka.replicaCount)) -}}
{{- fail (printf "kafka.external.hostnames has %d names for %d brokers (kafka.replicaCount): set one for each broker, or use hostnamePattern" (len .hostnames) (int $kafka.replicaCount)) -}}
{{- end -}}
{{- end -}}
{{- range $name := list "kafka" "controller" -}}
{{- $set := index $.Values $name -}}
{{- if lt (int $set.terminationGracePeriodSeconds) (add (int $set.preStopTimeoutSeconds) 30) -}}
{{- fail (printf "%s.terminationGracePeriodSeconds is %v: set it to %s.preStopTimeoutSeconds (%v) and 30 s or more, for the controlled shutdown after it" $name $set.terminationGracePeriodSeconds $name $set.preStopTimeoutSeconds) -}}
{{- end -}}
{{- end -}}
{{- include "selfmonitor.validateLater" . -}}
{{- end -}}

{{/*
TLS and logins of the REST services: Schema Registry, Connect and ksqlDB. Connect, ksqlDB and the web UI (as their client) cannot read PEM
files, so an init container with the selfmonitor image writes PKCS#12 stores to memory. component-init.sh writes the users from Secrets to a
file in memory.
*/}}

{{/* The services, by their key in values: component, Service, port, prefix of the names of their Secrets. */}}
{{- define "selfmonitor.restServices" -}}
{{- dict
  "schemaRegistry" (dict "component" "schema-registry" "service" "schema-registry-service" "port" 8081 "base" "schema-registry" "realm" "SchemaRegistry")
  "connect" (dict "component" "kafka-connect" "service" "kafka-connect-service" "port" 8083 "base" "kafka-connect" "realm" "KafkaConnect")
  "ksqldb" (dict "component" "ksqldb-server" "service" "ksqldb-service" "port" 8088 "base" "ksqldb" "realm" "KsqlServer")
  | toJson -}}
{{- end -}}

{{/*
(dict "root" . "key" "connect"): one of the services as JSON: url; tls and login (true or false); tlsSecret; loginSecret; caSecret, whose
ca.crt its clients trust (empty if it is Kafka's CA, which every account's Secret contains); usersSecret.
*/}}
{{- define "selfmonitor.rest" -}}
{{- $service := index (include "selfmonitor.restServices" .root | fromJson) .key -}}
{{- $values := index .root.Values .key -}}
{{- $tls := $values.tls.enabled -}}
{{- $_ := set $service "enabled" $values.enabled -}}
{{- $_ := set $service "tls" $tls -}}
{{- $_ := set $service "login" $values.login.enabled -}}
{{- $_ := set $service "tlsSecret" ($values.tls.secret | default (printf "%s-tls" $service.base)) -}}
{{- $_ := set $service "caSecret" (ternary $values.tls.secret "" $tls) -}}
{{- $_ := set $service "loginSecret" (printf "%s-login" $service.base) -}}
{{- $_ := set $service "usersSecret" $values.login.usersSecret -}}
{{- $_ := set $service "host" (printf "%s.%s" $service.service (include "selfmonitor.domain" .root)) -}}
{{- $_ := set $service "scheme" (ternary "https" "http" $tls) -}}
{{- $_ := set $service "url" (printf "%s://%s:%d" $service.scheme $service.host (int $service.port)) -}}
{{- toJson $service -}}
{{- end -}}

{{/*
The domain of the pods' DNS names, for certificates. Pods of a Deployment have no stable names, but every pod has the name
<address-with-dashes>.<namespace>.pod.<domain> (https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/).
*/}}
{{- define "selfmonitor.podDomain" -}}
{{- printf "%s.pod.%s" .Release.Namespace .Values.clusterDomain -}}
{{- end -}}

{{/* The names in the certificate of a service, as a YAML list: (dict "root" . "rest" …). */}}
{{- define "selfmonitor.restDnsNames" -}}
- {{ printf "%s.%s" .rest.service (include "selfmonitor.domain" .root) | quote }}
- {{ printf "%s.%s.svc" .rest.service .root.Release.Namespace | quote }}
- {{ printf "%s.%s" .rest.service .root.Release.Namespace | quote }}
- {{ .rest.service | quote }}
# For connections between the replicas.
- {{ printf "*.%s" (include "selfmonitor.podDomain" .root) | quote }}
- localhost
{{- end -}}

{{/* Lines of a properties file: the key store of a server, the trust store. (dict "name" "kafka-connect" "prefix" "listeners.https."). */}}
{{- define "selfmonitor.keyStoreProperties" -}}
{{ .prefix }}ssl.keystore.type=PKCS12
{{ .prefix }}ssl.keystore.location=/run/{{ .name }}/keystore.p12
{{ .prefix }}ssl.keystore.password=@@file:/run/{{ .name }}/store-password@@
{{ .prefix }}ssl.key.password=@@file:/run/{{ .name }}/store-password@@
{{- end -}}

{{- define "selfmonitor.trustStoreProperties" -}}
{{ .prefix }}ssl.truststore.type=PKCS12
{{ .prefix }}ssl.truststore.location=/run/{{ .name }}/truststore.p12
{{ .prefix }}ssl.truststore.password=@@file:/run/{{ .name }}/store-password@@
{{- end -}}

{{/* The placeholder that component-init.sh replaces by a value of a login's Secret: (dict "rest" … "key" "username"). */}}
{{- define "selfmonitor.loginValue" -}}
@@file:/etc/selfmonitor/secrets/{{ .rest.loginSecret }}/{{ .key }}@@
{{- end -}}

{{/*
The file java.security.auth.login.config of a server with a login: (dict "root" . "rest" … "image" "schemaRegistry"). Jetty 12, in
Confluent Platform 8.0 and newer, renamed the login module; with the wrong name the server rejects every login.
*/}}
{{- define "selfmonitor.loginConfig" -}}
{{- $module := "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule" -}}
{{- if ne .rest.component "kafka-connect" -}}
{{- $tag := toString (index .root.Values.images .image).tag -}}
{{- $module = ternary "org.eclipse.jetty.jaas.spi.PropertyFileLoginModule" "org.eclipse.jetty.security.jaas.spi.PropertyFileLoginModule" (regexMatch "^[567]\\." $tag) -}}
{{- end -}}
{{ .rest.realm }} {
  {{ $module }} required
  file="/run/{{ .rest.component }}/users";
};
{{- end -}}

{{/* JVM options of a component: its own, and the path of the login's configuration. (dict "rest" … "options" "…"). */}}
{{- define "selfmonitor.loginOption" -}}
{{- $options := list -}}
{{- if .options }}{{ $options = append $options .options }}{{ end -}}
{{- if .rest.login }}{{ $options = append $options (printf "-Djava.security.auth.login.config=/etc/selfmonitor/%s/login.conf" .rest.component) }}{{ end -}}
{{- join " " $options -}}
{{- end -}}

{{/* Environment variables with which the selfmonitor command and library connect to the registry: (dict "root" . "account" "admin"). YAML list items. */}}
{{- define "selfmonitor.registryEnv" -}}
{{- $values := .root.Values -}}
{{- if $values.schemaRegistry.enabled -}}
{{- $rest := include "selfmonitor.rest" (dict "root" .root "key" "schemaRegistry") | fromJson -}}
- { name: SCHEMA_REGISTRY_URL, value: {{ $rest.url | quote }} }
{{- if $rest.tls }}
- { name: SCHEMA_REGISTRY_CA, valueFrom: { secretKeyRef: { name: {{ $rest.caSecret | default (printf "kafka-user-%s" .account) }}, key: ca.crt } } }
{{- end }}
{{- if $rest.login }}
- { name: SCHEMA_REGISTRY_USERNAME, valueFrom: { secretKeyRef: { name: {{ $rest.loginSecret }}, key: username } } }
- { name: SCHEMA_REGISTRY_PASSWORD, valueFrom: { secretKeyRef: { name: {{ $rest.loginSecret }}, key: password } } }
{{- end }}
{{- else if $values.setup.schemaRegistryUrl -}}
- { name: SCHEMA_REGISTRY_URL, value: {{ $values.setup.schemaRegistryUrl | quote }} }
{{- with $values.setup.schemaRegistrySecret }}
{{- range $variable, $key := dict "SCHEMA_REGISTRY_CA" "ca.crt" "SCHEMA_REGISTRY_USERNAME" "username" "SCHEMA_REGISTRY_PASSWORD" "password" }}
- { name: {{ $variable }}, valueFrom: { secretKeyRef: { name: {{ $values.setup.schemaRegistrySecret }}, key: {{ $key }}, optional: true } } }
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{- define "selfmonitor.validateRest" -}}
{{- $secured := include "selfmonitor.secured" . -}}
{{- range $key := list "schemaRegistry" "connect" "ksqldb" -}}
{{- $values := index $.Values $key -}}
{{- range $part := list "tls" "login" -}}
{{- if and (index $values $part).enabled (not $secured) -}}
{{- fail (printf "%s.%s.enabled is true without security.enabled: set security.enabled to true as well, which creates the certificates and passwords" $key $part) -}}
{{- end -}}
{{- end -}}
{{- if and $values.login.enabled (not $values.tls.enabled) (not $.Values.security.acceptInsecure) -}}
{{- fail (printf "%s.login.enabled is true without %s.tls.enabled: passwords would be sent without encryption. Set %s.tls.enabled to true, or, if another layer encrypts the connections, security.acceptInsecure" $key $key $key) -}}
{{- end -}}
{{- if and $values.tls.enabled (eq $.Values.security.tls.mode "existing") (not $values.tls.secret) -}}
{{- fail (printf "%s.tls.enabled is true with security.tls.mode existing: set %s.tls.secret to your kubernetes.io/tls Secret (tls.crt, tls.key, ca.crt)" $key $key) -}}
{{- end -}}
{{- range $setting := list "tls.secret" "login.usersSecret" -}}
{{- $parts := splitList "." $setting -}}
{{- $section := index $values (first $parts) -}}
{{- if and (index $section (last $parts)) (not $section.enabled) -}}
{{- fail (printf "%s.%s is set, but %s.%s.enabled is false: set it to true, or remove the Secret" $key $setting $key (first $parts)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.setup.schemaRegistrySecret (or .Values.schemaRegistry.enabled (not .Values.setup.schemaRegistryUrl)) -}}
{{- fail "setup.schemaRegistrySecret is only for the registry at setup.schemaRegistryUrl with schemaRegistry.enabled: false: set both, or remove it" -}}
{{- end -}}
{{- end -}}

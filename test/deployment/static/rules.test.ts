// Each rule passes a small release that is right and catches every way of breaking it: a rule that cannot fail is none.
import { describe, expect, it } from 'vitest'
import { type Json, type KubernetesObject, parseObjects } from './objects.ts'
import { clusterScopedClashes, connections, type RuleName, rules, upgradeConflicts } from './rules/index.ts'

const labels = (component: string) =>
  `
app.kubernetes.io/name: k, app.kubernetes.io/instance: r, app.kubernetes.io/component: ${component},
app.kubernetes.io/part-of: p`.replaceAll('\n', ' ')
const metadata = (name: string, component = 'kafka') =>
  `{ name: ${name}, namespace: ns, labels: { ${labels(component)}, app.kubernetes.io/version: "1", app.kubernetes.io/managed-by: Helm } }`
const context = `{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: [ALL] } }`
const resources = `{ requests: { cpu: 100m, memory: 1Gi, ephemeral-storage: 1Gi }, limits: { memory: 1Gi, ephemeral-storage: 1Gi } }`
const pod = `
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext: { runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000, seccompProfile: { type: RuntimeDefault } }`

/** Three brokers, a client of theirs, and the Job that makes their Secrets. */
const release = `
apiVersion: apps/v1
kind: StatefulSet
metadata: ${metadata('kafka')}
spec:
  serviceName: kafka-headless
  replicas: 3
  selector: { matchLabels: { app.kubernetes.io/component: kafka } }
  updateStrategy: { type: RollingUpdate }
  template:
    metadata: { labels: { ${labels('kafka')} } }
    spec:${pod}
      terminationGracePeriodSeconds: 300
      topologySpreadConstraints:
        - { topologyKey: topology.kubernetes.io/zone, maxSkew: 1, whenUnsatisfiable: ScheduleAnyway,
            labelSelector: { matchLabels: { app.kubernetes.io/component: kafka } } }
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            - { topologyKey: kubernetes.io/hostname, labelSelector: { matchLabels: { app.kubernetes.io/component: kafka } } }
      initContainers:
        - name: format
          image: kafka:4.3
          command: [/opt/bin/start.sh, format]
          securityContext: ${context}
          resources: ${resources}
          volumeMounts: [{ name: bin, mountPath: /opt/bin }]
      containers:
        - name: kafka
          image: registry:5000/kafka:4.3
          command: [/opt/bin/start.sh]
          env:
            - { name: KAFKA_HEAP_OPTS, value: -Xms512m -Xmx512m }
            - { name: CLUSTER_ID, valueFrom: { configMapKeyRef: { name: kafka-identity, key: cluster-id } } }
          ports: [{ name: client, containerPort: 9092 }]
          readinessProbe: { exec: { command: [/opt/bin/start.sh, ready] } }
          livenessProbe: { tcpSocket: { port: client } }
          securityContext: ${context}
          resources: ${resources}
          volumeMounts:
            - { name: data, mountPath: /data }
            - { name: bin, mountPath: /opt/bin }
            - { name: run, mountPath: /run }
            - { name: tls, mountPath: /etc/tls }
      volumes:
        - { name: bin, configMap: { name: scripts, items: [{ key: start.sh, path: start.sh }] } }
        - { name: run, emptyDir: { medium: Memory, sizeLimit: 16Mi } }
        - { name: tls, secret: { secretName: kafka-tls, items: [{ key: tls.crt, path: tls.crt }] } }
  volumeClaimTemplates:
    - { metadata: { name: data }, spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } } }
---
apiVersion: apps/v1
kind: Deployment
metadata: ${metadata('client', 'client')}
spec:
  replicas: 1
  selector: { matchLabels: { app.kubernetes.io/component: client } }
  template:
    metadata: { labels: { ${labels('client')} } }
    spec:${pod}
      containers:
        - name: client
          image: client@sha256:${'a'.repeat(64)}
          ports: [{ name: http, containerPort: 8080 }]
          readinessProbe: { httpGet: { port: http, path: /ready } }
          livenessProbe: { httpGet: { port: http, path: /alive } }
          securityContext: ${context}
          resources: ${resources}
---
apiVersion: batch/v1
kind: Job
metadata: ${metadata('credentials', 'credentials')}
spec:
  backoffLimit: 3
  activeDeadlineSeconds: 600
  template:
    metadata: { labels: { ${labels('credentials')} } }
    spec:${pod}
      serviceAccountName: credentials
      restartPolicy: OnFailure
      containers:
        - name: credentials
          image: ours:1
          securityContext: ${context}
          resources: ${resources}
          volumeMounts: [{ name: token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount }]
      volumes: [{ name: token, projected: { sources: [{ serviceAccountToken: { path: token } }] } }]
---
apiVersion: batch/v1
kind: CronJob
metadata: ${metadata('renew', 'credentials')}
spec:
  schedule: 0 3 * * *
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      backoffLimit: 3
      activeDeadlineSeconds: 600
      template:
        metadata: { labels: { ${labels('credentials')} } }
        spec:${pod.replaceAll('\n', '\n    ')}
          restartPolicy: Never
          containers:
            - { name: renew, image: "ours:1", securityContext: ${context}, resources: ${resources} }
---
apiVersion: v1
kind: ConfigMap
metadata: ${metadata('scripts')}
data: { start.sh: 'password="$(cat /etc/password)"' }
---
apiVersion: v1
kind: ConfigMap
metadata: ${metadata('kafka-credentials-spec')}
data:
  spec.json: '{"tls":{"mode":"chart","caSecret":"kafka-ca","caConfigMap":"kafka-ca-bundle","certificates":[{"secret":"kafka-tls"}]},"identity":{"configMap":"kafka-identity","controllers":3},"accounts":[{"name":"admin","secret":"kafka-user-admin"}]}'
---
apiVersion: v1
kind: Service
metadata: ${metadata('kafka-headless')}
spec: { clusterIP: None, selector: { app.kubernetes.io/component: kafka }, ports: [{ name: client, port: 9092, targetPort: client }] }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: ${metadata('kafka')}
spec: { maxUnavailable: 1, selector: { matchLabels: { app.kubernetes.io/component: kafka } } }
---
apiVersion: v1
kind: ServiceAccount
metadata: ${metadata('credentials', 'credentials')}
automountServiceAccountToken: false
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: ${metadata('credentials', 'credentials')}
rules:
  - { apiGroups: [""], resources: [secrets], verbs: [create] }
  - { apiGroups: [""], resources: [secrets], verbs: [get, update], resourceNames: [kafka-ca] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: ${metadata('credentials', 'credentials')}
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: credentials }
subjects: [{ kind: ServiceAccount, name: credentials, namespace: ns }]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: ${metadata('all')}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
  egress:
    - to: [{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: kube-system } } }]
      ports: [{ port: 53, protocol: UDP }, { port: 53, protocol: TCP }]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: ${metadata('kafka')}
spec:
  podSelector: { matchLabels: { app.kubernetes.io/component: kafka } }
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - { podSelector: { matchExpressions: [{ key: app.kubernetes.io/component, operator: In, values: [kafka, client] }] } }
      ports: [{ port: client }]
  egress:
    - to: [{ podSelector: { matchLabels: { app.kubernetes.io/component: kafka } } }]
      ports: [{ port: 9092 }]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: ${metadata('client', 'client')}
spec:
  podSelector: { matchLabels: { app.kubernetes.io/component: client } }
  policyTypes: [Ingress, Egress]
  ingress:
    - from: [{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: office } } }]
      ports: [{ port: 8080 }]
  egress:
    - to: [{ podSelector: { matchLabels: { app.kubernetes.io/component: kafka } } }]
      ports: [{ port: 9092 }]
`

/** The release with one thing changed. */
class Draft {
  readonly objects: Json[] = structuredClone(parseObjects(release)) as Json[]
  find = (kind: string, name: string): Json =>
    this.objects.find((object) => object.kind === kind && object.metadata.name === name)
  remove = (kind: string, name: string): void => {
    this.objects.splice(this.objects.indexOf(this.find(kind, name)), 1)
  }
  get set(): Json {
    return this.find('StatefulSet', 'kafka')
  }
  get pod(): Json {
    return this.set.spec.template.spec
  }
  get broker(): Json {
    return this.pod.containers[0]
  }
  policy = (name: string): Json => this.find('NetworkPolicy', name).spec
}

type Break = readonly [what: string, change: (draft: Draft) => void, violation: string | RegExp]

const breaks: Record<RuleName, readonly Break[]> = {
  podSecurityRestricted: [
    ['the host network', (d) => Object.assign(d.pod, { hostNetwork: true }), 'StatefulSet kafka: hostNetwork is set'],
    ['the host processes', (d) => Object.assign(d.pod, { hostPID: true }), /hostPID is set/],
    ['the host IPC', (d) => Object.assign(d.pod, { hostIPC: true }), /hostIPC is set/],
    ['a host path', (d) => d.pod.volumes.push({ name: 'h', hostPath: { path: '/' } }), /volume h is of type hostPath/],
    ['an NFS volume', (d) => d.pod.volumes.push({ name: 'n', nfs: {} }), /volume n is of type nfs/],
    [
      'an unsafe sysctl',
      (d) => Object.assign(d.pod.securityContext, { sysctls: [{ name: 'kernel.msgmax' }] }),
      /sysctl kernel.msgmax/,
    ],
    ['root', (d) => Object.assign(d.pod.securityContext, { runAsUser: 0 }), /runAsUser is 0/],
    [
      'root in a container',
      (d) => Object.assign(d.broker.securityContext, { runAsUser: 0 }),
      /container kafka: runAsUser is 0/,
    ],
    [
      'no seccomp profile',
      (d) => delete d.pod.securityContext.seccompProfile,
      /container kafka: seccompProfile.type is undefined/,
    ],
    [
      'an unconfined container',
      (d) => Object.assign(d.broker.securityContext, { seccompProfile: { type: 'Unconfined' } }),
      /seccompProfile.type is Unconfined/,
    ],
    ['a user that may be root', (d) => delete d.pod.securityContext.runAsNonRoot, /runAsNonRoot is not true/],
    [
      'a container that may be root',
      (d) => Object.assign(d.broker.securityContext, { runAsNonRoot: false }),
      /runAsNonRoot is not true/,
    ],
    [
      'a privileged container',
      (d) => Object.assign(d.broker.securityContext, { privileged: true }),
      /it is privileged/,
    ],
    [
      'an init container that may escalate',
      (d) => delete d.pod.initContainers[0].securityContext.allowPrivilegeEscalation,
      /container format: allowPrivilegeEscalation/,
    ],
    [
      'an ephemeral container that keeps capabilities',
      (d) => Object.assign(d.pod, { ephemeralContainers: [{ name: 'debug', securityContext: {} }] }),
      /container debug: capabilities.drop has no ALL/,
    ],
    [
      'an added capability',
      (d) => Object.assign(d.broker.securityContext.capabilities, { add: ['SYS_ADMIN'] }),
      /capability SYS_ADMIN is added/,
    ],
    [
      'an unmasked /proc',
      (d) => Object.assign(d.broker.securityContext, { procMount: 'Unmasked' }),
      /procMount is Unmasked/,
    ],
    ['a host port', (d) => Object.assign(d.broker.ports[0], { hostPort: 9092 }), /it takes host port 9092/],
    [
      'a probe of another host',
      (d) => Object.assign(d.broker.livenessProbe.tcpSocket, { host: '10.0.0.1' }),
      /livenessProbe names a host/,
    ],
    [
      'a Windows host process',
      (d) => Object.assign(d.pod.securityContext, { windowsOptions: { hostProcess: true } }),
      /hostProcess is set/,
    ],
    [
      'an SELinux type of its own',
      (d) => Object.assign(d.pod.securityContext, { seLinuxOptions: { type: 'spc_t' } }),
      /seLinuxOptions.type is spc_t/,
    ],
    [
      'an SELinux role',
      (d) => Object.assign(d.pod.securityContext, { seLinuxOptions: { role: 'r' } }),
      /seLinuxOptions.role is set/,
    ],
    [
      'no AppArmor',
      (d) => Object.assign(d.broker.securityContext, { appArmorProfile: { type: 'Unconfined' } }),
      /appArmorProfile.type is Unconfined/,
    ],
    [
      'no AppArmor, by annotation',
      (d) =>
        Object.assign(d.set.spec.template.metadata, {
          annotations: { 'container.apparmor.security.beta.kubernetes.io/kafka': 'unconfined' },
        }),
      /is unconfined/,
    ],
    [
      'a CronJob that may escalate',
      (d) => delete d.find('CronJob', 'renew').spec.jobTemplate.spec.template.spec.containers[0].securityContext,
      /CronJob renew, container renew: allowPrivilegeEscalation/,
    ],
  ],
  readOnlyRoot: [
    [
      'a writable root',
      (d) => delete d.broker.securityContext.readOnlyRootFilesystem,
      /container kafka: readOnlyRootFilesystem/,
    ],
  ],
  noServiceLinks: [['service links', (d) => delete d.pod.enableServiceLinks, /enableServiceLinks is not false/]],
  noTokenWithoutReason: [
    [
      'a token by default',
      (d) => delete d.pod.automountServiceAccountToken,
      /container kafka: has a service-account token .* \(automountServiceAccountToken is not false\)/,
    ],
    [
      'a token in the broker',
      (d) => {
        d.pod.volumes.push({ name: 'token', projected: { sources: [{ serviceAccountToken: {} }] } })
        d.broker.volumeMounts.push({ name: 'token', mountPath: '/token' })
      },
      /container kafka: has a service-account token without a known reason/,
    ],
  ],
  referencedDataExists: [
    [
      'a Secret that nobody makes',
      (d) => Object.assign(d.pod.volumes[2].secret, { secretName: 'kafka-tsl' }),
      'StatefulSet kafka, volume tls: there is no Secret kafka-tsl, and nothing makes it',
    ],
    [
      'a key that the Job does not make',
      (d) => Object.assign(d.pod.volumes[2].secret.items[0], { key: 'tls.pem' }),
      /Secret kafka-tls has no key tls.pem/,
    ],
    [
      'a key that the ConfigMap has not',
      (d) => Object.assign(d.pod.volumes[0].configMap.items[0], { key: 'stop.sh' }),
      /ConfigMap scripts has no key stop.sh/,
    ],
    [
      'a variable from a missing key',
      (d) => Object.assign(d.broker.env[1].valueFrom.configMapKeyRef, { key: 'id' }),
      /container kafka: ConfigMap kafka-identity has no key id/,
    ],
    [
      'an environment from a missing Secret',
      (d) => Object.assign(d.broker, { envFrom: [{ secretRef: { name: 'gone' } }] }),
      /there is no Secret gone/,
    ],
    [
      'a projected source that is missing',
      (d) => d.pod.volumes.push({ name: 'p', projected: { sources: [{ secret: { name: 'gone' } }] } }),
      /volume p: there is no Secret gone/,
    ],
    [
      'a pull secret that nobody brings',
      (d) => Object.assign(d.pod, { imagePullSecrets: [{ name: 'pull' }] }),
      /imagePullSecrets: there is no Secret pull/,
    ],
    [
      'no specification for the Job',
      (d) => d.remove('ConfigMap', 'kafka-credentials-spec'),
      /there is no Secret kafka-tls/,
    ],
  ],
  volumesMatch: [
    [
      'a mount of no volume',
      (d) => d.broker.volumeMounts.push({ name: 'logs', mountPath: '/logs' }),
      /mounts volume logs, which the pod has not/,
    ],
    [
      'a volume that nobody mounts',
      (d) => d.pod.volumes.push({ name: 'spare', emptyDir: {} }),
      /nobody mounts volume spare/,
    ],
    [
      'two mounts in one place',
      (d) => Object.assign(d.broker.volumeMounts[0], { mountPath: '/run' }),
      /mounts two volumes at \/run/,
    ],
    ['a volume twice', (d) => d.pod.volumes.push({ name: 'data', emptyDir: {} }), /volume data is declared twice/],
    [
      'a claim that is not there',
      (d) => d.pod.volumes.push({ name: 'c', persistentVolumeClaim: { claimName: 'c' } }),
      /there is no PersistentVolumeClaim c/,
    ],
  ],
  commandsExist: [
    [
      'a command that is no script of the ConfigMap',
      (d) => Object.assign(d.broker, { command: ['/opt/bin/strat.sh'] }),
      'StatefulSet kafka, container kafka: there is no /opt/bin/strat.sh',
    ],
    [
      'a probe that is none',
      (d) => Object.assign(d.broker.readinessProbe.exec, { command: ['/opt/bin/probe.sh'] }),
      /no \/opt\/bin\/probe.sh/,
    ],
    [
      'a hook that is none',
      (d) =>
        Object.assign(d.broker, { lifecycle: { preStop: { exec: { command: ['sh', '-c', '/opt/bin/stop.sh'] } } } }),
      /no \/opt\/bin\/stop.sh/,
    ],
  ],
  accountsExist: [
    [
      'a service account that is not there',
      (d) => d.remove('ServiceAccount', 'credentials'),
      /Job credentials: there is no ServiceAccount credentials/,
    ],
    [
      'a binding to no role',
      (d) => d.remove('Role', 'credentials'),
      /RoleBinding credentials: there is no Role credentials/,
    ],
  ],
  rightsAreNarrow: [
    ['every verb', (d) => Object.assign(d.find('Role', 'credentials').rules[0], { verbs: ['*'] }), /verbs has \*/],
    [
      'listing Secrets',
      (d) => Object.assign(d.find('Role', 'credentials').rules[0], { verbs: ['list'] }),
      /may list secrets of any name/,
    ],
    ['any Secret', (d) => delete d.find('Role', 'credentials').rules[1].resourceNames, /may get secrets of any name/],
  ],
  servicesHitPods: [
    [
      'a selector that hits nobody',
      (d) => Object.assign(d.find('Service', 'kafka-headless').spec, { selector: { app: 'x' } }),
      /its selector hits no pod/,
    ],
    [
      'a selector that hits everybody',
      (d) => Object.assign(d.find('Service', 'kafka-headless').spec, { selector: { 'app.kubernetes.io/name': 'k' } }),
      /hits pods of StatefulSet kafka and Deployment client/,
    ],
    [
      'a target port that is not opened',
      (d) => Object.assign(d.find('Service', 'kafka-headless').spec.ports[0], { targetPort: 9093 }),
      /target port 9093 is not opened by StatefulSet kafka/,
    ],
    [
      'a protocol that is not opened',
      (d) => Object.assign(d.find('Service', 'kafka-headless').spec.ports[0], { protocol: 'UDP' }),
      /target port client is not opened/,
    ],
    ['no governing Service', (d) => Object.assign(d.set.spec, { serviceName: 'kafka' }), /there is no Service kafka/],
    [
      'a governing Service with an address',
      (d) => delete d.find('Service', 'kafka-headless').spec.clusterIP,
      /is not headless/,
    ],
  ],
  workloadsSelectTheirPods: [
    [
      'a selector that misses its pods',
      (d) => Object.assign(d.set.spec.selector.matchLabels, { app: 'x' }),
      /does not hit its own pods/,
    ],
    [
      'a selector that hits others',
      (d) => Object.assign(d.set.spec, { selector: { matchLabels: { 'app.kubernetes.io/name': 'k' } } }),
      /hits pods of Deployment client too/,
    ],
  ],
  everyPodHasPolicies: [
    [
      'a pod with no policy',
      (d) => Object.assign(d.policy('all').podSelector, { matchLabels: { 'app.kubernetes.io/component': 'kafka' } }),
      /Job credentials: no NetworkPolicy holds its ingress/,
    ],
    [
      'policies of one direction',
      (d) => ['all', 'kafka', 'client'].map((name) => Object.assign(d.policy(name), { policyTypes: ['Ingress'] })),
      /StatefulSet kafka: no NetworkPolicy holds its egress/,
    ],
  ],
  policiesNameOpenPorts: [
    [
      'a port that nobody opens',
      (d) => Object.assign(d.policy('kafka').ingress[0].ports[0], { port: 9099 }),
      'NetworkPolicy kafka: lets in port 9099, which no selected pod opens',
    ],
    ['every port', (d) => delete d.policy('kafka').ingress[0].ports, /a rule lets in every port/],
    [
      'a selector that hits nobody',
      (d) => Object.assign(d.policy('client').podSelector.matchLabels, { app: 'x' }),
      /NetworkPolicy client: selects no pod/,
    ],
  ],
  openPortsAreLetIn: [
    [
      'a port that nobody may reach',
      (d) => d.broker.ports.push({ name: 'metrics', containerPort: 5556 }),
      'StatefulSet kafka: opens port metrics, but no NetworkPolicy lets anybody in',
    ],
  ],
  policiesPair: [
    [
      'a way out that is no way in',
      (d) => Object.assign(d.policy('kafka').ingress[0].from[0].podSelector.matchExpressions[0], { values: ['kafka'] }),
      'Deployment client to StatefulSet kafka, port client: is let out, but not in',
    ],
    [
      'a way in that is no way out',
      (d) => delete d.policy('client').egress,
      'Deployment client to StatefulSet kafka, port client: is let in, but not out',
    ],
    [
      'a peer that is no pod',
      (d) =>
        Object.assign(d.policy('client').egress[0].to[0].podSelector.matchLabels, {
          'app.kubernetes.io/component': 'broker',
        }),
      /"app.kubernetes.io\/component":"broker"\}\} in its egress is no pod/,
    ],
    ['a way to everywhere', (d) => delete d.policy('client').egress[0].to, /an egress rule goes everywhere/],
    [
      'a port that the other side has not',
      (d) => Object.assign(d.policy('client').egress[0].ports[0], { port: 9093 }),
      /lets out to port 9093, which nobody there opens/,
    ],
  ],
  everyPodHasDns: [
    [
      'no DNS over TCP',
      (d) => d.policy('all').egress[0].ports.pop(),
      /StatefulSet kafka: no NetworkPolicy lets it ask DNS/,
    ],
  ],
  imagesArePinned: [
    ['no tag', (d) => Object.assign(d.broker, { image: 'registry:5000/kafka' }), /has neither tag nor digest/],
    ['the latest', (d) => Object.assign(d.broker, { image: 'kafka:latest' }), /is whatever is latest/],
    ['a cut digest', (d) => Object.assign(d.broker, { image: 'kafka@sha256:abc' }), /has a malformed digest/],
  ],
  resourcesAreSane: [
    ['no memory limit', (d) => delete d.broker.resources.limits.memory, /container kafka: has no limit of memory/],
    ['no processor request', (d) => delete d.broker.resources.requests.cpu, /requests no cpu/],
    [
      'a request above its limit',
      (d) => Object.assign(d.broker.resources.requests, { memory: '2Gi' }),
      /requests 2Gi of memory, its limit is 1Gi/,
    ],
    [
      'a heap as large as the memory',
      (d) => Object.assign(d.broker.env[0], { value: '-Xmx1g' }),
      /heap 1024 MiB and 16 MiB of emptyDir in memory, its limit is 1Gi/,
    ],
    [
      'files in memory that fill it',
      (d) => Object.assign(d.pod.volumes[1].emptyDir, { sizeLimit: '512Mi' }),
      /heap 512 MiB and 512 MiB/,
    ],
    ['an emptyDir of any size', (d) => delete d.pod.volumes[1].emptyDir.sizeLimit, /emptyDir run has no sizeLimit/],
  ],
  probesAreMeaningful: [
    ['no readiness', (d) => delete d.broker.readinessProbe, /has no readinessProbe/],
    ['no liveness', (d) => delete d.broker.livenessProbe, /has no livenessProbe/],
    [
      'liveness that asks for readiness',
      (d) => Object.assign(d.broker, { livenessProbe: { ...d.broker.readinessProbe, periodSeconds: 30 } }),
      /liveness asks what readiness asks/,
    ],
    [
      'two equal questions to an open port',
      (d) => Object.assign(d.broker, { readinessProbe: d.broker.livenessProbe }),
      /liveness asks what readiness asks, and is no more patient/,
    ],
    [
      'a port that is not open',
      (d) => Object.assign(d.broker.livenessProbe.tcpSocket, { port: 'clients' }),
      /livenessProbe asks port clients, which it does not open/,
    ],
    [
      'a probe longer than its period',
      (d) => Object.assign(d.broker.livenessProbe, { timeoutSeconds: 20 }),
      /livenessProbe may take longer than its period/,
    ],
    [
      'two successes of liveness',
      (d) => Object.assign(d.broker.livenessProbe, { successThreshold: 2 }),
      /successThreshold of livenessProbe has to be 1/,
    ],
  ],
  budgetsLeaveQuorum: [
    ['no budget', (d) => d.remove('PodDisruptionBudget', 'kafka'), /has 3 replicas and no PodDisruptionBudget/],
    [
      'two at once',
      (d) => Object.assign(d.find('PodDisruptionBudget', 'kafka').spec, { maxUnavailable: 2 }),
      /leaves 1 of 3, which is no majority/,
    ],
    [
      'two of five at once',
      (d) => [
        Object.assign(d.set.spec, { replicas: 5 }),
        Object.assign(d.find('PodDisruptionBudget', 'kafka').spec, { maxUnavailable: 2 }),
      ],
      /lets 2 of 5 go at once/,
    ],
    [
      'none',
      (d) => Object.assign(d.find('PodDisruptionBudget', 'kafka').spec, { maxUnavailable: 0 }),
      /a node can never be drained/,
    ],
    [
      'a share that leaves no majority',
      (d) => Object.assign(d.find('PodDisruptionBudget', 'kafka').spec, { maxUnavailable: '50%' }),
      /leaves 1 of 3/,
    ],
    [
      'nobody selected',
      (d) => Object.assign(d.find('PodDisruptionBudget', 'kafka').spec.selector.matchLabels, { app: 'x' }),
      /selects pods of nobody/,
    ],
    ['two budgets', (d) => d.objects.push({ ...d.find('PodDisruptionBudget', 'kafka') }), /has 2 budgets/],
  ],
  spreadSelectsItself: [
    [
      'a spread of other pods',
      (d) => Object.assign(d.pod.topologySpreadConstraints[0].labelSelector.matchLabels, { app: 'x' }),
      /spread over topology.kubernetes.io\/zone does not select its own pods/,
    ],
    [
      'no selector',
      (d) => Object.assign(d.pod.topologySpreadConstraints[0], { labelSelector: {} }),
      /does not select its own pods/,
    ],
    ['all on one node', (d) => delete d.pod.affinity, /not spread over kubernetes.io\/hostname/],
  ],
  jobsAreBounded: [
    [
      'no deadline',
      (d) => delete d.find('Job', 'credentials').spec.activeDeadlineSeconds,
      /Job credentials: has no activeDeadlineSeconds/,
    ],
    [
      'no number of tries',
      (d) => delete d.find('CronJob', 'renew').spec.jobTemplate.spec.backoffLimit,
      /CronJob renew: has no backoffLimit/,
    ],
    ['two at once', (d) => delete d.find('CronJob', 'renew').spec.concurrencyPolicy, /concurrencyPolicy is not Forbid/],
    [
      'a Job that always starts again',
      (d) => delete d.find('Job', 'credentials').spec.template.spec.restartPolicy,
      /restartPolicy is neither/,
    ],
  ],
  statefulSetsStopGently: [
    [
      'half a minute to stop',
      (d) => delete d.pod.terminationGracePeriodSeconds,
      /terminationGracePeriodSeconds is under a minute/,
    ],
    [
      'two at once',
      (d) =>
        Object.assign(d.set.spec, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 2 } } }),
      /an update takes 2 pods at once/,
    ],
  ],
  noCredentials: [
    [
      'a Secret with a value',
      (d) => d.objects.push({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { a: 'b' } }),
      'Secret s: is rendered with values',
    ],
    [
      'a password in a ConfigMap',
      (d) => Object.assign(d.find('ConfigMap', 'scripts').data, { a: 'ssl.key.password=hunter2' }),
      /ConfigMap scripts, key a: has a password \(password=hunter2\)/,
    ],
    [
      'a password in a JAAS line',
      (d) =>
        Object.assign(d.find('ConfigMap', 'scripts').data, {
          a: 'sasl.jaas.config=Module required username="a" password="hunter2";',
        }),
      /has a password/,
    ],
    [
      'a password in JSON',
      (d) => Object.assign(d.find('ConfigMap', 'scripts').data, { a: '{"password": "hunter2"}' }),
      /has a password/,
    ],
    [
      'a password in YAML',
      (d) => Object.assign(d.find('ConfigMap', 'scripts').data, { a: 'password: hunter2' }),
      /has a password/,
    ],
    [
      'a private key',
      (d) => Object.assign(d.find('ConfigMap', 'scripts').data, { a: '-----BEGIN PRIVATE KEY-----\nMIIE' }),
      /has a private key/,
    ],
    [
      'a password in an argument',
      (d) => d.broker.command.push('--password=hunter2'),
      /container kafka: has a password/,
    ],
    [
      'a password in SCRAM notation',
      (d) => d.broker.command.push('SCRAM-SHA-512=[name=a,password=hunter2]'),
      /container kafka: has a password/,
    ],
    [
      'a password in a variable',
      (d) => d.broker.env.push({ name: 'ADMIN_PASSWORD', value: 'hunter2' }),
      /variable ADMIN_PASSWORD: has a password/,
    ],
    [
      'a password in an address',
      (d) => d.broker.env.push({ name: 'REGISTRY', value: 'http://admin:hunter2@registry:8081' }),
      /has a password in an address/,
    ],
    [
      'a password in an annotation',
      (d) => Object.assign(d.set.metadata, { annotations: { note: 'password: hunter2' } }),
      /annotation note: has a password/,
    ],
  ],
  acceptedByApiServer: [
    [
      'a name with capitals',
      (d) => Object.assign(d.find('ConfigMap', 'scripts').metadata, { name: 'Scripts' }),
      /its name is not one that Kubernetes accepts/,
    ],
    [
      'a Service named like a host',
      (d) => Object.assign(d.find('Service', 'kafka-headless').metadata, { name: 'kafka.headless' }),
      /its name is not one/,
    ],
    [
      'a StatefulSet whose pods get no label',
      (d) => Object.assign(d.set.metadata, { name: 'k'.repeat(53) }),
      /longer than 52/,
    ],
    ['an object twice', (d) => d.objects.push(d.set), /is rendered twice/],
    [
      'a label with a plus',
      (d) => Object.assign(d.set.metadata.labels, { 'helm.sh/chart': 'kafka-0.1.0+1' }),
      /label helm.sh\/chart=kafka-0.1.0\+1 is malformed/,
    ],
    [
      'a long label of the pods',
      (d) => Object.assign(d.set.spec.template.metadata.labels, { a: 'x'.repeat(64) }),
      /label a=x+ is malformed/,
    ],
    [
      'a long port name',
      (d) => Object.assign(d.broker.ports[0], { name: 'external-listener' }),
      /port name external-listener is malformed/,
    ],
    [
      'a variable twice',
      (d) => d.broker.env.push({ name: 'CLUSTER_ID', value: 'x' }),
      /variable CLUSTER_ID is set twice/,
    ],
    [
      'a quantity with a typing mistake',
      (d) => Object.assign(d.broker.resources.limits, { memory: '1GB' }),
      /1GB of memory is not a quantity/,
    ],
    ['a container twice', (d) => d.pod.containers.push(d.broker), /there are two of that name/],
    [
      'a key with a slash',
      (d) => Object.assign(d.find('ConfigMap', 'scripts').data, { 'bin/a': '' }),
      /key bin\/a is malformed/,
    ],
    [
      'a ConfigMap beyond 1 MiB',
      (d) => Object.assign(d.find('ConfigMap', 'scripts').data, { a: 'x'.repeat(1024 * 1024) }),
      /is larger than 1 MiB/,
    ],
  ],
  recommendedLabels: [
    [
      'an object without its component',
      (d) => delete d.set.metadata.labels['app.kubernetes.io/component'],
      /StatefulSet kafka: has no label app.kubernetes.io\/component/,
    ],
    [
      'pods without their release',
      (d) => delete d.set.spec.template.metadata.labels['app.kubernetes.io/instance'],
      /its pods have no label/,
    ],
    [
      'pods with a version',
      (d) => Object.assign(d.set.spec.template.metadata.labels, { 'app.kubernetes.io/version': '1' }),
      /its pods have label app.kubernetes.io\/version, which an upgrade changes/,
    ],
    [
      'claims with a version',
      (d) => Object.assign(d.set.spec.volumeClaimTemplates[0].metadata, { labels: { 'helm.sh/chart': '1' } }),
      /its claims data have label helm.sh\/chart/,
    ],
  ],
  namespaceIsNamed: [
    ['no namespace', (d) => delete d.set.metadata.namespace, /StatefulSet kafka: does not say its namespace/],
    [
      'a namespace where none belongs',
      (d) => Object.assign(d.find('Role', 'credentials'), { kind: 'ClusterRole' }),
      /ClusterRole credentials: has a namespace, but is in none/,
    ],
  ],
}

const violations = (name: RuleName, objects: readonly Json[]) =>
  rules[name](objects as KubernetesObject[], { supplied: [] })

describe.each(Object.keys(rules) as RuleName[])('%s', (name) => {
  it('finds nothing in a release that is right', () => {
    expect(violations(name, parseObjects(release))).toEqual([])
  })

  it.each(breaks[name])('catches %s', (_, change, violation) => {
    const draft = new Draft()
    change(draft)
    expect(violations(name, draft.objects)).toContainEqual(
      typeof violation === 'string' ? violation : expect.stringMatching(violation),
    )
  })
})

describe('what is no violation', () => {
  it('is a Secret that the one who installs supplies', () => {
    const draft = new Draft()
    draft.pod.imagePullSecrets = [{ name: 'pull' }]
    const found = rules.referencedDataExists(draft.objects as KubernetesObject[], { supplied: ['Secret pull'] })
    expect(found).toEqual([])
  })

  it('is a password that is put in later', () => {
    const draft = new Draft()
    draft.find('ConfigMap', 'scripts').data['a.sh'] = [
      'sasl.jaas.config=Module required username="a" password="@@password@@";',
      `password="$${'{PASSWORD}'}"`,
      'password=$(cat file)',
      'password=',
      'if [[ $password =~ x ]]; then # the password: it is',
      '--password "$1"',
    ].join('\n')
    expect(violations('noCredentials', draft.objects)).toEqual([])
  })
})

describe('connections', () => {
  it('are those that both ends permit', () => {
    const list = connections(parseObjects(release)).map(
      ({ from, to, port }) => `${from.owner.metadata.name} > ${to.owner.metadata.name}:${port.name}`,
    )
    expect(list).toEqual(['kafka > kafka:client', 'client > kafka:client'])
  })
})

describe('an upgrade', () => {
  const before = parseObjects(release)

  it('may change replicas and the pod template of a StatefulSet', () => {
    const draft = new Draft()
    draft.set.spec.replicas = 5
    draft.broker.image = 'kafka:4.4'
    expect(upgradeConflicts(before, draft.objects as KubernetesObject[])).toEqual([])
  })

  it.each<[string, (draft: Draft) => void, RegExp]>([
    ['selector', (d) => Object.assign(d.set.spec.selector.matchLabels, { version: '2' }), /^StatefulSet kafka: cannot/],
    [
      'volume claims',
      (d) => Object.assign(d.set.spec.volumeClaimTemplates[0].spec.resources.requests, { storage: '2Gi' }),
      /^StatefulSet kafka/,
    ],
    ['governing Service', (d) => Object.assign(d.set.spec, { serviceName: 'other' }), /^StatefulSet kafka/],
    [
      'Job template',
      (d) => Object.assign(d.find('Job', 'credentials').spec.template.spec, { restartPolicy: 'Never' }),
      /^Job credentials/,
    ],
    [
      'role of a binding',
      (d) => Object.assign(d.find('RoleBinding', 'credentials').roleRef, { name: 'other' }),
      /^RoleBinding credentials/,
    ],
  ])('may not change the %s', (_, change, conflict) => {
    const draft = new Draft()
    change(draft)
    expect(upgradeConflicts(before, draft.objects as KubernetesObject[])).toEqual([expect.stringMatching(conflict)])
  })

  it('finds names outside of namespaces that two releases would share', () => {
    const draft = new Draft()
    draft.objects.push({ kind: 'ClusterRole', metadata: { name: 'kafka-nodes' } })
    const objects = draft.objects as KubernetesObject[]
    expect(clusterScopedClashes(objects, objects)).toEqual(['ClusterRole kafka-nodes'])
    expect(clusterScopedClashes(objects, before)).toEqual([])
  })
})

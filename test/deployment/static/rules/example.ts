// A small release that is right, and the ways of breaking it that a rule has to catch: a rule that cannot fail is none.
import { describe, expect, it } from 'vitest'
import { type Json, type KubernetesObject, parseObjects } from '../objects.ts'
import type { Rule } from './rule.ts'

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
export const release = `
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
export class Draft {
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

/** The mistake (`catches …` is the test's title), how to make it, and the reported violation. */
export type Break = readonly [what: string, change: (draft: Draft) => void, violation: string | RegExp]

/** A rule's violations for objects without anything supplied from outside. */
export const violations = (rule: Rule, objects: readonly Json[]) =>
  rule(objects as KubernetesObject[], { supplied: [] })

/** Tests a rule: it passes the release that is right, and catches each way of breaking it. */
export function describeRule(name: string, rule: Rule, breaks: readonly Break[]): void {
  describe(name, () => {
    it('finds nothing in a release that is right', () => {
      expect(violations(rule, parseObjects(release))).toEqual([])
    })

    it.each(breaks)('catches %s', (_, change, violation) => {
      const draft = new Draft()
      change(draft)
      expect(violations(rule, draft.objects)).toContainEqual(
        typeof violation === 'string' ? violation : expect.stringMatching(violation),
      )
    })
  })
}

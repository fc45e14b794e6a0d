// The chart installed on a cluster of this machine: values that let it run on two processors, and clients to try it with.
import { addresses } from './edge/network.ts'
import { renderChart } from './render.ts'
import { startCluster } from './start-cluster.ts'
import type { Cluster, ClusterOptions, KubeObject } from './types.ts'

export interface KafkaOptions extends ClusterOptions {
  /** Values of the chart on top of the small ones below; objects are merged, as Helm does. */
  values?: object
  /** Default 4. */
  helm?: '3' | '4'
  /** Wait until all pods are ready and the setup Job is done. Default true. */
  wait?: boolean
}

export interface KafkaCluster extends Cluster {
  /** The last rendered objects. */
  readonly objects: readonly KubeObject[]
  /** `helm upgrade` with these values on top of those of the installation. Does not wait. */
  upgrade(values: object): Promise<void>
  /** Name of the Job whose name begins so, among what was rendered last: `kafka-setup`. */
  jobName(prefix: string): string
}

/** Compiled quickly rather than well, and collected without threads of its own: what lives for minutes is started cheaply. */
const quickJvm = '-XX:TieredStopAtLevel=1 -XX:-UseG1GC -XX:+UseSerialGC'
const resources = (memory: string) => ({ requests: { cpu: '100m', memory }, limits: { cpu: 'none' } })

/**
 * Sizes that fit here; everything else is the preset's. The images of ksqlDB and kafbat cannot be had without a registry
 * of images (they are not on Maven Central): their pods are not started here.
 */
export const smallValues = {
  environment: 'production',
  kafka: { resources: resources('1Gi'), heap: '256m', jvmOptions: quickJvm, persistence: { size: '1Gi' } },
  controller: { resources: resources('768Mi'), heap: '256m', jvmOptions: quickJvm, persistence: { size: '1Gi' } },
  schemaRegistry: { replicaCount: 1, resources: resources('640Mi') },
  connect: { enabled: false },
  ksqldb: { enabled: false },
  ui: { kind: 'none' },
  // monitoring.test.ts has them.
  monitoring: { prometheus: { enabled: false }, exporter: { enabled: false } },
  networkPolicy: { apiServer: { cidr: `${addresses.apiServer}/32`, ports: [addresses.apiServerPort] } },
}

/** Installs the chart; three zones, three nodes, the namespaces that its policies name, and one more. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaCluster> {
  const zone = (name: string) => ({ 'topology.kubernetes.io/zone': name })
  const values = merge(smallValues, options.values ?? {})
  let objects = await renderChart(values, { helm: options.helm, namespace: options.namespace })
  const cluster = await startCluster({
    namespaces: { selfmonitor: {}, monitoring: {}, foreign: {} },
    nodes: { 'node-a': zone('zone-a'), 'node-b': zone('zone-b'), 'node-c': zone('zone-c') },
    ...options,
  })
  const kafka: KafkaCluster = Object.assign(Object.create(cluster) as Cluster, {
    objects,
    async upgrade(more: object) {
      objects = await renderChart(merge(values, more), { helm: options.helm, namespace: options.namespace })
      Object.assign(kafka, { objects })
      await cluster.installRelease(objects, 'upgrade')
    },
    jobName(prefix: string) {
      const job = objects.find(({ kind, metadata }) => kind === 'Job' && metadata.name.startsWith(prefix))
      if (!job) throw new Error(`The chart renders no Job ${prefix}…`)
      return job.metadata.name
    },
  })
  try {
    await cluster.installRelease(objects, 'install')
    if (options.wait !== false) await untilInstalled(kafka, options.onProgress)
  } catch (error) {
    await cluster.stop()
    throw error
  }
  return kafka
}

async function untilInstalled(kafka: KafkaCluster, onProgress: KafkaOptions['onProgress']): Promise<void> {
  const begun = Date.now()
  const told = new Set<string>()
  const tell = () => {
    for (const pod of kafka.pods()) {
      if (!pod.ready || told.has(pod.name)) continue
      told.add(pod.name)
      onProgress?.(`${pod.name} is ready after ${((Date.now() - begun) / 1000).toFixed(0)} s`)
    }
  }
  const ticker = setInterval(tell, 500)
  try {
    await kafka.waitReady(undefined, { timeoutMs: 600_000 })
    const setup = kafka.objects.some(({ kind, metadata }) => kind === 'Job' && metadata.name.startsWith('kafka-setup'))
    if (!setup) return
    const { succeeded, log } = await kafka.waitForJob(kafka.jobName('kafka-setup'), { timeoutMs: 300_000 })
    if (!succeeded) throw new Error(`The setup Job failed:\n${log}`)
    onProgress?.(`platform.yaml is applied after ${((Date.now() - begun) / 1000).toFixed(0)} s`)
  } finally {
    clearInterval(ticker)
  }
}

/** The pod that `openTools` made. */
export function toolsPod(cluster: Cluster): string {
  const pod = cluster.pods().find(({ labels }) => labels.app === 'kafka-tools')
  if (!pod) throw new Error('There is no pod kafka-tools: openTools(cluster) makes one')
  return pod.name
}

/** `kubectl create job kafka-tools --from=cronjob/kafka-tools`, and the wait for its pod. */
export async function openTools(cluster: Cluster): Promise<void> {
  const { metadata, spec } = cluster.get('CronJob', 'kafka-tools')!.spec.jobTemplate
  const job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { ...metadata, name: 'kafka-tools', namespace: cluster.namespace },
    spec,
  }
  await cluster.apply([job])
  await cluster.waitFor('pod kafka-tools', () =>
    cluster.pods().find(({ labels, ready }) => labels.app === 'kafka-tools' && ready),
  )
}

/** A pod for a test's own commands, in any namespace: it sleeps until it is deleted. */
export function clientPod(
  name: string,
  namespace: string,
  options: {
    image?: string
    /** Default: it waits, for `exec`. */
    command?: readonly string[]
    secrets?: readonly string[]
    labels?: Readonly<Record<string, string>>
  } = {},
): KubeObject {
  const secrets = options.secrets ?? []
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app: name, ...options.labels } },
    spec: {
      ...{ enableServiceLinks: false, automountServiceAccountToken: false, terminationGracePeriodSeconds: 0 },
      securityContext: { runAsUser: 1000, runAsGroup: 1000, runAsNonRoot: true, fsGroup: 1000 },
      containers: [
        {
          name: 'client',
          image: options.image ?? 'confluentinc/cp-kafka:8.3.2',
          command: options.command ?? ['sleep', 'infinity'],
          env: [
            { name: 'LOG_DIR', value: '/tmp/logs' },
            { name: 'KAFKA_HEAP_OPTS', value: '-Xmx128m' },
            { name: 'KAFKA_JVM_PERFORMANCE_OPTS', value: '-XX:+UseSerialGC -XX:TieredStopAtLevel=1' },
          ],
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          volumeMounts: [
            { name: 'tmp', mountPath: '/tmp' },
            ...secrets.map((secret) => ({ name: secret, mountPath: `/secrets/${secret}`, readOnly: true })),
          ],
        },
      ],
      volumes: [
        { name: 'tmp', emptyDir: {} },
        ...secrets.map((secret) => ({ name: secret, secret: { secretName: secret, defaultMode: 0o440 } })),
      ],
    },
  }
}

/** Copies an account's Secret to the namespace of its service, like an operator or External Secrets. */
export async function copySecret(cluster: Cluster, name: string, to: string): Promise<void> {
  const secret = await cluster.waitFor(`Secret ${name}`, () => cluster.get('Secret', name))
  await cluster.apply([{ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: to }, data: secret.data }])
}

function merge(base: object, more: object): object {
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(more)) {
    const before = merged[key]
    merged[key] = isObject(before) && isObject(value) ? merge(before, value) : value
  }
  return merged
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

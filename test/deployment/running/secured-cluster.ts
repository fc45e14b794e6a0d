// The cluster that the proofs of this folder look at: three controllers, three brokers, security on, platform.yaml applied, installed
// as Helm installs the chart, with as little memory as they can live with.
import { type Cluster, type ClusterOptions, startCluster } from './index.ts'
import { renderChart } from './render.ts'

/** Time that six servers may take to be ready on a machine that does other things as well. */
const startTimeoutMs = 600_000

const small = (memory: string) => ({ requests: { cpu: '100m', memory }, limits: { cpu: 'none' } })
/** What starts quickly on few processors; nothing here is measured. */
const jvmOptions = '-XX:TieredStopAtLevel=1 -XX:-UseG1GC -XX:+UseSerialGC'

/** Values of a secured release of production in small, without Connect, ksqlDB and the UI. */
export const securedValues = {
  environment: 'production',
  kafka: { jvmOptions, resources: small('1Gi'), heap: '256m', persistence: { size: '1Gi' } },
  controller: { jvmOptions, resources: small('768Mi'), heap: '256m', persistence: { size: '1Gi' } },
  schemaRegistry: { replicaCount: 1, resources: small('640Mi') },
  connect: { enabled: false },
  ksqldb: { enabled: false },
  ui: { kind: 'none' },
}

/**
 * Starts a cluster and installs the chart with `securedValues`; resolves when every pod is ready and the setup Job is done.
 * @throws Error with what was not ready and the last lines of its logs; nothing is left running then.
 */
export async function startSecuredCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const objects = await renderChart(securedValues)
  const cluster = await startCluster({
    namespaces: { selfmonitor: {}, foreign: {}, monitoring: {} },
    nodes: Object.fromEntries(['a', 'b', 'c'].map((zone) => [`node-${zone}`, { 'topology.kubernetes.io/zone': zone }])),
    ...options,
  })
  try {
    await cluster.installRelease(objects, 'install')
    await cluster.waitReady(undefined, { timeoutMs: startTimeoutMs })
    const setup = objects.find(({ kind, metadata }) => kind === 'Job' && metadata.name.startsWith('kafka-setup-'))!
    const { succeeded, log } = await cluster.waitForJob(setup.metadata.name, { timeoutMs: startTimeoutMs })
    if (!succeeded) throw new Error(`The setup Job failed:\n${log}`)
    return cluster
  } catch (error) {
    await cluster.stop()
    throw error
  }
}

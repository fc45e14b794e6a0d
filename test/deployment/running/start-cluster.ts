// Starts a cluster on this machine: the API server, the network, DNS, and the controllers and kubelet that play the objects.
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startApiServer } from '../../../packages/kubernetes/src/test-support/api-server.ts'
import {
  type ControllerContext,
  createJobState,
  type JobState,
  reconcileDeployment,
  reconcileJob,
  reconcileStatefulSet,
} from './controllers.ts'
import { checkPodSpec } from './core/pod-spec.ts'
import { checkService } from './core/services.ts'
import { UnsupportedError } from './core/strict.ts'
import { checkWorkload, withServiceAccount } from './core/workloads.ts'
import { startHelper } from './edge/helper.ts'
import { folderOf, newRunName, removeLeftovers, removeRun } from './edge/leftovers.ts'
import { addresses, createNetwork } from './edge/network.ts'
import type { ProbeAnswer, ProbeRequest } from './edge/prober.ts'
import { createRuntime } from './edge/runc.ts'
import { createImages } from './images/index.ts'
import { type KubeletContext, type RunningPod, startPod } from './kubelet.ts'
import { createNetworkState, dnsPod } from './network-state.ts'
import { hooksOf, isHook } from './release.ts'
import { createTurns } from './turns.ts'
import type { Cluster, ClusterOptions, KubeObject, WaitOptions } from './types.ts'

const clusterWide = new Set([
  ...['Namespace', 'Node', 'ClusterRole', 'ClusterRoleBinding', 'PersistentVolume', 'StorageClass', 'PriorityClass'],
])
/** Kinds that are kept, because something reads them or because what they say has no meaning on one machine. */
const keptKinds = new Set([
  ...['Namespace', 'Node', 'Secret', 'ConfigMap', 'ServiceAccount', 'Role', 'RoleBinding', 'ClusterRole'],
  ...['ClusterRoleBinding', 'NetworkPolicy', 'PersistentVolumeClaim', 'PodDisruptionBudget', 'StorageClass', 'CronJob'],
  ...['PodMonitor'],
])
const defaultTimeoutMs = 120_000

/** Starts an empty cluster. Call `stop()` in any case; should the process die first, what it had started is removed too. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const progress = options.onProgress ?? (() => {})
  const home = options.namespace ?? 'kafka'
  const clusterDomain = options.clusterDomain ?? 'cluster.local'
  for (const name of await removeLeftovers()) progress(`removed what an earlier run left: ${name}`)

  const runName = await newRunName()
  const folder = folderOf(runName)
  await mkdir(folder, { recursive: true })
  const guardFile = fileURLToPath(new URL('./edge/guard.ts', import.meta.url))
  const guard = spawn(process.execPath, ['--conditions=source', guardFile, runName], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    detached: true,
  })
  await new Promise((resolve, reject) => guard.once('message', resolve).once('error', reject).once('exit', reject))

  const network = await createNetwork(runName)
  const runtime = createRuntime(folder)
  const image = createImages(folder, options.images ?? [])
  const api = await startApiServer({
    names: { dnsNames: [`kubernetes.default.svc.${clusterDomain}`], ipAddresses: [addresses.apiService] },
    onChange: () => changed(),
  })
  const socketFile = join(folder, 'api.sock')
  const relaySocket = createServer((client) => {
    const server = connect(api.port, api.host)
    client.pipe(server).pipe(client)
    client.on('error', () => server.destroy())
    server.on('error', () => client.destroy())
  })
  await new Promise<void>((resolve) => relaySocket.listen(socketFile, resolve))
  const dnsNamespace = await network.addPod(dnsPod.ip)
  const [dnsServer, relay, prober] = await Promise.all([
    startHelper(dnsNamespace, 'dns-server', [dnsPod.ip]),
    startHelper(network.apiServer, 'relay', [addresses.apiServer, String(addresses.apiServerPort), socketFile]),
    startHelper(network.node, 'prober', []),
  ])

  const pods = new Map<string, RunningPod>()
  const jobs = new Map<string, JobState>()
  const claimsToRemove = new Set<string>()
  let released: readonly KubeObject[] = []
  const nodes = options.nodes ?? { 'node-0': {} }
  let addressCount = 255
  let podCount = 0
  let stopped = false
  let failure: Error | null = null
  const fail = (error: Error) => {
    failure ??= error
    progress(`error: ${error.message}`)
  }

  const objects = (kind: string): readonly KubeObject[] => api.objects(kind) as readonly KubeObject[]
  const networkState = createNetworkState({
    ...{ network, dnsServer, dnsNamespace, clusterDomain, objects },
    pods: () => [...pods.values()],
  })

  const turns = createTurns(options.startsAtOnce ?? 3)
  const waitingProbes = new Map<number, (answer: ProbeAnswer) => void>()
  let probeCount = 0
  prober.on('message', (message) => {
    const answer = message as ProbeAnswer
    waitingProbes.get(answer.id)?.(answer)
    waitingProbes.delete(answer.id)
  })
  const claimFolder = (namespace: string, claim: string) => join(folder, 'claims', namespace, claim)
  const kubelet: KubeletContext = {
    ...{ folder, runName, clusterDomain, network, runtime, image, claimFolder },
    lookup: (namespace) => (kind, name) => api.object(kind, name, namespace) as KubeObject | undefined,
    token: (namespace, serviceAccount) => api.token(namespace, serviceAccount),
    claimExists: (namespace, claim) => api.object('PersistentVolumeClaim', claim, namespace) !== undefined,
    probe: (host, port, timeoutMs, http) =>
      new Promise((resolve) => {
        const headers = Object.fromEntries((http?.httpHeaders ?? []).map(({ name, value }) => [name, value]))
        const scheme = http?.scheme === 'HTTPS' ? 'HTTPS' : 'HTTP'
        const request: ProbeRequest = {
          ...{ id: ++probeCount, host, port, timeoutMs },
          http: http && { scheme, path: http.path ?? '/', headers },
        }
        waitingProbes.set(request.id, resolve)
        if (prober.connected) prober.send(request)
      }),
    prepareNetwork: () => networkState.sync(),
    turn: (pod) => turns.take(pod),
    onChange: () => changed(),
    onEvent: progress,
  }

  const podKey = (namespace: string, name: string) => `${namespace}/${name}`
  function createPod(object: KubeObject): RunningPod {
    const namespace = object.metadata.namespace ?? home
    const account = api.object('ServiceAccount', object.spec.serviceAccountName ?? 'default', namespace) as
      | KubeObject
      | undefined
    const name = `Pod ${namespace}/${object.metadata.name}`
    if (object.spec.serviceAccountName && !account) {
      throw new Error(`${name} has a service account that is not there: ${object.spec.serviceAccountName}`)
    }
    checkPodSpec(object.spec, `${name} spec`)
    const admitted = withServiceAccount(
      { ...object, metadata: { ...object.metadata, namespace, uid: randomUUID() } },
      account?.automountServiceAccountToken !== false,
    )
    addressCount++
    const ip = `10.244.${addressCount >> 8}.${addressCount & 255}`
    const nodeNames = Object.keys(nodes)
    const pod = startPod(admitted, { ip, node: nodeNames[podCount++ % nodeNames.length]! }, kubelet)
    const key = podKey(namespace, object.metadata.name)
    pods.set(key, pod)
    void pod.gone.then(async () => {
      if (claimsToRemove.size > 0) await removeClaims(pod)
      if (pods.get(key) === pod) pods.delete(key)
      changed()
    })
    changed()
    return pod
  }

  /** A deleted claim goes, with its data, once no pod uses it. */
  async function removeClaims(leaving?: RunningPod): Promise<void> {
    const used = [...pods.values()].filter((pod) => pod !== leaving).flatMap(claimsUsedBy)
    for (const key of [...claimsToRemove].filter((one) => !used.includes(one))) {
      const [namespace, claim] = key.split('/') as [string, string]
      await rm(claimFolder(namespace, claim), { recursive: true, force: true })
      claimsToRemove.delete(key)
      api.remove('PersistentVolumeClaim', claim, namespace)
    }
  }
  const claimsUsedBy = (pod: RunningPod) =>
    ((pod.object.spec.volumes ?? []) as { persistentVolumeClaim?: { claimName: string } }[]).flatMap((volume) =>
      volume.persistentVolumeClaim ? [podKey(pod.namespace, volume.persistentVolumeClaim.claimName)] : [],
    )

  const ownerUid = (pod: RunningPod) => (pod.object.metadata.ownerReferences?.[0] as { uid?: string } | undefined)?.uid
  const podsOf = (owner: KubeObject) => [...pods.values()].filter((pod) => ownerUid(pod) === owner.metadata.uid)
  const controllers: ControllerContext = {
    objects,
    podsOf,
    create: (pod) => {
      const made = createPod(pod)
      jobs.get(ownerUid(made) ?? '')?.pods.push(made)
    },
    ensureClaim: (namespace, claim, template) => {
      if (api.object('PersistentVolumeClaim', claim, namespace)) return
      const metadata = { ...template.metadata, name: claim, namespace }
      api.put({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, spec: template.spec } as KubeObject)
    },
    terminate: (pod) => void pod.terminate().catch(fail),
    suffix: () => Math.random().toString(36).slice(2, 7).padEnd(5, '0'),
    later: (ms) => void setTimeout(changed, ms).unref(),
  }

  let scheduled = false
  function changed(): void {
    if (scheduled || stopped) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      if (!stopped) void reconcile().catch(fail)
    })
  }

  async function reconcile(): Promise<void> {
    for (const set of objects('StatefulSet')) reconcileStatefulSet(set, controllers)
    for (const deployment of objects('Deployment')) reconcileDeployment(deployment, controllers)
    for (const job of objects('Job')) {
      const uid = job.metadata.uid!
      if (!jobs.has(uid)) jobs.set(uid, createJobState())
      reconcileJob(job, jobs.get(uid)!, controllers)
    }
    // Owners that are gone take their pods along.
    const owners = new Set(
      ['StatefulSet', 'Deployment', 'Job'].flatMap((kind) => objects(kind).map((one) => one.metadata.uid)),
    )
    for (const pod of pods.values()) {
      const owner = ownerUid(pod)
      if (owner !== undefined && !owners.has(owner) && !pod.view().terminating) controllers.terminate(pod)
    }
    for (const pod of pods.values()) await pod.refresh()
    await networkState.sync()
  }
  // Deadlines of Jobs pass without anything changing.
  const ticker = setInterval(changed, 1_000)
  ticker.unref()

  function admit(object: KubeObject): KubeObject {
    const namespace = clusterWide.has(object.kind) ? undefined : (object.metadata.namespace ?? home)
    const placed = { ...object, metadata: { ...object.metadata, namespace } }
    if (namespace !== undefined && !api.object('Namespace', namespace)) {
      throw new Error(
        `${object.kind} ${object.metadata.name} wants to be in a namespace that is not there: ${namespace}`,
      )
    }
    if (['StatefulSet', 'Deployment', 'Job'].includes(object.kind)) checkWorkload(placed)
    else if (object.kind === 'Service') checkService(placed)
    else if (object.kind === 'Pod') checkPodSpec(object.spec, `Pod ${namespace}/${object.metadata.name} spec`)
    else if (!keptKinds.has(object.kind)) throw new UnsupportedError(`${object.kind} ${object.metadata.name}`)
    return placed
  }

  const describe = () =>
    [...pods.values()].map((pod) => {
      const view = pod.view()
      const restarts = view.containers.reduce((sum, one) => sum + one.restarts, 0)
      const state = `${view.phase}${view.ready ? ' ready' : ''}${view.terminating ? ' terminating' : ''} restarts=${restarts}`
      const log = view.ready ? '' : lastLogs(pod)
      return `${view.namespace}/${view.name} ${state} ${view.reason ?? ''}${log}`
    })
  const lastLogs = (pod: RunningPod) => {
    const lives = [...pod.view().initContainers, ...pod.view().containers]
    return lives
      .map(({ name }) => {
        const lines = pod.log(name).trimEnd().split('\n').slice(-12)
        return lines.join('') === '' ? '' : `\n  [${name}]\n    ${lines.join('\n    ')}`
      })
      .join('')
  }

  async function waitFor<T>(
    what: string,
    condition: () => T | Promise<T>,
    wait: WaitOptions = {},
  ): Promise<NonNullable<T>> {
    const deadline = Date.now() + (wait.timeoutMs ?? defaultTimeoutMs)
    for (;;) {
      if (failure) throw failure
      const value = await condition()
      if (value) return value as NonNullable<T>
      if (Date.now() > deadline) {
        throw new Error(
          `Not within ${(wait.timeoutMs ?? defaultTimeoutMs) / 1000} s: ${what}\n${describe().join('\n')}`,
        )
      }
      await delay(100)
    }
  }

  const need = (name: string, namespace = home): RunningPod => {
    const pod = pods.get(podKey(namespace, name))
    if (!pod) throw new Error(`There is no pod ${namespace}/${name}; there are ${[...pods.keys()].join(', ')}`)
    return pod
  }
  const jobLog = (state: JobState) => state.pods.map((pod) => allLogs(pod)).join('')
  const allLogs = (pod: RunningPod) =>
    [...pod.view().initContainers, ...pod.view().containers].map(({ name }) => pod.log(name)).join('')

  async function waitForJob(name: string, wait: WaitOptions = {}) {
    const namespace = wait.namespace ?? home
    const state = await waitFor(
      `Job ${name} ends`,
      () => {
        const job = api.object('Job', name, namespace)
        const found = job && jobs.get(job.metadata.uid!)
        return found && found.outcome !== 'running' ? found : null
      },
      wait,
    )
    return { succeeded: state.outcome === 'succeeded', log: jobLog(state) }
  }

  async function removeObject(kind: string, name: string, namespace?: string): Promise<void> {
    const inside = clusterWide.has(kind) ? undefined : (namespace ?? home)
    const object = api.object(kind, name, inside) as KubeObject | undefined
    if (!object) return
    if (kind === 'PersistentVolumeClaim') {
      claimsToRemove.add(podKey(inside!, name))
      await removeClaims()
      return
    }
    const owned = podsOf(object)
    api.remove(kind, name, inside)
    await Promise.all(owned.map((pod) => pod.terminate()))
  }

  const cluster: Cluster = {
    folder,
    namespace: home,
    async apply(list) {
      const admitted = list.map(admit)
      const hook = admitted.find(isHook)
      if (hook) throw new Error(`${hook.kind} ${hook.metadata.name} is a Helm hook: use installRelease`)
      for (const object of admitted) {
        // A pod without a controller is started once; what runs cannot be changed.
        if (object.kind !== 'Pod') api.put(object)
        else if (!pods.has(podKey(object.metadata.namespace!, object.metadata.name))) createPod(object)
      }
      if (admitted.some((object) => object.kind === 'NetworkPolicy')) await networkState.sync()
    },
    delete: removeObject,
    get: (kind, name, namespace) =>
      api.object(kind, name, clusterWide.has(kind) ? undefined : (namespace ?? home)) as KubeObject | undefined,
    list: (kind, namespace) =>
      objects(kind).filter((object) => clusterWide.has(kind) || object.metadata.namespace === (namespace ?? home)),

    async installRelease(list, event) {
      const admitted = list.map(admit)
      const runHooks = async (when: 'pre' | 'post') => {
        for (const hook of hooksOf(admitted, `${when}-${event}`)) {
          await removeObject(hook.kind, hook.metadata.name, hook.metadata.namespace)
          api.put(hook)
          if (hook.kind !== 'Job') continue
          progress(`hook ${when}-${event}: Job ${hook.metadata.name}`)
          const { succeeded, log } = await waitForJob(hook.metadata.name, { timeoutMs: 300_000 })
          if (!succeeded) throw new Error(`The hook ${hook.metadata.name} failed:\n${log}`)
        }
      }
      await runHooks('pre')
      const ordinary = admitted.filter((object) => !isHook(object))
      const id = ({ kind, metadata }: KubeObject) => `${kind}/${metadata.namespace}/${metadata.name}`
      const kept = new Set(ordinary.map(id))
      const keeps = (object: KubeObject) => object.metadata.annotations?.['helm.sh/resource-policy'] === 'keep'
      await cluster.apply(ordinary)
      for (const old of event === 'upgrade' ? released : []) {
        if (!kept.has(id(old)) && !keeps(old)) await removeObject(old.kind, old.metadata.name, old.metadata.namespace)
      }
      released = ordinary
      await runHooks('post')
    },
    async helmTest(list) {
      const results = []
      for (const hook of hooksOf(list.map(admit), 'test')) {
        if (hook.kind !== 'Pod') {
          api.put(hook)
          continue
        }
        results.push({ name: hook.metadata.name, ...(await cluster.runPod(hook)) })
      }
      return results
    },

    async scale(kind, name, replicas, namespace) {
      const object = cluster.get(kind, name, namespace)
      if (!object) throw new Error(`There is no ${kind} ${name}`)
      api.put({ ...object, spec: { ...object.spec, replicas } } as KubeObject)
    },
    async runCronJob(name, wait) {
      const cronJob = cluster.get('CronJob', name, wait?.namespace)
      if (!cronJob) throw new Error(`There is no CronJob ${name}`)
      const job = `${name}-${controllers.suffix()}`
      const { metadata, spec } = cronJob.spec.jobTemplate
      const placed = { ...metadata, name: job, namespace: cronJob.metadata.namespace }
      await cluster.apply([{ apiVersion: 'batch/v1', kind: 'Job', metadata: placed, spec }])
      const { succeeded, log } = await waitForJob(job, wait)
      return { exitCode: succeeded ? 0 : 1, log }
    },
    waitForJob,
    async runPod(object, wait = {}) {
      const pod = createPod(object)
      const { name, namespace } = pod
      await waitFor(`pod ${name} ends`, () => ['Succeeded', 'Failed'].includes(pod.view().phase), wait)
      const log = allLogs(pod)
      const exitCode = pod.view().containers[0]!.exitCode ?? 1
      await pods.get(podKey(namespace, name))!.terminate(0)
      return { exitCode, log }
    },

    pods: (namespace) =>
      [...pods.values()]
        .map((pod) => pod.view())
        .filter((view) => namespace === undefined || view.namespace === namespace),
    pod: (name, namespace) => pods.get(podKey(namespace ?? home, name))?.view(),
    async waitReady(names, wait = {}) {
      const namespace = wait.namespace ?? home
      const ofJob = (view: { labels: Readonly<Record<string, string>> }) => 'job-name' in view.labels
      await waitFor(
        `pods are ready: ${names?.join(', ') ?? 'all'}`,
        () => {
          const views = cluster.pods(namespace)
          if (names)
            return names.every((name) => views.some((one) => one.name === name && one.ready && !one.terminating))
          const lasting = views.filter((one) => !ofJob(one))
          return lasting.length > 0 && lasting.every((one) => one.ready)
        },
        wait,
      )
    },
    waitFor,

    exec: (name, command, execOptions = {}) =>
      need(name, execOptions.namespace).exec(
        typeof command === 'string' ? ['/bin/sh', '-c', command] : command,
        execOptions,
      ),
    logs: (name, logOptions = {}) => need(name, logOptions.namespace).log(logOptions.container, logOptions.previous),
    kill: (name, signal, killOptions = {}) => need(name, killOptions.namespace).kill(signal, killOptions.container),
    deletePod: (name, deleteOptions = {}) =>
      need(name, deleteOptions.namespace).terminate(deleteOptions.gracePeriodSeconds),
    volumeFolder: (claim, namespace) => claimFolder(namespace ?? home, claim),

    async stop() {
      if (stopped) return
      stopped = true
      clearInterval(ticker)
      await Promise.allSettled([...pods.values()].map((pod) => pod.terminate(0)))
      for (const helper of [dnsServer, relay, prober]) helper.disconnect()
      relaySocket.close()
      await api.close()
      await removeRun(runName)
      const guardGone = new Promise((resolve) => guard.once('exit', resolve))
      guard.disconnect()
      await guardGone
    },
  }

  for (const [name, labels] of Object.entries({
    ...{ default: {}, 'kube-system': {}, [home]: {} },
    ...options.namespaces,
  })) {
    api.put({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { 'kubernetes.io/metadata.name': name, ...labels } },
    } as KubeObject)
    api.put({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } })
    api.put({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'kube-root-ca.crt', namespace: name },
      data: { 'ca.crt': api.ca },
    } as KubeObject)
  }
  for (const [name, labels] of Object.entries(nodes)) {
    const status = { addresses: [{ type: 'InternalIP', address: addresses.node }] }
    api.put({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, status } as KubeObject)
  }
  await networkState.sync()
  return cluster
}

// One pod's life, as kubelet leads it: what it waits for, its network, volumes, init containers, containers, probes, restarts, its end.
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, realpath, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { quantity } from '../static/objects.ts'
import { type BundleMount, bundleConfig, inMountOrder } from './core/bundle.ts'
import { environmentOf, expand, type Lookup, MissingObject, type PodFacts } from './core/environment.ts'
import { type Container, namedPorts, type PodSpec, type Probe, referencesOf } from './core/pod-spec.ts'
import type { EndpointPod } from './core/services.ts'
import { volumeFiles } from './core/volumes.ts'
import { unmountBelow } from './edge/leftovers.ts'
import { addresses, type Network, namespacePath } from './edge/network.ts'
import { makeRoot } from './edge/root-folder.ts'
import type { RunningContainer, Runtime } from './edge/runc.ts'
import { makeClaim, makeEmptyDir, writeFiles } from './edge/volume-folders.ts'
import { pause, runProbes } from './probes.ts'
import type { ContainerView, ExecOptions, ExecResult, ImageContent, KubeObject, PodView } from './types.ts'

/** A kubelet's view of the rest of the cluster. */
export interface KubeletContext {
  readonly folder: string
  readonly runName: string
  readonly clusterDomain: string
  readonly network: Network
  readonly runtime: Runtime
  readonly image: (image: string) => Promise<ImageContent>
  readonly lookup: (namespace: string) => Lookup
  readonly token: (namespace: string, serviceAccount: string) => string
  readonly probe: (
    host: string,
    port: number,
    timeoutMs: number,
    http?: Probe['httpGet'],
  ) => Promise<{ ok: boolean; detail: string }>
  readonly claimFolder: (namespace: string, claim: string) => string
  readonly claimExists: (namespace: string, claim: string) => boolean
  /** Filters and translations of a pod's namespace are made before any of its processes runs. */
  readonly prepareNetwork: (pod: RunningPod) => Promise<void>
  /** Waits until this machine has room for one more pod that starts; see `startsAtOnce` of the cluster's options. */
  readonly turn: (pod: RunningPod) => Promise<void>
  /** Anything about the pod that others look at has changed. */
  readonly onChange: () => void
  readonly onEvent: (line: string) => void
}

export interface RunningPod {
  readonly object: KubeObject
  readonly name: string
  readonly namespace: string
  readonly ip: string
  /** Null before it has a network and after it is gone. */
  readonly networkNamespace: string | null
  view(): PodView
  endpoint(): EndpointPod
  /** Resolves when every process has ended and its network is gone. */
  readonly gone: Promise<void>
  terminate(gracePeriodSeconds?: number): Promise<void>
  exec(args: readonly string[], options: ExecOptions): Promise<ExecResult>
  kill(signal: string, container?: string): Promise<void>
  log(container?: string, previous?: boolean): string
  /** Secrets or ConfigMaps have changed: volumes follow. */
  refresh(): Promise<void>
}

interface ContainerLife {
  readonly spec: Container
  readonly isInit: boolean
  state: ContainerView['state']
  ready: boolean
  restarts: number
  exitCode?: number
  running: RunningContainer | null
  runs: number
}

/** Restarts: at once, then after 1, 2, 4 … seconds. Kubernetes waits ten times as long, which would prove nothing more. */
const backoffMs = 1_000
const backoffLimitMs = 30_000

/** Starts a pod's life; the returned pod is pending. */
export function startPod(
  object: KubeObject,
  place: { ip: string; node: string; restartPolicyFailures?: number },
  context: KubeletContext,
): RunningPod {
  const spec = object.spec as PodSpec
  const { name, namespace = 'default', uid = '' } = object.metadata
  const folder = join(context.folder, 'pods', uid)
  const logFolder = join(context.folder, 'logs', `${namespace}_${name}_${uid}`)
  const group = spec.securityContext?.fsGroup
  const restartPolicy = spec.restartPolicy ?? 'Always'
  const facts: PodFacts = {
    name,
    namespace,
    uid,
    labels: object.metadata.labels ?? {},
    annotations: object.metadata.annotations ?? {},
    spec,
    nodeName: place.node,
    podIp: place.ip,
    hostIp: addresses.node,
  }
  const lookup = context.lookup(namespace)
  const hostname = spec.hostname ?? name
  const lives = (list: readonly Container[] | undefined, isInit: boolean): ContainerLife[] =>
    (list ?? []).map((container) => ({
      ...{ spec: container, isInit, state: 'waiting' as const, ready: false, restarts: 0, running: null, runs: 0 },
    }))
  const initContainers = lives(spec.initContainers, true)
  const containers = lives(spec.containers, false)
  const stopping = new AbortController()
  let phase: PodView['phase'] = 'Pending'
  let reason: string | undefined
  let networkNamespace: string | null = null
  let volumesWritten = false
  let tokenText: string | undefined

  const changed = (next?: { phase?: PodView['phase']; reason?: string | undefined }) => {
    if (next?.phase) phase = next.phase
    if (next && 'reason' in next) reason = next.reason
    context.onChange()
  }
  const token = () => {
    tokenText ??= context.token(namespace, spec.serviceAccountName ?? 'default')
    return tokenText
  }
  const volumeFolder = (volume: string) => join(folder, 'volumes', volume)
  const logFile = (life: ContainerLife, run: number) => join(logFolder, `${life.spec.name}-${run}.log`)

  /** Waits, as kubelet does, until everything that the pod names is there. */
  async function prepareVolumes(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        for (const reference of referencesOf(spec)) {
          if (!lookup(reference.kind, reference.name)) {
            throw new MissingObject(`${reference.kind} ${reference.name} is not there`)
          }
        }
        for (const volume of spec.volumes ?? []) {
          const claim = volume.persistentVolumeClaim?.claimName
          if (claim !== undefined && !context.claimExists(namespace, claim)) {
            throw new MissingObject(`PersistentVolumeClaim ${claim} is not there`)
          }
        }
        await writeVolumes()
        break
      } catch (error) {
        if (!(error instanceof MissingObject)) throw error
        if (reason !== error.message) changed({ reason: error.message })
        await pause(200, stopping.signal)
      }
    }
    for (const volume of spec.volumes ?? []) {
      const at = volumeFolder(volume.name)
      if (volume.emptyDir) {
        const { medium, sizeLimit } = volume.emptyDir
        // A limit of a folder on disk is watched by the evicting kubelet, from time to time; only memory is limited here.
        const sizeBytes = sizeLimit === undefined ? undefined : quantity(sizeLimit)
        await makeEmptyDir(at, { memory: medium === 'Memory', sizeBytes }, group)
      }
      const claim = volume.persistentVolumeClaim?.claimName
      if (claim !== undefined) {
        const onMismatch = spec.securityContext?.fsGroupChangePolicy === 'OnRootMismatch'
        await makeClaim(context.claimFolder(namespace, claim), group, onMismatch)
      }
    }
    volumesWritten = true
    changed({ reason: undefined })
  }

  const written = new Map<string, string>()
  let writing: Promise<void> = Promise.resolve()
  /** One after the other: each sees what is there when its turn comes. */
  function writeVolumes(): Promise<void> {
    writing = writing.catch(() => {}).then(writeVolumesNow)
    return writing
  }
  async function writeVolumesNow(): Promise<void> {
    for (const volume of spec.volumes ?? []) {
      const files = volumeFiles(volume, facts, lookup, token)
      if (!files) continue
      const same = JSON.stringify(files)
      if (written.get(volume.name) === same) continue
      const owner = group === undefined ? (spec.securityContext?.runAsUser ?? 0) : 0
      await writeFiles(volumeFolder(volume.name), files, group, owner)
      written.set(volume.name, same)
    }
  }

  async function mountsOf(container: Container, image: ImageContent): Promise<BundleMount[]> {
    const mounts: BundleMount[] = [
      ...Object.entries(image.mounts).map(([destination, source]) => ({ destination, source, readOnly: true })),
      { destination: '/etc/hosts', source: join(folder, 'hosts'), readOnly: true },
      { destination: '/etc/resolv.conf', source: join(folder, 'resolv.conf'), readOnly: true },
      { destination: '/etc/hostname', source: join(folder, 'hostname'), readOnly: true },
    ]
    for (const mount of container.volumeMounts ?? []) {
      const volume = spec.volumes!.find((candidate) => candidate.name === mount.name)!
      const claim = volume.persistentVolumeClaim?.claimName
      const base = claim === undefined ? volumeFolder(volume.name) : context.claimFolder(namespace, claim)
      // A path in a volume is the file of that moment: such a mount does not follow later changes, as in Kubernetes.
      const source = mount.subPath === undefined ? base : await realpath(join(base, mount.subPath))
      const isWritten = volumeFiles(volume, facts, lookup, token) !== null
      mounts.push({ destination: mount.mountPath, source, readOnly: isWritten || mount.readOnly === true })
    }
    return inMountOrder(mounts)
  }

  async function writeNetworkFiles(): Promise<void> {
    await mkdir(folder, { recursive: true })
    const domain = `${namespace}.svc.${context.clusterDomain}`
    const own = spec.subdomain ? `${hostname}.${spec.subdomain}.${domain} ${hostname}` : hostname
    await writeFile(join(folder, 'hosts'), `127.0.0.1 localhost\n${place.ip} ${own}\n`)
    await writeFile(join(folder, 'hostname'), `${hostname}\n`)
    const search = [domain, `svc.${context.clusterDomain}`, context.clusterDomain].join(' ')
    await writeFile(
      join(folder, 'resolv.conf'),
      `nameserver ${addresses.dnsService}\nsearch ${search}\noptions ndots:5\n`,
    )
  }

  /** Makes and starts one container. @throws MissingObject while a key that its environment names is not there. */
  async function start(life: ContainerLife): Promise<RunningContainer> {
    const container = life.spec
    const image = await context.image(container.image)
    const run = ++life.runs
    const bundle = join(folder, 'containers', `${container.name}-${run}`)
    const env = environmentOf(container, facts, lookup, {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOSTNAME: hostname,
      ...image.env,
      KUBERNETES_SERVICE_HOST: addresses.apiService,
      KUBERNETES_SERVICE_PORT: '443',
      KUBERNETES_SERVICE_PORT_HTTPS: '443',
    })
    const command = container.command ?? image.entrypoint
    if (!command)
      throw new Error(`${container.name} of ${name} has no command, and its image has none here: ${container.image}`)
    const args = [...command, ...(container.args ?? [])].map((word) => expand(word, env))
    await makeRoot(join(bundle, 'rootfs'))
    const config = bundleConfig({
      ...{ container, pod: spec, hostname, args, env, mounts: await mountsOf(container, image) },
      networkNamespace: namespacePath(networkNamespace!),
      cgroupsPath: `/${context.runName}/${uid}/${container.name}-${run}`,
    })
    const running = await context.runtime.start(`${uid}-${container.name}-${run}`, bundle, config, logFile(life, run))
    life.running = running
    life.state = 'running'
    changed()
    return running
  }

  /** Starts a container and waits for its end. A container that cannot start counts as failed. */
  async function lead(life: ContainerLife): Promise<number> {
    let running: RunningContainer
    for (;;) {
      try {
        running = await start(life)
        break
      } catch (error) {
        if (!(error instanceof MissingObject)) throw error
        changed({ reason: error.message })
        await pause(200, stopping.signal)
        if (stopping.signal.aborted) return 1
      }
    }
    changed({ reason: undefined })
    const probing = new AbortController()
    const { startupProbe, readinessProbe, livenessProbe } = life.spec
    if (!life.isInit) {
      void runProbes(
        { startup: startupProbe, readiness: readinessProbe, liveness: livenessProbe },
        {
          once: (probe) => probeOnce(probe, running),
          onReady: (ready, detail) => {
            life.ready = ready
            if (!ready) context.onEvent(`${name}: ${life.spec.name} is not ready: ${detail}`)
            changed()
          },
          onDead: (detail) => {
            context.onEvent(`${name}: ${life.spec.name} is ended: ${detail}`)
            void end(life, spec.terminationGracePeriodSeconds ?? 30)
          },
        },
        probing.signal,
      )
    }
    const exitCode = await running.exited
    probing.abort()
    Object.assign(life, { state: 'terminated', ready: false, running: null, exitCode })
    await context.runtime.remove(running.id)
    changed()
    return exitCode
  }

  async function probeOnce(probe: Probe, running: RunningContainer): Promise<{ ok: boolean; detail: string }> {
    const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000
    if (probe.exec) {
      const result = await context.runtime.exec(running.id, probe.exec.command, { timeoutMs })
      const said = `${result.stdout}${result.stderr}`.trim().split('\n').at(-1) ?? ''
      return {
        ok: result.exitCode === 0 && !result.timedOut,
        detail: result.timedOut ? `took over ${timeoutMs} ms: ${said}` : said,
      }
    }
    const port = (probe.httpGet ?? probe.tcpSocket)!.port
    const number = typeof port === 'number' ? port : namedPorts(spec)[port]
    if (number === undefined) return { ok: false, detail: `no container port is called ${port}` }
    return context.probe(place.ip, number, timeoutMs, probe.httpGet)
  }

  /** Ends a container: preStop hook, SIGTERM, and SIGKILL when the grace period is over. The hook's time counts. */
  async function end(life: ContainerLife, graceSeconds: number): Promise<void> {
    const running = life.running
    if (!running) return
    const deadline = Date.now() + graceSeconds * 1000
    const hook = life.spec.lifecycle?.preStop?.exec
    if (hook && graceSeconds > 0) {
      const result = await context.runtime.exec(running.id, hook.command, { timeoutMs: graceSeconds * 1000 })
      const said = `${result.stdout}${result.stderr}`.trim()
      if (said || result.exitCode !== 0)
        context.onEvent(`${name}: preStop of ${life.spec.name} (${result.exitCode}): ${said}`)
    }
    if (life.running !== running) return
    if (Date.now() < deadline) await context.runtime.signal(running.id, 'TERM')
    const late = setTimeout(() => void context.runtime.signal(running.id, 'KILL'), Math.max(0, deadline - Date.now()))
    await running.exited
    clearTimeout(late)
  }

  async function live(): Promise<void> {
    await mkdir(logFolder, { recursive: true })
    await prepareVolumes()
    await context.turn(pod)
    if (stopping.signal.aborted) return
    networkNamespace = await context.network.addPod(place.ip)
    await writeNetworkFiles()
    await context.prepareNetwork(pod)
    for (const life of initContainers) {
      for (;;) {
        const exitCode = await lead(life)
        if (stopping.signal.aborted) return
        if (exitCode === 0) break
        if (restartPolicy === 'Never')
          return changed({ phase: 'Failed', reason: `init container ${life.spec.name}: exit ${exitCode}` })
        await again(life, exitCode)
        if (stopping.signal.aborted) return
      }
    }
    changed({ phase: 'Running' })
    await Promise.all(containers.map(keepAlive))
    if (stopping.signal.aborted) return
    const failed = containers.find((life) => life.exitCode !== 0)
    changed(
      failed
        ? { phase: 'Failed', reason: `container ${failed.spec.name}: exit ${failed.exitCode}` }
        : { phase: 'Succeeded' },
    )
  }

  async function keepAlive(life: ContainerLife): Promise<void> {
    for (;;) {
      const exitCode = await lead(life)
      if (stopping.signal.aborted || restartPolicy === 'Never') return
      if (restartPolicy === 'OnFailure' && exitCode === 0) return
      await again(life, exitCode)
      if (stopping.signal.aborted) return
    }
  }

  async function again(life: ContainerLife, exitCode: number): Promise<void> {
    context.onEvent(`${name}: container ${life.spec.name} ended with ${exitCode}, starts again`)
    life.restarts++
    const wait = life.restarts === 1 ? 0 : Math.min(backoffMs * 2 ** (life.restarts - 2), backoffLimitMs)
    changed({ reason: `container ${life.spec.name}: exit ${exitCode}, restart ${life.restarts}` })
    await pause(wait, stopping.signal)
  }

  let terminating: Promise<void> | null = null
  async function terminate(grace = spec.terminationGracePeriodSeconds ?? 30): Promise<void> {
    terminating ??= (async () => {
      stopping.abort()
      changed()
      await Promise.all([...initContainers, ...containers].map((life) => end(life, grace)))
      await living
      await cleanUp()
    })()
    return terminating
  }

  async function cleanUp(): Promise<void> {
    clearTimeout(overdue)
    if (networkNamespace) await context.network.removePod(networkNamespace)
    networkNamespace = null
    await unmountBelow(folder)
    await rm(folder, { recursive: true, force: true })
    resolveGone()
    changed()
  }

  let resolveGone: () => void = () => {}
  const gone = new Promise<void>((resolve) => {
    resolveGone = resolve
  })
  const find = (container?: string): ContainerLife => {
    const all = [...containers, ...initContainers]
    const life = container === undefined ? containers[0]! : all.find((one) => one.spec.name === container)
    if (!life)
      throw new Error(`${name} has no container ${container}: it has ${all.map((one) => one.spec.name).join(', ')}`)
    return life
  }
  const viewOf = (life: ContainerLife): ContainerView => ({
    name: life.spec.name,
    ...{
      state: life.state,
      ready: life.ready,
      restarts: life.restarts,
      exitCode: life.exitCode,
      pid: life.running?.pid,
    },
  })
  const isReady = () => phase === 'Running' && containers.every((life) => life.ready)
  const pod: RunningPod = {
    ...{ object, name, namespace, ip: place.ip, gone },
    get networkNamespace() {
      return networkNamespace
    },
    view: () => ({
      ...{ name, namespace, uid, ip: place.ip, node: place.node, phase, labels: facts.labels },
      reason,
      ready: isReady(),
      terminating: stopping.signal.aborted,
      initContainers: initContainers.map(viewOf),
      containers: containers.map(viewOf),
    }),
    endpoint: () => ({
      ...{ namespace, name, ip: place.ip, labels: facts.labels, ports: namedPorts(spec), hostname },
      subdomain: spec.subdomain,
      ready: isReady(),
      terminating: stopping.signal.aborted,
    }),
    terminate,
    async exec(args, options) {
      const { running } = find(options.container)
      if (!running) throw new Error(`${name} does not run (${phase}${reason ? `: ${reason}` : ''})`)
      const timeoutMs = options.timeoutMs ?? 60_000
      const result = await context.runtime.exec(running.id, args, { env: options.env, stdin: options.stdin, timeoutMs })
      if (result.timedOut) {
        throw new Error(
          `${args.join(' ')} in ${name} took over ${timeoutMs} ms. It had said:\n${result.stdout}${result.stderr}`,
        )
      }
      return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr }
    },
    async kill(signal, container) {
      const { running } = find(container)
      if (!running) throw new Error(`${name} does not run (${phase})`)
      await context.runtime.signal(running.id, signal.replace(/^SIG/, ''))
    },
    log(container, previous) {
      const life = find(container)
      const file = logFile(life, life.runs - (previous ? 1 : 0))
      return existsSync(file) ? readFileSync(file, 'utf8') : ''
    },
    async refresh() {
      if (!volumesWritten || stopping.signal.aborted) return
      // Missing objects keep their last content, as in the real kubelet.
      await writeVolumes().catch((error) => {
        if (!(error instanceof MissingObject)) throw error
      })
    },
  }
  const deadline = spec.activeDeadlineSeconds
  const overdue =
    deadline === undefined
      ? undefined
      : setTimeout(() => {
          if (phase === 'Succeeded' || phase === 'Failed') return
          void terminate().then(() => changed({ phase: 'Failed', reason: `still active after ${deadline} s` }))
        }, deadline * 1000)
  const living = live().catch((error: Error) => {
    context.onEvent(`${name}: ${error.message}`)
    changed({ phase: 'Failed', reason: error.message })
  })
  return pod
}

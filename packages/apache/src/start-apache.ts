// Starts Apache Kafka as local processes: formats what is new, starts 1 or 3 nodes, waits until they serve, stops them.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { renderProperties, serverProperties } from './config.ts'
import { fetchDistribution } from './distribution.ts'
import { ApacheError, unlessInterrupted } from './errors.ts'
import { isAlive, lastLines } from './process.ts'
import { loggingArguments, runTool } from './tools.ts'
import type { ApacheCluster, ApacheOptions, KafkaDistribution, NodeLayout } from './types.ts'

/** How long a node may take to serve: slow disks and two busy cores included. */
const startLimitMs = 120_000
const stopLimitMs = 45_000

interface RunningNode extends NodeLayout {
  pid: number
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** We have asked it to stop. */
  asked: boolean
}

/**
 * Starts Apache Kafka in KRaft mode, each node broker and controller at once.
 * @returns the running cluster; call `close()` to stop it. The data stays in `dataDir`.
 * @throws ApacheError with the remedy: Java or Maven missing, download, format or start failed or interrupted, or the folder in use.
 */
export async function startApache(options: ApacheOptions): Promise<ApacheCluster> {
  const pinned = await fetchDistribution({ onProgress: options.onProgress, signal: options.signal })
  const distributionOf = (node: NodeLayout): KafkaDistribution => options.distribution?.(node) ?? pinned
  const dataDir = resolve(options.dataDir)
  const count = options.brokers ?? 1
  const host = options.host ?? '127.0.0.1'
  const first = options.port ?? 9092
  const free = await freePorts(host, count * 2)
  const layouts: NodeLayout[] = Array.from({ length: count }, (_, i) => ({
    nodeId: i + 1,
    host,
    port: first === 0 ? free[i]! : first + i,
    controllerPort: free[count + i]!,
    dataDir: join(dataDir, `node-${i + 1}`),
  }))

  const clusterId = await clusterIdOf(dataDir, count)
  await Promise.all(layouts.map((node) => prepare(node, layouts, clusterId, distributionOf(node), options)))
  unlessInterrupted(options.signal)

  const running = new Map<number, RunningNode>()
  const start = async (layout: NodeLayout, signal?: AbortSignal) => {
    if (running.has(layout.nodeId)) return
    const node = await launch(layout, distributionOf(layout), options)
    running.set(layout.nodeId, node)
    void node.exited.then(() => running.delete(layout.nodeId))
    await untilServing(node, signal)
    // A node that ends before it serves is reported by the error of the start.
    void node.exited.then(({ code, signal }) => {
      if (!node.asked) options.onExit?.({ nodeId: layout.nodeId, code, signal, logFile: logFileOf(layout) })
    })
  }
  const stop = async (nodeId: number, signal: NodeJS.Signals) => {
    const node = running.get(nodeId)
    if (node) await end(node, signal)
  }
  // All at once: of three controllers, the last to stop would wait for a quorum that no longer exists.
  const stopAll = (signal: NodeJS.Signals = 'SIGTERM') => Promise.all([...running.keys()].map((id) => stop(id, signal)))

  options.onProgress?.({
    stage: 'starting',
    detail: `Apache Kafka ${pinned.version}, ${count} node${count > 1 ? 's' : ''}`,
  })
  const started = await Promise.allSettled(layouts.map((layout) => start(layout, options.signal)))
  const failure = started.find((result) => result.status === 'rejected')
  if (failure) {
    // A starting node reacts to SIGTERM only after it has started; it has no data to lose, so it is killed.
    await stopAll(options.signal?.aborted ? 'SIGKILL' : 'SIGTERM')
    throw failure.reason
  }
  options.onProgress?.({ stage: 'ready' })

  return {
    bootstrapServers: layouts.map((n) => `${n.host}:${n.port}`).join(','),
    version: pinned.version,
    get nodes() {
      return [...running.values()].map(({ nodeId, port, pid }) => ({ nodeId, host, port, pid }))
    },
    stopNode: (nodeId, signal = 'SIGTERM') => stop(nodeId, signal),
    startNode: (nodeId) => start(layouts.find((n) => n.nodeId === nodeId)!),
    close: async () => {
      await stopAll()
    },
  }
}

/** Reads the cluster's id and size, or decides them when the folder is new. */
async function clusterIdOf(dataDir: string, count: number): Promise<string> {
  const file = join(dataDir, 'cluster.json')
  await mkdir(dataDir, { recursive: true })
  if (!existsSync(file)) {
    const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A')
    await writeFile(file, `${JSON.stringify({ format: 1, clusterId, brokers: count }, null, 2)}\n`)
    return clusterId
  }
  const saved = JSON.parse(await readFile(file, 'utf8')) as { format: number; clusterId: string; brokers: number }
  if (saved.format !== 1) {
    throw new ApacheError(
      'START_FAILED',
      `${file} has format ${saved.format}, this version reads 1`,
      'Use the version that wrote it',
    )
  }
  if (saved.brokers !== count) {
    throw new ApacheError(
      'START_FAILED',
      `${dataDir} holds a cluster of ${saved.brokers} broker(s), ${count} were asked for`,
      `Start it with --brokers ${saved.brokers}, or choose another data folder`,
    )
  }
  return saved.clusterId
}

async function prepare(
  node: NodeLayout,
  all: readonly NodeLayout[],
  clusterId: string,
  distribution: KafkaDistribution,
  options: ApacheOptions,
): Promise<void> {
  // Without the file no node was started there. If one runs nevertheless, Kafka's own lock stops the second.
  const pid = Number(await readFile(join(node.dataDir, 'pid'), 'utf8').catch(() => '0'))
  if (pid > 0 && (await isOurJava(pid, node.dataDir))) {
    throw new ApacheError(
      'ALREADY_RUNNING',
      `A Kafka node already runs on ${node.dataDir} (process ${pid})`,
      `Stop it first: kill ${pid}`,
    )
  }
  await mkdir(node.dataDir, { recursive: true })
  const configFile = join(node.dataDir, 'server.properties')
  const extra = typeof options.config === 'function' ? options.config(node) : options.config
  await writeFile(configFile, renderProperties(serverProperties(node, all, extra)))
  if (existsSync(join(node.dataDir, 'data', 'meta.properties'))) return

  options.onProgress?.({ stage: 'formatting', detail: `node ${node.nodeId}` })
  // A format that was interrupted leaves a folder that Kafka refuses; without meta.properties it holds nothing yet.
  await rm(join(node.dataDir, 'data'), { recursive: true, force: true })
  const release = options.releaseVersion === undefined ? [] : ['--release-version', options.releaseVersion]
  const formatArguments = ['format', '--cluster-id', clusterId, '--config', configFile, ...release]
  const result = await runTool(distribution, 'kafka-storage', formatArguments, { signal: options.signal })
  unlessInterrupted(options.signal)
  if (result.exitCode !== 0) {
    throw new ApacheError(
      'FORMAT_FAILED',
      `The storage of node ${node.nodeId} could not be formatted:\n${explain(result.stdout + result.stderr)}`,
      `Check that ${node.dataDir} is writable and has space`,
    )
  }
}

/** A process id may have been reused: only a process started with this node's configuration counts. */
async function isOurJava(pid: number, nodeDir: string): Promise<boolean> {
  if (!isAlive(pid)) return false
  // Without /proc, assume that the process is ours.
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null)
  return commandLine === null || commandLine.includes(join(nodeDir, 'server.properties'))
}

function logFileOf(node: NodeLayout): string {
  return join(node.dataDir, 'kafka.log')
}

async function launch(
  node: NodeLayout,
  distribution: KafkaDistribution,
  { heapMb = 256, jvmArguments = [] }: ApacheOptions,
): Promise<RunningNode> {
  const log = await open(logFileOf(node), 'w')
  // Kafka's own defaults for the JVM (bin/kafka-run-class.sh), with a heap that fits a laptop.
  const jvm = [
    `-Xms${Math.min(heapMb, 128)}m`,
    `-Xmx${heapMb}m`,
    '-server',
    '-XX:+UseG1GC',
    '-XX:MaxGCPauseMillis=20',
    '-XX:InitiatingHeapOccupancyPercent=35',
    '-XX:+ExplicitGCInvokesConcurrent',
    '-Djava.awt.headless=true',
    ...(typeof jvmArguments === 'function' ? jvmArguments(node) : jvmArguments),
  ]
  const args = [
    ...jvm,
    ...loggingArguments('INFO', 'SYSTEM_OUT'),
    '-cp',
    `${distribution.libsDir}/*`,
    'kafka.Kafka',
    join(node.dataDir, 'server.properties'),
  ]
  // A group of its own: a Ctrl-C in the terminal reaches us alone, and we stop the nodes in order.
  const child = spawn(distribution.java, args, { stdio: ['ignore', log.fd, log.fd], detached: true })
  const exited: RunningNode['exited'] = new Promise((done) => {
    child.once('exit', (code, signal) => done({ code, signal }))
    child.once('error', () => done({ code: null, signal: null }))
  })
  await log.close()
  if (child.pid === undefined) {
    throw new ApacheError('START_FAILED', `${distribution.java} could not be started`, 'Check JAVA_HOME')
  }
  await writeFile(join(node.dataDir, 'pid'), String(child.pid))
  return { ...node, pid: child.pid, exited, asked: false }
}

async function untilServing(node: RunningNode, signal: AbortSignal | undefined): Promise<void> {
  const logFile = logFileOf(node)
  let gone = false
  void node.exited.then(() => {
    gone = true
  })
  const deadline = Date.now() + startLimitMs
  while (Date.now() < deadline) {
    unlessInterrupted(signal)
    const log = await readFile(logFile, 'utf8')
    if (log.includes('Kafka Server started')) return
    if (gone) {
      throw new ApacheError(
        'START_FAILED',
        `Kafka node ${node.nodeId} ended while starting:\n${explain(log)}`,
        `The whole log: ${logFile}`,
      )
    }
    await delay(50)
  }
  await end(node, 'SIGKILL')
  throw new ApacheError(
    'START_FAILED',
    `Kafka node ${node.nodeId} did not serve within ${startLimitMs / 1000} s`,
    `The whole log: ${logFile}`,
  )
}

/** The lines of a broker's log that say why it ended. */
function explain(log: string): string {
  const errors = log.split('\n').filter((line) => / (ERROR|FATAL) |Exception/.test(line))
  return errors.length > 0 ? errors.slice(0, 5).join('\n') : lastLines(log, 5)
}

async function end(node: RunningNode, signal: NodeJS.Signals): Promise<void> {
  node.asked = true
  if (isAlive(node.pid)) process.kill(node.pid, signal)
  const late = setTimeout(() => isAlive(node.pid) && process.kill(node.pid, 'SIGKILL'), stopLimitMs)
  await node.exited
  clearTimeout(late)
  await rm(join(node.dataDir, 'pid'), { force: true })
}

/** Ports that were free a moment ago, all different. */
async function freePorts(host: string, count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((done, fail) => {
          const server = createServer()
          server.once('error', fail)
          server.listen(0, host, () => done(server))
        }),
    ),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
  return ports
}

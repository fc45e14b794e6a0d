// A large cluster in `selfmonitor exporter`, a process of its own, beside a loop of franz-go's kadm, which is what exporters in Go are
// made of. Both collect from the same cluster, one after the other; the scrapes come from this process while collections run.
// On an ordinary turn both read metadata, groups with their members, committed offsets, log starts, last stable offsets and ends, and
// compute the lag. Ours also asks for the quorum, keeps history and settings, and has its page of metrics in memory, plain and
// compressed; the loop has no page. Both count every request, also the first of a connection, for its broker's versions.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Producer } from '@platformatic/kafka'
import { startApache } from '@selfmonitor/apache'
import { connectCluster } from '@selfmonitor/cluster'
import { startBrokerChild } from '../test/support/broker-child.ts'
import { goProgram } from '../test/support/go.ts'
import { cli, type EngineName, median, percentile, residentOf } from './support.ts'

export interface ExporterLoad {
  /** Each of ten partitions, and each with a group that has read all but the last record of them. */
  readonly topics: number
  /** How many collections count, beside the first. */
  readonly collections: number
}

/** Times in ms, memory in MiB. */
interface Side {
  /** Connecting, and every part of the snapshot. */
  readonly first: { readonly ms: number; readonly requests: number }
  /** Medians of those that read metadata, groups and offsets, and no log directories. */
  readonly later: { readonly ms: number; readonly requests: number }
  readonly residentMb: number
  readonly peakMb: number
}

export interface ExporterResult {
  readonly ours: Side & {
    readonly series: number
    readonly pageBytes: number
    readonly scrapes: Readonly<
      Record<Coding, { readonly count: number; readonly p50Ms: number; readonly p99Ms: number }>
    >
  }
  /** Or why it cannot be had here. */
  readonly peer: Side | { readonly missing: string }
}

type Coding = 'plain' | 'gzip'

export const partitionsPerTopic = 10
const intervalMs = 5_000
/** Between two scrapes: many for a p99, and the exporter is not kept busy by them. */
const pauseMs = 50
/** Only ends a run that would hang. */
const timeoutMs = 120_000

/** Starts a cluster of the engine, fills it, measures both, and removes it. */
export async function measureExporter(engine: EngineName, load: ExporterLoad): Promise<ExporterResult> {
  const folder = await mkdtemp(join(tmpdir(), 'selfmonitor-bench-exporter-'))
  const broker = await startLarge(engine, folder)
  try {
    const { bootstrapServers } = broker
    await fill(bootstrapServers, load)
    const program = await goProgram(fileURLToPath(new URL('./kadm-loop', import.meta.url)))
    // Does not count: the broker's caches and its compiler are warm for both after it.
    if ('value' in program) await measurePeer(program.value, bootstrapServers, { ...load, collections: 1 })
    const ours = await measureOurs(bootstrapServers, folder, load)
    const peer = 'missing' in program ? program : await measurePeer(program.value, bootstrapServers, load)
    return { ours, peer }
  } finally {
    await broker.close()
    await rm(folder, { recursive: true, force: true })
  }
}

interface LargeBroker {
  readonly bootstrapServers: string
  close(): Promise<void>
}

/** A broker alone: the exporter of `selfmonitor up` would collect beside the one that is measured. */
async function startLarge(engine: EngineName, folder: string): Promise<LargeBroker> {
  const dataDir = join(folder, 'data')
  if (engine === 'apache') return startApache({ dataDir, port: 0, heapMb: 1024 })
  const { bootstrapServers, kill } = await startBrokerChild(dataDir, 0)
  return { bootstrapServers, close: () => kill('SIGTERM') }
}

async function fill(bootstrapServers: string, { topics }: ExporterLoad): Promise<void> {
  const cluster = connectCluster({ bootstrapServers, timeoutMs })
  const producer = new Producer({ clientId: 'bench', bootstrapBrokers: bootstrapServers.split(','), retries: 20 })
  const names = Array.from({ length: topics }, (_, i) => `topic-${i}`)
  const value = Buffer.alloc(100)
  try {
    for (let start = 0; start < topics; start += topicsAtOnce) {
      const some = names.slice(start, start + topicsAtOnce)
      await cluster.createTopics(
        some.map((name) => ({ name, partitions: partitionsPerTopic, replicationFactor: 1, config: kept })),
      )
      const placed = (await cluster.describeTopics(some)).flatMap(({ name, partitions }) =>
        partitions.map(({ partition, leader }) => ({ topic: name, partition, leader })),
      )
      await producer.send({
        acks: -1,
        messages: placed.flatMap(({ topic, partition }) => [0, 1].map(() => ({ topic, partition, value }))),
      })
      // A producer that tries again may have written a record twice: the last one is what is not read.
      const bounds = await cluster.partitionBounds(placed)
      const offsets = bounds.map(({ topic, partition, end }) => ({ topic, partition, to: end! - 1n }))
      await Promise.all(
        [...Map.groupBy(offsets, ({ topic }) => topic)].map(([topic, all]) =>
          cluster.commitOffsets(`group-of-${topic}`, all),
        ),
      )
    }
  } finally {
    await producer.close()
    await cluster.close()
  }
}

const topicsAtOnce = 20
const kept = { 'retention.ms': '-1' }

async function measureOurs(
  bootstrapServers: string,
  folder: string,
  load: ExporterLoad,
): Promise<ExporterResult['ours']> {
  const words = ['--bootstrap-servers', bootstrapServers, '--listen', '0', '--cluster', 'bench', '--timeout', '60s']
  const child = spawn(
    process.execPath,
    ['--conditions=source', cli, 'exporter', ...words, '--interval', `${intervalMs}ms`],
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, NO_COLOR: '1' } },
  )
  const exited = once(child, 'exit')
  const agent = new Agent({ keepAlive: true })
  try {
    return await observe(child, await urlOf(child), agent, load)
  } finally {
    agent.destroy()
    child.kill('SIGTERM')
    await exited
  }
}

/** The address that the exporter prints. */
async function urlOf(child: ChildProcess): Promise<string> {
  let output = ''
  for await (const text of child.stderr!.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    output += text
    const url = /http:\S+\/metrics/.exec(output)?.[0]
    if (url !== undefined) {
      child.stderr!.resume()
      return url
    }
  }
  throw new Error(`selfmonitor exporter ended:\n${output}`)
}

/** Scrapes, both forms in turns, until enough collections were seen. */
async function observe(
  { pid }: ChildProcess,
  url: string,
  agent: Agent,
  { topics, collections }: ExporterLoad,
): Promise<ExporterResult['ours']> {
  const seen: { readonly at: number; readonly ms: number; readonly requests: number }[] = []
  const times: Record<Coding, number[]> = { plain: [], gzip: [] }
  let page: Buffer = Buffer.alloc(0)
  for (const started = performance.now(); seen.length <= collections; await pause(pauseMs)) {
    if (performance.now() - started > timeoutMs) throw new Error(`${seen.length} collections in ${timeoutMs} ms`)
    const plain = await scrape(url, 'plain', agent)
    if (plain === null) continue
    const gzip = await scrape(url, 'gzip', agent)
    page = plain.body
    const at = sample(page, 'last_success_timestamp_seconds', 'part="offsets"')
    // What is asked for first is made then, once in the life of an exporter.
    if (seen.length > 0) {
      times.plain.push(plain.ms)
      times.gzip.push(gzip!.ms)
    }
    if (seen.at(-1)?.at === at) continue
    const requests = sample(page, 'kafka_requests_total')
    seen.push({ at, ms: sample(page, 'collect_duration_seconds') * 1_000, requests })
  }
  const partitions = page.toString('latin1').match(/^kafka_consumer_lag\{.*\} 1$/gm)?.length
  if (partitions !== topics * partitionsPerTopic)
    throw new Error(`the exporter has the lag of ${partitions} partitions`)
  const later = seen.slice(1).map(({ ms, requests }, i) => ({ ms, requests: requests - seen[i]!.requests }))
  const resident = memoryOf(pid!)
  return {
    first: seen[0]!,
    later: mediansOf(later),
    ...resident,
    series: sample(page, 'series'),
    pageBytes: page.length,
    scrapes: { plain: distribution(times.plain), gzip: distribution(times.gzip) },
  }
}

function distribution(times: readonly number[]): { count: number; p50Ms: number; p99Ms: number } {
  const sorted = times.toSorted((a, b) => a - b)
  return { count: sorted.length, p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) }
}

function mediansOf(all: readonly { readonly ms: number; readonly requests: number }[]): Side['later'] {
  return { ms: median(all.map(({ ms }) => ms)), requests: median(all.map(({ requests }) => requests)) }
}

/** One scrape, from before the request to the last byte. @returns null before the first collection has ended */
async function scrape(url: string, coding: Coding, agent: Agent): Promise<{ ms: number; body: Buffer } | null> {
  const started = performance.now()
  const headers = coding === 'gzip' ? { 'accept-encoding': 'gzip' } : {}
  const [response] = (await once(get(url, { agent, headers }), 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const ms = performance.now() - started
  if (response.statusCode === 503) return null
  if (response.statusCode !== 200) throw new Error(`a scrape was answered with ${response.statusCode}`)
  return { ms, body: Buffer.concat(chunks) }
}

/** The value of one of the exporter's own metrics, which are the last of a page. */
function sample(page: Buffer, name: string, label = ''): number {
  const lines = page
    .subarray(page.lastIndexOf(`\n# TYPE kafka_exporter_${name} `))
    .toString('utf8')
    .split('\n')
  const line = lines.find((one) => one.startsWith(`kafka_exporter_${name}{`) && one.includes(label))
  if (line === undefined) throw new Error(`the page has no kafka_exporter_${name}`)
  return Number(line.slice(line.lastIndexOf(' ')))
}

function memoryOf(pid: number): Pick<Side, 'residentMb' | 'peakMb'> {
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return { residentMb: residentOf(pid), peakMb: Number(peak) / 1024 }
}

interface PeerCollection {
  readonly ms: number
  readonly requests: number
  readonly lagMs: number
  readonly lagRequests: number
  readonly partitions: number
  readonly groups: number
  readonly lag: number
  readonly replicasInDirs: number
}

async function measurePeer(
  program: string,
  bootstrapServers: string,
  { topics, collections }: ExporterLoad,
): Promise<Side> {
  const child = spawn(program, [bootstrapServers], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  try {
    const seen: PeerCollection[] = []
    while (seen.length <= collections) {
      if (seen.length > 0) await pause(1_000)
      child.stdin.write('collect\n')
      const { value, done } = await lines.next()
      if (done) throw new Error('kadm-loop ended')
      seen.push(JSON.parse(value) as PeerCollection)
    }
    const [first, ...rest] = seen as [PeerCollection, ...PeerCollection[]]
    const { lag, groups, replicasInDirs } = first
    const expected = topics * partitionsPerTopic
    if (lag !== expected || groups !== topics || replicasInDirs < expected) {
      throw new Error(`kadm-loop sees a lag of ${lag}, ${groups} groups and ${replicasInDirs} replicas`)
    }
    const later = rest.map(({ lagMs, lagRequests }) => ({ ms: lagMs, requests: lagRequests }))
    return { first, later: mediansOf(later), ...memoryOf(child.pid!) }
  } finally {
    child.stdin.end()
    child.kill('SIGTERM')
    await exited
  }
}

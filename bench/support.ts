// Shared by the benchmarks: a platform in its own processes for each engine, their memory and CPU time, and tables
// that align.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export type EngineName = 'embedded' | 'apache'
export const engineNames: readonly EngineName[] = ['embedded', 'apache']
export type Both<T> = Record<EngineName, T>

export const cli = fileURLToPath(new URL('../packages/cli/src/main.ts', import.meta.url))
const platformFile = fileURLToPath(new URL('../platform.yaml', import.meta.url))

export interface RunningPlatform {
  readonly engine: EngineName
  readonly bootstrapServers: string
  readonly registryUrl: string
  /** From the start of the process to topics and schemas applied. */
  readonly readyMs: number
  /** Process of the broker: the platform's own for the embedded one, the JVM for Apache Kafka. */
  readonly brokerPid: number
  /** Resident memory in MiB: of every process of the platform, and of the one that the broker is in. */
  residentMb(): { readonly platform: number; readonly broker: number }
  /** CPU time that the broker's process has taken so far, in seconds. */
  brokerCpuSeconds(): number
  stop(): Promise<void>
}

/** Far from the ports that people use, below those that systems hand out, and another pair for each platform. */
let portOffset = 14_000 + 10 * Math.floor(Math.random() * 800)

/** Starts `selfmonitor up --setup` on an empty data folder and waits until it says that it is ready. */
export async function startPlatform(engine: EngineName): Promise<RunningPlatform> {
  const dir = await mkdtemp(join(tmpdir(), 'selfmonitor-bench-'))
  portOffset += 10
  const started = performance.now()
  const child = spawn(
    process.execPath,
    [
      ...['--conditions=source', cli, 'up', '--setup', '--file', platformFile, '--env', 'development'],
      ...['--engine', engine, '--data-dir', join(dir, 'data'), '--port-offset', String(portOffset)],
    ],
    // In a folder of its own, so that it does not meet a platform that runs in this checkout.
    { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } },
  )
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = new Promise((done) => child.once('exit', done))
      child.kill('SIGTERM')
      await exited
    }
    await rm(dir, { recursive: true, force: true })
  }
  try {
    await untilReady(child)
    const readyMs = performance.now() - started
    const state = JSON.parse(readFileSync(join(dir, '.selfmonitor', 'run', `${portOffset}.json`), 'utf8')) as {
      readonly bootstrapServers: string
      readonly registryUrl: string
      readonly nodes: readonly { readonly pid: number }[]
    }
    const nodes = state.nodes.map(({ pid }) => pid)
    const brokerPid = nodes[0] ?? child.pid!
    return {
      engine,
      bootstrapServers: state.bootstrapServers,
      registryUrl: state.registryUrl,
      readyMs,
      brokerPid,
      residentMb: () => ({
        platform: [child.pid!, ...nodes].reduce((sum, pid) => sum + residentOf(pid), 0),
        broker: residentOf(brokerPid),
      }),
      brokerCpuSeconds: () => cpuSecondsOf(brokerPid),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Both engines at once, for measurements that take turns; the one that waits is idle. */
export async function withBoth<T>(measure: (platforms: Both<RunningPlatform>) => Promise<T>): Promise<T> {
  const embedded = await startPlatform('embedded')
  try {
    const apache = await startPlatform('apache')
    try {
      return await measure({ embedded, apache })
    } finally {
      await apache.stop()
    }
  } finally {
    await embedded.stop()
  }
}

/** One platform after the other, each alone on the machine. */
export async function oneByOne<T>(measure: (platform: RunningPlatform) => Promise<T>): Promise<Both<T>> {
  const results: Partial<Both<T>> = {}
  for (const engine of engineNames) {
    const platform = await startPlatform(engine)
    try {
      results[engine] = await measure(platform)
    } finally {
      await platform.stop()
    }
  }
  return results as Both<T>
}

function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = ''
    const read = (text: string) => {
      output += text
      if (output.includes('Ready in')) resolve()
    }
    child.stdout!.setEncoding('utf8').on('data', read)
    child.stderr!.setEncoding('utf8').on('data', read)
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`selfmonitor up ended with ${code}:\n${output}`)))
  })
}

/** Resident memory of a process in MiB, from the kernel. */
export function residentOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024
}

/** The most that a process has had so far, in MiB; null when it is gone. */
export function peakResidentOf(pid: number): number | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const found = /VmHWM:\s+(\d+) kB/.exec(status)
    return found === null ? null : Number(found[1]) / 1024
  } catch {
    return null
  }
}

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** User and system time of all threads of a process, in seconds (proc(5): fields 14 and 15, behind the name). */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Describes the machine. */
export function machine(): string {
  const [first] = cpus()
  return `${cpus().length} × ${first?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, ${process.platform}`
}

/** Prints a table: the first column left, the others right. */
export function printTable(header: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
  console.log(line(header))
  console.log(widths.map((width) => '─'.repeat(width)).join('  '))
  for (const row of rows) console.log(line(row))
}

export const format = (value: number, digits = 1) =>
  value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: digits })

export function percentile(sorted: readonly number[], fraction: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))]!
}

export function median(values: readonly number[]): number {
  return percentile(
    [...values].sort((a, b) => a - b),
    0.5,
  )
}

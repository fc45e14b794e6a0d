// What the benchmarks share: a broker in a process of its own for each engine, its memory, and tables that align.
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export type EngineName = 'embedded' | 'apache'
export const engineNames: readonly EngineName[] = ['embedded', 'apache']

const cli = fileURLToPath(new URL('../packages/cli/src/main.ts', import.meta.url))
const root = fileURLToPath(new URL('..', import.meta.url))

export interface RunningPlatform {
  readonly engine: EngineName
  readonly bootstrapServers: string
  readonly registryUrl: string
  /** From the start of the process to topics and schemas applied. */
  readonly readyMs: number
  /** Resident memory of every process of the platform that runs the broker, in MiB. */
  residentMb(): { platform: number; broker: number }
  stop(): Promise<void>
}

let portOffset = 21_000

/** Starts `selfmonitor up --setup` on an empty data folder and waits until it says that it is ready. */
export async function startPlatform(engine: EngineName): Promise<RunningPlatform> {
  const dir = await mkdtemp(join(tmpdir(), 'selfmonitor-bench-'))
  portOffset += 10
  const started = performance.now()
  const child = spawn(
    process.execPath,
    [
      '--conditions=source',
      cli,
      'up',
      '--setup',
      '--engine',
      engine,
      '--data-dir',
      dir,
      '--port-offset',
      String(portOffset),
    ],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } },
  )
  const output = await untilReady(child)
  const readyMs = performance.now() - started
  const find = (pattern: RegExp) => {
    const match = pattern.exec(output)
    if (!match) throw new Error(`${pattern} is not in what selfmonitor up printed:\n${output}`)
    return match[1]!
  }
  const bootstrapServers = find(/((?:127\.0\.0\.1|localhost):3\d{4}(?:,[\w.]+:\d+)*)/)
  return {
    engine,
    bootstrapServers,
    registryUrl: find(/(http:\/\/(?:127\.0\.0\.1|localhost):\d+)/),
    readyMs,
    residentMb() {
      const children = childrenOf(child.pid!)
      const broker =
        engine === 'embedded' ? residentOf(child.pid!) : children.reduce((sum, pid) => sum + residentOf(pid), 0)
      return { platform: residentOf(child.pid!) + children.reduce((sum, pid) => sum + residentOf(pid), 0), broker }
    },
    async stop() {
      const exited = new Promise((done) => child.once('exit', done))
      child.kill('SIGTERM')
      await exited
      await rm(dir, { recursive: true, force: true })
    },
  }
}

function untilReady(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = ''
    const read = (text: string) => {
      output += text
      if (/\bready\b/i.test(output)) resolve(output)
    }
    child.stdout!.setEncoding('utf8').on('data', read)
    child.stderr!.setEncoding('utf8').on('data', read)
    child.once('exit', (code) => reject(new Error(`selfmonitor up ended with ${code}:\n${output}`)))
  })
}

/** Resident memory of a process in MiB, from the kernel. */
export function residentOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
}

/** Says on what the figures were measured. */
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

// `selfmonitor backup` and `selfmonitor restore`, each a process of its own, to a folder; beside Kafka Connect with its file sink, Kafka's
// own consumer and producer, which only read the same topic and write as much, and the disk.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectSinkMs } from './connect-sink.ts'
import { cli, median, peakResidentOf, type RunningPlatform } from './support.ts'
import { consumeRate, produceRate, tool } from './throughput.ts'

export interface BackupLoad {
  readonly recordBytes: number
  readonly records: number
  readonly rounds: number
}

/** Rates in MB/s, 1 MB is 2^20 bytes of records; memory in MiB. */
export interface BackupResult {
  readonly backup: number
  readonly restore: number
  readonly compare: number
  readonly verify: number
  readonly consumer: number
  readonly producer: number
  /** Kafka Connect with its file sink; null where it cannot be had. */
  readonly connect: number | null
  readonly backupPeak: number
  readonly restorePeak: number
}

/** Medians of the rounds; each on a new topic of six partitions. */
export async function measureBackup(platform: RunningPlatform, load: BackupLoad): Promise<BackupResult> {
  const rounds: BackupResult[] = []
  for (let round = 0; round < load.rounds; round++) rounds.push(await runRound(platform, load))
  const names = Object.keys(rounds[0]!) as (keyof BackupResult)[]
  const medianOf = (name: keyof BackupResult): number | null => {
    const values = rounds.map((one) => one[name]).filter((value) => value !== null)
    return values.length === 0 ? null : median(values)
  }
  return Object.fromEntries(names.map((name) => [name, medianOf(name)])) as unknown as BackupResult
}

async function runRound(
  { bootstrapServers, registryUrl }: RunningPlatform,
  { recordBytes, records }: BackupLoad,
): Promise<BackupResult> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-backup-'))
  const server = ['--bootstrap-server', bootstrapServers]
  const topic = `bench-backup-${recordBytes}-${process.pid}-${Date.now()}`
  const megabytes = (recordBytes * records) / 2 ** 20
  const rate = (ms: number): number => megabytes / (ms / 1_000)
  const places = ['--bootstrap-servers', bootstrapServers, '--registry-url', registryUrl]
  const selfmonitor = (...words: string[]) => run([...words, ...places, '-o', 'json'])
  try {
    await tool('kafka-topics', [...server, '--create', '--topic', topic, '--partitions', '6'])
    const produced = await tool('kafka-producer-perf-test', [
      ...['--topic', topic, '--num-records', String(records), '--record-size', String(recordBytes)],
      ...['--throughput', '-1', ...server, '--command-property', 'acks=all'],
    ])
    const consumed = await tool('kafka-consumer-perf-test', [
      ...server,
      ...['--topic', topic, '--num-records', String(records)],
    ])
    const connectMs = await connectSinkMs(bootstrapServers, topic, records * (recordBytes + 1))
    const backup = await selfmonitor('backup', '--target', folder, '--topic', topic)
    const verify = await timed(() => selfmonitor('backup', 'verify', '--target', folder))
    const to = `${topic}.restored`
    const restore = await selfmonitor('restore', '--source', folder, '--topic', topic, '--target', to, '--yes')
    const { append, verify: compare } = (restore.printed as { tookMs: { append: number; verify: number } }).tookMs
    await tool('kafka-topics', [...server, '--delete', '--topic', topic])
    await tool('kafka-topics', [...server, '--delete', '--topic', to])
    return {
      backup: rate((backup.printed as { tookMs: number }).tookMs),
      restore: rate(append),
      compare: rate(compare),
      verify: rate(verify),
      consumer: consumeRate(consumed),
      producer: produceRate(produced),
      connect: connectMs === null ? null : rate(connectMs),
      backupPeak: backup.peakMb,
      restorePeak: restore.peakMb,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What the disk takes: 1 GiB, written and synced. In MB/s. */
export async function measureDisk(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-disk-'))
  const file = await open(join(folder, 'data'), 'w')
  const block = Buffer.alloc(8 * 2 ** 20, 'SelfMonitor ')
  const ms = await timed(async () => {
    for (let at = 0; at < 128; at++) await file.write(block)
    await file.sync()
  })
  await file.close()
  await rm(folder, { recursive: true, force: true })
  return 1024 / (ms / 1_000)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

async function run(words: readonly string[]): Promise<{ readonly printed: unknown; readonly peakMb: number }> {
  const child = spawn(process.execPath, ['--conditions=source', cli, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  const texts = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text))
  const peakMb = watchPeak(child)
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`selfmonitor ${words.join(' ')} ended with ${code}:\n${texts.stderr}`)
  return { printed: JSON.parse(texts.stdout), peakMb: peakMb() }
}

/** @returns the peak of the resident memory so far, as last seen */
function watchPeak({ pid }: ChildProcess): () => number {
  let peak = 0
  const watch = setInterval(() => {
    peak = peakResidentOf(pid!) ?? peak
  }, 100)
  return () => {
    clearInterval(watch)
    return peak
  }
}

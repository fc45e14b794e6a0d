// `npm run bench [-- start memory throughput latency library reader testkit exporter backup]`: the embedded platform beside Apache Kafka, in the same
// run on the same machine. Every row says how we compare: above 1 is better than the peer, whatever the unit.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type BackupResult, measureBackup, measureDisk } from './backup.ts'
import { runEventsBench } from './events.ts'
import { type ExporterResult, measureExporter, partitionsPerTopic } from './exporter.ts'
import { measureLatency } from './latency.ts'
import { measureReaders } from './reader.ts'
import {
  type Both,
  type EngineName,
  engineNames,
  format,
  machine,
  median,
  oneByOne,
  printTable,
  type RunningPlatform,
  startPlatform,
  withBoth,
} from './support.ts'
import { measureThroughput, runRound } from './throughput.ts'

const quick = process.argv.includes('--quick')
const rounds = quick ? 1 : 3
const scale = quick ? 0.2 : 1

const lessIsBetter = (name: string, unit: string, both: Both<number>, digits = 1): string[] => [
  name,
  `${format(both.embedded, digits)} ${unit}`,
  `${format(both.apache, digits)} ${unit}`,
  `${format(both.apache / both.embedded, 2)} ×`,
]
const moreIsBetter = (name: string, unit: string, both: Both<number>, digits = 1): string[] => [
  name,
  `${format(both.embedded, digits)} ${unit}`,
  `${format(both.apache, digits)} ${unit}`,
  `${format(both.embedded / both.apache, 2)} ×`,
]

const benchmarks: Record<string, () => Promise<string[][]>> = {
  /** From an empty folder to a platform whose topics and schemas are there; engines take turns. */
  async start() {
    const times: Both<number[]> = { embedded: [], apache: [] }
    for (let round = 0; round < rounds; round += 1) {
      await oneByOne(async (platform) => {
        times[platform.engine].push(platform.readyMs)
      })
    }
    const both = { embedded: median(times.embedded), apache: median(times.apache) }
    return [lessIsBetter('cold start to topics and schemas', 'ms', both, 0)]
  },

  async memory() {
    const load = { recordBytes: 1000, records: 200_000 * scale, rounds: 1 }
    const measured = await oneByOne(async (platform) => {
      const idle = platform.residentMb()
      await runRound(platform, load)
      return { idle, loaded: platform.residentMb() }
    })
    const row = (state: 'idle' | 'loaded', part: keyof ReturnType<RunningPlatform['residentMb']>) => ({
      embedded: measured.embedded[state][part],
      apache: measured.apache[state][part],
    })
    const after = `after ${Math.round(200 * scale)} MB`
    return [
      lessIsBetter('resident memory idle, whole platform', 'MiB', row('idle', 'platform'), 0),
      lessIsBetter("resident memory idle, broker's process", 'MiB', row('idle', 'broker'), 0),
      lessIsBetter(`resident memory ${after}, whole platform`, 'MiB', row('loaded', 'platform'), 0),
      lessIsBetter(`resident memory ${after}, broker's process`, 'MiB', row('loaded', 'broker'), 0),
    ]
  },

  async throughput() {
    return await withBoth(async (platforms) => {
      const rows: string[][] = []
      for (const [recordBytes, records] of [
        [1000, 500_000],
        [100, 3_000_000],
      ] as const) {
        const { embedded, apache } = await measureThroughput(platforms, {
          recordBytes,
          records: Math.round(records * scale),
          rounds,
        })
        const pick = (field: keyof typeof embedded) => ({ embedded: embedded[field], apache: apache[field] })
        rows.push(
          moreIsBetter(`produce, ${recordBytes} B records, acks=all`, 'MB/s', pick('produceMb')),
          lessIsBetter("  CPU time of the broker's process", 'ms/MB', pick('produceCpuMs'), 2),
          moreIsBetter(`consume, ${recordBytes} B records`, 'MB/s', pick('consumeMb')),
          lessIsBetter("  CPU time of the broker's process", 'ms/MB', pick('consumeCpuMs'), 2),
        )
      }
      return rows
    })
  },

  async latency() {
    return await withBoth(async (platforms) => {
      const rows: string[][] = []
      for (const rate of [1000, 5000]) {
        const { embedded, apache } = await measureLatency(platforms, rate, Math.round(20 * scale), rounds)
        const at = `at ${rate} events/s`
        const pick = (field: keyof typeof embedded) => ({ embedded: embedded[field], apache: apache[field] })
        rows.push(
          lessIsBetter(`end to end p50 ${at}`, 'ms', pick('p50Ms'), 2),
          lessIsBetter(`end to end p99 ${at}`, 'ms', pick('p99Ms'), 2),
        )
      }
      return rows
    })
  },
}

/** The library beside kafkajs with its registry client, both on the embedded platform. */
async function library(): Promise<string[][]> {
  const platform = await startPlatform('embedded')
  try {
    const result = await runEventsBench({ ...platform, events: Math.round(200_000 * scale) })
    const row = (name: string, ours: number, peer: number) => [
      name,
      `${format(ours, 0)} /s`,
      `${format(peer, 0)} /s`,
      `${format(ours / peer, 2)} ×`,
    ]
    return [
      row('validated Avro events, kafkajs in batches of 1,000', result.ours, result.kafkajs),
      row('  for each second of CPU time', result.oursPerCore, result.kafkajsPerCore),
      row('the same, one kafkajs send an event', result.ours, result.kafkajsSingle),
    ]
  } finally {
    await platform.stop()
  }
}

/** `Cluster.read` beside other consumers, all on the embedded platform. */
async function reader(): Promise<string[][]> {
  const platform = await startPlatform('embedded')
  try {
    const tables: string[][] = []
    for (const [recordBytes, records, compression] of [
      [100, 500_000, 'none'],
      [1000, 200_000, 'none'],
      [1000, 200_000, 'gzip'],
    ] as const) {
      const load = { recordBytes, records: Math.round(records * scale), compression, rounds }
      const { ours, platformatic, kafkajs } = await measureReaders(platform.bootstrapServers, load)
      const row = (name: string, field: 'perSecond' | 'perCore') => [
        name,
        `${format(ours[field], 0)} /s`,
        `${format(platformatic[field], 0)} /s`,
        `${format(kafkajs[field], 0)} /s`,
        `${format(ours[field] / Math.max(platformatic[field], kafkajs[field]), 2)} ×`,
      ]
      tables.push(
        row(`records of ${recordBytes} B, ${compression === 'none' ? 'not compressed' : compression}`, 'perSecond'),
        row('  for each second of CPU time', 'perCore'),
      )
    }
    return tables
  } finally {
    await platform.stop()
  }
}

/** `startTestPlatform` in new processes; there is no peer that starts in one. */
function testkit(): string[][] {
  const script = fileURLToPath(new URL('./testkit.ts', import.meta.url))
  const root = fileURLToPath(new URL('..', import.meta.url))
  const measure = (name: string, args: readonly string[]) => {
    const runs = Array.from({ length: rounds }, () => {
      const output = execFileSync(process.execPath, ['--conditions=source', script, ...args], { encoding: 'utf8' })
      return JSON.parse(output) as { firstMs: number; thirdMs: number }
    })
    const middle = (values: readonly number[]) => `${format(median(values), 0)} ms`
    return [name, middle(runs.map(({ firstMs }) => firstMs)), middle(runs.map(({ thirdMs }) => thirdMs))]
  }
  return [measure('test platform, one topic', []), measure('test platform, 11 topics', [root])]
}

/** The exporter beside a loop of franz-go's kadm, on both engines. */
async function exporter(): Promise<string[][]> {
  const load = { topics: quick ? 100 : 1000, collections: quick ? 2 : 6 }
  const tables: string[][] = []
  for (const engine of engineNames) {
    process.stderr.write(`  ${engine}: ${load.topics * partitionsPerTopic} partitions, ${load.topics} groups …\n`)
    tables.push(...exporterRows(engine, await measureExporter(engine, load)))
  }
  return tables
}

function exporterRows(engine: EngineName, { ours, peer }: ExporterResult): string[][] {
  if ('missing' in peer) process.stderr.write(`  without the peer: ${peer.missing}\n`)
  const row = (name: string, unit: string, own: number, other?: number): string[] => [
    `${name}, ${engine}`,
    `${format(own, 0)} ${unit}`,
    other === undefined ? '–' : `${format(other, 0)} ${unit}`,
    other === undefined ? '–' : `${format(other / own, 2)} ×`,
  ]
  const beside = 'missing' in peer ? undefined : peer
  const { plain, gzip } = ours.scrapes
  const scrape = `scrape of ${format(ours.series, 0)} series, ${format(ours.pageBytes / 1e6)} MB`
  return [
    row('first collection', 'ms', ours.first.ms, beside?.first.ms),
    row('  requests to Kafka', '', ours.first.requests, beside?.first.requests),
    row('later collections', 'ms', ours.later.ms, beside?.later.ms),
    row('  requests to Kafka', '', ours.later.requests, beside?.later.requests),
    row('resident memory', 'MiB', ours.residentMb, beside?.residentMb),
    row('  at its peak', 'MiB', ours.peakMb, beside?.peakMb),
    row(`${scrape}, median of ${plain.count}`, 'ms', plain.p50Ms),
    row('  p99', 'ms', plain.p99Ms),
    row('  gzip, median', 'ms', gzip.p50Ms),
    row('  gzip, p99', 'ms', gzip.p99Ms),
  ]
}

/** Backup and restore beside Kafka's own consumer and producer, on both engines. */
async function backup(): Promise<string[][]> {
  const load = { recordBytes: 1000, records: Math.round(1_000_000 * scale), rounds }
  const disk = await measureDisk()
  const both = await oneByOne((platform) => measureBackup(platform, load))
  const row = (name: string, unit: string, own: number, beside?: number): string[] => [
    name,
    `${format(own, 0)} ${unit}`,
    beside === undefined ? '–' : `${format(beside, 0)} ${unit}`,
    beside === undefined ? '–' : `${format(own / beside, 2)} ×`,
  ]
  const rowsOf = (engine: EngineName, one: BackupResult): string[][] => [
    row(`backup, ${engine}; Kafka Connect with its file sink`, 'MB/s', one.backup, one.connect ?? undefined),
    row('  beside kafka-consumer-perf-test', 'MB/s', one.backup, one.consumer),
    row('  memory at its peak', 'MiB', one.backupPeak),
    row('  verify, without a cluster; the disk, written and synced', 'MB/s', one.verify, disk),
    row(`restore, ${engine}; kafka-producer-perf-test, acks=all`, 'MB/s', one.restore, one.producer),
    row('  reading back and comparing', 'MB/s', one.compare),
    row('  memory at its peak', 'MiB', one.restorePeak),
  ]
  return engineNames.flatMap((engine) => rowsOf(engine, both[engine]))
}

const asked = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const names = [...Object.keys(benchmarks), 'library', 'reader', 'testkit', 'exporter', 'backup']
const unknown = asked.find((name) => !names.includes(name))
if (unknown) {
  console.error(`Unknown benchmark "${unknown}". Choose from: ${names.join(', ')}`)
  process.exit(2)
}
console.log(`${machine()}; ${rounds} round${rounds > 1 ? 's' : ''}, medians\n`)
const selected = asked.length > 0 ? asked : names
const rows: string[][] = []
for (const name of selected.filter((n) => n in benchmarks)) {
  process.stderr.write(`measuring ${name} …\n`)
  rows.push(...(await benchmarks[name]!()))
}
if (rows.length > 0) printTable(['', 'embedded', 'Apache Kafka', 'ratio'], rows)
if (selected.includes('library')) {
  process.stderr.write('measuring library …\n')
  console.log('')
  printTable(['', '@selfmonitor/events', 'kafkajs + registry', 'ratio'], await library())
}
if (selected.includes('reader')) {
  process.stderr.write('measuring reader …\n')
  console.log('')
  printTable(['', 'Cluster.read', '@platformatic/kafka', 'kafkajs', 'to the better'], await reader())
}
if (selected.includes('testkit')) {
  process.stderr.write('measuring testkit …\n')
  console.log('')
  printTable(['', 'first in a process', 'third'], testkit())
}
if (selected.includes('exporter')) {
  process.stderr.write('measuring exporter …\n')
  console.log('')
  printTable(['', 'selfmonitor exporter', "franz-go's kadm", 'ratio'], await exporter())
}
if (selected.includes('backup')) {
  process.stderr.write('measuring backup …\n')
  console.log('')
  printTable(['', 'selfmonitor', 'beside', 'ratio'], await backup())
}

// `npm run bench [-- start memory throughput latency library]`: the embedded platform beside Apache Kafka, in the same
// run on the same machine. Every row says how we compare: above 1 is better than the peer, whatever the unit.
import { runEventsBench } from './events.ts'
import { measureLatency } from './latency.ts'
import {
  type EngineName,
  engineNames,
  format,
  machine,
  median,
  printTable,
  type RunningPlatform,
  startPlatform,
} from './support.ts'
import { measureThroughput } from './throughput.ts'

const quick = process.argv.includes('--quick')
const rounds = quick ? 1 : 3
const scale = quick ? 0.2 : 1

type Both<T> = Record<EngineName, T>

async function onBoth<T>(measure: (platform: RunningPlatform) => Promise<T>): Promise<Both<T>> {
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
      await onBoth(async (platform) => {
        times[platform.engine].push(platform.readyMs)
      })
    }
    return [
      lessIsBetter(
        'cold start to topics and schemas',
        'ms',
        { embedded: median(times.embedded), apache: median(times.apache) },
        0,
      ),
    ]
  },

  async memory() {
    const idle = await onBoth(async (platform) => platform.residentMb())
    const loaded = await onBoth(async (platform) => {
      await measureThroughput(platform.bootstrapServers, 1000, 200_000 * scale, 1)
      return platform.residentMb()
    })
    const rows = (title: string, both: Both<{ platform: number; broker: number }>) => [
      lessIsBetter(
        `resident memory ${title}, whole platform`,
        'MiB',
        { embedded: both.embedded.platform, apache: both.apache.platform },
        0,
      ),
      lessIsBetter(
        `resident memory ${title}, broker's process`,
        'MiB',
        { embedded: both.embedded.broker, apache: both.apache.broker },
        0,
      ),
    ]
    return [...rows('idle', idle), ...rows('after 200 MB', loaded)]
  },

  async throughput() {
    const rows: string[][] = []
    for (const [bytes, records] of [
      [1000, 500_000],
      [100, 3_000_000],
    ] as const) {
      const both = await onBoth((platform) =>
        measureThroughput(platform.bootstrapServers, bytes, Math.round(records * scale), rounds),
      )
      rows.push(
        moreIsBetter(`produce, ${bytes} B records, acks=all`, 'MB/s', {
          embedded: both.embedded.produceMb,
          apache: both.apache.produceMb,
        }),
        moreIsBetter(`consume, ${bytes} B records`, 'MB/s', {
          embedded: both.embedded.consumeMb,
          apache: both.apache.consumeMb,
        }),
      )
    }
    return rows
  },

  async latency() {
    const rows: string[][] = []
    for (const rate of [1000, 5000]) {
      const both = await onBoth((platform) => measureLatency(platform.bootstrapServers, rate, Math.round(20 * scale)))
      rows.push(
        lessIsBetter(
          `end to end p50 at ${rate} events/s`,
          'ms',
          { embedded: both.embedded.p50Ms, apache: both.apache.p50Ms },
          2,
        ),
        lessIsBetter(
          `end to end p99 at ${rate} events/s`,
          'ms',
          { embedded: both.embedded.p99Ms, apache: both.apache.p99Ms },
          2,
        ),
      )
    }
    return rows
  },
}

/** The library beside kafkajs with its registry client, both on the embedded platform. */
async function library(): Promise<string[][]> {
  const platform = await startPlatform('embedded')
  try {
    const result = await runEventsBench({ ...platform, events: Math.round(200_000 * scale) })
    return [
      [
        'emit of validated Avro events',
        `${format(result.ours, 0)} /s`,
        `${format(result.kafkajs, 0)} /s`,
        `${format(result.ours / result.kafkajs, 2)} ×`,
      ],
    ]
  } finally {
    await platform.stop()
  }
}

const asked = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const names = [...Object.keys(benchmarks), 'library']
const unknown = asked.find((name) => !names.includes(name))
if (unknown) {
  console.error(`There is no benchmark ${unknown}; there are ${names.join(', ')}`)
  process.exit(2)
}
console.log(`${machine()}; ${rounds} round${rounds > 1 ? 's' : ''}, medians\n`)
const selected = asked.length > 0 ? asked : names
const rows: string[][] = []
for (const name of selected.filter((n) => n !== 'library')) {
  process.stderr.write(`measuring ${name} …\n`)
  rows.push(...(await benchmarks[name]!()))
}
if (rows.length > 0) printTable(['', 'embedded', 'Apache Kafka', 'ratio'], rows)
if (selected.includes('library')) {
  process.stderr.write('measuring library …\n')
  console.log('')
  printTable(['', '@selfmonitor/events', 'kafkajs + registry', 'ratio'], await library())
}

// Produce and consume throughput with Apache Kafka's own performance tools, acks=all, and what it costs the broker.
import { fetchDistribution, runTool, type ToolName } from '@selfmonitor/apache'
import { type Both, engineNames, median, type RunningPlatform } from './support.ts'

export interface Throughput {
  /** As the tools print it: 1 MB is 2^20 bytes. */
  readonly produceMb: number
  readonly consumeMb: number
  /** CPU milliseconds of the broker's process for each of those. */
  readonly produceCpuMs: number
  readonly consumeCpuMs: number
}

export interface Load {
  readonly recordBytes: number
  readonly records: number
  /** Rounds that count; one more comes before them, for the compilers. */
  readonly rounds: number
}

/**
 * Runs `kafka-producer-perf-test` and `kafka-consumer-perf-test` against both engines, which take turns, each round on a new
 * topic of six partitions.
 * @returns medians of the rounds
 */
export async function measureThroughput(platforms: Both<RunningPlatform>, load: Load): Promise<Both<Throughput>> {
  const measured: Both<Throughput[]> = { embedded: [], apache: [] }
  for (let round = 0; round <= load.rounds; round += 1) {
    // The second one finds the disk busy with the writes of the first, so the engines swap places.
    const order = round % 2 === 0 ? engineNames : [...engineNames].reverse()
    for (const engine of order) {
      const result = await runRound(platforms[engine], load)
      if (round > 0) measured[engine].push(result)
    }
  }
  const of = (engine: keyof Both<unknown>, field: keyof Throughput) => median(measured[engine].map((one) => one[field]))
  const medians = (engine: keyof Both<unknown>): Throughput => ({
    produceMb: of(engine, 'produceMb'),
    consumeMb: of(engine, 'consumeMb'),
    produceCpuMs: of(engine, 'produceCpuMs'),
    consumeCpuMs: of(engine, 'consumeCpuMs'),
  })
  return { embedded: medians('embedded'), apache: medians('apache') }
}

/** Produces and consumes once, on a topic that is deleted afterwards. */
export async function runRound(platform: RunningPlatform, { recordBytes, records }: Load): Promise<Throughput> {
  const server = ['--bootstrap-server', platform.bootstrapServers]
  const topic = `bench-${recordBytes}-${process.pid}-${Date.now()}`
  const megabytes = (recordBytes * records) / 2 ** 20
  await tool('kafka-topics', [...server, '--create', '--topic', topic, '--partitions', '6'])

  const beforeProduce = platform.brokerCpuSeconds()
  const produced = await tool('kafka-producer-perf-test', [
    ...['--topic', topic, '--num-records', String(records), '--record-size', String(recordBytes)],
    ...['--throughput', '-1', ...server, '--command-property', 'acks=all'],
  ])
  const beforeConsume = platform.brokerCpuSeconds()
  const consumed = await tool('kafka-consumer-perf-test', [
    ...[...server, '--topic', topic, '--num-records', String(records)],
  ])
  const after = platform.brokerCpuSeconds()
  await tool('kafka-topics', [...server, '--delete', '--topic', topic])
  return {
    produceMb: produceRate(produced),
    consumeMb: consumeRate(consumed),
    produceCpuMs: ((beforeConsume - beforeProduce) * 1000) / megabytes,
    consumeCpuMs: ((after - beforeConsume) * 1000) / megabytes,
  }
}

export async function tool(name: ToolName, args: string[]): Promise<string> {
  const result = await runTool(await fetchDistribution(), name, args)
  if (result.exitCode !== 0) throw new Error(`${name} failed:\n${result.stdout}${result.stderr}`)
  return result.stdout
}

/** Of the last line, which is about the whole run. */
export function produceRate(output: string): number {
  const rate = /\(([\d.]+) MB\/sec\)/.exec(output.trimEnd().split('\n').at(-1)!)?.[1]
  if (rate === undefined) throw new Error(`kafka-producer-perf-test printed no rate:\n${output}`)
  return Number(rate)
}

/** The column fetch.MB.sec: what the consumer reads once it has its partitions (joining the group is not counted). */
export function consumeRate(output: string): number {
  const lines = output.trim().split('\n')
  const header = lines.find((line) => line.includes('fetch.MB.sec'))?.split(', ')
  const values = lines.at(-1)?.split(', ')
  if (!header || values?.length !== header.length)
    throw new Error(`kafka-consumer-perf-test printed no rate:\n${output}`)
  return Number(values[header.indexOf('fetch.MB.sec')])
}

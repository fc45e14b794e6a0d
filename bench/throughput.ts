// Produce and consume throughput with Apache Kafka's own performance tools, acks=all.
import { fetchDistribution, runTool } from '@selfmonitor/apache'
import { median } from './support.ts'

export interface Throughput {
  readonly produceMb: number
  readonly consumeMb: number
}

/**
 * Runs `kafka-producer-perf-test` and `kafka-consumer-perf-test` against a cluster, `rounds` times on a new topic each.
 * @returns medians in MB/s, as the tools print them (1 MB = 2^20 bytes).
 */
export async function measureThroughput(
  bootstrapServers: string,
  recordBytes: number,
  records: number,
  rounds: number,
): Promise<Throughput> {
  const distribution = await fetchDistribution()
  const produced: number[] = []
  const consumed: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const topic = `bench-${recordBytes}-${process.pid}-${round}-${Date.now()}`
    const tool = async (name: Parameters<typeof runTool>[1], args: string[]) => {
      const result = await runTool(distribution, name, args)
      if (result.exitCode !== 0) throw new Error(`${name} failed:\n${result.stdout}${result.stderr}`)
      return result.stdout
    }
    await tool('kafka-topics', [
      '--bootstrap-server',
      bootstrapServers,
      '--create',
      '--topic',
      topic,
      '--partitions',
      '6',
    ])
    const producer = await tool('kafka-producer-perf-test', [
      ...[
        '--topic',
        topic,
        '--num-records',
        String(records),
        '--record-size',
        String(recordBytes),
        '--throughput',
        '-1',
      ],
      ...['--bootstrap-server', bootstrapServers, '--command-property', 'acks=all'],
    ])
    produced.push(Number(/\(([\d.]+) MB\/sec\).*?$/m.exec(producer.trimEnd().split('\n').at(-1)!)![1]))
    const consumer = await tool('kafka-consumer-perf-test', [
      ...['--bootstrap-server', bootstrapServers, '--topic', topic, '--num-records', String(records)],
    ])
    consumed.push(consumeRate(consumer))
    await tool('kafka-topics', ['--bootstrap-server', bootstrapServers, '--delete', '--topic', topic])
  }
  return { produceMb: median(produced), consumeMb: median(consumed) }
}

/** The column fetch.MB.sec: what the consumer reads once it has its partitions (joining the group is not counted). */
function consumeRate(output: string): number {
  const lines = output.trim().split('\n')
  const header = lines.find((line) => line.includes('fetch.MB.sec'))?.split(', ')
  const values = lines.at(-1)?.split(', ')
  if (!header || values?.length !== header.length)
    throw new Error(`kafka-consumer-perf-test printed no rate:\n${output}`)
  return Number(values[header.indexOf('fetch.MB.sec')])
}

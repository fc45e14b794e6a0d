// The scenarios of scenarios.ts with kcat (librdkafka). It creates no topics and dates no records: kafkajs does that for it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { run } from '@selfmonitor/apache'
import { Kafka, logLevel } from 'kafkajs'
import { vi } from 'vitest'
import type { Play, Scenario } from './scenarios.ts'

/** Only ends a test that would hang. */
const until = (condition: () => boolean | Promise<boolean>) =>
  vi.waitUntil(condition, { timeout: 60_000, interval: 50 })

/** @returns kcat's output. @throws Error when it fails or reports an error */
export async function kcat(bootstrapServers: string, args: readonly string[], stdin?: string): Promise<string> {
  const input = stdin === undefined ? {} : { stdin }
  const { exitCode, stdout, stderr } = await run('kcat', ['-b', bootstrapServers, ...args], input)
  if (exitCode !== 0 || stderr.includes('ERROR')) throw new Error(`kcat ${args.join(' ')}: ${stderr}`)
  return stdout
}

const kafkajs = (bootstrapServers: string) =>
  new Kafka({ clientId: 'helper', brokers: bootstrapServers.split(','), logLevel: logLevel.NOTHING })

export async function createTopic(
  bootstrapServers: string,
  topic: string,
  numPartitions: number,
  configEntries: { name: string; value: string }[] = [],
): Promise<void> {
  const admin = kafkajs(bootstrapServers).admin()
  await admin.connect()
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions, configEntries }] })
  await admin.disconnect()
}

const scenarios: Readonly<
  Record<Exclude<Scenario, 'admin'>, (bootstrapServers: string, prefix: string, codec: string) => Promise<unknown>>
> = {
  async metadata(bootstrapServers, prefix) {
    await createTopic(bootstrapServers, `${prefix}-a`, 2)
    await createTopic(bootstrapServers, `${prefix}-b`, 1)
    const listed = JSON.parse(await kcat(bootstrapServers, ['-L', '-J'])) as {
      topics: { topic: string; partitions: unknown[] }[]
    }
    const ours = listed.topics.filter(({ topic }) => topic.startsWith(prefix))
    return Object.fromEntries(ours.map(({ topic, partitions }) => [topic, partitions.length]))
  },

  async idempotent(bootstrapServers, topic, codec) {
    await createTopic(bootstrapServers, topic, 3)
    // Headers are the same for all records of a run.
    const lines = Array.from({ length: 300 }, (_, i) => `key-${i % 10}:${i}\n`)
    const settings = ['-X', 'enable.idempotence=true', '-z', codec, '-K', ':', '-H', 'from=kcat']
    await kcat(bootstrapServers, ['-P', '-t', topic, ...settings], lines.join(''))
    const read = await kcat(bootstrapServers, ['-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-f', '%k:%s %h\n'])
    const seen = read.trimEnd().split('\n')
    const last = new Map<string, number>()
    const ordered = seen.every((line) => {
      const [key, value] = line.split(/[: ]/) as [string, string]
      const before = last.get(key) ?? -1
      last.set(key, Number(value))
      return before < Number(value)
    })
    return { count: new Set(seen).size, ordered, headers: seen.every((line) => line.endsWith(' from=kcat')) }
  },

  async group(bootstrapServers, topic) {
    await createTopic(bootstrapServers, topic, 4)
    const shares: number[][] = [[], []]
    const member = (index: number) => {
      const settings = { 'heartbeat.interval.ms': 300, 'session.timeout.ms': 10_000 }
      const options = Object.entries(settings).flatMap(([key, value]) => ['-X', `${key}=${value}`])
      const args = ['-b', bootstrapServers, ...options, '-G', `${topic}-group`, `^${topic}$`]
      const child = spawn('kcat', args, { stdio: ['ignore', 'ignore', 'pipe'] })
      const exited = once(child, 'exit')
      // % Group … rebalanced (memberid …): assigned: topic [0], topic [1]
      createInterface({ input: child.stderr }).on('line', (line) => {
        const change = /rebalanced .*: (assigned|revoked): (.*)/.exec(line)
        if (!change) return
        shares[index] =
          change[1] === 'revoked' ? [] : [...change[2]!.matchAll(/\[(\d+)\]/g)].map(([, id]) => Number(id))
      })
      return async () => {
        child.kill()
        await exited
        shares[index] = []
      }
    }
    const sizes = (...wanted: readonly number[]) =>
      until(() => String(shares.map((share) => share.length)) === String(wanted))
    const stops = [member(0)]
    try {
      await sizes(4, 0)
      stops.push(member(1))
      await sizes(2, 2)
      const shared = shares.flat().sort()
      await stops[0]!()
      await sizes(0, 4)
      return { shared }
    } finally {
      for (const stop of stops.reverse()) await stop()
    }
  },

  async times(bootstrapServers, topic) {
    await createTopic(bootstrapServers, topic, 1)
    const producer = kafkajs(bootstrapServers).producer()
    await producer.connect()
    const messages = [1000, 2000, 3000].map((time) => ({ value: 'x', timestamp: String(time) }))
    await producer.send({ topic, messages })
    await producer.disconnect()
    const at = async (time: number) => {
      const printed = await kcat(bootstrapServers, ['-Q', '-t', `${topic}:0:${time}`])
      return Number(/offset (-?\d+)/.exec(printed)?.[1])
    }
    const offsets: number[] = []
    for (const time of [0, 1500, 3000, 9000]) offsets.push(await at(time))
    return { offsets, low: await at(-2), high: await at(-1) }
  },
}

export const playKcat: Play = (scenario, bootstrapServers, prefix, codec = 'none') => {
  if (scenario === 'admin') throw new Error('kcat has no admin calls')
  return scenarios[scenario](bootstrapServers, prefix, codec)
}

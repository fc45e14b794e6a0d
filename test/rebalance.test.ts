// One consumer group of four kinds of clients, on both engines, while records keep coming: members join, leave and die, and
// nothing is lost, and nothing is delivered again beyond what at-least-once allows.
//
// Allowed: a partition's new owner begins at the committed offset, so it may repeat what its predecessor had not
// committed yet, and never more. Before every change of members the committed offsets are noted; whatever is delivered
// after the change that follows lies at or behind them.
//
// kcat is killed and never stopped: on SIGTERM it commits the record that it has polled and not yet printed, which loses one
// on any broker. The others leave in an orderly way.
//
// kafkajs, @platformatic/kafka, librdkafka (kcat) and Apache Kafka's own consumer share the assignor `roundrobin`.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Consumer as PlatformaticConsumer } from '@platformatic/kafka'
import { fetchDistribution, type KafkaDistribution, spawnTool } from '@selfmonitor/apache'
import { Kafka, logLevel, type PartitionAssigner, PartitionAssigners } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { describeEngines } from './support/engines.ts'
import { missingTool } from './support/tools.ts'

const partitions = 8
const sessionTimeoutMs = 6000
const commitIntervalMs = 200

type Deliver = (partition: number, offset: number) => void

interface Member {
  readonly name: string
  /** Leaves the group in an orderly way. */
  stop(): Promise<void>
  /** Dies without a goodbye; only processes can. */
  kill?(): Promise<void>
}

interface Setting {
  readonly bootstrapServers: string
  readonly topic: string
  readonly groupId: string
  readonly deliver: Deliver
}

const silent = { logLevel: logLevel.NOTHING }

/** kafkajs' own assignor under the name that the other clients use; the bytes are the same. */
const roundrobin: PartitionAssigner = (config) => ({ ...PartitionAssigners.roundRobin(config), name: 'roundrobin' })

async function kafkajsMember({ bootstrapServers, topic, groupId, deliver }: Setting): Promise<Member> {
  const consumer = new Kafka({ brokers: bootstrapServers.split(','), clientId: 'kafkajs', ...silent }).consumer({
    groupId,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: 10_000,
    heartbeatInterval: 300,
    maxWaitTimeInMs: 100,
    partitionAssigners: [roundrobin],
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommitInterval: commitIntervalMs,
    eachMessage: async ({ partition, message }) => deliver(partition, Number(message.offset)),
  })
  return { name: 'kafkajs', stop: () => consumer.disconnect() }
}

async function platformaticMember({ bootstrapServers, topic, groupId, deliver }: Setting): Promise<Member> {
  const consumer = new PlatformaticConsumer({
    clientId: 'platformatic',
    bootstrapBrokers: bootstrapServers.split(','),
    groupId,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: 10_000,
    heartbeatInterval: 300,
  })
  const mode = { mode: 'committed', fallbackMode: 'earliest' } as const
  const stream = await consumer.consume({ topics: [topic], autocommit: commitIntervalMs, maxWaitTime: 100, ...mode })
  stream.on('data', ({ partition, offset }) => deliver(partition, Number(offset)))
  return {
    name: 'platformatic',
    async stop() {
      await stream.close()
      await consumer.close()
    },
  }
}

function processMember(
  name: string,
  child: ChildProcess,
  parse: (line: string) => readonly [number, number] | null,
  deliver: Deliver,
): Member {
  createInterface({ input: child.stdout! }).on('line', (line) => {
    const delivered = parse(line)
    if (delivered) deliver(...delivered)
  })
  const exited = once(child, 'exit')
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await exited
  }
  return { name, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') }
}

const clientSettings = (assignor: string) => ({
  'session.timeout.ms': sessionTimeoutMs,
  'heartbeat.interval.ms': 300,
  'max.poll.interval.ms': 10_000,
  'auto.commit.interval.ms': commitIntervalMs,
  'auto.offset.reset': 'earliest',
  'partition.assignment.strategy': assignor,
})

function kcatMember({ bootstrapServers, topic, groupId, deliver }: Setting): Member {
  const settings = Object.entries(clientSettings('roundrobin')).flatMap(([key, value]) => ['-X', `${key}=${value}`])
  const child = spawn(
    'kcat',
    ['-b', bootstrapServers, ...settings, '-u', '-q', '-f', '%p %o\n', '-G', groupId, topic],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  const parse = (line: string) => line.split(' ').map(Number) as [number, number]
  return processMember('kcat', child, parse, deliver)
}

function consoleMember(
  { bootstrapServers, topic, groupId, deliver }: Setting,
  distribution: KafkaDistribution,
): Member {
  const assignor = 'org.apache.kafka.clients.consumer.RoundRobinAssignor'
  const settings = Object.entries(clientSettings(assignor)).flatMap(([key, value]) => [
    '--command-property',
    `${key}=${value}`,
  ])
  const format = ['--formatter-property', 'print.partition=true', '--formatter-property', 'print.offset=true']
  const where = ['--bootstrap-server', bootstrapServers, '--topic', topic, '--group', groupId]
  const child = spawnTool(distribution, 'kafka-console-consumer', [...where, ...format, ...settings])
  const parse = (line: string) => {
    const found = /^Partition:(\d+)\tOffset:(\d+)/.exec(line)
    return found && ([Number(found[1]), Number(found[2])] as const)
  }
  return processMember('console', child, parse, deliver)
}

/** Keeps what was delivered, and holds each delivery against the committed offsets of the change before the last. */
function ledger() {
  const seen = Array.from({ length: partitions }, () => new Set<number>())
  const notes: (readonly number[])[] = [Array(partitions).fill(0)]
  const violations: string[] = []
  let repeated = 0
  const deliverAs =
    (name: () => string): Deliver =>
    (partition, offset) => {
      const floor = (notes.at(-2) ?? notes[0])![partition]!
      if (offset < floor) violations.push(`${name()} got ${partition}:${offset}, the group had committed ${floor}`)
      if (seen[partition]!.has(offset)) repeated++
      seen[partition]!.add(offset)
    }
  return { seen, notes, violations, deliverAs, repeated: () => repeated }
}

const kcatMissing = missingTool('kcat', '-V') !== null
const javaMissing = 'missing' in inject('apache')

describeEngines('a group of mixed clients', (engine) => {
  let distribution: KafkaDistribution
  beforeAll(async () => {
    if (!javaMissing) distribution = await fetchDistribution()
  })

  describe.skipIf(kcatMissing || javaMissing)('kafkajs, @platformatic/kafka, kcat and the Java consumer', () => {
    const members = new Set<Member>()
    afterAll(async () => {
      for (const member of members) await (member.kill ?? member.stop)()
    })

    it('loses nothing and repeats no more than was uncommitted, while its members come and go', {
      timeout: 180_000,
    }, async () => {
      const suffix = randomBytes(4).toString('hex')
      const topic = `rebalance-${suffix}`
      const groupId = `rebalance-${suffix}`
      const kafka = new Kafka({ brokers: engine.bootstrapServers.split(','), ...silent })
      const admin = kafka.admin()
      await admin.connect()
      await admin.createTopics({ topics: [{ topic, numPartitions: partitions }] })
      const { seen, notes, violations, deliverAs, repeated } = ledger()

      const producer = kafka.producer({ maxInFlightRequests: 1 })
      await producer.connect()
      const produced = Array<number>(partitions).fill(0)
      let producing = true
      const load = (async () => {
        while (producing) {
          const messages = Array.from({ length: 40 }, (_, i) => ({ partition: i % partitions, value: 'x'.repeat(100) }))
          await producer.send({ topic, messages })
          for (const { partition } of messages) produced[partition]!++
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      })()

      const committed = async (): Promise<number[]> => {
        const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] })
        const all = Array<number>(partitions).fill(0)
        for (const { partition, offset } of offsets?.partitions ?? []) all[partition] = Math.max(0, Number(offset))
        return all
      }
      const settled = (count: number) =>
        vi.waitUntil(
          async () => {
            const [group] = (await admin.describeGroups([groupId])).groups
            return group?.state === 'Stable' && group.members.length === count
          },
          { timeout: 40_000, interval: 200 },
        )
      /** Everybody works: the group commits something new everywhere. */
      const progress = async () => {
        const before = await committed()
        const moved = async () => (await committed()).every((offset, partition) => offset > before[partition]!)
        await vi.waitUntil(moved, { timeout: 30_000, interval: 200 })
      }

      let count = 0
      const add = async (start: (setting: Setting) => Member | Promise<Member>): Promise<Member> => {
        notes.push(await committed())
        let name = 'a new member'
        const deliver = deliverAs(() => name)
        const member = await start({ bootstrapServers: engine.bootstrapServers, topic, groupId, deliver })
        name = member.name
        members.add(member)
        await settled(++count)
        await progress()
        return member
      }
      const remove = async (member: Member, how: 'stop' | 'kill') => {
        notes.push(await committed())
        members.delete(member)
        await member[how]!()
        await settled(--count)
        await progress()
      }

      await add(kafkajsMember)
      const kcat = await add(kcatMember)
      const platformatic = await add(platformaticMember)
      const java = await add((setting) => consoleMember(setting, distribution))
      await remove(kcat, 'kill')
      const kcatAgain = await add(kcatMember)
      await remove(java, 'stop')
      await remove(platformatic, 'stop')
      const javaAgain = await add((setting) => consoleMember(setting, distribution))
      await remove(kcatAgain, 'kill')
      await remove(javaAgain, 'stop')

      producing = false
      await load
      await vi.waitUntil(() => seen.every((offsets, partition) => offsets.size >= produced[partition]!), {
        timeout: 20_000,
      })
      await vi.waitUntil(async () => (await committed()).every((offset, partition) => offset === produced[partition]), {
        timeout: 20_000,
        interval: 200,
      })
      await producer.disconnect()
      await admin.disconnect()

      expect(violations).toEqual([])
      for (const [partition, offsets] of seen.entries()) {
        expect([...offsets].sort((a, b) => a - b)).toEqual(Array.from({ length: produced[partition]! }, (_, i) => i))
      }
      // Two members were killed: what they had not committed in their last moments was delivered again, and little more.
      expect(repeated()).toBeLessThan(produced.reduce((sum, n) => sum + n, 0) / 10)
    })
  })
})

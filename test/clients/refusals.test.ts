// Features that the embedded broker does not have yet are rejected with errors that clients treat as final and show to their users.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fetchDistribution, run, runTool } from '@selfmonitor/apache'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { franzGoClient, goProgram } from '../support/go.ts'
import { type Python, pythonWith } from '../support/python.ts'
import { sawOf } from './scenarios.ts'

const script = fileURLToPath(new URL('confluent.py', import.meta.url))
const noTransactions = 'this broker has no transactions yet'
const apache = inject('apache')

let broker: Broker
const warnings: string[] = []
beforeAll(async () => {
  const warn = (_: object, message: string) => void warnings.push(message)
  broker = await startBroker({ logger: { debug() {}, info() {}, warn, error() {} } })
})
afterAll(() => broker?.close())

/** How often a transactional producer asked: one that takes the refusal as final asks once. */
const asked = () =>
  broker.requests.list().filter(({ api }) => api === 'FindCoordinator' || api === 'InitProducerId').length

describe('a transactional producer gives up at the first answer', () => {
  for (const version of ['2.3', '2.16'] as const) {
    describe('of librdkafka', async () => {
      const python = await pythonWith(`confluent-kafka-${version}`)
      it.skipIf('missing' in python)(`by confluent-kafka ${version}, and shows why`, { timeout: 90_000 }, async () => {
        broker.requests.clear()
        const { value } = python as { value: Python }
        const saw = sawOf(await value.run(script, ['transactions', broker.bootstrapServers, 'transactional-python']))
        expect(saw).toMatchObject({
          error: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
          fatal: true,
          text: expect.stringContaining(noTransactions),
        })
        // Once; or twice when the answer came while it asked over its second connection, to the same broker by its id.
        expect(asked()).toBeGreaterThan(0)
        expect(asked()).toBeLessThanOrEqual(2)
      })
    })
  }

  describe('of franz-go', async () => {
    const program = await goProgram(franzGoClient)
    it.skipIf('missing' in program)('which says why', { timeout: 90_000 }, async () => {
      const { value } = program as { value: string }
      const { stdout } = await run(value, ['transactions', broker.bootstrapServers, 'transactional-go'])
      expect(sawOf(stdout)).toEqual({ error: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED', retriable: false })
    })
  })

  it('of kafkajs', async () => {
    broker.requests.clear()
    const kafka = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING })
    const producer = kafka.producer({ transactionalId: 'transactional-js', maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    await expect(producer.transaction()).rejects.toThrow()
    await producer.disconnect()
    // Once by each connection that it has: the one to the seed broker and the one to the same broker by its id.
    expect(asked()).toBe(2)
  })

  it.skipIf('missing' in apache)('of Java', { timeout: 90_000 }, async () => {
    broker.requests.clear()
    const args = ['--topic', 'transactional-java', '--num-records', '1', '--record-size', '10', '--throughput', '-1']
    const where = ['--bootstrap-server', broker.bootstrapServers, '--transactional-id', 'transactional-java']
    const result = await runTool(await fetchDistribution(), 'kafka-producer-perf-test', [...args, ...where])
    expect(result.exitCode).not.toBe(0)
    expect(result.stdout + result.stderr).toMatch(/TransactionalIdAuthorizationException/)
    expect(asked()).toBe(1)
  })

  it('and the log of the broker says the reason', () => {
    expect(warnings.filter((warning) => warning.includes(noTransactions))).not.toEqual([])
  })
})

describe('a consumer of the newer group protocol (KIP-848) ends with an error', () => {
  describe('of librdkafka', async () => {
    const python = await pythonWith('confluent-kafka-2.16')
    it.skipIf('missing' in python)('by confluent-kafka', { timeout: 90_000 }, async () => {
      const { value } = python as { value: Python }
      const saw = sawOf(await value.run(script, ['consumer-protocol', broker.bootstrapServers, 'newer-python']))
      expect(saw).toEqual({ error: '_FATAL', text: expect.stringContaining('ConsumerGroupHeartbeat fatal error') })
    })
  })

  it.skipIf('missing' in apache)('of Java, which advises the classic protocol', { timeout: 90_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'selfmonitor-newer-protocol-'))
    try {
      const settings = join(folder, 'consumer.properties')
      await writeFile(settings, 'group.protocol=consumer\n')
      const where = ['--bootstrap-server', broker.bootstrapServers, '--topic', 'newer-java']
      const distribution = await fetchDistribution()
      const result = await runTool(distribution, 'kafka-console-consumer', [...where, '--command-config', settings])
      expect(result.stderr).toMatch(/Set group\.protocol=classic/)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('and the log of the broker says the reason', () => {
    expect(warnings.filter((warning) => warning.includes('classic groups only'))).not.toEqual([])
  })
})

// Clients that none of us wrote, on both engines: kcat (librdkafka) and kafkajs.
import { randomBytes } from 'node:crypto'
import { run } from '@selfmonitor/apache'
import { CompressionTypes, Kafka, logLevel } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { describeEngines } from './support/engines.ts'
import { missingTool } from './support/tools.ts'

const unique = (name: string) => `${name}-${randomBytes(4).toString('hex')}`

describeEngines('clients that are not ours', (engine) => {
  describe.skipIf(missingTool('kcat', '-V') !== null)('kcat', () => {
    const kcat = (args: readonly string[], stdin?: string) =>
      run('kcat', ['-b', engine.bootstrapServers, ...args], stdin === undefined ? {} : { stdin })

    async function createTopic(name: string, partitions: number, config: { name: string; value: string }[] = []) {
      const admin = new Kafka({ brokers: engine.bootstrapServers.split(','), logLevel: logLevel.NOTHING }).admin()
      await admin.connect()
      await admin.createTopics({ topics: [{ topic: name, numPartitions: partitions, configEntries: config }] })
      await admin.disconnect()
    }

    it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
      'reads back what it wrote with %s compression, keys and headers',
      async (codec) => {
        const topic = unique(`kcat-${codec}`)
        await createTopic(topic, 1)
        const lines = Array.from({ length: 500 }, (_, i) => `key${i}|value ${i} ${'.'.repeat(100)}`)
        const produced = await kcat(
          ['-P', '-t', topic, '-p', '0', '-K', '|', '-H', 'codec=test', '-z', codec],
          `${lines.join('\n')}\n`,
        )
        expect(produced).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining('ERROR') })
        const consumed = await kcat([
          '-C',
          '-t',
          topic,
          '-p',
          '0',
          '-o',
          'beginning',
          '-e',
          '-q',
          '-f',
          '%o %k|%s %h\n',
        ])
        expect(consumed.stdout.trimEnd().split('\n')).toEqual(lines.map((line, i) => `${i} ${line} codec=test`))
      },
    )

    it('finds the offset of a time, and the last records from the end', async () => {
      const topic = unique('kcat-offsets')
      await createTopic(topic, 1)
      await kcat(['-P', '-t', topic, '-p', '0'], 'a\nb\nc\n')
      const lastTwo = await kcat(['-C', '-t', topic, '-p', '0', '-o', '-2', '-e', '-q'])
      expect(lastTwo.stdout).toBe('b\nc\n')
      const fromTime = await kcat(['-C', '-t', topic, '-p', '0', '-o', 's@1', '-e', '-q'])
      expect(fromTime.stdout).toBe('a\nb\nc\n')
      const query = await kcat(['-Q', '-t', `${topic}:0:-1`])
      expect(query.stdout).toContain('offset 3')
    })

    it('consumes as a member of a group and goes on where it stopped', async () => {
      const topic = unique('kcat-group')
      const group = unique('group')
      await createTopic(topic, 4)
      const numbers = Array.from({ length: 100 }, (_, i) => String(i))
      await kcat(['-P', '-t', topic], `${numbers.join('\n')}\n`)
      const settings = ['-X', 'auto.offset.reset=earliest', '-q']
      const first = await kcat(['-G', group, '-c', '100', ...settings, topic])
      expect(
        first.stdout
          .trimEnd()
          .split('\n')
          .sort((a, b) => Number(a) - Number(b)),
      ).toEqual(numbers)
      await kcat(['-P', '-t', topic], 'one more\n')
      const second = await kcat(['-G', group, '-c', '1', ...settings, topic])
      expect(second.stdout).toBe('one more\n')
    })

    it('carries a 10 MB record where the topic allows it, and is told where it does not', {
      timeout: 60_000,
    }, async () => {
      const big = unique('kcat-big')
      await createTopic(big, 1, [{ name: 'max.message.bytes', value: String(12 * 1024 * 1024) }])
      const record = 'x'.repeat(10 * 1024 * 1024)
      const limits = [
        '-X',
        `message.max.bytes=${11 * 1024 * 1024}`,
        '-X',
        `fetch.message.max.bytes=${11 * 1024 * 1024}`,
        '-X',
        'receive.message.max.bytes=100000000',
      ]
      const produced = await kcat(['-P', '-t', big, '-p', '0', ...limits], record)
      expect(produced.exitCode).toBe(0)
      const consumed = await kcat(['-C', '-t', big, '-p', '0', '-o', 'beginning', '-e', '-q', ...limits])
      expect(consumed.stdout.length).toBe(record.length + 1)

      const small = unique('kcat-small')
      await createTopic(small, 1)
      const refused = await kcat(['-P', '-t', small, '-p', '0', ...limits], record)
      expect(refused.stderr).toMatch(/Message size too large/i)
    })
  })

  describe('kafkajs', () => {
    const kafka = () =>
      new Kafka({ clientId: 'judge', brokers: engine.bootstrapServers.split(','), logLevel: logLevel.NOTHING })

    it('creates, describes, grows and deletes topics, and reads their settings', async () => {
      const topic = unique('kafkajs-admin')
      const admin = kafka().admin()
      await admin.connect()
      try {
        expect(
          await admin.createTopics({
            topics: [{ topic, numPartitions: 2, configEntries: [{ name: 'retention.ms', value: '5000' }] }],
          }),
        ).toBe(true)
        await expect(admin.createTopics({ topics: [{ topic }] })).resolves.toBe(false)
        await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
        expect(topics[0]!.partitions.map((p) => p.partitionId).sort()).toEqual([0, 1, 2])
        const configs = await admin.describeConfigs({
          includeSynonyms: false,
          resources: [{ type: 2, name: topic, configNames: ['retention.ms'] }],
        })
        expect(configs.resources[0]!.configEntries).toMatchObject([
          { configName: 'retention.ms', configValue: '5000', isDefault: false },
        ])
        await admin.deleteTopics({ topics: [topic] })
        expect(await admin.listTopics()).not.toContain(topic)
      } finally {
        await admin.disconnect()
      }
    })

    it('produces idempotently and consumes in a group, with offsets that stay', { timeout: 60_000 }, async () => {
      const topic = unique('kafkajs-group')
      const groupId = unique('kafkajs')
      const admin = kafka().admin()
      await admin.connect()
      await admin.createTopics({ topics: [{ topic, numPartitions: 3 }] })
      const producer = kafka().producer({ idempotent: true, maxInFlightRequests: 1 })
      await producer.connect()
      const messages = Array.from({ length: 300 }, (_, i) => ({
        key: `key-${i % 10}`,
        value: String(i),
        headers: { n: String(i) },
      }))
      for (let i = 0; i < 300; i += 50) {
        await producer.send({ topic, messages: messages.slice(i, i + 50), compression: CompressionTypes.GZIP })
      }
      await producer.disconnect()

      const seen: { key: string; value: number }[] = []
      const consumer = kafka().consumer({ groupId, sessionTimeout: 10_000 })
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      await new Promise<void>((resolve, reject) => {
        consumer
          .run({
            eachMessage: async ({ message }) => {
              seen.push({ key: message.key!.toString(), value: Number(message.value!.toString()) })
              if (seen.length === 300) resolve()
            },
          })
          .catch(reject)
      })
      await consumer.disconnect()
      expect(new Set(seen.map((s) => s.value)).size).toBe(300)
      for (let key = 0; key < 10; key += 1) {
        const values = seen.filter((s) => s.key === `key-${key}`).map((s) => s.value)
        expect(values).toEqual([...values].sort((a, b) => a - b))
      }
      const offsets = await admin.fetchOffsets({ groupId, topics: [topic] })
      expect(offsets[0]!.partitions.reduce((sum, p) => sum + Number(p.offset), 0)).toBe(300)
      await admin.deleteGroups([groupId])
      await admin.disconnect()
    })
  })
})

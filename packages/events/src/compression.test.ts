// What the library compresses, others read: kcat (librdkafka), kafkajs, Kafka's console consumer, and the library itself.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { zstdDecompressSync } from 'node:zlib'
import { fetchDistribution, type KafkaDistribution, runTool } from '@selfmonitor/apache'
import { CompressionCodecs, CompressionTypes, Kafka, logLevel } from 'kafkajs'
import { decompressFrameSync } from 'lz4-napi'
import { uncompressSync } from 'snappy'
import { beforeAll, expect, inject, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { until, useEvents } from '../../../test/support/events.ts'
import { missingTool } from '../../../test/support/tools.ts'

const types = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const count = 300
const kcatMissing = missingTool('kcat', '-V') !== null
const javaMissing = 'missing' in inject('apache')

// kafkajs brings gzip alone and takes the others from outside.
const decompressor = (decompress: (data: Buffer) => Buffer) => () => ({
  compress: () => Promise.reject(new Error('only read here')),
  decompress: async (data: Buffer) => decompress(data),
})
CompressionCodecs[CompressionTypes.Snappy] = decompressor((data) => uncompressSync(data) as Buffer)
CompressionCodecs[CompressionTypes.LZ4] = decompressor(decompressFrameSync)
CompressionCodecs[CompressionTypes.ZSTD] = decompressor((data) => zstdDecompressSync(data))

describeEngines('compressed events', (engine) => {
  const rig = useEvents(engine)
  let distribution: KafkaDistribution
  beforeAll(async () => {
    if (!javaMissing) distribution = await fetchDistribution()
  })

  const sizeOf = async (topic: string): Promise<number> =>
    (await rig.cluster.logDirs())
      .flatMap(({ partitions }) => partitions)
      .filter((one) => one.topic === topic)
      .reduce((sum, { sizeBytes }) => sum + Number(sizeBytes), 0)

  async function emitAll(topic: string, compression: (typeof types)[number]): Promise<void> {
    const stream = await rig.connect({ compression })
    const data = (i: number) => ({ i, text: 'the same text again and again, '.repeat(20) })
    await Promise.all(Array.from({ length: count }, (_, i) => stream.emit(topic, 'a', data(i), { userId: 'u' })))
    await stream.close()
  }

  async function readByKafkajs(topic: string): Promise<Buffer[]> {
    const kafka = new Kafka({ brokers: engine.bootstrapServers.split(','), logLevel: logLevel.NOTHING })
    const consumer = kafka.consumer({ groupId: rig.unique('kafkajs'), maxWaitTimeInMs: 100 })
    const values: Buffer[] = []
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message }) => void values.push(message.value!) })
    await until('kafkajs has read them', () => values.length >= count)
    await consumer.disconnect()
    return values
  }

  it.each(types)('are read by every client: %s', { timeout: 90_000 }, async (compression) => {
    const topic = await rig.topic('user.events', { partitions: 1 })
    await emitAll(topic, compression)
    const size = await sizeOf(topic)
    // 300 events of 700 bytes and more.
    if (compression === 'none') expect(size).toBeGreaterThan(200_000)
    else expect(size).toBeLessThan(100_000)

    const values = await readByKafkajs(topic)
    const lengths = values.map(({ length }) => `u ${length}`)
    if (!kcatMissing) {
      const where = ['-b', engine.bootstrapServers, '-C', '-t', topic, '-e', '-q', '-f', '%k %S\n']
      const { stdout } = await promisify(execFile)('kcat', where)
      expect(stdout.trim().split('\n')).toEqual(lengths)
    }
    if (!javaMissing) {
      const where = ['--bootstrap-server', engine.bootstrapServers, '--topic', topic, '--from-beginning']
      const limits = ['--max-messages', String(count), '--timeout-ms', '60000']
      const format = ['--formatter-property', 'print.key=true', '--formatter-property', 'print.value=false']
      const { stdout } = await runTool(distribution, 'kafka-console-consumer', [...where, ...limits, ...format])
      expect(stdout.split('\n').filter((line) => line.trim() === 'u').length).toBe(count)
    }

    const stream = await rig.connect()
    const seen: number[] = []
    stream.on(topic, 'a', ({ data }) => void seen.push((data as { i: number }).i))
    await stream.run()
    await until('the library has read them', () => seen.length === count)
    expect(seen).toEqual(Array.from({ length: count }, (_, i) => i))
  })

  it('are measured against max.message.bytes as they are sent, and split when they are still too large', async () => {
    const topic = await rig.topic('user.events', { partitions: 1, config: { 'max.message.bytes': '2000' } })
    const zstd = await rig.connect({ compression: 'zstd' })
    const plain = await rig.connect()
    const repeated = { text: 'x'.repeat(50_000) }
    await expect(plain.emit(topic, 'a', repeated, { userId: 'u' })).rejects.toMatchObject({
      kafkaError: 'MESSAGE_TOO_LARGE',
      message: expect.stringContaining('compression') as unknown,
    })
    expect(await zstd.emit(topic, 'a', repeated, { userId: 'u' })).toMatchObject({ offset: 0n })
    // Together they do not fit, each of them does.
    const random = () => Array.from({ length: 100 }, () => Math.random().toString(36).slice(2)).join('')
    const many = Array.from({ length: 20 }, () => zstd.emit(topic, 'a', { text: random() }, { userId: 'u' }))
    expect((await Promise.all(many)).map(({ offset }) => Number(offset))).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1),
    )
  })
})

// Services in other languages: what they write with their own Avro libraries the library handles, and the other way round.
// Python with Confluent's serializer and with fastavro, Java with Apache Avro.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ApacheError, cacheDir, findJava, run } from '@selfmonitor/apache'
import type { ReceivedEvent, ReceivedRecord } from '@selfmonitor/events'
import { describe, expect, it } from 'vitest'
import { onceInCache, orMissing, ToolUnavailable } from '../deployment/static/fetch.ts'
import { describeEngines } from '../support/engines.ts'
import { until, useEvents } from '../support/events.ts'
import { pythonWith } from '../support/python.ts'

const orderSchema = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'order_id', type: 'string' },
    { name: 'number', type: { type: 'long', logicalType: 'bigint' } },
    { name: 'placed_at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'status', type: { type: 'enum', name: 'Status', symbols: ['PLACED', 'PAID'] } },
    { name: 'total', type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 } },
    {
      name: 'lines',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'Line',
          fields: [
            { name: 'sku', type: 'string' },
            { name: 'count', type: 'int' },
          ],
        },
      },
    },
    { name: 'note', type: ['null', 'string'], default: null },
  ],
}
const order = {
  number: 2n ** 62n,
  placed_at: 1_700_000_000_123,
  status: 'PAID',
  total: '12.30',
  lines: [{ sku: 'apple', count: 2 }],
  note: 'gift',
}

/** Runs `write` or `read`; the arguments are the addresses and the two topics. @returns what it printed */
type Service = (action: 'write' | 'read', args: readonly string[]) => Promise<string>

async function javaService(): Promise<Service> {
  const source = fileURLToPath(new URL('java/AvroService.java', import.meta.url))
  const pom = fileURLToPath(new URL('java/pom.xml', import.meta.url))
  const java = await findJava().catch((error: unknown) => {
    throw error instanceof ApacheError ? new ToolUnavailable(error.message) : error
  })
  if (!(await run(java, ['--list-modules'])).stdout.includes('jdk.compiler')) {
    throw new ToolUnavailable('the Java here is no JDK')
  }
  const libs = join(cacheDir(), 'java', 'avro-1.12.0-kafka-clients-4.3.1')
  await onceInCache(libs, async (partial) => {
    const words = ['--batch-mode', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${partial}`]
    const copied = await run('mvn', words, { timeoutMs: 300_000 }).catch(() => null)
    if (copied?.exitCode !== 0)
      throw new ToolUnavailable(`Maven could not fetch Apache Avro: ${copied?.stdout ?? 'no mvn'}`)
  })
  return async (action, args) => {
    const words = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', join(libs, '*'), source, action, ...args]
    const ran = await run(java, words, { timeoutMs: 120_000 })
    if (ran.exitCode !== 0)
      throw new Error(`AvroService.java ended with ${ran.exitCode}:\n${ran.stdout}\n${ran.stderr}`)
    return ran.stdout
  }
}

const script = fileURLToPath(new URL('avro.py', import.meta.url))
const python = await pythonWith('confluent-kafka-avro')
const pythonService = (how: string): { value: Service } | { missing: string } =>
  'missing' in python ? python : { value: (action, args) => python.value.run(script, [action, how, ...args]) }

const services = {
  confluent: { title: 'Confluent’s Avro serializer for Python', service: pythonService('confluent') },
  fastavro: { title: 'fastavro', service: pythonService('fastavro') },
  java: { title: 'Apache Avro for Java', service: await orMissing(javaService) },
}

describeEngines('a service in another language', (engine) => {
  const rig = useEvents(engine)

  describe.each(Object.entries(services))('%s', (name, { service }) => {
    const play: Service = (action, args) => {
      if ('missing' in service) throw new Error(service.missing)
      return service.value(action, args)
    }
    const topics = async (): Promise<{ events: string; records: string; args: string[] }> => {
      const events = await rig.topic('user.events', { partitions: 1 })
      const records = await rig.topic('shop.orders', { partitions: 1, schema: orderSchema })
      return { events, records, args: [engine.bootstrapServers, rig.registryUrl, events, records] }
    }

    it.skipIf('missing' in service)(
      'writes events and records that the library handles',
      { timeout: 180_000 },
      async () => {
        const { events, records, args } = await topics()
        await play('write', args)
        const handled: { event?: ReceivedEvent; record?: ReceivedRecord } = {}
        const stream = await rig.connect()
        stream.on(events, 'user_created', (event) => {
          handled.event = event
        })
        stream.on(records, (record) => {
          handled.record = record
        })
        await stream.run()
        await until('the event and the record', () => handled.event !== undefined && handled.record !== undefined)
        expect(handled.event).toMatchObject({
          eventId: `e-${name}`,
          userId: 'u-1',
          key: 'u-1',
          timestampMs: 1_700_000_000_123,
          data: { email: 'ada@example.com' },
        })
        expect(handled.record).toMatchObject({ key: `o-${name}`, value: { order_id: `o-${name}`, ...order } })
      },
    )

    it.skipIf('missing' in service)(
      'reads events and records that the library wrote',
      { timeout: 180_000 },
      async () => {
        const { events, records, args } = await topics()
        const stream = await rig.connect()
        const emitted = { email: 'ada@example.com' }
        const { eventId } = await stream.emit(events, 'user_created', emitted, {
          userId: 'u-1',
          timestampMs: 1_700_000_000_123,
        })
        await stream.emit(records, { order_id: 'o-1', ...order }, { key: 'o-1' })
        const read = (await play('read', args)).trim()
        // 2^62 is no number that JSON.parse would keep.
        expect(read).toMatch(/"number": ?4611686018427387904\b/)
        const { number: _, ...rest } = order
        expect(JSON.parse(read)).toMatchObject({
          event: {
            key: 'u-1',
            value: {
              event_id: eventId,
              event_type: 'user_created',
              user_id: 'u-1',
              timestamp: 1_700_000_000_123,
              data: '{"email":"ada@example.com"}',
            },
          },
          record: { key: 'o-1', value: { order_id: 'o-1', ...rest } },
        })
      },
    )
  })
})

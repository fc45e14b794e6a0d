// A broker that is not there yet, that goes and comes back, and topics that may not be read.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { type RegistryServer, startRegistry } from '@selfmonitor/registry'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { until, useEvents } from '../../../test/support/events.ts'
import { connectEvents, type Logger } from './index.ts'

function collect() {
  const lines: string[] = []
  const level = (name: string) => (context: object, message: string) =>
    void lines.push(`${name} ${(context as { code?: string }).code} ${message}`)
  const logger: Logger = { debug: () => {}, info: level('info'), warn: level('warn'), error: level('error') }
  return { lines, logger }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('a broker that is not there', () => {
  const undo: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step()
  })

  const open = async (dataDir: string, port: number): Promise<Broker> => {
    const broker = await startBroker({ dataDir, port })
    undo.push(() => broker.close())
    return broker
  }

  it('is waited for when the service says for how long, and so is the registry', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'events-wait-'))
    undo.push(() => rm(dataDir, { recursive: true, force: true }))
    const [port, registryPort] = [await freePort(), await freePort()]
    const { lines, logger } = collect()
    const connecting = connectEvents({
      service: 'early',
      bootstrapServers: `127.0.0.1:${port}`,
      registryUrl: `http://127.0.0.1:${registryPort}`,
      schemas: null,
      waitForBrokerMs: 60_000,
      logger,
    })
    await until('the first attempt', () => lines.length > 0)
    expect(lines[0]).toMatch(/^warn BROKER_UNREACHABLE no broker answers at 127\.0\.0\.1/)
    await open(dataDir, port)
    await until('the broker is found', () => lines.some((line) => line.startsWith('warn BROKER_UNREACHABLE over:')))
    const registry: RegistryServer = await startRegistry({ bootstrapServers: `127.0.0.1:${port}`, port: registryPort })
    undo.push(() => registry.close())
    const stream = await connecting
    undo.push(() => stream.close())
    expect(stream.health()).toMatchObject({ ready: true, broker: 'connected', problems: [] })
  })

  it('is reported as lost and as found by a service that has nothing to send, once each in the log', {
    timeout: 60_000,
  }, async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'events-loss-'))
    undo.push(() => rm(dataDir, { recursive: true, force: true }))
    const broker = await startBroker({ dataDir })
    const { bootstrapServers } = broker
    const registry = await startRegistry({ bootstrapServers, port: 0 })
    undo.push(() => registry.close())
    const { lines, logger } = collect()
    const stream = await connectEvents({
      service: 'idle',
      bootstrapServers,
      registryUrl: registry.url,
      schemas: null,
      logger,
    })
    undo.push(() => stream.close())
    await broker.close()
    await until('the loss is seen', () => stream.health().broker === 'disconnected')
    expect(stream.health()).toMatchObject({ ready: false, problems: [{ resource: 'broker', fatal: false }] })
    await open(dataDir, Number(bootstrapServers.split(':')[1]))
    await until('the broker is found', () => stream.health().ready)
    expect(lines.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      'warn BROKER_UNREACHABLE no',
      'warn BROKER_UNREACHABLE over:',
    ])
  })
})

describe('a topic that cannot be read', () => {
  let broker: Broker
  let dataDir: string
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'events-unreadable-'))
    broker = await startBroker({ dataDir })
  })
  afterAll(async () => {
    await broker?.close()
    await rm(dataDir, { recursive: true, force: true })
  })
  const rig = useEvents({
    name: 'embedded',
    broker: undefined,
    get bootstrapServers() {
      return broker.bootstrapServers
    },
  })

  it('is reported at once, once, with the remedy, and makes the service not ready until it is fixed', async () => {
    const topic = await rig.topic('user.events', { partitions: 3 })
    const stream = await rig.connect()
    let handled = 0
    stream.on(topic, '*', () => void handled++)
    broker.faults.add({ api: 'Fetch', topic, action: { error: 'TOPIC_AUTHORIZATION_FAILED' } })
    await stream.run()
    await stream.emit(topic, 'a', {}, { userId: 'u' })
    await until('the problem', () => stream.health().problems.length > 0)
    const [problem] = stream.health().problems
    expect(problem).toMatchObject({ code: 'TOPIC_AUTHORIZATION_FAILED', fatal: true })
    expect(problem!.message).toContain('add the topic to its `consumes` in platform.yaml')
    expect(stream.health()).toMatchObject({ ready: false, broker: 'connected', consumer: 'running' })
    expect(rig.logs.filter(({ level }) => level === 'error').length).toBe(1)
    broker.faults.clear()
    await until('the event', () => handled === 1)
    await until('all is well', () => stream.health().ready)
    expect(rig.logs.some(({ level, message }) => level === 'warn' && message.startsWith('over: '))).toBe(true)
  })

  it('is not reported as missing if the service may not describe it', async () => {
    const topic = await rig.topic('user.events')
    broker.faults.add({ api: 'Metadata', topic, action: { error: 'TOPIC_AUTHORIZATION_FAILED' } })
    const emitting = await rig.connect()
    await expect(emitting.emit(topic, 'a', {}, { userId: 'u' })).rejects.toMatchObject({
      code: 'TOPIC_DENIED',
      message: expect.stringContaining('`produces`') as unknown,
    })
    const handling = await rig.connect()
    handling.on(topic, '*', () => {})
    await expect(handling.run()).rejects.toMatchObject({ code: 'TOPIC_DENIED' })
    broker.faults.clear()
  })

  it('does not keep the others waiting, nor does a batch that is damaged on the disk', async () => {
    const topic = await rig.topic('user.events', { partitions: 3 })
    const emitting = await rig.connect({ compression: 'gzip' })
    const text = 'x'.repeat(5000)
    const users = Array.from({ length: 30 }, (_, i) => `u${i}`)
    const sent = await Promise.all(users.map((userId) => emitting.emit(topic, 'a', { text }, { userId })))
    const damaged = sent[0]!.partition
    // What was written a moment ago is served from memory: the damage is found after a restart.
    const port = Number(broker.bootstrapServers.split(':')[1])
    await broker.close()
    const file = join(dataDir, 'logs', `${topic}-${damaged}`, '00000000000000000000.log')
    const bytes = await readFile(file)
    // Behind the header and gzip's own.
    bytes.fill(0xff, 61 + 20, bytes.length - 20)
    await writeFile(file, bytes)
    broker = await startBroker({ dataDir, port })

    const stream = await rig.connect()
    const seen = new Set<string>()
    stream.on(topic, '*', ({ userId }) => void seen.add(userId))
    await stream.run()
    const readable = users.filter((_, i) => sent[i]!.partition !== damaged)
    await until('the events of the other partitions', () => seen.size === readable.length)
    await until('the problem', () => stream.health().problems.length > 0)
    expect(stream.health().problems).toMatchObject([
      { resource: `${topic}-${damaged}`, code: 'CORRUPT_MESSAGE', fatal: true },
    ])
    // And they go on being read, at their own pace.
    const more = users.find((_, i) => sent[i]!.partition !== damaged)!
    seen.clear()
    await emitting.emit(topic, 'a', {}, { userId: more })
    await until('one more', () => seen.has(more))
  })
})

import { type ApiName, decodeResponse, encodeBatch, errorCodes } from '@selfmonitor/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startBroker } from '../start-broker.ts'
import { type RawClient, rawClient, requestBytes } from '../test-support/raw-client.ts'
import type { Broker, BrokerOptions, ManualClock } from '../types.ts'

describe('server', () => {
  let broker: Broker
  const clients: RawClient[] = []
  const warnings: { reason: string }[] = []
  const logger = {
    debug() {},
    info() {},
    warn: (context: object) => void warnings.push(context as { reason: string }),
    error: (context: object) => void warnings.push(context as { reason: string }),
  }

  async function start(options: BrokerOptions = {}): Promise<void> {
    broker = await startBroker({ logger, ...options })
  }
  async function connect(): Promise<RawClient> {
    const client = await rawClient(broker.bootstrapServers)
    clients.push(client)
    return client
  }
  /** The broker is alive: another client is served. */
  async function expectServing(): Promise<void> {
    const client = await connect()
    expect((await client.call('ApiVersions', 0, {})).errorCode).toBe(0)
  }
  beforeEach(() => {
    warnings.length = 0
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close()
    await broker.close()
  })

  it('closes the connection that sends an oversized frame, says why, and serves others', async () => {
    await start({ config: { 'socket.request.max.bytes': '1000' } })
    const client = await connect()
    client.send(Buffer.from([0, 0, 4, 0]))
    await client.closed
    expect(warnings.map(({ reason }) => reason)).toEqual([
      'a request of 1024 bytes, socket.request.max.bytes allows 1000; perhaps this is not a Kafka client',
    ])
    await expectServing()
  })

  it.each([
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
    ['a negative size', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['an empty frame', Buffer.from([0, 0, 0, 0])],
    ['a header that ends early', Buffer.from([0, 0, 0, 3, 0, 3, 0])],
    [
      'a body that ends early',
      Buffer.concat([Buffer.from([0, 0, 0, 10]), Buffer.from([0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff])]),
    ],
  ])('closes the connection that sends %s, and serves others', async (_name, bytes) => {
    await start()
    const client = await connect()
    client.send(bytes)
    await client.closed
    expect(warnings).toHaveLength(1)
    await expectServing()
  })

  it('answers a request with bytes after its body, as Kafka does', async () => {
    await start()
    const client = await connect()
    const frame = Buffer.concat([requestBytes('Metadata', 1, 1, { topics: null }), Buffer.from([1, 2, 3])])
    frame.writeInt32BE(frame.length - 4)
    client.send(frame)
    expect(decodeResponse('Metadata', 1, await client.nextFrame()).correlationId).toBe(1)
    expect(warnings).toEqual([])
  })

  it('bounds what half requests hold over all connections, and completes each of them', async () => {
    await start({ config: { 'queued.max.request.bytes': String(4 * 1024 * 1024), 'num.partitions': '1' } })
    const admin = await connect()
    await admin.call('CreateTopics', 7, { topics: [{ name: 'large', numPartitions: 1, replicationFactor: 1 }] })
    const records = encodeBatch([{ timestamp: 1n, value: Buffer.alloc(1_000_000, 'x') }])
    const produce = {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: 'large', partitionData: [{ index: 0, records }] }],
    }
    const request = requestBytes('Produce', 9, 7, produce)
    const held = process.memoryUsage().arrayBuffers
    const producers = await Promise.all(Array.from({ length: 64 }, connect))
    // Nearly all of it: 64 MB in all.
    for (const producer of producers) producer.send(request.subarray(0, request.length - 10))
    // Others are served meanwhile; and so often, that every socket has been read as far as it will be.
    for (let turn = 0; turn < 100; turn++) await admin.call('ApiVersions', 0, {})
    // 4 MiB, one request beyond, and what each socket had read when it was stopped; the senders are in this process, too.
    expect(process.memoryUsage().arrayBuffers - held).toBeLessThan(40 * 1024 * 1024)
    for (const producer of producers) producer.send(request.subarray(request.length - 10))
    const answers = await Promise.all(producers.map((producer) => producer.nextFrame()))
    const offsets = answers.map((frame) => {
      const { body } = decodeResponse('Produce', 9, frame)
      return Number(body.responses[0]!.partitionResponses[0]!.baseOffset)
    })
    expect(offsets.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, offset) => offset))
  })

  it('understands a request that arrives byte by byte, and two in one packet', async () => {
    await start()
    const client = await connect()
    for (const byte of requestBytes('ApiVersions', 0, 1, {})) client.send(Buffer.from([byte]))
    expect(decodeResponse('ApiVersions', 0, await client.nextFrame()).correlationId).toBe(1)
    client.send(Buffer.concat([requestBytes('ApiVersions', 0, 2, {}), requestBytes('Metadata', 1, 3, { topics: [] })]))
    expect(decodeResponse('ApiVersions', 0, await client.nextFrame()).correlationId).toBe(2)
    expect(decodeResponse('Metadata', 1, await client.nextFrame()).correlationId).toBe(3)
  })

  it('answers a thousand requests that are sent without waiting in their order', async () => {
    await start()
    const client = await connect()
    const ids = Array.from({ length: 1000 }, (_, index) => index)
    client.send(Buffer.concat(ids.map((id) => requestBytes('Metadata', 1, id, { topics: null }))))
    for (const id of ids) expect(decodeResponse('Metadata', 1, await client.nextFrame()).correlationId).toBe(id)
  })

  it('does not start a request while the client leaves its answers unread', async () => {
    await start()
    const admin = await connect()
    await admin.call('CreateTopics', 5, { topics: [{ name: 'wide', numPartitions: 5000, replicationFactor: 1 }] })
    const client = await connect()
    client.socket.pause()
    const count = 400
    // Each answer has over 100 KB: together far more than the sockets' buffers hold.
    const ids = Array.from({ length: count }, (_, index) => index)
    for (const id of ids) client.send(requestBytes('Metadata', 1, id, { topics: [{ name: 'wide' }] }))
    // Another connection still gets its answers, and sees no new requests in the request log.
    const handled = () => broker.requests.list().filter(({ api }) => api === 'Metadata').length
    let before = -1
    for (let same = 0; same < 20; ) {
      await admin.call('ApiVersions', 0, {})
      same = handled() === before ? same + 1 : 0
      before = handled()
    }
    expect(handled()).toBeLessThan(count)
    client.socket.resume()
    for (const id of ids) expect(decodeResponse('Metadata', 1, await client.nextFrame()).correlationId).toBe(id)
  })

  it('answers an unknown version of ApiVersions at version 0 with the versions that it has', async () => {
    await start()
    const client = await connect()
    const bytes = requestBytes('ApiVersions', 0, 7, {})
    bytes.writeInt16BE(99, 6)
    client.send(bytes)
    // The bytes that Apache Kafka 4.4.0 answers.
    expect((await client.nextFrame()).toString('hex')).toBe('00000007002300000001001200000005')
    expect((await client.call('ApiVersions', 3, software)).errorCode).toBe(0)
  })

  it.each([
    ['an unknown API', 999, 0],
    ['an unknown version', 3, 99],
    ['a version that is only advertised', 0, 2],
  ])('closes the connection on %s, as Kafka does', async (_name, key, version) => {
    await start()
    const client = await connect()
    const bytes = requestBytes('ApiVersions', 0, 1, {})
    bytes.writeInt16BE(key, 4)
    bytes.writeInt16BE(version, 6)
    client.send(bytes)
    await client.closed
    await expectServing()
  })

  const software = { clientSoftwareName: 'raw', clientSoftwareVersion: '1.0' }

  it.each([
    ['', '1'],
    ['a b', '1'],
    ['-a', '1'],
    ['a', '1_'],
  ])('refuses the client software %j %j (KIP-511)', async (clientSoftwareName, clientSoftwareVersion) => {
    await start()
    const client = await connect()
    const { errorCode, apiKeys } = await client.call('ApiVersions', 3, { clientSoftwareName, clientSoftwareVersion })
    expect(errorCode).toBe(errorCodes.INVALID_REQUEST)
    expect(apiKeys).toEqual([])
  })

  it('tells a client that expects another cluster to refresh its metadata (KIP-1242)', async () => {
    await start({ clusterId: 'here' })
    const client = await connect()
    const ask = async (clusterId: string | null, nodeId: number) =>
      (await client.call('ApiVersions', 5, { ...software, clusterId, nodeId })).errorCode
    expect(await ask('here', 1)).toBe(0)
    expect(await ask(null, -1)).toBe(0)
    expect(await ask('there', 1)).toBe(errorCodes.REBOOTSTRAP_REQUIRED)
    expect(await ask('here', 2)).toBe(errorCodes.REBOOTSTRAP_REQUIRED)
    expect(await ask('here', -1)).toBe(errorCodes.INVALID_REQUEST)
  })

  it('closes a connection that is silent for connections.max.idle.ms, and not one that talks', async () => {
    await start({ clock: 'manual', config: { 'connections.max.idle.ms': '1000' } })
    const clock = broker.clock as ManualClock
    const silent = await connect()
    const talking = await connect()
    await silent.call('ApiVersions', 0, {})
    await talking.call('ApiVersions', 0, {})
    clock.advance(900)
    await talking.call('ApiVersions', 0, {})
    clock.advance(150)
    await silent.closed
    expect((await talking.call('ApiVersions', 0, {})).errorCode).toBe(0)
  })

  it('refuses connections beyond max.connections', async () => {
    await start({ config: { 'max.connections': '1' } })
    const first = await connect()
    await first.call('ApiVersions', 0, {})
    await (await connect()).closed
    expect((await first.call('ApiVersions', 0, {})).errorCode).toBe(0)
  })

  it('acknowledges what was produced before a request that it does not know, and then closes', async () => {
    await start()
    const client = await connect()
    await client.call('CreateTopics', 5, {
      topics: [{ name: 't', numPartitions: 1, replicationFactor: 1 }],
      timeoutMs: 0,
    })
    const records = encodeBatch([{ value: Buffer.from('v'), timestamp: BigInt(Date.now()) }])
    const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }]
    const unknown = Buffer.from([0, 0, 0, 10, 3, 0, 0, 0, 0, 0, 0, 2, 0xff, 0xff])
    client.send(Buffer.concat([requestBytes('Produce', 9, 1, { acks: -1, timeoutMs: 1000, topicData }), unknown]))
    const { body } = decodeResponse('Produce', 9, await client.nextFrame())
    expect(body.responses[0]!.partitionResponses[0]).toMatchObject({ errorCode: 0, baseOffset: 0n })
    await client.closed
  })

  it('answers a client that has closed its sending side', async () => {
    await start()
    const client = await connect()
    client.socket.end(requestBytes('ApiVersions', 0, 1, {}))
    expect(decodeResponse('ApiVersions', 0, await client.nextFrame()).correlationId).toBe(1)
    await client.closed
  })

  it('answers the long poll of a client that has closed its sending side at once', async () => {
    await start({ clock: 'manual' })
    const client = await connect()
    await client.call('CreateTopics', 5, {
      topics: [{ name: 't', numPartitions: 1, replicationFactor: 1 }],
      timeoutMs: 0,
    })
    const wanted = { partition: 0, fetchOffset: 0n, partitionMaxBytes: 100 }
    const fetch = { maxWaitMs: 0x7fffffff, minBytes: 1, maxBytes: 100, sessionEpoch: -1 }
    client.socket.end(requestBytes('Fetch', 11, 7, { ...fetch, topics: [{ topic: 't', partitions: [wanted] }] }))
    expect(decodeResponse('Fetch', 11, await client.nextFrame())).toMatchObject({ correlationId: 7 })
    await client.closed
  })

  it('does not keep the connection of a client that is gone while its join waits', async () => {
    await start({ clock: 'manual', config: { 'group.initial.rebalance.delay.ms': '3000000' } })
    const client = await connect()
    const join = { groupId: 'g', protocolType: 'consumer', protocols: [{ name: 'range', metadata: Buffer.alloc(0) }] }
    const timeouts = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 0x7fffffff }
    client.socket.end(requestBytes('JoinGroup', 3, 1, { ...join, ...timeouts }))
    const other = await connect()
    const startedMs = broker.clock.now()
    // The end of the first connection may be read after the join was handled: time passes until it was.
    const isClosed = client.closed.then(() => true)
    while (!(await Promise.race([isClosed, other.call('ApiVersions', 0, {}).then(() => false)]))) {
      ;(broker.clock as ManualClock).advance(1000)
    }
    expect(broker.clock.now() - startedMs).toBeLessThan(3_000_000)
    expect((await other.call('ListGroups', 0, {})).groups).toMatchObject([{ groupId: 'g' }])
  })

  it('answers a long poll that is under way when the broker stops, and then closes the connection', async () => {
    await start()
    const client = await connect()
    await client.call('CreateTopics', 5, { topics: [{ name: 't', numPartitions: 1, replicationFactor: 1 }] })
    const partitions = [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1000 }]
    const fetch = client.call('Fetch', 4, {
      replicaId: -1,
      maxWaitMs: 600_000,
      minBytes: 1,
      topics: [{ topic: 't', partitions }],
    })
    while (!broker.requests.list().some(({ api }) => api === 'Fetch')) await new Promise(setImmediate)
    await broker.close()
    expect((await fetch).responses[0]!.partitions[0]!.errorCode).toBe(0)
    await client.closed
  })

  describe('faults', () => {
    it('closes the connection of the nth request to a topic', async () => {
      await start()
      broker.faults.add({ api: 'Metadata', topic: 'x', nth: 2, action: { close: true } })
      const client = await connect()
      await client.call('Metadata', 4, { topics: [{ name: 'x' }], allowAutoTopicCreation: false })
      await client.call('Metadata', 4, { topics: [{ name: 'y' }], allowAutoTopicCreation: false })
      await expect(client.call('Metadata', 4, { topics: [{ name: 'x' }] })).rejects.toThrow('closed')
    })

    it('answers any API with the error that the rule names', async () => {
      await start()
      broker.faults.add({ api: 'Heartbeat', group: 'g', action: { error: 'REBALANCE_IN_PROGRESS' } })
      const client = await connect()
      const { errorCode } = await client.call('Heartbeat', 4, { groupId: 'g', generationId: 1, memberId: 'm' })
      expect(errorCode).toBe(errorCodes.REBALANCE_IN_PROGRESS)
    })

    it('waits before handling, on the clock of the broker', async () => {
      await start({ clock: 'manual' })
      broker.faults.add({ api: 'Metadata', action: { delayMs: 5000 } })
      const client = await connect()
      let answered = false
      const answer = client.call('Metadata', 1, { topics: [] }).then(() => {
        answered = true
      })
      await expectServing()
      expect(answered).toBe(false)
      ;(broker.clock as ManualClock).advance(5000)
      await answer
    })

    it('never answers a dropped request, and still stops', async () => {
      await start()
      broker.faults.add({ api: 'Metadata', action: { drop: true } })
      const client = await connect()
      const answer = client.call('Metadata', 1, { topics: [] })
      await expectServing()
      const ended = expect(answer).rejects.toThrow('closed')
      await broker.close()
      await ended
    })
  })

  it('keeps a log of the last requests', async () => {
    await start({ clock: 'manual' })
    const client = await connect()
    await client.call('Metadata', 1, { topics: [] })
    expect(broker.requests.list()).toEqual([
      {
        timestampMs: broker.clock.now(),
        api: 'Metadata' satisfies ApiName,
        apiVersion: 1,
        clientId: 'raw',
        correlationId: 1,
        brokerId: 1,
      },
    ])
    broker.requests.clear()
    expect(broker.requests.list()).toEqual([])
  })
})

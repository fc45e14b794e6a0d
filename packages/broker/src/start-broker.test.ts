import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeBatch, errorCodes } from '@selfmonitor/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startBroker } from './start-broker.ts'
import { rawClient } from './test-support/raw-client.ts'
import type { Broker, BrokerOptions } from './types.ts'

describe('startBroker', () => {
  let dir: string
  const open: Broker[] = []
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'start-broker-'))
  })
  afterEach(async () => {
    for (const broker of open.splice(0)) await broker.close()
    rmSync(dir, { recursive: true, force: true })
  })
  async function start(options: BrokerOptions = {}): Promise<Broker> {
    const broker = await startBroker(options)
    open.push(broker)
    return broker
  }

  it('has its topics again after a restart, and the same cluster id', async () => {
    const first = await start({ dataDir: dir })
    const client = await rawClient(first.bootstrapServers)
    await client.call('CreateTopics', 7, { topics: [{ name: 'kept', numPartitions: 3, replicationFactor: 1 }] })
    await first.close()
    const second = await start({ dataDir: dir })
    expect(second.clusterId).toBe(first.clusterId)
    const again = await rawClient(second.bootstrapServers)
    const { topics } = await again.call('Metadata', 12, { topics: null })
    expect(topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([['kept', 3]])
    again.close()
  })

  it('uses a temporary folder when it is given none, and removes it', async () => {
    const broker = await start()
    expect(existsSync(broker.dataDir)).toBe(true)
    await broker.close()
    expect(existsSync(broker.dataDir)).toBe(false)
  })

  it('may be closed twice', async () => {
    const broker = await start()
    await Promise.all([broker.close(), broker.close()])
    await broker.close()
  })

  it('refuses a data directory that a running broker has, and takes it after kill -9', async () => {
    const script = `
      import { startBroker } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
      const broker = await startBroker({ dataDir: process.argv[1] })
      console.log(broker.bootstrapServers)`
    const child = spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', script, dir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [address] = (await once(child.stdout, 'data')) as [Buffer]
    await expect(startBroker({ dataDir: dir })).rejects.toMatchObject({ code: 'DATA_DIR_LOCKED', pid: child.pid })
    const client = await rawClient(address.toString().trim())
    await client.call('CreateTopics', 7, { topics: [{ name: 'kept', numPartitions: 1, replicationFactor: 1 }] })
    client.close()
    child.kill('SIGKILL')
    await once(child, 'exit')
    const broker = await start({ dataDir: dir })
    const again = await rawClient(broker.bootstrapServers)
    expect((await again.call('Metadata', 12, { topics: null })).topics.map(({ name }) => name)).toEqual(['kept'])
    again.close()
  })

  it.each([undefined, ''])(
    'refuses to start when its metadata is lost (%j), and deletes no records',
    async (content) => {
      const first = await start({ dataDir: dir })
      const client = await rawClient(first.bootstrapServers)
      await client.call('CreateTopics', 7, { topics: [{ name: 'kept', numPartitions: 1, replicationFactor: 1 }] })
      const batch = encodeBatch([{ key: null, value: Buffer.from('x'), timestamp: BigInt(Date.now()) }])
      const topicData = [{ name: 'kept', partitionData: [{ index: 0, records: batch }] }]
      await client.call('Produce', 9, { transactionalId: null, acks: -1, timeoutMs: 1000, topicData })
      client.close()
      await first.close()
      const path = join(dir, 'metadata', 'metadata.log')
      const before = readFileSync(path)
      if (content === undefined) rmSync(path)
      else writeFileSync(path, content)
      await expect(startBroker({ dataDir: dir })).rejects.toMatchObject({
        code: 'DATA_DIR_INVALID',
        message: expect.stringMatching(
          /metadata\.log is missing or empty, but .*logs has the records of 1 partitions \(kept-0\)\. Restore the file from a backup; or/,
        ),
      })
      expect(existsSync(join(dir, 'logs', 'kept-0', `${'0'.repeat(20)}.log`))).toBe(true)
      writeFileSync(path, before)
      await start({ dataDir: dir })
    },
  )

  it('names the port that is taken, and leaves the data directory free', async () => {
    const squatter = createServer().listen(0, '127.0.0.1')
    await once(squatter, 'listening')
    const { port } = squatter.address() as { port: number }
    await expect(startBroker({ dataDir: dir, port })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      port,
      message: expect.stringContaining(`port ${port}`),
    })
    squatter.close()
    await start({ dataDir: dir })
  })

  it.each<[BrokerOptions, RegExp]>([
    [{ host: '0.0.0.0' }, /host: 0.0.0.0 can be reached from other machines.*`insecure: true`/],
    [{ brokers: 0 }, /brokers: must be a whole number/],
    [{ port: 65535, brokers: 2 }, /port: must be a whole number from 0 to 65534/],
    [{ config: { 'num.partitions': 'many' } }, /config: Invalid value many for configuration num.partitions/],
    [
      { config: { 'ssl.keystore.location': '/keys' } },
      /config: ssl.keystore.location cannot be set: this broker has no TLS/,
    ],
    [{ config: { 'authorizer.class.name': 'A' } }, /config: authorizer.class.name cannot be set: .* authorization/],
    [{ config: { listeners: 'PLAINTEXT://:9093' } }, /config: listeners cannot be set: .* options host, port/],
  ])('refuses %j', async (options, message) => {
    await expect(startBroker(options)).rejects.toThrow(message)
  })

  it('listens on other addresses only with insecure: true', async () => {
    await start({ host: '0.0.0.0', insecure: true })
  })

  it('advertises its rack, if it has one', async () => {
    const broker = await start({ config: { 'broker.rack': 'r1' } })
    const client = await rawClient(broker.bootstrapServers)
    expect((await client.call('Metadata', 12, { topics: [] })).brokers).toMatchObject([{ rack: 'r1' }])
    expect((await client.call('DescribeCluster', 1, {})).brokers).toMatchObject([{ rack: 'r1' }])
    client.close()
  })

  it('refuses to change a setting that could not work, also while it runs', async () => {
    const broker = await start({})
    const client = await rawClient(broker.bootstrapServers)
    const alter = async (name: string, value: string) => {
      const configs = [{ name, configOperation: 0, value }]
      const resources = [{ resourceType: 4, resourceName: '', configs }]
      return (await client.call('IncrementalAlterConfigs', 1, { resources })).responses[0]!
    }
    expect(await alter('ssl.keystore.location', '/keys')).toMatchObject({
      errorCode: errorCodes.INVALID_REQUEST,
      errorMessage: 'ssl.keystore.location cannot be set: this broker has no TLS',
    })
    // Without an effect, and without harm.
    expect(await alter('num.replica.fetchers', '4')).toMatchObject({ errorCode: 0 })
    client.close()
  })

  it('shows and changes the level of its logger', async () => {
    const logger = { level: 'info', debug() {}, info() {}, warn() {}, error() {} }
    const broker = await start({ logger })
    const client = await rawClient(broker.bootstrapServers)
    const loggers = { resourceType: 8, resourceName: '1' }
    const described = async () => {
      const { results } = await client.call('DescribeConfigs', 4, {
        resources: [{ ...loggers, configurationKeys: null }],
      })
      return results[0]!.configs.map(({ name, value, configSource }) => `${name}=${value} ${configSource}`)
    }
    const alter = async (configOperation: number, value: string | null) => {
      const resources = [{ ...loggers, configs: [{ name: 'root', configOperation, value }] }]
      return (await client.call('IncrementalAlterConfigs', 1, { resources })).responses[0]!.errorMessage
    }
    expect(await described()).toEqual(['root=INFO 6'])
    expect(await alter(0, 'DEBUG')).toBeNull()
    expect([await described(), logger.level]).toEqual([['root=DEBUG 6'], 'debug'])
    expect(await alter(0, 'LOUD')).toMatch(
      /^Cannot set the log level of root to LOUD as it is not a supported log level/,
    )
    expect(await alter(1, null)).toBe('Removing the log level of the root logger is not allowed')
    client.close()
  })

  describe('presented as three brokers', () => {
    it('describes each with its own id and address', async () => {
      const broker = await start({ brokers: 3 })
      for (const { brokerId, host, port } of broker.addresses) {
        const client = await rawClient(`${host}:${port}`)
        const configurationKeys = ['node.id', 'listeners', 'advertised.listeners']
        const resources = [{ resourceType: 4, resourceName: String(brokerId), configurationKeys }]
        const { results } = await client.call('DescribeConfigs', 4, { resources })
        const settings = Object.fromEntries(results[0]!.configs.map(({ name, value }) => [name, value]))
        const address = `PLAINTEXT://${host}:${port}`
        expect(settings).toEqual({ 'node.id': `${brokerId}`, listeners: address, 'advertised.listeners': address })
        client.close()
      }
    })

    it('spreads leaders over them and answers NOT_LEADER_OR_FOLLOWER on the wrong one', async () => {
      const broker = await start({ brokers: 3 })
      expect(broker.addresses.map(({ brokerId }) => brokerId)).toEqual([1, 2, 3])
      const clients = await Promise.all(broker.addresses.map(({ host, port }) => rawClient(`${host}:${port}`)))
      await clients[0]!.call('CreateTopics', 7, { topics: [{ name: 't', numPartitions: 3, replicationFactor: 2 }] })
      const { topics, brokers } = await clients[2]!.call('Metadata', 12, { topics: [{ name: 't' }] })
      expect(brokers.map(({ nodeId, port }) => [nodeId, port])).toEqual(
        broker.addresses.map((a) => [a.brokerId, a.port]),
      )
      const { partitions } = topics[0]!
      expect(partitions.map(({ leaderId }) => leaderId).sort()).toEqual([1, 2, 3])
      expect(partitions.every(({ replicaNodes, isrNodes }) => replicaNodes.length === 2 && isrNodes.length === 2)).toBe(
        true,
      )
      for (const { partitionIndex, leaderId } of partitions) {
        for (const [index, client] of clients.entries()) {
          const wanted = [{ partitionIndex, timestamp: -1n }]
          const answer = await client.call('ListOffsets', 2, {
            replicaId: -1,
            topics: [{ name: 't', partitions: wanted }],
          })
          const expected = index + 1 === leaderId ? errorCodes.NONE : errorCodes.NOT_LEADER_OR_FOLLOWER
          expect(answer.topics[0]!.partitions[0]!.errorCode).toBe(expected)
        }
      }
      for (const client of clients) client.close()
    })

    it('agrees on each coordinator, and the others answer NOT_COORDINATOR', async () => {
      const broker = await start({ brokers: 3 })
      const clients = await Promise.all(broker.addresses.map(({ host, port }) => rawClient(`${host}:${port}`)))
      const found = await Promise.all(
        clients.map((client) => client.call('FindCoordinator', 1, { key: 'g', keyType: 0 })),
      )
      expect(new Set(found.map(({ nodeId }) => nodeId)).size).toBe(1)
      for (const [index, client] of clients.entries()) {
        const { errorCode } = await client.call('Heartbeat', 1, { groupId: 'g', generationId: 1, memberId: 'm' })
        const isCoordinator = index + 1 === found[0]!.nodeId
        expect(errorCode).toBe(isCoordinator ? errorCodes.UNKNOWN_MEMBER_ID : errorCodes.NOT_COORDINATOR)
      }
      for (const client of clients) client.close()
    })
  })
})

// What one broker cannot have: an Apache Kafka of three brokers is well under load, then is broken in one way after the other, each for
// real. Every verdict is found while its cause lasts and ends with it; in the end the cluster is well again.
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { diagnoseEvent, gatherEvidence } from '@selfmonitor/monitor'
import { encodeBatch } from '@selfmonitor/protocol'
import { type RegistryServer, startRegistry } from '@selfmonitor/registry'
import type { Producer, Transaction } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type RunResult, selfmonitor } from '../../packages/cli/src/test-io.ts'
import { openRawClient } from '../../packages/protocol/testing/raw-client.ts'
import { until } from '../support/events.ts'
import { missingSmallDisk } from '../support/small-disk.ts'
import { type BrokenCluster, startBrokenCluster } from './broken-cluster.ts'
import { type Members, members, write } from './members.ts'
import { type Watch, watch } from './watch.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const minutes = (amount: number): number => amount * 60_000

describe.skipIf('missing' in inject('apache'))('a cluster of three brokers', { timeout: 120_000 }, () => {
  let broken: BrokenCluster
  let registry: RegistryServer
  let watcher: Watch
  let clients: Members
  let env: Record<string, string>
  const cli = (...words: string[]): Promise<RunResult> => selfmonitor(words, { cwd: broken.folder, env })

  beforeAll(async () => {
    broken = await startBrokenCluster()
    const { bootstrapServers } = broken
    registry = await startRegistry({ bootstrapServers, port: 0 })
    env = { KAFKA_BOOTSTRAP_SERVERS: bootstrapServers, SCHEMA_REGISTRY_URL: registry.url }
    clients = members(bootstrapServers)
    watcher = await watch(bootstrapServers)
  }, 180_000)
  afterAll(async () => {
    await clients?.close()
    await watcher?.close()
    await registry?.close()
    await broken?.close()
  }, 120_000)

  /** Topics of one partition on these brokers, the first of which leads it. */
  async function topic(
    name: string,
    config: Readonly<Record<string, string>> = {},
    replicas: readonly number[] = [1, 2, 3],
  ): Promise<void> {
    const admin = clients.kafka.admin()
    await admin.connect()
    const configEntries = Object.entries({ 'retention.ms': '-1', ...config }).map(([key, value]) => ({
      name: key,
      value,
    }))
    const replicaAssignment = [{ partition: 0, replicas: [...replicas] }]
    await admin.createTopics({ topics: [{ topic: name, replicaAssignment, configEntries }], waitForLeaders: false })
    await admin.disconnect()
    await until(`${name} is there`, async () => {
      const found = (await watcher.cluster.listTopics()).find((one) => one.name === name)
      return found?.partitions.every(({ isr }) => isr.length === replicas.length) === true
    })
  }
  const why = async (place: string, offset: bigint, group = 'nobody'): Promise<string[]> => {
    const at = { topic: place, partition: 0, offset }
    return diagnoseEvent(await gatherEvidence(watcher.cluster, at, group, { watchMs: 0 })).map(
      ({ certainty, code }) => `${certainty} ${code}`,
    )
  }
  async function transactions(transactionalId: string): Promise<{ producer: Producer; begin(): Promise<Transaction> }> {
    const producer = clients.kafka.producer({ transactionalId, maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    return { producer, begin: () => producer.transaction() }
  }

  it('is well under the load of the demo, with a group that reads it', async () => {
    for (const name of ['platform.yaml', 'schemas'])
      cpSync(join(repository, name), join(broken.folder, name), { recursive: true })
    const file = join(broken.folder, 'platform.yaml')
    writeFileSync(file, readFileSync(file, 'utf8').replace('replication: 1', 'replication: 3'))
    expect(await cli('apply', '--yes')).toMatchObject({ code: 0 })
    const demo = cli('demo', '--rate', '50', '--duration', '5s', '--yes')
    const reader = await clients.join('reader', ['user.events', 'transaction.events'])
    const { code, stdout } = await cli('doctor', '--watch', '3s', '--expected-brokers', '3')
    expect(stdout).toMatch(/^WELL {2}nothing found\ncluster .*, 3 brokers, /)
    expect(code).toBe(0)
    expect(await demo).toMatchObject({ code: 0 })
    await until('the reader has read all', async () =>
      (await watcher.cluster.groupLag('reader')).every(
        ({ committedOffset, logEndOffset }) => (committedOffset ?? 0n) === logEndOffset,
      ),
    )
    await watcher.isWell()
    await reader.disconnect()
  })

  it('has topics whose settings bear no failure', async () => {
    await Promise.all([
      topic('one-replica', {}, [2]),
      topic('all-in-sync', { 'min.insync.replicas': '3' }),
      topic('one-in-sync', { 'min.insync.replicas': '1' }),
      topic('unclean', { 'unclean.leader.election.enable': 'true' }),
    ])
    await watcher.finds('REPLICATION_ONE', 'topic one-replica')
    await watcher.finds('MIN_ISR_EQUALS_REPLICATION', 'topic all-in-sync')
    await watcher.finds('MIN_ISR_ONE', 'topic one-in-sync')
    await watcher.finds('UNCLEAN_ELECTION', 'topic unclean')
    expect((await cli('doctor', '--watch', '0s')).code).toBe(0)
    expect((await cli('doctor', '--watch', '0s', '--fail-on', 'warning')).code).toBe(1)
    await watcher.cluster.deleteTopics(['one-replica', 'all-in-sync', 'one-in-sync', 'unclean'])
    await watcher.isWell()
  })

  it('has records that consumers with read_committed do not get: of transactions that are open, aborted or ended', async () => {
    await topic('orders')
    const { producer, begin } = await transactions('orders-1')
    const first = await begin()
    await first.send({ topic: 'orders', messages: [{ value: 'no' }] })
    await write(clients.kafka, 'orders', 1)
    const behind = ['likely INVISIBLE_OPEN_TRANSACTION', 'certain NO_MEMBERS']
    expect([await why('orders', 0n), await why('orders', 1n)]).toEqual([behind, behind])
    // kafkajs reads with read_committed: it began at earliest, and has nothing to commit yet.
    const waiting = await clients.join('patient', ['orders'])
    expect(await why('orders', 1n, 'patient')).toEqual(['likely INVISIBLE_OPEN_TRANSACTION'])
    await first.abort()
    // The marker comes a moment after the answer.
    await until('it is aborted', async () => (await why('orders', 0n))[0] === 'certain ABORTED')
    await until(
      'the member has the record behind it',
      async () => (await why('orders', 1n, 'patient'))[0] === 'certain CONSUMED',
    )
    expect(await why('orders', 0n, 'patient')).toEqual(['certain ABORTED', 'certain CONSUMED'])
    await waiting.disconnect()
    await watcher.cluster.deleteGroups(['patient'])
    expect((await why('orders', 2n))[0]).toBe('certain NO_RECORD')
    const second = await begin()
    await second.send({ topic: 'orders', messages: [{ value: 'yes' }] })
    await second.commit()
    await until('it has its marker', async () => (await why('orders', 4n))[0] === 'certain NO_RECORD')
    expect(await why('orders', 3n)).toEqual(['certain NO_MEMBERS'])
    await producer.disconnect()
    expect(watcher.about('orders')).toEqual([])
  })

  it('has a transaction that hangs: a record came after its coordinator had ended it', async () => {
    await topic('ledger')
    const { producer, begin } = await transactions('ledger-1')
    const transaction = await begin()
    await transaction.send({ topic: 'ledger', messages: [{ value: 'in time' }] })
    const leader = { topic: 'ledger', partition: 0, leader: 1 }
    const open = await watcher.cluster.openTransactions([leader])
    expect(open.transactions).toMatchObject([{ transactionalId: 'ledger-1', startOffset: 0n, isHanging: false }])
    await transaction.commit()
    await until('it has its marker', async () => (await why('ledger', 1n))[0] === 'certain NO_RECORD')
    await produceLate('ledger', 'ledger-1', open.transactions[0]!.producerId)
    await producer.disconnect()
    await write(clients.kafka, 'ledger', 3)

    const verdict = await watcher.finds('HANGING_TRANSACTION', 'ledger-0')
    expect(verdict).toMatchObject({
      severity: 'error',
      message: 'a transaction hangs in ledger-0: consumers with read_committed receive nothing new',
    })
    expect(verdict.evidence.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^open for 40 min( \d+ s)?; the brokers allow 15 min$/),
      expect.stringMatching(
        /^producer \d+, transactional id ledger-1, whose coordinator has no transaction open here, from offset 2$/,
      ),
      '4 offsets invisible to read_committed',
    ])
    const invisible = await gatherEvidence(watcher.cluster, { topic: 'ledger', partition: 0, offset: 4n }, 'nobody', {
      watchMs: 0,
    })
    expect(diagnoseEvent(invisible)[0]).toMatchObject({
      code: 'INVISIBLE_OPEN_TRANSACTION',
      remedy: { command: expect.stringMatching(/ abort --topic ledger --partition 0 --start-offset 2$/) },
    })
    await broken.type(verdict.remedy)
    await watcher.heals('HANGING_TRANSACTION', 'ledger-0')
    expect(await why('ledger', 4n)).toEqual(['certain NO_MEMBERS'])
  })

  /** What a network that delays a request for 40 minutes does. */
  async function produceLate(name: string, transactionalId: string, producerId: bigint): Promise<void> {
    const timestamp = BigInt(Date.now() - minutes(40))
    const records = encodeBatch([{ key: null, value: Buffer.from('late'), timestamp }], {
      producerId,
      producerEpoch: 0,
      baseSequence: 1,
      isTransactional: true,
    })
    const raw = await openRawClient(broken.bootstrapServers.split(',')[0]!)
    const { responses } = await raw.call('Produce', 9, {
      transactionalId,
      acks: -1,
      timeoutMs: 10_000,
      topicData: [{ name, partitionData: [{ index: 0, records }] }],
    })
    raw.close()
    expect(responses).toMatchObject([{ partitionResponses: [{ errorCode: 0 }] }])
  }

  it('has compacted away a record', async () => {
    await topic('accounts', {
      'cleanup.policy': 'compact',
      'segment.ms': '100',
      'min.cleanable.dirty.ratio': '0',
      'max.compaction.lag.ms': '100',
    })
    await until(
      'the first record is gone',
      async () => {
        // Each write rolls the segment before it.
        await write(clients.kafka, 'accounts', 2, { key: 'a' })
        return (await why('accounts', 0n))[0] === 'likely COMPACTED'
      },
      60_000,
    )
  })

  it('has a broker that its clients cannot reach', async () => {
    // The one that coordinates all groups: without it, none of them can be read.
    const { groups } = watcher.snapshot()
    const coordinators = groups.state === 'read' ? groups.value.map(({ coordinatorId }) => coordinatorId) : []
    expect(new Set(coordinators).size).toBe(1)
    const broker = coordinators[0]!
    const network = broken.clientNetworks[broker - 1]!
    network.cut()
    try {
      const verdict = await watcher.finds('LISTENER_UNREACHABLE', `broker ${broker}`)
      expect(verdict.code).toBe('LISTENER_UNREACHABLE')
      expect(await watcher.finds('NOT_READABLE', 'groups of the snapshot')).toMatchObject({
        code: 'LISTENER_UNREACHABLE',
        subject: { brokerId: broker },
      })
      expect(watcher.about('BROKER_DOWN')).toEqual([])
      const { code, stdout } = await cli('doctor', '--watch', '0s', '--timeout', '5s')
      expect(stdout).toMatch(new RegExp(`^NOT WELL: .*broker ${broker} is in the cluster and does not answer at `))
      expect(code).toBe(1)
    } finally {
      network.restore()
    }
    await watcher.isWell()
  })

  it('has no broker that its clients can reach', async () => {
    for (const network of broken.clientNetworks) network.cut()
    try {
      const verdict = await watcher.finds('CLUSTER_UNREACHABLE', 'cluster')
      expect(verdict).toMatchObject({ severity: 'critical', message: 'no broker of the cluster answers' })
      expect((await watcher.next()).verdicts).toHaveLength(1)
    } finally {
      for (const network of broken.clientNetworks) network.restore()
    }
    await watcher.isWell()
  })

  it('has replicas that are cut off from their leader, while all brokers run', async () => {
    await topic('followed')
    const producer = clients.kafka.producer({ retry: { retries: 0 } })
    await producer.connect()
    broken.replicaNetwork.cut()
    try {
      let isFound = false
      // Only replicas that miss something fall out of sync.
      const writing = (async () => {
        while (!isFound) {
          await producer.send({ topic: 'followed', acks: 1, messages: [{ value: 'x' }] })
          await watcher.next()
        }
      })()
      const found = await Promise.all([
        watcher.finds('UNDER_REPLICATED', 'broker 2'),
        watcher.finds('UNDER_REPLICATED', 'broker 3'),
        watcher.finds('UNDER_MIN_ISR', 'topic followed'),
      ]).finally(() => {
        isFound = true
      })
      await writing
      expect(found.map(({ code }) => code)).toEqual(['UNDER_REPLICATED', 'UNDER_REPLICATED', 'UNDER_REPLICATED'])
      expect(found[2]!.severity).toBe('critical')
      expect(watcher.about('BROKER_DOWN')).toEqual([])
      await expect(producer.send({ topic: 'followed', acks: -1, messages: [{ value: 'x' }] })).rejects.toThrow(
        'fewer in-sync replicas than required',
      )
    } finally {
      broken.replicaNetwork.restore()
      await producer.disconnect()
    }
    await watcher.isWell()
  })

  it.skipIf(missingSmallDisk() !== null)('has a disk that fills, and says when it will be full', async () => {
    const { smallDisk } = broken
    const directory = `broker 3, ${smallDisk!.path}/data`
    // Of the time that it takes only the clock of this collector knows.
    const own = await watch(broken.bootstrapServers)
    try {
      for (const share of [0.1, 0.2, 0.3, 0.4]) {
        expect(own.about('DISK_FILLING')).toEqual([])
        await smallDisk!.fill(share)
        own.passes(minutes(8))
        await own.next()
      }
      const verdict = await own.finds('DISK_FILLING', directory)
      expect(verdict.severity).toBe('critical')
      expect(verdict.message).toMatch(/^the disk of broker 3 will be full in [345]\d min( \d+ s)?$/)
      // 48 MB, of which a tenth is written in eight minutes.
      const growth = verdict.evidence.find((one) => one.name === 'bytesPerHour')
      expect(Number(growth!.value) / 2 ** 20).toBeCloseTo((48 / 10) * (60 / 8), -1)
    } finally {
      await smallDisk!.fill(0)
      await own.close()
    }
  })

  it.skipIf(missingSmallDisk() !== null)('has a disk that is almost full, and then fails', async () => {
    const { smallDisk } = broken
    const directory = `broker 3, ${smallDisk!.path}/data`
    await smallDisk!.fill(0.95)
    const full = await watcher.finds('DISK_NEARLY_FULL', directory)
    expect(full).toMatchObject({ code: 'DISK_NEARLY_FULL', severity: 'critical' })
    await smallDisk!.fill(1)
    const offline = await watcher.finds('LOG_DIRECTORY_OFFLINE', directory)
    expect(offline).toMatchObject({ code: 'LOG_DIRECTORY_OFFLINE', severity: 'critical' })
    expect(await watcher.finds('UNDER_REPLICATED', 'broker 3')).toMatchObject({ code: 'LOG_DIRECTORY_OFFLINE' })
    // It stays offline until the broker is restarted.
    await smallDisk!.fill(0)
  })

  it('has lost a broker, which explains everything else', async () => {
    await topic('lonely', {}, [3])
    await broken.kafka.stopNode(3, 'SIGKILL')
    const verdict = await watcher.finds('BROKER_DOWN', 'broker 3')
    expect(verdict.message).toBe('broker 3 is not in the cluster')
    await watcher.finds('OFFLINE_PARTITIONS', 'topic lonely')
    await watcher.finds('UNDER_REPLICATED', 'broker 3')
    expect((await watcher.next()).verdicts).toMatchObject([
      { code: 'BROKER_DOWN', severity: 'critical', subject: { brokerId: 3 } },
      { code: 'REPLICATION_ONE', subject: { topic: 'lonely' } },
    ])
    const unread = await cli('why', 'lonely[0]@0', '--group', 'reader', '--watch', '0s')
    expect(unread.stderr).toContain('partition 0 of lonely cannot be read: The partition has no leader.')
    expect(unread.stderr).toContain('`selfmonitor doctor` looks at its brokers.')
    const { code, stdout } = await cli('doctor', '--watch', '0s')
    expect(stdout.split('\n')[0]).toMatch(/^NOT WELL: 1 critical.* Worst: broker 3 is not in the cluster$/)
    expect(code).toBe(1)
  })

  it('has lost the majority of its quorum', async () => {
    await broken.kafka.stopNode(2, 'SIGKILL')
    const verdict = await watcher.finds('NO_CONTROLLER', 'cluster')
    expect(verdict.evidence.map(({ text }) => text)).toEqual([
      'no active controller',
      'voters 1, 2, 3',
      'broker 2, broker 3 are away or do not answer',
    ])
    // Nothing can take it out of the metadata any more.
    expect(await watcher.finds('LISTENER_UNREACHABLE', 'broker 2')).toMatchObject({ code: 'NO_CONTROLLER' })
    await broken.kafka.startNode(2)
    await watcher.heals('NO_CONTROLLER', 'cluster')
    await watcher.heals('LISTENER_UNREACHABLE', 'broker 2')
    // It has not been seen by the leader that was elected now.
    expect(await watcher.finds('QUORUM_VOTER_BEHIND', 'broker 3')).toMatchObject({ code: 'BROKER_DOWN' })
  })

  it('has a broker that advertises an address that does not exist', async () => {
    await broken.advertise(3, 'no-such-host.invalid:9092')
    await broken.kafka.startNode(3)
    const verdict = await watcher.finds('ADVERTISED_LISTENER', 'broker 3')
    expect(verdict.evidence[0]!.text).toBe('the name no-such-host.invalid has no address here')
    await watcher.heals('BROKER_DOWN', 'broker 3')
    await watcher.heals('QUORUM_VOTER_BEHIND', 'broker 3')
    await watcher.heals('LOG_DIRECTORY_OFFLINE', `broker 3, ${broken.smallDisk?.path}/data`)
    // The others are on loopback too, and are found there.
    expect(watcher.about('ADVERTISED_LISTENER')).toEqual(['error ADVERTISED_LISTENER broker 3'])
    await broken.kafka.stopNode(3, 'SIGKILL')
    await broken.advertise(3, null)
    await broken.kafka.startNode(3)
    await watcher.heals('ADVERTISED_LISTENER', 'broker 3')
  })

  it('has brokers that do not lead what they should, until preferred leaders are elected', async () => {
    const verdict = await watcher.finds('UNBALANCED_LEADERS', 'broker 3')
    await watcher.cluster.deleteTopics(['lonely'])
    await watcher.heals('UNDER_REPLICATED', 'broker 3')
    await broken.type(verdict.remedy)
    await watcher.isWell()
    expect(await cli('doctor', '--watch', '0s', '--expected-brokers', '3')).toMatchObject({ code: 0 })
  })
})

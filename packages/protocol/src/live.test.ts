// A running Apache Kafka as the judge: requests at every version that it offers, with their headers, over a socket.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { openRawClient, type RawClient } from '../testing/raw-client.ts'
import { type ApiName, apis, decodeRecords, encodeBatch, readBatchHeader, verifyBatchCrc, zeroUuid } from './index.ts'

const apache = inject('apache')

describe.skipIf('missing' in apache)('a running Apache Kafka', () => {
  let client: RawClient
  let topicId: string
  const topic = `protocol-live-${randomUUID()}`
  const offered = new Map<number, { readonly min: number; readonly max: number }>()

  /** Versions of an API that both sides know. */
  const versionsOf = (name: ApiName): number[] => {
    const { min, max } = apis[name].versions
    const theirs = offered.get(apis[name].key)!
    const all = Array.from({ length: max - min + 1 }, (_, index) => min + index)
    return all.filter((version) => version >= theirs.min && version <= theirs.max)
  }

  beforeAll(async () => {
    client = await openRawClient((apache as { bootstrapServers: string }).bootstrapServers.split(',')[0]!)
    const { apiKeys } = await client.call('ApiVersions', 3, {
      clientSoftwareName: 'protocol-test',
      clientSoftwareVersion: '1',
    })
    for (const { apiKey, minVersion, maxVersion } of apiKeys) offered.set(apiKey, { min: minVersion, max: maxVersion })
    const created = await client.call('CreateTopics', 7, {
      timeoutMs: 20_000,
      topics: [{ name: topic, numPartitions: 1, replicationFactor: 1 }],
    })
    expect(created.topics[0]).toMatchObject({ errorCode: 0, numPartitions: 1 })
    topicId = created.topics[0]!.topicId
    expect(topicId).not.toBe(zeroUuid)
    // The topic is created; its leader follows.
    await vi.waitUntil(
      async () => (await client.call('Metadata', 12, { topics: [{ name: topic }] })).topics[0]!.errorCode === 0,
      { timeout: 20_000 },
    )
  })

  afterAll(async () => {
    await client?.call('DeleteTopics', 6, { timeoutMs: 20_000, topics: [{ name: topic }] })
    client?.close()
  })

  it('offers each of our APIs', () => {
    for (const name of Object.keys(apis) as ApiName[]) expect(versionsOf(name).length, name).toBeGreaterThan(0)
    expect(offered.get(0)!.min).toBe(apis.Produce.advertised.min)
  })

  it('answers ApiVersions at every version', async () => {
    for (const version of versionsOf('ApiVersions')) {
      const answer = await client.call('ApiVersions', version, {
        clientSoftwareName: 'protocol-test',
        clientSoftwareVersion: '1',
      })
      expect(answer.errorCode, `v${version}`).toBe(0)
      expect(answer.apiKeys.length, `v${version}`).toBeGreaterThan(40)
    }
  })

  it('answers Metadata at every version', async () => {
    for (const version of versionsOf('Metadata')) {
      const { brokers, topics } = await client.call('Metadata', version, { topics: [{ name: topic }] })
      expect(topics[0], `v${version}`).toMatchObject({ name: topic, partitions: [{ partitionIndex: 0, errorCode: 0 }] })
      expect(brokers.length, `v${version}`).toBeGreaterThan(0)
      if (version >= 10) expect(topics[0]!.topicId).toBe(topicId)
    }
  })

  it('accepts records at every version of Produce and returns them at every version of Fetch', async () => {
    const produced = versionsOf('Produce')
    for (const version of produced) {
      const records = encodeBatch(
        [{ key: Buffer.from('k'), value: Buffer.from(`v${version}`), timestamp: 1_700_000_000_000n }],
        { compression: version < 7 ? 'snappy' : 'zstd' },
      )
      const { responses } = await client.call('Produce', version, {
        acks: -1,
        timeoutMs: 10_000,
        topicData: [{ name: topic, topicId, partitionData: [{ index: 0, records }] }],
      })
      expect(responses[0]!.partitionResponses[0], `v${version}`).toMatchObject({
        errorCode: 0,
        baseOffset: BigInt(version - produced[0]!),
      })
    }
    const expected = produced.map((version) => `v${version}`)
    for (const version of versionsOf('Fetch').filter((version) => version >= 10)) {
      const { responses } = await client.call('Fetch', version, {
        maxWaitMs: 5000,
        minBytes: 1,
        topics: [{ topic, topicId, partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1_000_000 }] }],
      })
      const { errorCode, records } = responses[0]!.partitions[0]!
      expect(errorCode, `v${version}`).toBe(0)
      const values: string[] = []
      for (let at = 0; at < records!.length; at += readBatchHeader(records!, at).sizeBytes) {
        verifyBatchCrc(records!, readBatchHeader(records!, at), at)
        for (const { value } of decodeRecords(records!, at)) values.push(value!.toString())
      }
      expect(values, `v${version}`).toEqual(expected)
    }
  })

  it.each([
    ['ListGroups', {}],
    ['DescribeCluster', {}],
    ['ListConfigResources', {}],
    ['DescribeLogDirs', { topics: null }],
    ['FindCoordinator', {}],
    ['DescribeTopicPartitions', { topics: [{ name: topic }] }],
    ['DescribeConfigs', { resources: [{ resourceType: 2, resourceName: topic, configurationKeys: null }] }],
    ['ListOffsets', { replicaId: -1, topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -1n }] }] }],
    ['OffsetForLeaderEpoch', { replicaId: -1, topics: [{ topic, partitions: [{ partition: 0, leaderEpoch: 0 }] }] }],
    ['InitProducerId', { transactionalId: null, transactionTimeoutMs: 1000 }],
  ] as const)('answers %s at every version with a body that we can read to its end', async (name, body) => {
    for (const version of versionsOf(name)) {
      // Version 4 asks for several groups at once.
      const input: object =
        name === 'FindCoordinator' ? (version < 4 ? { key: 'g' } : { coordinatorKeys: ['g'] }) : body
      // A broker that has just started may still be loading (COORDINATOR_LOAD_IN_PROGRESS, …_NOT_AVAILABLE).
      const answered = async () => {
        const answer = await client.call(name, version, input)
        return !('errorCode' in answer) || answer.errorCode === 0
      }
      await vi.waitUntil(answered, { timeout: 20_000 })
    }
  })
})

// A client that uses its quota up: it waits, and misses nothing.
import { randomBytes } from 'node:crypto'
import { encodeBatch } from '@selfmonitor/protocol/records'
import { describe, expect, inject, it } from 'vitest'
import { connectCluster } from '../cluster.ts'
import { createTransport } from '../transport/transport.ts'
import { fetchFrom } from './fetch.ts'

const apache = inject('apache')

describe.skipIf('missing' in apache)('a consumer quota', { timeout: 60_000 }, () => {
  it('makes a reading wait for its records, without trouble', async () => {
    const { bootstrapServers } = apache as { bootstrapServers: string }
    const topic = `quota-${Date.now().toString(36)}`
    const clientId = `${topic}-client`
    const cluster = connectCluster({ bootstrapServers })
    await cluster.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }])
    const identity = await cluster.initProducer()
    const appender = await cluster.appendBatches()
    const batches = 2
    for (let baseSequence = 0; baseSequence < batches; baseSequence++) {
      const record = { value: randomBytes(100_000), timestamp: BigInt(Date.now()) }
      await appender.append(topic, 0, encodeBatch([record], { ...identity, baseSequence }))
    }
    await appender.close()
    const entity = [{ type: 'client-id', name: clientId }] as const
    // Ten windows of a second: half a megabyte at once, and then so much a second.
    await cluster.alterClientQuotas([{ entity, set: { consumer_byte_rate: 50_000 } }])

    const slow = { bootstrapServers, clientId }
    const transport = createTransport(slow)
    const [info] = await cluster.describeTopics([topic])
    const position = { topic, topicId: info!.id, partition: 0, next: 0n, leaderEpoch: -1 }
    const limits = {
      isolation: 'read_uncommitted',
      maxWaitMs: 0,
      maxBytes: 100_000,
      partitionMaxBytes: 100_000,
    } as const
    const ask = async () => {
      const [answer] = await fetchFrom(transport, info!.partitions[0]!.leader, [position], limits)
      return answer!
    }
    await expect.poll(async () => (await ask()).throttledMs, { timeout: 20_000, interval: 0 }).toBeGreaterThan(0)

    const reader = connectCluster(slow)
    let records = 0
    const notices: unknown[] = []
    // A topic that is missing would be an error at once.
    const ranges = [{ topic, partition: 0, next: 1n, end: 2n }]
    for await (const event of reader.read(ranges, { policy: { missingMs: 0 } })) {
      if (event.kind === 'records') records += event.records.length
      else notices.push(event.notice)
    }
    expect({ records, notices }).toEqual({ records: 1, notices: [] })
    expect((await cluster.clientQuotas()).filter(({ entity: [one] }) => one!.name === clientId)).toEqual([
      { entity, values: { consumer_byte_rate: 50_000 } },
    ])
    await cluster.alterClientQuotas([{ entity, set: { consumer_byte_rate: null } }])
    await cluster.deleteTopics([topic])
    await transport.close()
    await reader.close()
    await cluster.close()
  })
})

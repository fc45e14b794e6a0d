// Transactions that librdkafka wrote, committed, aborted and left open, on Apache Kafka; the embedded broker has none.
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { pythonWith } from '../../../../test/support/python.ts'
import { connectCluster } from '../cluster.ts'
import type { Isolation } from '../read-types.ts'
import type { Cluster } from '../types.ts'
import { readRanges } from './ranges.ts'

const script = fileURLToPath(new URL('../../../../test/clients/transactions.py', import.meta.url))
const python = await pythonWith('confluent-kafka-2.16')
const apache = inject('apache')

describe.skipIf('missing' in python || 'missing' in apache)('reading transactions', { timeout: 120_000 }, () => {
  const { bootstrapServers } = apache as { bootstrapServers: string }
  const topic = `reader-transactions-${Date.now().toString(36)}`
  let cluster: Cluster

  beforeAll(async () => {
    cluster = connectCluster({ bootstrapServers })
    await cluster.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }])
    if ('missing' in python) return
    const steps = ['commit:a,b', 'abort:x,y', 'plain:c', 'commit:d', 'abort:z', 'commit:e', 'open:w', 'plain:f']
    await python.value.run(script, [bootstrapServers, topic, ...steps])
  }, 120_000)
  afterAll(async () => {
    await cluster?.deleteTopics([topic])
    await cluster?.close()
  })

  async function read(isolation: Isolation) {
    const window = { from: { kind: 'earliest' }, until: { kind: 'latest' }, isolation } as const
    const ranges = await readRanges(cluster, await cluster.describeTopics([topic]), window)
    const values: string[] = []
    let next = 0n
    for await (const event of cluster.read(ranges, { isolation })) {
      if (event.kind !== 'records') continue
      for (const { value } of event.records) values.push(String(value))
      next = event.positions.at(-1)!.next
    }
    return { values: values.join(''), next, end: ranges[0]!.end }
  }

  it('gives all of them uncommitted, and no marker', async () => {
    const { values, next, end } = await read('read_uncommitted')
    expect(values).toBe('abxycdzewf')
    expect(next).toBe(end)
  })

  it('gives what was committed, up to the first transaction that is open', async () => {
    const { values, next, end } = await read('read_committed')
    expect(values).toBe('abcde')
    expect(next).toBe(end)
    expect(end).toBeLessThan((await read('read_uncommitted')).end!)
  })

  it('gives whole batches with the markers of commits, and says how many records were aborted', async () => {
    const kinds: string[] = []
    let aborted = 0
    const ranges = [{ topic, partition: 0, next: 0n, end: 10n }]
    for await (const event of cluster.readBatches(ranges, { isolation: 'read_committed', keepsCommits: true })) {
      if (event.kind !== 'batches') continue
      aborted += event.aborted
      for (const { header } of event.batches) kinds.push(`${header.baseOffset}${header.isControl ? ' commit' : ''}`)
    }
    // Offsets: a 0, b 1, commit 2, x 3, y 4, abort 5, c 6, d 7, commit 8, z 9.
    expect(kinds.filter((kind) => kind.endsWith('commit'))).toEqual(['2 commit', '8 commit'])
    expect(kinds.map((kind) => Number.parseInt(kind, 10))).not.toContain(3)
    expect(aborted).toBe(3)
  })

  it('begins within an aborted transaction, and leaves out the rest of it', async () => {
    // Offsets: a 0, b 1, marker 2, x 3, y 4, marker 5, c 6.
    const values: string[] = []
    for await (const event of cluster.read([{ topic, partition: 0, next: 4n, end: 7n }], {
      isolation: 'read_committed',
    })) {
      if (event.kind === 'records') for (const { value } of event.records) values.push(String(value))
    }
    expect(values).toEqual(['c'])
  })

  it('waits at an open transaction when the range goes past it, and is stopped there', async () => {
    const stop = new AbortController()
    const { end } = await read('read_committed')
    const values: string[] = []
    for await (const event of cluster.read([{ topic, partition: 0, next: 0n, end: end! + 1n }], {
      isolation: 'read_committed',
      signal: stop.signal,
    })) {
      if (event.kind !== 'records') continue
      for (const { value } of event.records) values.push(String(value))
      if (event.positions.some(({ next }) => next === end)) stop.abort()
    }
    expect(values.join('')).toBe('abcde')
  })
})

// Reads restored topics and groups' positions as a service would: with the public consumer of @platformatic/kafka, which has its own
// decoder of batches and its own decompression. The restore's comparison reads with ours: a mistake in one is not in the other.
import { Consumer } from '@platformatic/kafka'
import { clientSecurity } from '@selfmonitor/cluster'
import { BackupError } from '../format/backup-error.ts'
import type { ClientConnection, ClientReader, ClientRecord } from './client-types.ts'

type FetchedPartition = Awaited<ReturnType<Consumer['fetch']>>['responses'][number]['partitions'][number]

/** So many answers without a record, of half a second each, and the partition counts as one that cannot be read. */
const maxEmptyAnswers = 60
const fetchBytes = 8 * 1024 * 1024
const logAppendTime = 8
const control = 32

export function clientReader(connection: ClientConnection): ClientReader {
  const { bootstrapServers, timeoutMs = 30_000 } = connection
  const clients = new Map<string, Consumer>()
  const client = (groupId: string): Consumer => {
    let found = clients.get(groupId)
    if (found === undefined) {
      const options = { clientId: 'selfmonitor-drill', groupId, requestTimeout: timeoutMs, autocommit: false }
      found = new Consumer({
        ...options,
        ...clientSecurity(connection),
        bootstrapBrokers: bootstrapServers.split(',').map((address) => address.trim()),
      })
      clients.set(groupId, found)
    }
    return found
  }
  // It joins no group: fetching and looking up offsets need none.
  const reader = (): Consumer => client('selfmonitor-drill')

  async function topicOf(name: string) {
    const metadata = await reader().metadata({ topics: [name] })
    const topic = metadata.topics.get(name)
    if (topic === undefined) throw new BackupError('NOT_EQUAL', `a client finds no topic ${name} in the target`)
    return topic
  }

  async function offsetAt(topic: string, partition: number, timestamp: bigint): Promise<bigint> {
    const found = await reader().listOffsets({ topics: [topic], partitions: { [topic]: [partition] }, timestamp })
    return found.get(topic)![partition]!
  }

  return {
    partitions: async (name) => (await topicOf(name)).partitionsCount,
    async *records(name, partition) {
      const { id, partitions } = await topicOf(name)
      const node = partitions[partition]!.leader
      let next = await offsetAt(name, partition, -2n)
      const end = await offsetAt(name, partition, -1n)
      let empty = 0
      while (next < end) {
        const place = { partition, fetchOffset: next, currentLeaderEpoch: -1, lastFetchedEpoch: -1 }
        const { responses } = await reader().fetch({
          node,
          maxWaitTime: 500,
          minBytes: 1,
          maxBytes: fetchBytes,
          topics: [{ topicId: id, partitions: [{ ...place, partitionMaxBytes: fetchBytes }] }],
        })
        const answer = responses
          .flatMap((one) => one.partitions)
          .find(({ partitionIndex }) => partitionIndex === partition)
        for (const record of recordsOf(answer, next)) {
          if (record.offset >= end) return
          if (record.offset >= next) yield record
        }
        const after = nextOf(answer)
        empty = after === null ? empty + 1 : 0
        if (empty > maxEmptyAnswers) {
          throw new BackupError(
            'NOT_EQUAL',
            `a client gets nothing of ${name} partition ${partition} behind offset ${next}`,
          )
        }
        next = after ?? next
      }
    },
    async committed(groupId, topic, partition) {
      const found = await client(groupId).listCommittedOffsets({ topics: [{ topic, partitions: [partition] }] })
      const offset = found.get(topic)?.[partition] ?? -1n
      return offset < 0n ? null : offset
    },
    async close() {
      for (const one of clients.values()) await one.close()
    },
  }
}

function nextOf(answer: FetchedPartition | undefined): bigint | null {
  const last = answer?.records?.at(-1)
  return last === undefined ? null : last.firstOffset + BigInt(last.lastOffsetDelta) + 1n
}

function* recordsOf(answer: FetchedPartition | undefined, from: bigint): Generator<ClientRecord> {
  for (const { firstOffset, firstTimestamp, maxTimestamp, attributes, records } of answer?.records ?? []) {
    if ((attributes & control) !== 0) continue
    for (const { offsetDelta, timestampDelta, key, value, headers } of records) {
      const offset = firstOffset + BigInt(offsetDelta)
      if (offset < from) continue
      const time = (attributes & logAppendTime) === 0 ? firstTimestamp + timestampDelta : maxTimestamp
      yield {
        offset,
        timestampMs: Number(time),
        key,
        value,
        headers: headers.map(([name, content]) => ({ key: name?.toString('utf8') ?? '', value: content })),
      }
    }
  }
}

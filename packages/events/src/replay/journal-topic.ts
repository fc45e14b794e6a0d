// The journal in Kafka: a compacted topic. The entries about one dead letter topic are in one partition, in one order; runs for others
// mostly write to other partitions, and do not void each other's claims.
import { randomUUID } from 'node:crypto'
import type { BatchAppender, Cluster, ProducerIdentity } from '@selfmonitor/cluster'
import { partitionForKey } from '@selfmonitor/protocol/partitioner'
import { encodeBatch } from '@selfmonitor/protocol/records'
import { EventsError } from '../errors.ts'
import {
  applyEntry,
  type DiscardedBatch,
  emptyJournal,
  type Journal,
  type JournalEntry,
  type SendingBatch,
} from './journal.ts'

export const journalTopic = '_selfmonitor-dead-letters'

/** They may not be changed later: a dead letter topic would have its entries in two partitions. */
const newPartitions = 16

/** A value that was edited is in the journal until it has been sent. */
const maxEntryBytes = 16 * 1024 * 1024

export interface OpenJournal {
  readonly state: Journal
  /**
   * Claims letters, as the journal is known here.
   * @returns false when another entry was written first: it is known now, and the letters are to be chosen again
   */
  claim(id: string, batch: Omit<SendingBatch, 'claimedAt'> | Omit<DiscardedBatch, 'claimedAt'>): Promise<boolean>
  /** Writes the outcome of a claim. @param topicId of the dead letter topic */
  write(id: string, topicId: string, entry: Exclude<JournalEntry, SendingBatch | DiscardedBatch>): Promise<void>
  /** Removes batches that nothing asks for any more. */
  forget(ids: readonly string[]): Promise<void>
  close(): Promise<void>
}

export const newBatchId = (): string => randomUUID()

/**
 * @param access `read`: where the topic is missing, the journal is empty; `write` creates it
 * @throws ClusterError, also when the topic is missing and may not be created
 */
export async function openJournal(cluster: Cluster, access: 'read' | 'write'): Promise<OpenJournal> {
  const state = emptyJournal()
  let partitions = await partitionsOf(cluster)
  if (partitions === 0 && access === 'write') {
    await createJournal(cluster)
    partitions = newPartitions
  }
  /** By partition: the offset up to which it has been read. */
  const next = new Map<number, bigint>()
  const sequences = new Map<number, number>()
  let writer: { readonly identity: ProducerIdentity; readonly appender: BatchAppender } | undefined

  async function catchUp(only?: number): Promise<void> {
    const all = only === undefined ? [...Array(partitions).keys()] : [only]
    if (all.length === 0) return
    const places = all.map((partition) => ({ topic: journalTopic, partition }))
    const unread = places.filter(({ partition }) => !next.has(partition))
    const [starts, ends] = await Promise.all([
      unread.length === 0 ? [] : cluster.listOffsets(unread, 'earliest'),
      cluster.listOffsets(places, 'latest'),
    ])
    for (const { partition, offset } of starts) next.set(partition, offset ?? 0n)
    const ranges = ends.map(({ topic, partition, offset }) => {
      const from = next.get(partition)!
      return { topic, partition, next: from, end: offset !== null && offset > from ? offset : from }
    })
    const behind = ranges.filter((range) => range.end > range.next)
    if (behind.length === 0) return
    for await (const event of cluster.read(behind, { policy: { outOfRange: 'fail' } })) {
      if (event.kind !== 'records') continue
      for (const { key, value, offset } of event.records) {
        if (key !== null) applyEntry(state, key.toString(), entryOf(value), offset)
      }
    }
    for (const { partition, end } of behind) next.set(partition, end)
  }

  async function append(partition: number, records: readonly Keyed[]): Promise<bigint | null> {
    writer ??= { identity: await cluster.initProducer(), appender: await cluster.appendBatches() }
    const baseSequence = sequences.get(partition) ?? 0
    sequences.set(partition, baseSequence + records.length)
    const batch = encodeBatch(
      records.map(({ key, value }) => ({
        key: Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
        timestamp: BigInt(Date.now()),
      })),
      { ...writer.identity, baseSequence },
    )
    return await writer.appender.append(journalTopic, partition, batch)
  }

  async function put(id: string, topicId: string, entry: JournalEntry): Promise<void> {
    const partition = partitionFor(topicId)
    const offset = await append(partition, [{ key: id, value: JSON.stringify(entry) }])
    if (offset === null || offset !== next.get(partition)) return await catchUp(partition)
    applyEntry(state, id, entry, offset)
    next.set(partition, offset + 1n)
  }

  const partitionFor = (topicId: string): number => partitionForKey(Buffer.from(topicId), partitions)

  await catchUp()
  return {
    state,
    async claim(id, batch) {
      const claimedAt = String(next.get(partitionFor(batch.topicId)))
      await put(id, batch.topicId, { ...batch, claimedAt })
      return state.batches.has(id)
    },
    write: put,
    async forget(ids) {
      const byPartition = Map.groupBy(ids, (id) => partitionFor(state.batches.get(id)!.topicId))
      for (const [partition, own] of byPartition) {
        await append(
          partition,
          own.map((key) => ({ key, value: null })),
        )
        await catchUp(partition)
      }
    },
    close: async () => {
      await writer?.appender.close()
    },
  }
}

interface Keyed {
  readonly key: string
  readonly value: string | null
}

function entryOf(value: Buffer | null): JournalEntry | null {
  if (value === null) return null
  try {
    return JSON.parse(value.toString('utf8')) as JournalEntry
  } catch (error) {
    throw new EventsError('JOURNAL_DAMAGED', `${journalTopic} holds a record that is not an entry of the journal`, {
      cause: error,
    })
  }
}

/** 0: the topic is not there. */
async function partitionsOf(cluster: Cluster): Promise<number> {
  return (await cluster.listTopics()).find(({ name }) => name === journalTopic)?.partitions.length ?? 0
}

async function createJournal(cluster: Cluster): Promise<void> {
  const config = { 'cleanup.policy': 'compact', 'max.message.bytes': String(maxEntryBytes) }
  try {
    await cluster.createTopics([{ name: journalTopic, partitions: newPartitions, replicationFactor: -1, config }])
  } catch (error) {
    // Another run was faster.
    if ((error as { code?: unknown }).code !== 'TOPIC_ALREADY_EXISTS') throw error
  }
}

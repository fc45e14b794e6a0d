// The journal in Kafka: a compacted topic of one partition.
import { randomUUID } from 'node:crypto'
import type { BatchAppender, Cluster, ProducerIdentity } from '@selfmonitor/cluster'
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

/** A value that was edited is in the journal until it has been sent. */
const maxEntryBytes = 16 * 1024 * 1024

export interface OpenJournal {
  readonly state: Journal
  /** Reads what others have written meanwhile. */
  catchUp(): Promise<void>
  /**
   * Claims letters, as the journal is known here.
   * @returns false when another entry was written first: it is known now, and the letters are to be chosen again
   */
  claim(id: string, batch: Omit<SendingBatch, 'claimedAt'> | Omit<DiscardedBatch, 'claimedAt'>): Promise<boolean>
  /** Writes the outcome of a claim. */
  write(id: string, entry: Exclude<JournalEntry, SendingBatch | DiscardedBatch>): Promise<void>
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
  let next = 0n
  let writer: { readonly identity: ProducerIdentity; readonly appender: BatchAppender } | undefined
  let sequence = 0
  let exists = await hasTopic(cluster)
  if (!exists && access === 'write') {
    await createJournal(cluster)
    exists = true
  }
  const journal = { topic: journalTopic, partition: 0 }

  async function catchUp(): Promise<void> {
    if (!exists) return
    const [end] = await cluster.listOffsets([journal], 'latest')
    const [start] = next === 0n ? await cluster.listOffsets([journal], 'earliest') : []
    if (start?.offset != null) next = start.offset
    if (end?.offset == null || end.offset <= next) return
    for await (const event of cluster.read([{ ...journal, next, end: end.offset }], {
      policy: { outOfRange: 'fail' },
    })) {
      if (event.kind !== 'records') continue
      for (const { key, value, offset } of event.records) {
        if (key !== null) applyEntry(state, key.toString(), entryOf(value), offset)
      }
    }
    next = end.offset
  }

  async function append(
    records: readonly { readonly key: string; readonly value: string | null }[],
  ): Promise<bigint | null> {
    writer ??= { identity: await cluster.initProducer(), appender: await cluster.appendBatches() }
    const batch = encodeBatch(
      records.map(({ key, value }) => ({
        key: Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
        timestamp: BigInt(Date.now()),
      })),
      { ...writer.identity, baseSequence: sequence },
    )
    sequence += records.length
    return await writer.appender.append(journalTopic, 0, batch)
  }

  async function put(id: string, entry: JournalEntry): Promise<void> {
    const offset = await append([{ key: id, value: JSON.stringify(entry) }])
    if (offset === next) {
      applyEntry(state, id, entry, offset)
      next = offset + 1n
    } else await catchUp()
  }

  await catchUp()
  return {
    state,
    catchUp,
    async claim(id, batch) {
      const claimedAt = next
      await put(id, { ...batch, claimedAt: String(claimedAt) })
      return state.batches.has(id)
    },
    write: put,
    async forget(ids) {
      if (ids.length === 0) return
      await append(ids.map((key) => ({ key, value: null })))
      await catchUp()
    },
    close: async () => {
      await writer?.appender.close()
    },
  }
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

async function hasTopic(cluster: Cluster): Promise<boolean> {
  return (await cluster.listTopics()).some(({ name }) => name === journalTopic)
}

async function createJournal(cluster: Cluster): Promise<void> {
  const config = { 'cleanup.policy': 'compact', 'max.message.bytes': String(maxEntryBytes) }
  try {
    await cluster.createTopics([{ name: journalTopic, partitions: 1, replicationFactor: -1, config }])
  } catch (error) {
    // Another run was faster.
    if ((error as { code?: unknown }).code !== 'TOPIC_ALREADY_EXISTS') throw error
  }
}

// `__consumer_offsets` as the coordinator uses it, on top of the broker's partition logs and metadata.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type BatchHeader,
  decodeRecords,
  encodeBatch,
  iterateBatches,
  readControlKey,
  verifyBatchCrc,
} from '@selfmonitor/protocol'
import { isCutFile, type LogManager, type PartitionLog } from '../log/index.ts'
import type { MetadataStore, TopicMetadata } from '../metadata/index.ts'
import type { DamagedPartition, GroupLog, GroupRecord, ReplayedBatch } from './types.ts'
import { partsOf } from './writer.ts'

export const offsetsTopic = '__consumer_offsets'

/** How much is read at a time while replaying. */
const replayReadBytes = 4 * 1024 * 1024

export function topicGroupLog(metadata: MetadataStore, logs: LogManager): GroupLog {
  const open = async (partition: number): Promise<PartitionLog> => {
    const topic = metadata.topic(offsetsTopic) ?? (await metadata.ensureInternalTopic(offsetsTopic))
    const ref = { topic: topic.name, topicId: topic.id, partition }
    return logs.getOpen(ref.topic, ref.topicId, partition) ?? logs.get(ref)
  }
  const appendOne = async (log: PartitionLog, records: readonly GroupRecord[], timestampMs: number) => {
    const timestamp = BigInt(timestampMs)
    const batch = encodeBatch(records.map(({ key, value }) => ({ key, value, timestamp })))
    return log.append(batch, { origin: 'internal' })
  }

  return {
    get partitions() {
      const topic: TopicMetadata | undefined = metadata.topic(offsetsTopic)
      return topic?.partitions.length ?? metadata.brokerConfig.number('offsets.topic.num.partitions')
    },

    async append(partition, records, timestampMs) {
      await appendOne(await open(partition), records, timestampMs)
    },

    async replace(partition, records, timestampMs) {
      const log = await open(partition)
      let first = log.highWatermark
      let isFirst = true
      for (const part of partsOf(records)) {
        const { baseOffset } = await appendOne(log, part, timestampMs)
        if (isFirst) first = baseOffset
        isFirst = false
      }
      await log.flush()
      await log.deleteRecordsBefore(first)
    },

    async replay(onBatch) {
      const topic = metadata.topic(offsetsTopic)
      const damaged: DamagedPartition[] = []
      for (const { partition } of topic?.partitions ?? []) {
        const folder = join(logs.dir, `${offsetsTopic}-${partition}`)
        let problem: string | undefined
        try {
          const log = await logs.get({ topic: topic!.name, topicId: topic!.id, partition })
          problem = (await replayLog(log, (batch) => onBatch(partition, batch))) ?? (await cutProblem(folder))
        } catch (error) {
          problem = error instanceof Error ? error.message : String(error)
        }
        if (problem === undefined) continue
        damaged.push({ partition, folder, problem })
      }
      return damaged
    },
  }
}

/** Why a log is incomplete that was damaged in the middle: opening it has cut it there, with the good batches after the damage. */
async function cutProblem(folder: string): Promise<string | undefined> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const cut = names.find(isCutFile)
  if (cut === undefined) return undefined
  return `the log was damaged and now ends before the damage; the rest is kept in ${cut} (remove that file to continue without it)`
}

/**
 * @returns what is wrong with the first damaged batch; later batches are still replayed
 * @throws when batches after the damage cannot be found
 */
async function replayLog(log: PartitionLog, onBatch: (batch: ReplayedBatch) => void): Promise<string | undefined> {
  let offset = log.logStartOffset
  let problem: string | undefined
  while (offset < log.highWatermark) {
    const { records } = await log.read(offset, { maxBytes: replayReadBytes, minOneBatch: true })
    const before = offset
    for (const buffer of records) {
      for (const { header, position: at } of iterateBatches(buffer)) {
        const batch = replayedBatch(buffer, at, header, offset)
        if (typeof batch !== 'string') onBatch(batch)
        else problem ??= `the batch at offset ${header.baseOffset} is damaged: ${batch}`
        offset = header.baseOffset + BigInt(header.lastOffsetDelta) + 1n
      }
    }
    if (offset === before) throw new Error(`no batch was found at offset ${offset}`)
  }
  return problem
}

/**
 * @param from records before it are before the log start offset and are left out
 * @returns the batch; or, as a string, why it is damaged
 */
function replayedBatch(buffer: Buffer, at: number, header: BatchHeader, from: bigint): ReplayedBatch | string {
  try {
    verifyBatchCrc(buffer, header, at)
    return decodeBatch(buffer, at, header, from)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function decodeBatch(buffer: Buffer, at: number, header: BatchHeader, from: bigint): ReplayedBatch {
  const { producerId, isTransactional, isControl } = header
  const records = [...decodeRecords(buffer, at)].filter((record) => record.offset >= from)
  if (!isControl) return { producerId, isTransactional, records }
  const control = records[0] && readControlKey(records[0].key)
  return { producerId, isTransactional, control, records: [] }
}

// `__consumer_offsets` as the coordinator uses it, on top of the broker's partition logs and metadata.
import { type BatchHeader, decodeRecords, encodeBatch, iterateBatches, readControlKey } from '@selfmonitor/protocol'
import type { LogManager, PartitionLog } from '../log/types.ts'
import type { MetadataStore, TopicMetadata } from '../metadata/types.ts'
import type { GroupLog, GroupRecord, ReplayedBatch } from './types.ts'
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
      if (!topic) return
      for (const { partition } of topic.partitions) {
        const log = await logs.get({ topic: topic.name, topicId: topic.id, partition })
        await replayLog(log, (batch) => onBatch(partition, batch))
      }
    },
  }
}

async function replayLog(log: PartitionLog, onBatch: (batch: ReplayedBatch) => void): Promise<void> {
  let offset = log.logStartOffset
  while (offset < log.highWatermark) {
    const { records } = await log.read(offset, { maxBytes: replayReadBytes, minOneBatch: true })
    const before = offset
    for (const buffer of records) {
      for (const { header, position: at } of iterateBatches(buffer)) {
        onBatch(replayedBatch(buffer, at, header, offset))
        offset = header.baseOffset + BigInt(header.lastOffsetDelta) + 1n
      }
    }
    if (offset === before) throw new Error(`${log.topic}-${log.partition} has no batch at offset ${offset}`)
  }
}

/** @param from records before it lie in front of the log's start and are gone */
function replayedBatch(buffer: Buffer, at: number, header: BatchHeader, from: bigint): ReplayedBatch {
  const { producerId, isTransactional, isControl } = header
  const records = [...decodeRecords(buffer, at)].filter((record) => record.offset >= from)
  if (!isControl) return { producerId, isTransactional, records }
  const control = records[0] && readControlKey(records[0].key)
  return { producerId, isTransactional, control, records: [] }
}

// A topic's resolved settings as the log reads them.
import type { TopicConfig } from '../config/index.ts'
import type { LogConfig } from './types.ts'

/** Turns Kafka's "-1 means no limit" into `Infinity`, so that comparisons need no special case. */
export function toLogConfig(config: TopicConfig): LogConfig {
  const limit = (value: number) => (value < 0 ? Number.POSITIVE_INFINITY : value)
  return {
    segmentBytes: config['segment.bytes'],
    segmentMs: config['segment.ms'],
    segmentIndexBytes: config['segment.index.bytes'],
    indexIntervalBytes: config['index.interval.bytes'],
    retentionMs: limit(config['retention.ms']),
    retentionBytes: limit(config['retention.bytes']),
    fileDeleteDelayMs: config['file.delete.delay.ms'],
    maxMessageBytes: config['max.message.bytes'],
    timestampType: config['message.timestamp.type'],
    timestampBeforeMaxMs: config['message.timestamp.before.max.ms'],
    timestampAfterMaxMs: config['message.timestamp.after.max.ms'],
    flushMessages: config['flush.messages'],
    flushMs: config['flush.ms'],
    compact: config['cleanup.policy'].includes('compact'),
    delete: config['cleanup.policy'].includes('delete'),
  }
}

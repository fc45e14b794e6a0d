// The checks of a produced batch that need its records: that they parse, their keys and timestamps, and the greatest timestamp,
// which retention and offsets by time depend on. A client's own `maxTimestamp` cannot be trusted: kafkajs understates it when
// some records of a batch have an explicit timestamp and others have none.
//
// Compressed records are decompressed for this, as in Kafka (LogValidator). Small batches are inspected at once. Large ones are
// decompressed on another thread and walked in steps, one at a time over all partitions, so that a client can fill neither the
// event loop nor the memory.
import { setImmediate } from 'node:timers/promises'
import {
  decompress,
  decompressAsync,
  defaultMaxOutputBytes,
  ProtocolError,
  type RecordRules,
  type RecordsSurvey,
  type RecordViolation,
  surveyRecords,
  walkRecords,
} from '@selfmonitor/protocol'
import type { LimitFunction } from 'p-limit'
import { LogError } from '../errors.ts'
import type { LogConfig } from '../types.ts'
import { type BatchHeader, batchHeaderBytes } from './batch.ts'

/** Batches up to this size that decompress to at most `maxDirectOutputBytes` are inspected at once. */
const maxDirectBytes = 256 * 1024
/** About a millisecond of decompression. */
const maxDirectOutputBytes = 512 * 1024
/** Records that are walked over before the event loop gets its turn: about half a millisecond. */
export const recordsAStep = 25_000

/**
 * Checks the records of a batch whose header and checksum are checked.
 * @param largeBatches runs the inspection of one large batch at a time, over all partitions
 * @returns the header with the true `maxTimestamp`; a promise of it for a large batch
 * @throws LogError INVALID_RECORD when the records cannot be decompressed, do not parse, or one lacks the key that a compacted
 *   topic demands; INVALID_TIMESTAMP (KIP-937); both name the records (KIP-467). MESSAGE_TOO_LARGE when more than 128 MiB
 *   come out of the compression. A promise rejects with the same.
 */
export function inspectRecords(
  batch: Buffer,
  header: BatchHeader,
  config: LogConfig,
  nowMs: number,
  largeBatches: LimitFunction,
): BatchHeader | Promise<BatchHeader> {
  const rules = rulesOf(config, nowMs)
  const finish = (survey: RecordsSurvey) => applySurvey(header, survey, config, nowMs)
  try {
    const survey = readRecords(header, batch.subarray(batchHeaderBytes), largeBatches, {
      atOnce: (bytes) => surveyRecords(header, bytes, rules),
      async inSteps(bytes) {
        const walk = walkRecords(header, bytes, rules)
        for (;;) {
          const survey = walk.advance(recordsAStep)
          if (survey !== undefined) return survey
          await setImmediate()
        }
      },
    })
    if (!(survey instanceof Promise)) return finish(survey)
    return survey.then(finish, (error) => Promise.reject(asLogError(error)))
  } catch (error) {
    throw asLogError(error)
  }
}

/**
 * Reads the records of a batch: at once when they are few, otherwise on another thread and in steps.
 * @param payload what follows the header
 * @throws ProtocolError TOO_LARGE when more than 128 MiB come out of the compression, or what reading them throws
 */
export function readRecords<T>(
  header: BatchHeader,
  payload: Buffer,
  largeBatches: LimitFunction,
  read: {
    atOnce(bytes: Buffer): T
    /** Yields to the event loop after each `recordsAStep` records. */
    inSteps(bytes: Buffer): Promise<T>
  },
): T | Promise<T> {
  const direct = header.compression === 'none' || payload.length <= maxDirectBytes
  if (direct && header.recordsCount <= recordsAStep) {
    try {
      return read.atOnce(decompress(header.compression, payload, maxDirectOutputBytes))
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== 'TOO_LARGE') throw error
    }
  }
  return largeBatches(async () =>
    read.inSteps(await decompressAsync(header.compression, payload, defaultMaxOutputBytes)),
  )
}

function rulesOf(config: LogConfig, nowMs: number): RecordRules {
  const stamped = config.timestampType === 'LogAppendTime'
  return {
    keyRequired: config.compact,
    oldestTimestamp: stamped ? Number.NEGATIVE_INFINITY : nowMs - config.timestampBeforeMaxMs,
    newestTimestamp: stamped ? Number.POSITIVE_INFINITY : nowMs + config.timestampAfterMaxMs,
  }
}

function applySurvey(header: BatchHeader, survey: RecordsSurvey, config: LogConfig, nowMs: number): BatchHeader {
  const { violations, maxTimestamp } = survey
  if (config.timestampType === 'LogAppendTime' && header.timestampType === 'LogAppendTime') {
    throw new LogError('INVALID_TIMESTAMP', 'a producer must not send a batch with timestamp type LogAppendTime')
  }
  const [first] = violations
  if (first === undefined) return maxTimestamp === header.maxTimestamp ? header : { ...header, maxTimestamp }
  const recordErrors = violations.map((violation) => ({
    batchIndex: violation.index,
    message: explain(violation, config, nowMs),
  }))
  const more = violations.length === 1 ? '' : ` (and ${violations.length - 1} more records of the batch)`
  throw new LogError(
    // As Kafka decides when a batch has both.
    violations.some(({ rule }) => rule !== 'keyRequired') ? 'INVALID_TIMESTAMP' : 'INVALID_RECORD',
    `record ${first.index}: ${recordErrors[0]!.message}${more}`,
    { recordErrors },
  )
}

function explain({ rule, timestamp }: RecordViolation, config: LogConfig, nowMs: number): string {
  switch (rule) {
    case 'keyRequired':
      return 'a record of a compacted topic must have a key'
    case 'oldestTimestamp':
      return `timestamp ${timestamp} is more than message.timestamp.before.max.ms=${config.timestampBeforeMaxMs} before the broker's time ${nowMs}`
    case 'newestTimestamp':
      return `timestamp ${timestamp} is more than message.timestamp.after.max.ms=${config.timestampAfterMaxMs} after the broker's time ${nowMs}`
    default:
      return rule satisfies never
  }
}

/** The checksum was right, so the client sent what it meant to send, and a retry cannot help. */
function asLogError(error: unknown): unknown {
  if (!(error instanceof ProtocolError)) return error
  if (error.code === 'TOO_LARGE') return new LogError('MESSAGE_TOO_LARGE', error.reason, { cause: error })
  return new LogError('INVALID_RECORD', `the records of the batch cannot be read: ${error.message}`, { cause: error })
}

// Reading the partitions of one fetch, within the limits of each partition, of the whole response and of the broker's memory.
import type { RequestOf } from '@selfmonitor/protocol'
import { toKafkaError } from '../errors.ts'
import type { FetchedPartition } from '../fetch-sessions/sessions.ts'
import type { PartitionLog, ReadOptions, ReadResult } from '../log/index.ts'
import type { RequestContext } from '../request/handler.ts'
import { findLedPartition, type LeaderHints, openLog } from '../request/partition-leader.ts'
import { divergence, errorAnswer, offsetsOnly, type PartitionAnswer, recordsAnswer } from './answers.ts'

/** The result of reading one partition. */
export interface Outcome {
  readonly answer: PartitionAnswer
  readonly sizeBytes: number
  /** The log, and how much had been appended to it before it was read, so that later appends are noticed. */
  readonly log: PartitionLog | undefined
  readonly appendedBytes: number
  /** Whether the client gets this without waiting: an error, or a divergence. */
  readonly endsWait: boolean
  /** Frees the memory of the answer's records. */
  readonly release?: () => void
}

/** One fetch: what it asks for and where its answer goes. */
export interface FetchRequest {
  readonly request: RequestOf<'Fetch'>
  readonly context: RequestContext
  readonly hints: LeaderHints
}

/** The most reads from the disk that one fetch has under way. */
const maxReadsAtOnce = 16

export const totalBytes = (outcomes: readonly Outcome[]): number =>
  outcomes.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)

/** Opens, side by side, logs that have not been used since the start. Errors are reported when the log is read. */
export async function openLogs(context: RequestContext, partitions: readonly FetchedPartition[]): Promise<void> {
  const opening = []
  for (const wanted of partitions) {
    const led = findLedPartition(context, wanted)
    const log = led.error === undefined ? openLog(context.broker, led) : undefined
    if (log instanceof Promise) opening.push(log)
  }
  if (opening.length > 0) await Promise.allSettled(opening)
}

/**
 * Reads the partitions in their order. Data that is not in memory is read concurrently, as long as each read may turn out as large as
 * its limit. The memory of the outcomes counts as unsent until `discard` frees it.
 */
export async function readPartitions(
  fetch: FetchRequest,
  partitions: readonly FetchedPartition[],
): Promise<readonly Outcome[]> {
  const { request, context } = fetch
  const { unsent } = context.broker.fetches
  const requestedBytes = partitions.reduce((sum, { partitionMaxBytes }) => sum + Math.max(0, partitionMaxBytes), 0)
  const granted = unsent.reserve(
    Math.min(request.maxBytes, context.broker.config.number('fetch.max.bytes'), requestedBytes),
  )
  let left = granted
  let nothingYet = true
  const outcomes: Outcome[] = []
  let reading: Promise<void>[] = []
  for (const [at, wanted] of partitions.entries()) {
    if (reading.length >= maxReadsAtOnce || (reading.length > 0 && wanted.partitionMaxBytes > left)) {
      await Promise.all(reading)
      reading = []
    }
    const maxBytes = Math.max(0, Math.min(wanted.partitionMaxBytes, left))
    const started = readPartition(fetch, wanted, { maxBytes, minOneBatch: nothingYet })
    // Most answers come from memory; waiting for each of a thousand would cost more than making it.
    if (started instanceof Promise) {
      left -= maxBytes
      // The disk is read only where there is something: the answer will have it, or an error.
      nothingYet = false
      reading.push(
        started.then((outcome) => {
          outcomes[at] = outcome
          left += maxBytes - outcome.sizeBytes
        }),
      )
    } else {
      outcomes[at] = started
      left -= started.sizeBytes
      if (started.sizeBytes > 0) nothingYet = false
    }
  }
  await Promise.all(reading)
  unsent.free(granted)
  unsent.hold(totalBytes(outcomes))
  return outcomes
}

/** Frees the memory of an answer that is sent, or that will not be sent. */
export function discard({ broker }: RequestContext, outcomes: readonly Outcome[]): void {
  for (const { release } of outcomes) release?.()
  broker.fetches.unsent.free(totalBytes(outcomes))
}

function readPartition(
  { request, context, hints }: FetchRequest,
  wanted: FetchedPartition,
  options: ReadOptions,
): Outcome | Promise<Outcome> {
  const led = findLedPartition(context, wanted)
  if (led.error !== undefined) {
    return withoutRecords({ ...errorAnswer(wanted, led.error), ...hints.hint(led) })
  }
  if (context.apiVersion < 10 && led.topic.config['compression.type'] === 'zstd') {
    return withoutRecords(errorAnswer(wanted, 'UNSUPPORTED_COMPRESSION_TYPE'))
  }
  const log = openLog(context.broker, led)
  return log instanceof Promise
    ? log.then(
        (opened) => readLog(request, wanted, opened, options),
        (error) => withoutRecords(errorAnswer(wanted, toKafkaError(error).name)),
      )
    : readLog(request, wanted, log, options)
}

function readLog(
  { isolationLevel }: RequestOf<'Fetch'>,
  wanted: FetchedPartition,
  log: PartitionLog,
  options: ReadOptions,
): Outcome | Promise<Outcome> {
  const diverged = divergence(wanted, log)
  if (diverged !== undefined) return withoutRecords(diverged)
  const { appendedBytes } = log
  const succeed = (result: ReadResult): Outcome => ({
    answer: recordsAnswer(isolationLevel, wanted, result),
    sizeBytes: result.sizeBytes,
    log,
    appendedBytes,
    endsWait: false,
    release: result.release,
  })
  const fail = (error: unknown): Outcome => withoutRecords(errorAnswer(wanted, toKafkaError(error).name))
  try {
    const cached = log.readCached(wanted.fetchOffset, options)
    if (cached !== undefined) return succeed(cached)
    if (options.maxBytes === 0 && !options.minOneBatch) return succeed(offsetsOnly(log))
    return log.read(wanted.fetchOffset, options).then(succeed, fail)
  } catch (error) {
    return fail(error)
  }
}

function withoutRecords(answer: PartitionAnswer): Outcome {
  return { answer, sizeBytes: 0, log: undefined, appendedBytes: 0, endsWait: true }
}

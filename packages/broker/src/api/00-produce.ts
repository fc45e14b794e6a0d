// Produce: a producer appends one record batch to each of some partitions.
//
// Behaviour
// - The batch is checked by the log (size, checksum, counts, timestamps, sequence) and stored as it arrived.
// - acks=0 gets no answer; if anything fails, the connection is closed, which is the only signal that the producer can get.
// - Records of a transaction need a transactional id: without one the whole request fails.
// - acks=1 and acks=all mean the same on one node: written, and synced where flush.messages says so. acks=all fails
//   when fewer brokers are in sync than min.insync.replicas requires.
// - Requests are pipelined: each append is queued, in order, before the handler first waits.
//
// Versions: v3 is the first with record batches; v0 to v2 are only advertised (KAFKA-18659). v7 allows zstd (KIP-110). v8 names
// the invalid records (KIP-467). v10 names the leader when it is another broker (KIP-951). v13 names topics by id.
import { errorCodes, type KafkaErrorName, type RequestOf, type ResponseInput } from '@selfmonitor/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { KafkaError, toKafkaError } from '../errors.ts'
import { LogError, type PartitionLog } from '../log/index.ts'
import { type ApiHandler, CloseConnection, type RequestContext } from '../request/handler.ts'
import {
  createLeaderHints,
  findLedPartition,
  type LeaderHints,
  type LedPartition,
  openLog,
} from '../request/partition-leader.ts'

type TopicData = RequestOf<'Produce'>['topicData'][number]
type PartitionAnswer = NonNullable<
  NonNullable<ResponseInput<'Produce'>['responses']>[number]['partitionResponses']
>[number]

const zstd = 4
/** The position in a batch of the attributes' low byte, which has the compression and whether the batch is transactional. */
const attributesAt = 22
const transactionalBit = 0x10

/**
 * Errors that Kafka answers without the log start offset: it finds them before it uses the log, or does not trust the log. All
 * others have it, so that an idempotent producer can distinguish a lost record from an expired one.
 */
const withoutLogStart: ReadonlySet<string> = new Set([
  'CORRUPT_MESSAGE',
  'KAFKA_STORAGE_ERROR',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
])

export const handleProduce: ApiHandler<'Produce'> = async (request, context) => {
  if (request.transactionalId === null && hasTransactionalRecords(request)) {
    const message = 'records of a transaction need a transactional id'
    if (request.acks === 0) throw new CloseConnection(`acks=0: ${message}`)
    throw new KafkaError('TRANSACTIONAL_ID_AUTHORIZATION_FAILED', message)
  }
  const hints = createLeaderHints(context, { currentLeader: 10, nodeEndpoints: 10 })
  const answers = request.topicData.map((topic) => ({
    name: topic.name,
    topicId: topic.topicId,
    answers: topic.partitionData.map((data) => append(context, request.acks, topic, data, hints)),
  }))
  const responses = []
  for (const { name, topicId, answers: pending } of answers) {
    responses.push({ name, topicId, partitionResponses: await Promise.all(pending) })
  }
  if (request.acks === 0) {
    for (const { name, partitionResponses } of responses) {
      const failed = partitionResponses.find(({ errorCode }) => errorCode !== 0)
      if (failed === undefined) continue
      throw new CloseConnection(`acks=0 and partition ${name}-${failed.index} failed: ${failed.errorMessage}`)
    }
    return null
  }
  return { responses, ...hints.endpoints() }
}

function hasTransactionalRecords({ topicData }: RequestOf<'Produce'>): boolean {
  return topicData.some(({ partitionData }) =>
    partitionData.some(({ records }) => records !== null && (records[attributesAt] ?? 0) & transactionalBit),
  )
}

function append(
  context: RequestContext,
  acks: number,
  topic: TopicData,
  { index, records }: TopicData['partitionData'][number],
  hints: LeaderHints,
): PartitionAnswer | Promise<PartitionAnswer> {
  context.broker.counters.produce.total++
  if (acks < -1 || acks > 1) return errorAnswer(index, 'INVALID_REQUIRED_ACKS', `acks=${acks} is not -1, 0 or 1`)
  const named = { topic: topic.name, topicId: topic.topicId, partition: index, currentLeaderEpoch: -1 }
  const led = findLedPartition(context, named)
  if (led.error !== undefined) {
    const message = `this broker is not the leader of partition ${index} of the topic: ${led.error}`
    return { ...errorAnswer(index, led.error, message), ...hints.hint(led) }
  }
  const problem = problemWith(context, acks, led, records)
  if (problem !== undefined) return errorAnswer(index, problem.code, problem.message)
  const log = openLog(context.broker, led)
  return log instanceof Promise
    ? log
        .then((opened) => appendTo(context, opened, index, records))
        .catch((error) => failed(context, index, error, records?.length ?? 0))
    : appendTo(context, log, index, records)
}

/** @returns why the topic's metadata or settings do not allow the append */
function problemWith(
  { apiVersion, clientId }: RequestContext,
  acks: number,
  { topic, partition }: LedPartition,
  records: Buffer | null,
): { readonly code: KafkaErrorName; readonly message: string } | undefined {
  if (topic.internal && clientId !== '__admin_client') {
    return { code: 'INVALID_TOPIC_EXCEPTION', message: `clients may not write to the internal topic ${topic.name}` }
  }
  // A topic with one replica cannot have two in sync: Kafka takes the smaller number.
  const needed = Math.min(topic.config['min.insync.replicas'], partition.replicas.length)
  if (acks === -1 && partition.isr.length < needed) {
    const message = `${partition.isr.length} replicas are in sync, min.insync.replicas=${needed}`
    return { code: 'NOT_ENOUGH_REPLICAS', message }
  }
  if (apiVersion < 7 && records !== null && ((records[attributesAt] ?? 0) & 7) === zstd) {
    const message = `Produce version ${apiVersion} does not support zstd; version 7 and later do`
    return { code: 'UNSUPPORTED_COMPRESSION_TYPE', message }
  }
  return undefined
}

async function appendTo(
  context: RequestContext,
  log: PartitionLog,
  index: number,
  records: Buffer | null,
): Promise<PartitionAnswer> {
  try {
    const { baseOffset, logAppendTimeMs, logStartOffset } = await log.append(records ?? Buffer.alloc(0))
    return { index, errorCode: errorCodes.NONE, baseOffset, logAppendTimeMs, logStartOffset }
  } catch (error) {
    return failed(context, index, error, records?.length ?? 0, log.logStartOffset)
  }
}

function failed(
  { broker, clientId }: RequestContext,
  index: number,
  error: unknown,
  sizeBytes: number,
  logStartOffset = -1n,
): PartitionAnswer {
  const { name, message } = toKafkaError(error)
  countFailure(broker, name, sizeBytes)
  if (!(error instanceof LogError)) broker.logger.error({ err: error, clientId }, 'an append failed unexpectedly')
  const recordErrors = error instanceof LogError ? error.recordErrors : []
  return {
    ...errorAnswer(index, name, message),
    ...(!withoutLogStart.has(name) && { logStartOffset }),
    recordErrors: recordErrors.map(({ batchIndex, message }) => ({ batchIndex, batchIndexErrorMessage: message })),
  }
}

/** Errors that Kafka does not count as failed requests (`ReplicaManager.appendRecordsToLeader`). */
const expectedErrors: ReadonlySet<string> = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'NOT_LEADER_OR_FOLLOWER',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'CORRUPT_MESSAGE',
  'KAFKA_STORAGE_ERROR',
])

function countFailure({ counters }: BrokerContext, error: string, sizeBytes: number): void {
  if (error === 'MESSAGE_TOO_LARGE') counters.produce.bytesRejected += sizeBytes
  if (!expectedErrors.has(error)) counters.produce.failed++
}

function errorAnswer(index: number, error: KafkaErrorName, errorMessage: string): PartitionAnswer {
  return { index, errorCode: errorCodes[error], baseOffset: -1n, logStartOffset: -1n, errorMessage }
}

// Fetch: a consumer reads record batches of partitions, waiting for them when asked to.
//
// Behaviour
// - Whole batches from the one that contains the offset; at least one in the response even if it exceeds the limits (KIP-74).
// - Waits until min.bytes can be read or max.wait has passed; appends wake it, nothing polls. An error ends the wait.
// - Answers that clients do not take hold a bounded amount of memory in all; beyond it a fetch gets one batch at a time.
// - All that is written is stable: there are no transactions, so read_committed sees the same with no aborted ones.
//
// Versions: v7 adds sessions (`fetch-sessions.ts`, KIP-227). v9 checks leader epochs (KIP-320). v12 detects divergence (KIP-595).
// v13 names topics by id (KIP-516). v16 names the leader's address (KIP-951). v10 is the first that takes zstd (KIP-110).
import { randomInt } from 'node:crypto'
import { errorCodes, type KafkaErrorName, type RequestOf, type ResponseInput } from '@selfmonitor/protocol'
import { toKafkaError } from '../errors.ts'
import type { PartitionLog, ReadOptions, ReadResult } from '../log/index.ts'
import type { BrokerState } from '../state.ts'
import { createFetchSessions, type FetchedPartition, type FetchPlan, type FetchSessions } from './fetch-sessions.ts'
import { createWait } from './fetch-wait.ts'
import type { ApiHandler, RequestContext } from './handler.ts'
import { createLeaderHints, findLed, type LeaderHints, openLog } from './partition-leader.ts'
import { createUnsentBudget, type UnsentBudget } from './unsent-budget.ts'

type Topic = NonNullable<ResponseInput<'Fetch'>['responses']>[number]
type PartitionAnswer = NonNullable<Topic['partitions']>[number]

/** What one partition gave. */
interface Outcome {
  readonly answer: PartitionAnswer
  readonly sizeBytes: number
  /** The log and how much had been appended to it before it was read, to know what came later. */
  readonly log: PartitionLog | undefined
  readonly appendedBytes: number
  /** Ends the wait: an error, or a divergence. */
  readonly urgent: boolean
  /** Frees the memory of the answer's records. */
  readonly release?: () => void
}

const sessionsOf = new WeakMap<BrokerState, Map<number, FetchSessions>>()

/** Room for a few consumers of default size (fetch.max.bytes is 55 MB) that are behind at the same time. */
const maxUnsentBytes = 256 * 1024 * 1024
const unsentOf = new WeakMap<BrokerState, UnsentBudget>()

export const handleFetch: ApiHandler<'Fetch'> = async (request, context) => {
  const { broker, apiVersion } = context
  const plan = sessions(context).begin(
    request,
    partitionsOf(request),
    forgottenOf(request),
    apiVersion >= 13,
    broker.clock.now(),
  )
  if (plan.error !== undefined) return { errorCode: errorCodes[plan.error] }

  await openAll(context, plan.partitions)
  const hints = createLeaderHints(context, { currentLeader: 12, nodeEndpoints: 16 })
  let outcomes = await readAll(request, context, plan.partitions, hints)
  if (!isEnough(request, plan, outcomes)) {
    const wait = createWait(context, request, outcomes)
    await wait.done
    if (wait.progress || context.signal.aborted) {
      discard(context, outcomes)
      outcomes = await readAll(request, context, plan.partitions, hints)
    }
  }
  const answered = outcomes
  context.afterAnswer(() => discard(context, answered))
  return respond(context, plan, outcomes, hints)
}

/** Frees the memory of an answer that is sent, or that nobody gets. */
function discard({ broker }: RequestContext, outcomes: readonly Outcome[]): void {
  for (const { release } of outcomes) release?.()
  unsent(broker).free(totalBytes(outcomes))
}

function unsent(broker: BrokerState): UnsentBudget {
  const known = unsentOf.get(broker)
  if (known !== undefined) return known
  const created = createUnsentBudget(maxUnsentBytes)
  unsentOf.set(broker, created)
  return created
}

const totalBytes = (outcomes: readonly Outcome[]): number => outcomes.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)

/** The sessions of one presented broker; a client opens one with each broker that it fetches from. */
function sessions({ broker, brokerId }: RequestContext): FetchSessions {
  const ofBroker = sessionsOf.get(broker) ?? new Map<number, FetchSessions>()
  sessionsOf.set(broker, ofBroker)
  const known = ofBroker.get(brokerId)
  if (known !== undefined) return known
  const maxSessions = broker.config.number('max.incremental.fetch.session.cache.slots')
  const created = createFetchSessions({ maxSessions, randomId: () => randomInt(1, 0x7fffffff) })
  ofBroker.set(brokerId, created)
  return created
}

function partitionsOf(request: RequestOf<'Fetch'>): FetchedPartition[] {
  return request.topics.flatMap(({ topic, topicId, partitions }) =>
    partitions.map(({ partition, currentLeaderEpoch, fetchOffset, lastFetchedEpoch, partitionMaxBytes }) => ({
      topic,
      topicId,
      partition,
      currentLeaderEpoch,
      fetchOffset,
      lastFetchedEpoch,
      partitionMaxBytes,
    })),
  )
}

function forgottenOf(request: RequestOf<'Fetch'>) {
  return request.forgottenTopicsData.flatMap(({ topic, topicId, partitions }) =>
    partitions.map((partition) => ({ topic, topicId, partition })),
  )
}

function isEnough(request: RequestOf<'Fetch'>, plan: FetchPlan, outcomes: readonly Outcome[]): boolean {
  if (request.maxWaitMs <= 0 || plan.partitions.length === 0) return true
  return totalBytes(outcomes) >= request.minBytes || outcomes.some(({ urgent }) => urgent)
}

/** Opens logs that nobody has used since the start, side by side; errors come back when the log is read. */
async function openAll(context: RequestContext, partitions: readonly FetchedPartition[]): Promise<void> {
  const opening = []
  for (const wanted of partitions) {
    const led = findLed(context, wanted)
    const log = led.error === undefined ? openLog(context.broker, led) : undefined
    if (log instanceof Promise) opening.push(log)
  }
  if (opening.length > 0) await Promise.allSettled(opening)
}

/** How many reads from the disk one fetch has under way at most. */
const maxReadsAtOnce = 16

/**
 * Reads the partitions in their order, within the limits of each and of the whole. What is not in memory is read side by
 * side, as long as every read may turn out as large as it may be.
 */
async function readAll(
  request: RequestOf<'Fetch'>,
  context: RequestContext,
  partitions: readonly FetchedPartition[],
  hints: LeaderHints,
): Promise<Outcome[]> {
  const budget = unsent(context.broker)
  const askedBytes = partitions.reduce((sum, { partitionMaxBytes }) => sum + Math.max(0, partitionMaxBytes), 0)
  const granted = budget.reserve(
    Math.min(request.maxBytes, context.broker.config.number('fetch.max.bytes'), askedBytes),
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
    const started = readPartition(request, context, wanted, { maxBytes, minOneBatch: nothingYet }, hints)
    // Most answers come from memory; waiting for each of a thousand would cost more than making it.
    if (started instanceof Promise) {
      left -= maxBytes
      // The disk is read only where there is something: it will be in the answer, or an error will.
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
  budget.free(granted)
  budget.hold(totalBytes(outcomes))
  return outcomes
}

function readPartition(
  request: RequestOf<'Fetch'>,
  context: RequestContext,
  wanted: FetchedPartition,
  options: ReadOptions,
  hints: LeaderHints,
): Outcome | Promise<Outcome> {
  const led = findLed(context, wanted)
  if (led.error !== undefined) {
    return urgent({ ...refused(wanted, led.error), ...hints.hint(led) })
  }
  if (context.apiVersion < 10 && led.topic.config['compression.type'] === 'zstd') {
    return urgent(refused(wanted, 'UNSUPPORTED_COMPRESSION_TYPE'))
  }
  const log = openLog(context.broker, led)
  return log instanceof Promise
    ? log.then(
        (opened) => readLog(request, wanted, opened, options),
        (error) => urgent(refused(wanted, toKafkaError(error).name)),
      )
    : readLog(request, wanted, log, options)
}

function readLog(
  request: RequestOf<'Fetch'>,
  wanted: FetchedPartition,
  log: PartitionLog,
  options: ReadOptions,
): Outcome | Promise<Outcome> {
  const diverged = divergence(wanted, log)
  if (diverged !== undefined) return urgent(diverged)
  const { appendedBytes } = log
  const succeed = (result: ReadResult): Outcome => ({
    answer: answerOf(request, wanted, result),
    sizeBytes: result.sizeBytes,
    log,
    appendedBytes,
    urgent: false,
    release: result.release,
  })
  const fail = (error: unknown): Outcome => urgent(refused(wanted, toKafkaError(error).name))
  try {
    const cached = log.readCached(wanted.fetchOffset, options)
    if (cached !== undefined) return succeed(cached)
    if (options.maxBytes === 0 && !options.minOneBatch) return succeed(nothingOf(log))
    return log.read(wanted.fetchOffset, options).then(succeed, fail)
  } catch (error) {
    return fail(error)
  }
}

/** The response is full, but the partition's offsets are news all the same. */
function nothingOf({ highWatermark, lastStableOffset, logStartOffset }: PartitionLog): ReadResult {
  return { records: [], sizeBytes: 0, highWatermark, lastStableOffset, logStartOffset, release() {} }
}

/** KIP-595: the client has records of an epoch that ended earlier here, or that never was. */
function divergence(wanted: FetchedPartition, log: PartitionLog): PartitionAnswer | undefined {
  const { lastFetchedEpoch, fetchOffset } = wanted
  if (lastFetchedEpoch < 0) return undefined
  if (lastFetchedEpoch > log.leaderEpoch) return refused(wanted, 'OFFSET_OUT_OF_RANGE')
  if (fetchOffset <= log.highWatermark) return undefined
  return {
    ...answerOf({ isolationLevel: 0 }, wanted, nothingOf(log)),
    divergingEpoch: { epoch: log.leaderEpoch, endOffset: log.highWatermark },
  }
}

function answerOf(
  { isolationLevel }: { readonly isolationLevel: number },
  { partition }: FetchedPartition,
  { records, highWatermark, lastStableOffset, logStartOffset }: ReadResult,
): PartitionAnswer {
  return {
    partitionIndex: partition,
    errorCode: errorCodes.NONE,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    abortedTransactions: isolationLevel === 1 ? [] : null,
    records,
  }
}

function refused({ partition }: FetchedPartition, error: KafkaErrorName): PartitionAnswer {
  return {
    partitionIndex: partition,
    errorCode: errorCodes[error],
    highWatermark: -1n,
    lastStableOffset: -1n,
    logStartOffset: -1n,
    abortedTransactions: null,
    records: Buffer.alloc(0),
  }
}

function urgent(answer: PartitionAnswer): Outcome {
  return { answer, sizeBytes: 0, log: undefined, appendedBytes: 0, urgent: true }
}

function respond(
  { broker }: RequestContext,
  plan: FetchPlan,
  outcomes: readonly Outcome[],
  hints: LeaderHints,
): ResponseInput<'Fetch'> {
  const responses: { topic: string; topicId: string; partitions: PartitionAnswer[] }[] = []
  for (const [at, { answer, sizeBytes }] of outcomes.entries()) {
    const { topic, topicId } = plan.partitions[at]!
    const news = {
      errorCode: answer.errorCode ?? 0,
      highWatermark: answer.highWatermark ?? -1n,
      logStartOffset: answer.logStartOffset ?? -1n,
      sizeBytes,
      mustSay: answer.divergingEpoch !== undefined,
    }
    if (!plan.include(at, news)) continue
    const last = responses.at(-1)
    if (last !== undefined && last.topic === topic && last.topicId === topicId) last.partitions.push(answer)
    else responses.push({ topic, topicId, partitions: [answer] })
  }
  return {
    sessionId: plan.finish(broker.clock.now()),
    responses,
    ...hints.endpoints(),
  }
}

// Fetch: a consumer reads record batches of partitions, waiting for them when asked to.
//
// Behaviour
// - Whole batches from the one that contains the offset; at least one in the response even if it exceeds the limits (KIP-74).
// - Waits until min.bytes can be read or max.wait has passed; appends wake it, nothing polls. An error ends the wait.
// - All answers that clients have not taken yet hold a bounded amount of memory; beyond it a fetch gets one batch at a time.
// - All that is written is stable: there are no transactions, so read_committed sees the same with no aborted ones.
//
// Versions: v7 adds sessions (`fetch-sessions/sessions.ts`, KIP-227). v9 checks leader epochs (KIP-320). v12 detects divergence (KIP-595).
// v13 names topics by id (KIP-516). v16 gives the leader's address (KIP-951). v10 is the first that takes zstd (KIP-110).
import { errorCodes, type RequestOf, type ResponseInput } from '@selfmonitor/protocol'
import type { PartitionAnswer } from '../fetch/answers.ts'
import { discard, type Outcome, openLogs, readPartitions, totalBytes } from '../fetch/read-partitions.ts'
import { createWait } from '../fetch/wait.ts'
import type { FetchedPartition, FetchPlan, ForgottenPartition } from '../fetch-sessions/sessions.ts'
import { sessionsOf } from '../fetch-sessions/state.ts'
import type { ApiHandler, RequestContext } from '../request/handler.ts'
import { createLeaderHints, type LeaderHints } from '../request/partition-leader.ts'

export const handleFetch: ApiHandler<'Fetch'> = async (request, context) => {
  const plan = planOf(request, context)
  if (plan.error !== undefined) return { errorCode: errorCodes[plan.error] }

  await openLogs(context, plan.partitions)
  const hints = createLeaderHints(context, { currentLeader: 12, nodeEndpoints: 16 })
  const fetch = { request, context, hints }
  let outcomes = await readPartitions(fetch, plan.partitions)
  if (!isEnough(request, plan, outcomes)) {
    const wait = createWait(context, request, outcomes)
    await wait.done
    if (wait.progress || context.signal.aborted) {
      discard(context, outcomes)
      outcomes = await readPartitions(fetch, plan.partitions)
    }
  }
  const answered = outcomes
  context.afterAnswer(() => discard(context, answered))
  return respond(context, plan, outcomes, hints)
}

/** Which partitions to read: those that the request lists, or those of its session. */
function planOf(request: RequestOf<'Fetch'>, { broker, brokerId, apiVersion }: RequestContext) {
  const maxSessions = () => broker.config.number('max.incremental.fetch.session.cache.slots')
  return sessionsOf(broker.fetches, brokerId, maxSessions).begin(
    request,
    partitionsOf(request),
    forgottenOf(request),
    apiVersion >= 13,
    broker.clock.now(),
  )
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

function forgottenOf(request: RequestOf<'Fetch'>): ForgottenPartition[] {
  return request.forgottenTopicsData.flatMap(({ topic, topicId, partitions }) =>
    partitions.map((partition) => ({ topic, topicId, partition })),
  )
}

/** Whether the client gets what was read without waiting for more. */
function isEnough(request: RequestOf<'Fetch'>, plan: FetchPlan, outcomes: readonly Outcome[]): boolean {
  if (request.maxWaitMs <= 0 || plan.partitions.length === 0) return true
  return totalBytes(outcomes) >= request.minBytes || outcomes.some(({ endsWait }) => endsWait)
}

function respond(
  { broker }: RequestContext,
  plan: FetchPlan,
  outcomes: readonly Outcome[],
  hints: LeaderHints,
): ResponseInput<'Fetch'> {
  const responses: { topic: string; topicId: string; partitions: PartitionAnswer[] }[] = []
  const { counters } = broker
  counters.fetch.total += outcomes.length
  for (const [at, { answer, sizeBytes, log }] of outcomes.entries()) {
    if (answer.errorCode === errorCodes.UNKNOWN_SERVER_ERROR) counters.fetch.failed++
    const { topic, topicId } = plan.partitions[at]!
    const answered = {
      errorCode: answer.errorCode ?? 0,
      highWatermark: answer.highWatermark ?? -1n,
      logStartOffset: answer.logStartOffset ?? -1n,
      sizeBytes,
      diverged: answer.divergingEpoch !== undefined,
    }
    if (sizeBytes > 0 && log !== undefined) counters.sent(counters.topic(log.topic), sizeBytes)
    if (!plan.include(at, answered)) continue
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

// Commits how far each partition is handled, at intervals and when asked to.
import { type CommitResult, type GroupMember, kafkaErrorName, partitionErrorKind, reasonOf } from '../kafka/index.ts'
import type { Problems } from '../problems.ts'
import { clientErrorType, type StreamMetrics, type Tracing, traceCommit } from '../telemetry/index.ts'
import type { Work } from './processor.ts'
import type { PartitionOffset, Scheduler } from './scheduler.ts'

export interface CommitterOptions {
  readonly group: string
  readonly intervalMs: number
  readonly member: Pick<GroupMember, 'commit' | 'coordinator'>
  readonly scheduler: Scheduler<Work>
  readonly problems: Problems
  readonly tracing: Tracing
  readonly metrics: StreamMetrics
}

export interface Committer {
  /** Commits at intervals from now on. */
  start(): void
  /** Commits the positions that have moved, one commit at a time. Failed ones are part of the next commit. Never throws. */
  commit(): Promise<void>
  /** Ends the intervals. */
  stop(): void
}

interface CommitterState {
  readonly options: CommitterOptions
  timer: NodeJS.Timeout | null
  /** The commit that is under way. */
  committing: Promise<void> | null
  stopped: boolean
}

export function createCommitter(options: CommitterOptions): Committer {
  const state: CommitterState = { options, timer: null, committing: null, stopped: false }
  return {
    start: () => commitLater(state),
    commit: () => commit(state),
    stop() {
      state.stopped = true
      if (state.timer !== null) clearTimeout(state.timer)
    },
  }
}

function commitLater(state: CommitterState): void {
  state.timer = setTimeout(async () => {
    await commit(state)
    if (!state.stopped) commitLater(state)
  }, state.options.intervalMs)
}

async function commit(state: CommitterState): Promise<void> {
  while (state.committing !== null) await state.committing
  const { scheduler, member } = state.options
  const offsets = scheduler.committable()
  if (offsets.length === 0) {
    // Offsets that could not be committed belong to partitions of another member now.
    state.options.problems.solved(resourceOf(state))
    return
  }
  const report = beginReport(state, offsets)
  state.committing = member
    .commit(offsets)
    .then((results) => {
      report(results.find(({ error }) => error !== null)?.error ?? null)
      takeResults(state, offsets, results)
    })
    .catch((error: unknown) => {
      report(clientErrorType(error))
      reportFailure(state, kafkaErrorName(error) ?? 'UNREACHABLE', reasonOf(error))
    })
    .finally(() => {
      state.committing = null
    })
  await state.committing
}

/** @returns what ends the span of the commit and measures it; its argument is Kafka's name of the error, or null */
function beginReport({ options }: CommitterState, offsets: readonly PartitionOffset[]): (error: string | null) => void {
  const { member, metrics, tracing } = options
  const startedAtMs = Date.now()
  const startedMs = performance.now()
  const [first] = offsets
  const topic = offsets.every((one) => one.topic === first!.topic) ? first!.topic : null
  const partition = offsets.length === 1 ? first!.partition : null
  return (error) => {
    const server = member.coordinator()
    const seconds = (performance.now() - startedMs) / 1000
    if (metrics.wanted()) metrics.committed({ topic, server, seconds, error })
    traceCommit(tracing, { topic, partition, server, startedAtMs, error })
  }
}

function takeResults(
  state: CommitterState,
  offsets: readonly PartitionOffset[],
  results: readonly CommitResult[],
): void {
  const { scheduler, problems } = state.options
  let failed: string | null = null
  for (const [i, { error }] of results.entries()) {
    if (error === null) scheduler.committed(offsets[i]!)
    // The topic is gone, or another one of its name has come: the fetcher notices, says so, and has the partition moved.
    else if (!topicGone.includes(error)) failed = error
  }
  if (failed === null) problems.solved(resourceOf(state))
  else reportFailure(state, failed, failed)
}

const topicGone = ['UNKNOWN_TOPIC_ID', 'UNKNOWN_TOPIC_OR_PARTITION']

function reportFailure(state: CommitterState, code: string, reason: string): void {
  const { group, problems } = state.options
  const fatal = partitionErrorKind(code) === 'fatal'
  const message = `offsets of the group ${group} cannot be committed: ${reason}`
  problems.report(resourceOf(state), { code, message, fatal, routine: !fatal })
}

const resourceOf = ({ options }: CommitterState): string => `commits of group ${options.group}`

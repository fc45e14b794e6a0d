// Commits how far each partition is handled, at intervals and when asked to.
import { type GroupMember, kafkaErrorName, partitionErrorKind, reasonOf } from '../kafka/index.ts'
import type { Problems } from '../problems.ts'
import type { Work } from './processor.ts'
import type { Scheduler } from './scheduler.ts'

export interface CommitterOptions {
  readonly group: string
  readonly intervalMs: number
  readonly member: Pick<GroupMember, 'commit'>
  readonly scheduler: Scheduler<Work>
  readonly problems: Problems
}

export interface Committer {
  /** Commits at intervals from now on. */
  start(): void
  /** Commits what has moved; one commit at a time. What fails is committed with the next. It never throws. */
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
  if (offsets.length === 0) return
  state.committing = member
    .commit(offsets)
    .then(() => {
      for (const offset of offsets) scheduler.committed(offset)
      state.options.problems.solved(resourceOf(state))
    })
    .catch((error: unknown) => reportFailure(state, error))
    .finally(() => {
      state.committing = null
    })
  await state.committing
}

function reportFailure(state: CommitterState, error: unknown): void {
  const { group, problems } = state.options
  const code = kafkaErrorName(error) ?? 'UNREACHABLE'
  const fatal = partitionErrorKind(code) === 'fatal'
  const message = `offsets of the group ${group} cannot be committed: ${reasonOf(error)}`
  problems.report(resourceOf(state), { code, message, fatal, routine: !fatal })
}

const resourceOf = ({ options }: CommitterState): string => `commits of group ${options.group}`

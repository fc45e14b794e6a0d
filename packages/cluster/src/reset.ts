// Plans an offset reset. Pure, so that every strategy can be tested without a broker.
import { invalid } from './errors.ts'
import type { OffsetReset, ResetStrategy } from './types.ts'

/** The state of one partition when a reset is planned. */
export interface PartitionState {
  readonly topic: string
  readonly partition: number
  readonly committed: bigint | null
  readonly logStart: bigint
  readonly logEnd: bigint
  /** First offset at or after the asked time, null when there is none; only for `datetime` and `duration`. */
  readonly atTime?: bigint | null
  /** The offset that the other group committed; only for `from-group`. */
  readonly other?: bigint | null
}

/**
 * The offset that each partition would get, by the rules of `kafka-consumer-groups --reset-offsets` (KIP-122):
 *
 * - `earliest`, `latest`: the ends of the log.
 * - `current`: the committed offset, unchanged; the log's end where nothing is committed.
 * - `offset`, `shift-by`, `from-file`: clamped to the log. `shift-by` needs a committed offset.
 * - `datetime`, `duration`: the first record at or after that time; the log's end where there is none.
 * - `from-group` (not Kafka's): what the other group committed, clamped; partitions it has no offset for are left out.
 *
 * @throws ClusterError INVALID_ARGUMENT when a partition cannot follow the strategy
 */
export function computeResets(partitions: readonly PartitionState[], strategy: ResetStrategy): OffsetReset[] {
  const fromFile = strategy.kind === 'from-file' ? offsetsFromFile(partitions, strategy.offsets) : undefined
  const resets: OffsetReset[] = []
  for (const state of partitions) {
    const target = targetOffset(state, strategy, fromFile)
    if (target === null) {
      continue
    }
    const to = strategy.kind === 'current' ? target : clamp(target, state)
    resets.push({ topic: state.topic, partition: state.partition, from: state.committed, to, clamped: to !== target })
  }
  return resets.sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
}

function targetOffset(
  state: PartitionState,
  strategy: ResetStrategy,
  fromFile: ReadonlyMap<string, bigint> | undefined,
): bigint | null {
  switch (strategy.kind) {
    case 'earliest':
      return state.logStart
    case 'latest':
      return state.logEnd
    case 'current':
      return state.committed ?? state.logEnd
    case 'offset':
      return strategy.offset
    case 'shift-by':
      if (state.committed === null) {
        throw invalid(`Cannot shift ${label(state)}: the group has no committed offset there`, {
          resource: label(state),
          hint: 'Leave the partition out, or set it with earliest, latest or an offset.',
        })
      }
      return state.committed + strategy.by
    case 'datetime':
    case 'duration':
      return state.atTime ?? state.logEnd
    case 'from-file':
      return fromFile?.get(label(state)) ?? null
    case 'from-group':
      return state.other ?? null
    default:
      return strategy satisfies never
  }
}

function offsetsFromFile(
  partitions: readonly PartitionState[],
  offsets: readonly { readonly topic: string; readonly partition: number; readonly offset: bigint }[],
): Map<string, bigint> {
  const wanted = new Set(partitions.map(label))
  const found = new Map<string, bigint>()
  for (const row of offsets) {
    const key = label(row)
    if (!wanted.has(key)) {
      throw invalid(`The file names ${key}, which is not among the partitions to reset`, {
        resource: key,
        hint: 'Correct the file, or reset that topic as well.',
      })
    }
    if (found.has(key)) {
      throw invalid(`The file names ${key} twice`, { resource: key, hint: 'Keep one row for each partition.' })
    }
    found.set(key, row.offset)
  }
  return found
}

function clamp(offset: bigint, { logStart, logEnd }: PartitionState): bigint {
  return offset < logStart ? logStart : offset > logEnd ? logEnd : offset
}

function label({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}-${partition}`
}

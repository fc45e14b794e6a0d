// The lag of groups: messages, seconds, how fast it changes. For the metrics and for `groups lag`.
import type { GroupState } from '@selfmonitor/cluster'
import type { GroupPartitionHistory, Problem, Snapshot } from '../snapshot/types.ts'
import { type View, type ViewedRow, viewOf } from './view.ts'

/** Over how much of the history the velocity of a lag is told. */
const velocityMs = 5 * 60_000

/** undefined when no partition's lag is known: nothing is committed. */
export function topicLag(rows: readonly ViewedRow[]): bigint | undefined {
  let sum: bigint | undefined
  for (const { row } of rows) if (row.lag !== null) sum = (sum ?? 0n) + row.lag
  return sum
}

/** undefined when it is not known: the record was not read. */
export function lagSeconds({ row }: ViewedRow, { groupsAtMs }: View): number | undefined {
  if (row.lag === null) return undefined
  if (row.lag === 0n || row.nextUnread === 'none') return 0
  return row.nextUnread === null ? undefined : Math.max(0, groupsAtMs - row.nextUnread.timestampMs) / 1_000
}

type Point = GroupPartitionHistory['points'][number]

/** The change of a value of the points, per second; undefined before there are two. */
function perSecond({ history }: ViewedRow, value: (point: Point) => number): number | undefined {
  const last = history?.points.at(-1)
  const first = history?.points.find(({ atMs }) => last !== undefined && last.atMs - atMs <= velocityMs)
  if (first === undefined || last === undefined || last.atMs <= first.atMs) return undefined
  return ((value(last) - value(first)) * 1_000) / (last.atMs - first.atMs)
}

/** Messages a second by which the lag of a partition grew; undefined before there are two points. */
function velocity(row: ViewedRow): number | undefined {
  return perSecond(row, ({ committed, end }) => Math.max(0, Number(end - committed)))
}

function sumOf(rows: readonly ViewedRow[], value: (row: ViewedRow) => number | undefined): number | undefined {
  let sum: number | undefined
  for (const row of rows) {
    const one = value(row)
    if (one !== undefined) sum = (sum ?? 0) + one
  }
  return sum
}

export function topicVelocity(rows: readonly ViewedRow[]): number | undefined {
  return sumOf(rows, velocity)
}

/** undefined when no partition's is known. */
export function topicLagSeconds(rows: readonly ViewedRow[], view: View): number | undefined {
  const known = rows.map((row) => lagSeconds(row, view)).filter((seconds) => seconds !== undefined)
  return known.length === 0 ? undefined : known.reduce((a, b) => Math.max(a, b))
}

export function catchUpSeconds(rows: readonly ViewedRow[]): number | undefined {
  const lag = topicLag(rows)
  if (lag === undefined) return undefined
  if (lag === 0n) return 0
  const speed = topicVelocity(rows)
  if (speed === undefined) return undefined
  return speed < 0 ? Number(lag) / -speed : Number.POSITIVE_INFINITY
}

/** How far a group is behind in a topic, or in one partition of it. null: not known. */
export interface LagRow {
  readonly group: string
  readonly state: GroupState
  readonly members: number
  readonly topic: string
  /** null: the whole topic. */
  readonly partition: number | null
  readonly messages: bigint | null
  /** Since the timestamp of the next unread record; of a topic, the largest of its partitions. */
  readonly seconds: number | null
  /** Messages a second that are written, and that are committed. */
  readonly inPerSecond: number | null
  readonly outPerSecond: number | null
  /** Infinity: the lag does not shrink. */
  readonly catchUpSeconds: number | null
  readonly problem: Problem | null
}

/** The lag of every group but share groups, whose committed offsets do not tell it. @param each row is a topic, or a partition */
export function lagRows(snapshot: Snapshot, each: 'topic' | 'partition'): LagRow[] {
  const view = viewOf(snapshot, { version: '', requests: 0 })
  return view.groups
    .filter(({ group }) => group.type !== 'share')
    .flatMap(({ group, topics }) =>
      topics
        .flatMap(({ rows }) => (each === 'topic' ? [rows] : rows.map((row) => [row])))
        .filter((rows) => rows.length > 0)
        .map(
          (rows): LagRow => ({
            group: group.groupId,
            state: group.state,
            members: group.members.length,
            topic: rows[0]!.row.topic,
            partition: each === 'topic' ? null : rows[0]!.row.partition,
            messages: topicLag(rows) ?? null,
            seconds: topicLagSeconds(rows, view) ?? null,
            inPerSecond: sumOf(rows, (row) => perSecond(row, ({ end }) => Number(end))) ?? null,
            outPerSecond: sumOf(rows, (row) => perSecond(row, ({ committed }) => Number(committed))) ?? null,
            catchUpSeconds: catchUpSeconds(rows) ?? null,
            problem: group.problem,
          }),
        ),
    )
}

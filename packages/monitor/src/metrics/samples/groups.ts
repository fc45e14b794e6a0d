// Metrics of groups.
import type { GroupState, GroupType } from '@selfmonitor/cluster'
import { catchUpSeconds, lagSeconds, topicLag, topicLagSeconds, topicVelocity } from '../lag.ts'
import type { View, ViewedGroup, ViewedRow } from '../view.ts'
import type { Compute } from './types.ts'

/** The states of KIP-848, KIP-932 and KIP-1071, and of classic groups. */
const states: Readonly<Record<GroupType, readonly GroupState[]>> = {
  classic: ['Empty', 'PreparingRebalance', 'CompletingRebalance', 'Stable', 'Dead'],
  consumer: ['Empty', 'Assigning', 'Reconciling', 'Stable', 'Dead'],
  share: ['Empty', 'Stable', 'Dead'],
  streams: ['Empty', 'NotReady', 'Assigning', 'Reconciling', 'Stable', 'Dead'],
}

const isShare = ({ group }: ViewedGroup): boolean => group.type === 'share'

type Found = number | bigint | null | undefined

/** For groups that commit offsets: all but share groups. */
const perRow =
  (value: (row: ViewedRow, view: View) => Found): Compute =>
  (view, emit) => {
    for (const group of view.groups) {
      if (isShare(group)) continue
      for (const { rows } of group.topics) {
        for (const row of rows) {
          const found = value(row, view)
          if (found != null) emit(row.labels, found)
        }
      }
    }
  }

const perTopic =
  (value: (rows: readonly ViewedRow[], view: View) => Found): Compute =>
  (view, emit) => {
    for (const group of view.groups) {
      if (isShare(group)) continue
      for (const { labels, rows } of group.topics) {
        const found = value(rows, view)
        if (found != null) emit(labels, found)
      }
    }
  }

/** How near the next unread message is to being deleted, 0 to 1. */
function retentionUsed(viewed: ViewedRow, view: View): number | undefined {
  const { row, at } = viewed
  if (row.lag === null || row.committed === null || view.configs === null || at?.offsets?.start == null)
    return undefined
  if (row.committed < at.offsets.start) return 1
  if (row.lag === 0n || row.nextUnread === 'none') return 0
  const setting = (name: string): string | undefined => view.topicSetting(row.topic, name)
  if (!(setting('cleanup.policy') ?? 'delete').includes('delete')) return 0
  const seconds = lagSeconds(viewed, view)
  const retentionMs = Number(setting('retention.ms') ?? -1)
  const byTime = retentionMs > 0 && seconds !== undefined ? (seconds * 1_000) / retentionMs : undefined
  const used = [byTime, retentionUsedBytes(viewed, Number(setting('retention.bytes') ?? -1))].filter(
    (share) => share !== undefined,
  )
  if (used.length === 0) return retentionMs > 0 ? undefined : 0
  return Math.min(1, Math.max(...used))
}

/** Bytes from the next unread message to the end, as a share of what is kept. */
function retentionUsedBytes({ row, at }: ViewedRow, retentionBytes: number): number | undefined {
  const { start, end } = at?.offsets ?? {}
  if (retentionBytes <= 0 || start == null || end == null || at?.leaderBytes === undefined || end <= start)
    return undefined
  const unread = Number(end - row.committed!) / Number(end - start)
  return (unread * Number(at.leaderBytes)) / retentionBytes
}

function commitStaleness({ row, history }: ViewedRow, { groupsAtMs }: View): number | undefined {
  if (row.lag === null || history === undefined) return undefined
  if (row.lag === 0n || row.nextUnread === 'none') return 0
  return Math.max(0, groupsAtMs - (history.movedAtMs ?? history.firstSeenMs)) / 1_000
}

export const groupSamples = {
  lag: perRow(({ row }) => row.lag),
  groupTopicLag: perTopic(topicLag),
  lagSeconds: perRow(lagSeconds),
  groupTopicLagSeconds: perTopic(topicLagSeconds),
  lagVelocity: perTopic(topicVelocity),
  catchUp: perTopic(catchUpSeconds),
  retentionUsed: perRow(retentionUsed),
  commitStaleness: perRow(commitStaleness),
  lost: perRow(({ history }) => history?.lost),
  committed: perRow(({ row }) => row.committed),
  groupState: ({ groups }, emit) => {
    for (const { group } of groups) {
      const known = states[group.type]
      for (const state of known) emit([group.groupId, state], state === group.state ? 1 : 0)
      if (!known.includes(group.state)) emit([group.groupId, group.state], 1)
    }
  },
  groupInfo: ({ groups }, emit) => {
    for (const { group } of groups) emit([group.groupId, group.type, String(group.coordinatorId ?? '')], 1)
  },
  groupMembers: ({ groups }, emit) => {
    for (const { labels, group } of groups) emit(labels, group.members.length)
  },
  groupRebalances: ({ groups, snapshot }, emit) => {
    for (const { labels, group } of groups) {
      const history = snapshot.history.groups.get(group.groupId)
      if (history !== undefined) emit(labels, history.rebalances)
    }
  },
  shareLag: ({ groups }, emit) => {
    for (const group of groups.filter(isShare)) {
      for (const { rows } of group.topics) {
        for (const { labels, row } of rows) if (row.lag !== null) emit(labels, row.lag)
      }
    }
  },
} as const satisfies Record<string, Compute>

// Committed offsets of groups: lag, resets of any kind, deletion.
import { alterShareGroupOffsets } from '@selfmonitor/protocol/api/alter-share-group-offsets'
import { errorCodes } from '@selfmonitor/protocol/errors'
import { apis } from './apis.ts'
import { byTopic, groupBy } from './batch.ts'
import { brokerError, type ClusterError, invalid } from './errors.ts'
import { readGroups } from './groups.ts'
import { listOffsets } from './offsets.ts'
import { computeResets, type PartitionState } from './reset.ts'
import { describeTopics, readTopics, throwFirst } from './topics.ts'
import type { Deadline } from './transport/deadline.ts'
import { protocolApi } from './transport/protocol-api.ts'
import type { Transport } from './transport/transport.ts'
import type { Cluster, GroupLag, ResetStrategy } from './types.ts'

// The generation and member id of a commit that does not come from a member.
const noMember = { generation: -1, id: '' }

interface Committed {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

/** Every offset that the group has committed. */
async function committedOffsets(transport: Transport, deadline: Deadline, groupId: string): Promise<Committed[]> {
  return transport.retrying(deadline, async () => {
    const coordinator = (await transport.coordinators([groupId], deadline)).get(groupId)!
    const request = [{ groupId, memberId: null, memberEpoch: -1, topics: null }]
    const { groups } = await transport.send(coordinator, apis.offsetFetch, request, false)
    const committed: Committed[] = []
    for (const group of groups) {
      if (group.errorCode !== 0 && group.errorCode !== errorCodes.GROUP_ID_NOT_FOUND) {
        throw brokerError(group.errorCode, `group ${groupId}`)
      }
      for (const { name, partitions } of group.topics) {
        for (const { partitionIndex, committedOffset, errorCode } of partitions) {
          if (errorCode !== 0) {
            throw brokerError(errorCode, `group ${groupId}, topic ${name} partition ${partitionIndex}`)
          }
          if (committedOffset >= 0n) {
            committed.push({ topic: name, partition: partitionIndex, offset: committedOffset })
          }
        }
      }
    }
    return committed
  })
}

export const groupLag =
  (transport: Transport): Cluster['groupLag'] =>
  (groupId) =>
    transport.operation('groupLag', async (deadline) => {
      const [committed, [group]] = await Promise.all([
        committedOffsets(transport, deadline, groupId),
        readGroups(transport, deadline, [groupId]),
      ])
      const rows = new Map<
        string,
        { topic: string; partition: number; offset: bigint | null; memberId: string | null }
      >()
      for (const row of committed) {
        rows.set(`${row.topic}/${row.partition}`, { ...row, memberId: null })
      }
      for (const { memberId, assignment } of group!.members) {
        for (const { topic, partitions } of assignment) {
          for (const partition of partitions) {
            const key = `${topic}/${partition}`
            rows.set(key, { topic, partition, offset: rows.get(key)?.offset ?? null, memberId })
          }
        }
      }
      const live = await existing(transport, deadline, [...rows.values()])
      const ends = await listOffsets(transport, deadline, live, 'latest')
      return live
        .map(({ topic, partition, offset, memberId }, i): GroupLag => {
          const logEndOffset = ends[i]?.offset ?? 0n
          const behind = offset === null ? null : logEndOffset - offset
          return {
            groupId,
            topic,
            partition,
            committedOffset: offset,
            logEndOffset,
            lag: behind === null ? null : behind < 0n ? 0n : behind,
            memberId,
          }
        })
        .sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
    })

/** Leaves out partitions of topics that were deleted after the group committed. */
async function existing<T extends { readonly topic: string; readonly partition: number }>(
  transport: Transport,
  deadline: Deadline,
  rows: readonly T[],
): Promise<T[]> {
  const topics = await readTopics(transport, deadline, [...new Set(rows.map(({ topic }) => topic))])
  const sizes = new Map(topics.map(({ name, partitions }) => [name, partitions.length]))
  return rows.filter(({ topic, partition }) => partition < (sizes.get(topic) ?? 0))
}

export const planOffsetReset =
  (transport: Transport, now: () => number): Cluster['planOffsetReset'] =>
  (groupId, topics, strategy) =>
    transport.operation('planOffsetReset', async (deadline) => {
      const [own, other] = await Promise.all([
        committedOffsets(transport, deadline, groupId),
        strategy.kind === 'from-group' ? committedOffsets(transport, deadline, strategy.groupId) : [],
      ])
      if (strategy.kind === 'from-group' && other.length === 0) {
        throw invalid(`group ${strategy.groupId} has no committed offsets to copy`, {
          resource: `group ${strategy.groupId}`,
          hint: 'Check the name; list groups to see which exist.',
        })
      }
      const partitions = await chosenPartitions(transport, deadline, groupId, topics, strategy, own, other)
      const time =
        strategy.kind === 'datetime' ? strategy.timestampMs : strategy.kind === 'duration' ? now() - strategy.ms : null
      const [starts, ends, times] = await Promise.all([
        listOffsets(transport, deadline, partitions, 'earliest'),
        listOffsets(transport, deadline, partitions, 'latest'),
        time === null ? null : listOffsets(transport, deadline, partitions, Math.max(0, time)),
      ])
      const ownOffsets = offsetMap(own)
      const otherOffsets = offsetMap(other)
      const known = partitions.map(
        ({ topic, partition }, i): PartitionState => ({
          topic,
          partition,
          committed: ownOffsets.get(`${topic}/${partition}`) ?? null,
          logStart: starts[i]!.offset ?? 0n,
          logEnd: ends[i]!.offset ?? 0n,
          atTime: times?.[i]?.offset ?? null,
          other: otherOffsets.get(`${topic}/${partition}`) ?? null,
        }),
      )
      return computeResets(known, strategy)
    })

async function chosenPartitions(
  transport: Transport,
  deadline: Deadline,
  groupId: string,
  topics: Parameters<Cluster['planOffsetReset']>[1],
  strategy: ResetStrategy,
  own: readonly Committed[],
  other: readonly Committed[],
): Promise<{ topic: string; partition: number }[]> {
  if (topics === 'all') {
    // As kafka-consumer-groups does with --all-topics: what the group has offsets for, or what the source names.
    const source = strategy.kind === 'from-file' ? strategy.offsets : strategy.kind === 'from-group' ? other : own
    if (source.length === 0) {
      throw invalid(`Group ${groupId} has no committed offsets, so there are no topics to reset.`, {
        resource: `group ${groupId}`,
        hint: 'Name the topics to set offsets for.',
      })
    }
    return existing(transport, deadline, source)
  }
  const infos = new Map(
    (
      await describeTopics(
        transport,
        deadline,
        topics.map(({ topic }) => topic),
      )
    ).map((info) => [info.name, info]),
  )
  return topics.flatMap(({ topic, partitions }) => {
    const all = infos.get(topic)!.partitions.map(({ partition }) => partition)
    const missing = partitions?.find((partition) => !all.includes(partition))
    if (missing !== undefined) {
      throw brokerError(3, `topic ${topic} partition ${missing}`, `it has partitions 0 to ${all.length - 1}.`)
    }
    return (partitions ?? all).map((partition) => ({ topic, partition }))
  })
}

export const resetOffsets =
  (transport: Transport): Cluster['resetOffsets'] =>
  (groupId, resets) =>
    transport.operation('resetOffsets', async (deadline) => {
      if (resets.length === 0) {
        return
      }
      const [group] = await readGroups(transport, deadline, [groupId])
      if (group!.members.length > 0 || !['Empty', 'Dead'].includes(group!.state)) {
        throw nonEmpty(groupId, `it is ${group!.state} with ${group!.members.length} member(s)`)
      }
      await commit(transport, deadline, groupId, resets, `resetting the offsets of the group ${groupId}`)
    })

export const commitOffsets =
  (transport: Transport): Cluster['commitOffsets'] =>
  (groupId, offsets) =>
    transport.operation('commitOffsets', async (deadline) => {
      if (offsets.length === 0) {
        return
      }
      await commit(transport, deadline, groupId, offsets, `committing offsets of the group ${groupId}`)
    })

const alterShareVersions = [protocolApi(alterShareGroupOffsets, 0)]

export const setShareGroupStarts =
  (transport: Transport): Cluster['setShareGroupStarts'] =>
  (groupId, starts) =>
    transport.operation('setShareGroupStarts', async (deadline) => {
      if (starts.length === 0) return
      await transport.redirected(deadline, async () => {
        const coordinator = (await transport.coordinators([groupId], deadline)).get(groupId)!
        const what = `setting where the share group ${groupId} begins`
        const { errorCode, errorMessage, responses } = await transport.change(
          deadline,
          what,
          coordinator,
          alterShareVersions,
          {
            groupId,
            topics: [...groupBy(starts, ({ topic }) => topic)].map(([topicName, own]) => ({
              topicName,
              partitions: own.map(({ partition, to }) => ({ partitionIndex: partition, startOffset: to })),
            })),
          },
        )
        if (errorCode !== 0) throw brokerError(errorCode, `group ${groupId}`, errorMessage)
        const results = responses.flatMap(({ topicName, partitions }) =>
          partitions.map((one) => ({ ...one, topicName })),
        )
        throwFirst(results, (one) => `group ${groupId}, topic ${one.topicName} partition ${one.partitionIndex}`)
      })
    })

/** Commits as no member of the group. @throws ClusterError NON_EMPTY_GROUP while it has some */
async function commit(
  transport: Transport,
  deadline: Deadline,
  groupId: string,
  offsets: Parameters<Cluster['commitOffsets']>[1],
  what: string,
): Promise<void> {
  await transport.redirected(deadline, async () => {
    const coordinator = (await transport.coordinators([groupId], deadline)).get(groupId)!
    const response = await transport.change(
      deadline,
      what,
      coordinator,
      apis.offsetCommit,
      groupId,
      noMember.generation,
      noMember.id,
      null,
      byTopic(offsets, ({ partition, to, metadata = '' }) => ({
        partitionIndex: partition,
        committedOffset: to,
        committedLeaderEpoch: -1,
        committedMetadata: metadata,
      })),
    )
    for (const { name, partitions } of response.topics) {
      for (const { partitionIndex, errorCode } of partitions) {
        const error =
          errorCode === 0 ? null : brokerError(errorCode, `group ${groupId}, topic ${name} partition ${partitionIndex}`)
        // This is how a coordinator refuses a commit from outside while members are there.
        if (
          error !== null &&
          ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS'].includes(error.code)
        ) {
          throw nonEmpty(groupId, 'a member joined meanwhile')
        }
        if (error !== null) {
          throw error
        }
      }
    }
  })
}

function nonEmpty(groupId: string, why: string): ClusterError {
  return brokerError(errorCodes.NON_EMPTY_GROUP, `group ${groupId}`, `the group is active: ${why}.`)
}

export const deleteGroupOffsets =
  (transport: Transport): Cluster['deleteGroupOffsets'] =>
  (groupId, partitions) =>
    transport.operation('deleteGroupOffsets', async (deadline) => {
      if (partitions.length === 0) {
        return
      }
      await transport.redirected(deadline, async () => {
        const coordinator = (await transport.coordinators([groupId], deadline)).get(groupId)!
        const response = await transport.change(
          deadline,
          `deleting offsets of the group ${groupId}`,
          coordinator,
          apis.offsetDelete,
          groupId,
          byTopic(partitions, ({ partition }) => ({ partitionIndex: partition })),
        )
        if (response.errorCode !== 0) {
          throw brokerError(response.errorCode, `group ${groupId}`)
        }
        for (const { name, partitions: results } of response.topics) {
          const failed = results.find(({ errorCode }) => errorCode !== 0)
          if (failed !== undefined) {
            throw brokerError(failed.errorCode, `group ${groupId}, topic ${name} partition ${failed.partitionIndex}`)
          }
        }
      })
    })

function offsetMap(rows: readonly Committed[]): Map<string, bigint> {
  return new Map(rows.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]))
}

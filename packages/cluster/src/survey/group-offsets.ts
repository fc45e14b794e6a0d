// Committed offsets of many groups, and start offsets of share groups.
import { describeShareGroupOffsets } from '@selfmonitor/protocol/api/describe-share-group-offsets'
import { offsetFetch } from '@selfmonitor/protocol/api/offset-fetch'
import { errorCodes } from '@selfmonitor/protocol/errors'
import { chunks, groupBy, mapConcurrently } from '../batch.ts'
import { problemOf, problemOfCode } from '../problem.ts'
import type { ClusterSurvey, GroupOffsets } from '../survey-types.ts'
import { protocolApi } from '../transport/protocol-api.ts'
import type { Transport } from '../transport/transport.ts'

const groupsPerRequest = 1_000
const concurrency = 4
const offsetFetchVersions = [9, 8].map((version) => protocolApi(offsetFetch, version))
const shareOffsetsVersions = [1, 0].map((version) => protocolApi(describeShareGroupOffsets, version))

export const groupOffsets =
  (transport: Transport): ClusterSurvey['groupOffsets'] =>
  (groups) =>
    transport.operation('groupOffsets', () => readOffsets(transport, groups))

/** As `groupOffsets`, within the time of another operation. */
export async function readOffsets(
  transport: Transport,
  groups: Parameters<ClusterSurvey['groupOffsets']>[0],
): Promise<GroupOffsets[]> {
  const kindOf = ({ type }: { readonly type: string }): 'share' | 'committed' =>
    type === 'share' ? 'share' : 'committed'
  const requests = [...groupBy(groups, (group) => `${group.coordinatorId} ${kindOf(group)}`).values()].flatMap((same) =>
    chunks(same, groupsPerRequest),
  )
  const found = new Map<string, GroupOffsets>()
  await mapConcurrently(requests, concurrency, async (part) => {
    const ids = part.map(({ groupId }) => groupId)
    const read = kindOf(part[0]!) === 'share' ? shareOffsets : committedOffsets
    try {
      for (const group of await read(transport, part[0]!.coordinatorId, ids)) found.set(group.groupId, group)
    } catch (error) {
      const problem = problemOf(error)
      for (const groupId of ids) found.set(groupId, { groupId, offsets: [], problem })
    }
  })
  return groups.map(({ groupId }) => found.get(groupId) ?? { groupId, offsets: [], problem: null })
}

/** OffsetFetch for several groups (KIP-709); null asks for all of a group's partitions. */
async function committedOffsets(transport: Transport, coordinator: number, ids: string[]): Promise<GroupOffsets[]> {
  const request = { groups: ids.map((groupId) => ({ groupId, topics: null })), requireStable: false }
  const { groups } = await transport.send(coordinator, offsetFetchVersions, request)
  return groups.map(({ groupId, errorCode, topics }) => ({
    groupId,
    // A group that is deleted meanwhile has no offsets.
    problem: errorCode === errorCodes.GROUP_ID_NOT_FOUND ? null : problemOfCode(errorCode),
    offsets: topics.flatMap(({ name, partitions }) =>
      partitions
        .filter((partition) => partition.errorCode === 0 && partition.committedOffset >= 0n)
        .map(({ partitionIndex, committedOffset, committedLeaderEpoch, metadata }) => ({
          topic: name,
          partition: partitionIndex,
          offset: committedOffset,
          leaderEpoch: committedLeaderEpoch,
          metadata: metadata ?? '',
          lag: null,
        })),
    ),
  }))
}

async function shareOffsets(transport: Transport, coordinator: number, ids: string[]): Promise<GroupOffsets[]> {
  const request = { groups: ids.map((groupId) => ({ groupId, topics: null })) }
  const { groups } = await transport.send(coordinator, shareOffsetsVersions, request)
  return groups.map(({ groupId, errorCode, errorMessage, topics }) => ({
    groupId,
    problem: problemOfCode(errorCode, errorMessage),
    offsets: topics.flatMap(({ topicName, partitions }) =>
      partitions
        // -1: not initialised, the group has not read the partition yet.
        .filter((partition) => partition.errorCode === 0 && partition.startOffset >= 0n)
        .map(({ partitionIndex, startOffset, leaderEpoch, lag }) => ({
          topic: topicName,
          partition: partitionIndex,
          offset: startOffset,
          leaderEpoch,
          metadata: '',
          lag: lag < 0n ? null : lag,
        })),
    ),
  }))
}

// Every group of the cluster, of every kind.
import { shareGroupDescribe } from '@selfmonitor/protocol/api/share-group-describe'
import { decodeSubscription } from '@selfmonitor/protocol/consumer-protocol'
import { ProtocolError } from '@selfmonitor/protocol/protocol-error'
import { apis } from '../apis.ts'
import { decodeAssignment } from '../assignment.ts'
import { chunks, groupBy, mapConcurrently } from '../batch.ts'
import { groupState } from '../groups.ts'
import { problemOf, problemOfCode } from '../problem.ts'
import type { ClusterSurvey, GroupsSurvey, GroupType, Problem, SurveyedGroup, SurveyedMember } from '../survey-types.ts'
import { protocolApi } from '../transport/protocol-api.ts'
import type { Transport } from '../transport/transport.ts'
import { readOffsets } from './group-offsets.ts'

/** As many as the admin client of Kafka would, but for a bound: it asks a coordinator for all at once. */
const groupsPerRequest = 1_000
const concurrency = 4
const shareGroupDescribeVersions = [protocolApi(shareGroupDescribe, 1)]

type Listed = Omit<SurveyedGroup, 'members' | 'problem'>
type Details = Pick<SurveyedGroup, 'members' | 'problem'> &
  Partial<Pick<SurveyedGroup, 'state' | 'protocolType' | 'epoch'>>

export const surveyGroups =
  (transport: Transport): ClusterSurvey['surveyGroups'] =>
  ({ include = () => true, brokers, offsets: withOffsets = false } = {}) =>
    transport.operation('surveyGroups', async () => {
      const asked = brokers ?? (await transport.refresh()).brokers.map(({ id }) => id)
      const { listed, problems } = await listEverywhere(transport, asked)
      const wanted = listed.filter(({ groupId }) => include(groupId)).sort((a, b) => (a.groupId < b.groupId ? -1 : 1))
      const requests = [...groupBy(wanted, ({ coordinatorId, type }) => `${coordinatorId} ${type}`).values()].flatMap(
        (groups) => chunks(groups, groupsPerRequest),
      )
      const [groups, offsets] = await Promise.all([
        mapConcurrently(requests, concurrency, (part) => describePart(transport, part)),
        withOffsets ? readOffsets(transport, wanted) : [],
      ])
      return { groups: groups.flat().sort((a, b) => (a.groupId < b.groupId ? -1 : 1)), problems, offsets }
    })

/** Asks every broker which groups it coordinates. A group that moves meanwhile is listed by the broker that has it last. */
async function listEverywhere(
  transport: Transport,
  brokers: readonly number[],
): Promise<{ listed: Listed[]; problems: GroupsSurvey['problems'][number][] }> {
  const problems: GroupsSurvey['problems'][number][] = []
  const byId = new Map<string, Listed>()
  await mapConcurrently(brokers, concurrency, async (id) => {
    try {
      const { errorCode, groups } = await transport.send(id, apis.listGroups, [], [])
      const problem = problemOfCode(errorCode)
      if (problem !== null) problems.push({ brokerId: id, problem })
      for (const group of groups) {
        byId.set(group.groupId, {
          groupId: group.groupId,
          type: groupType(group),
          state: groupState(group.groupState),
          protocolType: group.protocolType,
          coordinatorId: id,
          epoch: null,
        })
      }
    } catch (error) {
      problems.push({ brokerId: id, problem: problemOf(error) })
    }
  })
  return { listed: [...byId.values()], problems }
}

/** Brokers before 3.8 do not say the type (ListGroups 5): all of their groups are classic ones. */
function groupType({ groupType: type }: { readonly groupType?: string }): GroupType {
  const name = type?.toLowerCase() ?? ''
  return name === 'consumer' || name === 'share' || name === 'streams' ? name : 'classic'
}

/** Groups of one coordinator and of one type. */
async function describePart(transport: Transport, part: readonly Listed[]): Promise<SurveyedGroup[]> {
  const { coordinatorId, type } = part[0]!
  const ids = part.map(({ groupId }) => groupId)
  let found: ReadonlyMap<string, Details>
  try {
    found = await describers[type](transport, coordinatorId, ids)
  } catch (error) {
    const problem = problemOf(error)
    return part.map((group) => ({ ...group, members: [], problem }))
  }
  return part.map((group) => ({ ...group, members: [], problem: noAnswer, ...found.get(group.groupId) }))
}

const noAnswer: Problem = { code: 'UNEXPECTED', message: 'The coordinator did not answer about this group.' }

type Describe = (transport: Transport, coordinator: number, ids: string[]) => Promise<Map<string, Details>>

const describers: Readonly<Record<GroupType, Describe>> = {
  classic: async (transport, coordinator, ids) => {
    const { groups } = await transport.send(coordinator, apis.describeGroups, ids, false)
    return new Map(
      groups.map((group): [string, Details] => {
        const problem = problemOfCode(group.errorCode)
        if (problem !== null) return [group.groupId, { members: [], problem }]
        const isConsumer = group.protocolType === 'consumer'
        const members = group.members.map((member) => ({
          ...memberOf(member.memberId, member.groupInstanceId, member.clientId, member.clientHost),
          subscribedTopics: isConsumer ? subscription(member.memberMetadata) : null,
          assignment: isConsumer ? decodeAssignment(member.memberAssignment) : [],
        }))
        const { groupState: state, protocolType } = group
        return [group.groupId, { state: groupState(state), protocolType, members, problem }]
      }),
    )
  },
  consumer: async (transport, coordinator, ids) => {
    const { groups } = await transport.send(coordinator, apis.consumerGroupDescribe, ids, false)
    return new Map(groups.map((group) => [group.groupId, newDetails(group)]))
  },
  share: async (transport, coordinator, ids) => {
    const request = { groupIds: ids, includeAuthorizedOperations: false }
    const { groups } = await transport.send(coordinator, shareGroupDescribeVersions, request)
    return new Map(groups.map((group) => [group.groupId, newDetails(group)]))
  },
  streams: async (_transport, _coordinator, ids) =>
    new Map(ids.map((id) => [id, { members: [], problem: streamsMembersUnknown }])),
}

const streamsMembersUnknown: Problem = {
  code: 'UNSUPPORTED_GROUP_TYPE',
  message: 'Members of streams groups (KIP-1071) are not read.',
}

interface DescribedGroup {
  readonly errorCode: number
  readonly errorMessage?: string | null
  readonly groupState: string
  readonly groupEpoch: number
  readonly members: readonly {
    readonly memberId: string
    readonly instanceId?: string | null
    readonly clientId: string
    readonly clientHost: string
    readonly subscribedTopicNames: readonly string[]
    readonly subscribedTopicRegex?: string | null
    readonly assignment: {
      readonly topicPartitions: readonly { readonly topicName: string; readonly partitions: readonly number[] }[]
    }
  }[]
}

/** A group whose coordinator assigns its partitions: KIP-848, KIP-932. */
function newDetails(group: DescribedGroup): Details {
  const problem = problemOfCode(group.errorCode, group.errorMessage)
  if (problem !== null) return { members: [], problem }
  const members = group.members.map((member) => ({
    ...memberOf(member.memberId, member.instanceId, member.clientId, member.clientHost),
    subscribedTopics: [...member.subscribedTopicNames].sort(),
    subscribedTopicRegex: member.subscribedTopicRegex || null,
    assignment: member.assignment.topicPartitions
      .map(({ topicName, partitions }) => ({ topic: topicName, partitions: partitions.toSorted((a, b) => a - b) }))
      .sort((a, b) => (a.topic < b.topic ? -1 : 1)),
  }))
  return { state: groupState(group.groupState), epoch: group.groupEpoch, members, problem }
}

function memberOf(
  memberId: string,
  groupInstanceId: string | null | undefined,
  clientId: string,
  clientHost: string,
): Omit<SurveyedMember, 'subscribedTopics' | 'assignment'> {
  // Java's way to print an address without a name is a leading slash.
  const host = clientHost.replace(/^\//, '')
  return { memberId, groupInstanceId: groupInstanceId ?? null, clientId, host, subscribedTopicRegex: null }
}

/** The topics that a member of a classic consumer group subscribes to; null where its bytes are not a consumer's. */
function subscription(bytes: Buffer): string[] | null {
  try {
    return [...decodeSubscription(bytes).value.topics].sort()
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}

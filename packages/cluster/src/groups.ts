// Consumer groups: list, describe (classic and KIP-848), delete.
import { errorCodes } from '@selfmonitor/protocol/errors'
import { apis } from './apis.ts'
import { decodeAssignment } from './assignment.ts'
import { chunks, groupBy, mapConcurrently } from './batch.ts'
import { asClusterError, brokerError, type ClusterError, isUndone, several, throwTogether } from './errors.ts'
import type { Deadline } from './transport/deadline.ts'
import type { Transport } from './transport/transport.ts'
import type { Cluster, GroupInfo, GroupState } from './types.ts'

const groupsPerRequest = 200

const states: Readonly<Record<string, GroupState>> = {
  stable: 'Stable',
  empty: 'Empty',
  dead: 'Dead',
  preparingrebalance: 'PreparingRebalance',
  completingrebalance: 'CompletingRebalance',
  assigning: 'Assigning',
  reconciling: 'Reconciling',
  notready: 'NotReady',
}

export function groupState(text: string): GroupState {
  return states[text.replaceAll('_', '').toLowerCase()] ?? 'Unknown'
}

export const listGroups =
  (transport: Transport): Cluster['listGroups'] =>
  () =>
    transport.operation('listGroups', (deadline) =>
      transport.retrying(deadline, async () => {
        const { brokers } = await transport.info()
        const answers = await mapConcurrently(brokers, 4, async ({ id }) => {
          const { errorCode, groups } = await transport.send(id, apis.listGroups, [], [])
          if (errorCode !== 0) {
            throw brokerError(errorCode, `broker ${id}`)
          }
          return groups
        })
        const byId = new Map(
          answers
            .flat()
            .map(({ groupId, groupState: state, protocolType }) => [
              groupId,
              { groupId, state: groupState(state), protocolType },
            ]),
        )
        return [...byId.values()].sort((a, b) => (a.groupId < b.groupId ? -1 : 1))
      }),
    )

export const describeGroups =
  (transport: Transport): Cluster['describeGroups'] =>
  (ids) =>
    transport.operation('describeGroups', (deadline) => readGroups(transport, deadline, ids))

/** In the order asked for. A group that does not exist is `Dead` and has no members, as Kafka itself says. */
export async function readGroups(
  transport: Transport,
  deadline: Deadline,
  ids: readonly string[],
): Promise<GroupInfo[]> {
  const found = new Map<string, GroupInfo>()
  const newProtocol = await transport.supports(apis.consumerGroupDescribe)
  await eachCoordinator(transport, deadline, ids, async (coordinator, part) => {
    // Kafka's own admin client asks in this order: a group of the new protocol looks dead to DescribeGroups.
    const rest = newProtocol ? await readNewGroups(transport, coordinator, part, found) : part
    if (rest.length > 0) {
      await readClassicGroups(transport, coordinator, rest, found)
    }
  })
  return ids.map((id) => found.get(id)!)
}

/** Groups of the consumer protocol (KIP-848). Returns the ids that are not of that kind. */
async function readNewGroups(
  transport: Transport,
  coordinator: number,
  ids: readonly string[],
  found: Map<string, GroupInfo>,
): Promise<string[]> {
  const { groups } = await transport.send(coordinator, apis.consumerGroupDescribe, [...ids], false)
  const rest: string[] = []
  for (const group of groups) {
    if (group.errorCode === errorCodes.GROUP_ID_NOT_FOUND || group.errorCode === errorCodes.UNSUPPORTED_VERSION) {
      rest.push(group.groupId)
      continue
    }
    if (group.errorCode !== 0) {
      throw brokerError(group.errorCode, `group ${group.groupId}`, group.errorMessage)
    }
    found.set(group.groupId, {
      groupId: group.groupId,
      state: groupState(group.groupState),
      protocolType: 'consumer',
      protocol: group.members.length === 0 ? '' : group.assignorName,
      members: group.members.map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.instanceId ?? null,
        clientId: member.clientId,
        host: member.clientHost.replace(/^\//, ''),
        assignment: member.assignment.topicPartitions.map(({ topicName, partitions }) => ({
          topic: topicName,
          partitions: [...partitions].sort((a, b) => a - b),
        })),
      })),
    })
  }
  return rest
}

async function readClassicGroups(
  transport: Transport,
  coordinator: number,
  ids: readonly string[],
  found: Map<string, GroupInfo>,
): Promise<void> {
  const { groups } = await transport.send(coordinator, apis.describeGroups, [...ids], false)
  for (const group of groups) {
    if (group.errorCode !== 0 && group.errorCode !== errorCodes.GROUP_ID_NOT_FOUND) {
      throw brokerError(group.errorCode, `group ${group.groupId}`)
    }
    found.set(group.groupId, {
      groupId: group.groupId,
      state: group.errorCode === errorCodes.GROUP_ID_NOT_FOUND ? 'Dead' : groupState(group.groupState),
      protocolType: group.protocolType,
      protocol: group.protocolData,
      members: group.members.map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId ?? null,
        clientId: member.clientId,
        // Java's way to print an address without a name is a leading slash.
        host: member.clientHost.replace(/^\//, ''),
        assignment: group.protocolType === 'consumer' ? decodeAssignment(member.memberAssignment) : [],
      })),
    })
  }
}

export const deleteGroups =
  (transport: Transport): Cluster['deleteGroups'] =>
  (ids) =>
    transport.operation('deleteGroups', async (deadline) => {
      const failures: ClusterError[] = []
      // Groups fail independently: an error of one coordinator affects only its own groups.
      await mapConcurrently(chunks([...new Set(ids)], groupsPerRequest), 4, async (part) => {
        const left = new Set(part)
        try {
          await transport.redirected(deadline, () => deleteFromCoordinators(transport, deadline, left, failures))
        } catch (error) {
          failures.push(asClusterError(error))
        }
      })
      throwTogether(failures)
    })

/**
 * Sends one round of deletions.
 *
 * @param left ids not settled yet; those that are deleted, refused or of unknown fate are taken out
 * @throws ClusterError for a coordinator that did nothing, so that the rest can be sent again
 */
async function deleteFromCoordinators(
  transport: Transport,
  deadline: Deadline,
  left: Set<string>,
  failures: ClusterError[],
): Promise<void> {
  const coordinators = await transport.coordinators([...left], deadline)
  let moved: ClusterError | null = null
  for (const [coordinator, own] of groupBy([...left], (id) => coordinators.get(id)!)) {
    const what = `deleting ${several('group', own, (id) => id)}`
    try {
      const { results } = await transport.change(deadline, what, coordinator, apis.deleteGroups, own)
      for (const { groupId, errorCode } of results) {
        const error = errorCode === 0 ? null : brokerError(errorCode, `group ${groupId}`)
        if (error !== null && isUndone(error)) {
          moved = error
          continue
        }
        left.delete(groupId)
        if (error !== null) {
          failures.push(error)
        }
      }
    } catch (thrown) {
      const error = asClusterError(thrown)
      if (isUndone(error)) {
        moved = error
        continue
      }
      for (const id of own) {
        left.delete(id)
      }
      failures.push(error)
    }
  }
  if (moved !== null) {
    throw moved
  }
}

/** Asks each group's coordinator, 200 groups a request, four requests at a time. */
async function eachCoordinator(
  transport: Transport,
  deadline: Deadline,
  ids: readonly string[],
  ask: (coordinator: number, ids: readonly string[]) => Promise<void>,
): Promise<void> {
  const unique = [...new Set(ids)]
  await mapConcurrently(chunks(unique, groupsPerRequest), 4, (part) =>
    transport.retrying(deadline, async () => {
      const coordinators = await transport.coordinators(part, deadline)
      for (const [coordinator, own] of groupBy(part, (id) => coordinators.get(id)!)) {
        await ask(coordinator, own)
      }
    }),
  )
}

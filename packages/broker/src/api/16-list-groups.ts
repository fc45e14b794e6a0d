// ListGroups: the groups that this presented broker coordinates.
//
// Behaviour: a client that wants all groups of the cluster asks every broker, so each presented broker lists only its own.
// Versions: v4 filters by state (KIP-518). v5 filters by type (KIP-848). An unknown filter value matches nothing.
import type { ApiHandler } from '../request/handler.ts'

export const handleListGroups: ApiHandler<'ListGroups'> = (request, { broker, brokerId }) => {
  const listed = broker.groups.list({ states: request.statesFilter, types: request.typesFilter })
  return {
    groups: listed
      .filter(({ groupId }) => broker.coordinatorOf(groupId).brokerId === brokerId)
      .map(({ groupId, protocolType, state, type }) => ({ groupId, protocolType, groupState: state, groupType: type })),
  }
}

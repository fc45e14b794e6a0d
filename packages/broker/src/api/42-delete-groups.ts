// DeleteGroups: deletes empty groups with their offsets (KIP-229).
//
// Behaviour: NON_EMPTY_GROUP for a group with members, GROUP_ID_NOT_FOUND for one that does not exist.
// Versions: v3 adds a message to each error.
import { codeOf, wrongCoordinator } from '../request/group-coordination.ts'
import type { ApiHandler } from '../request/handler.ts'

export const handleDeleteGroups: ApiHandler<'DeleteGroups'> = async (request, context) => {
  // Kafka answers only once for a group that is named twice.
  const groupIds = [...new Set(request.groupsNames)]
  const misplaced = groupIds.map((groupId) => wrongCoordinator(context, groupId))
  const ours = groupIds.filter((_, i) => misplaced[i] === undefined)
  const errors = await context.broker.groups.deleteGroups(ours)
  const results = groupIds.map((groupId, i) => {
    const error = misplaced[i] ?? errors[ours.indexOf(groupId)]
    return { groupId, errorCode: codeOf(error), errorMessage: error?.reason ?? null }
  })
  return { results }
}

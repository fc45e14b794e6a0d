// FindCoordinator: which broker a group or a transactional id belongs to.
//
// Behaviour: one process holds all groups, but it may present itself as several brokers; a key's hash then says which one
// speaks for it, and the others answer NOT_COORDINATOR. A transactional id is answered the same way: that this broker
// serves no transactions yet is said by InitProducerId, where a client can show it.
// Versions: v1 adds the type of key. v4 asks for several keys (KIP-699). v6 knows share partitions (KIP-932), which need
// a coordinator that is not here: INVALID_REQUEST, as Kafka answers without share groups.
import { errorCodes } from '@selfmonitor/protocol'
import type { ApiHandler, RequestContext } from './handler.ts'

const keyTypes = { group: 0, transaction: 1 } as const

export const handleFindCoordinator: ApiHandler<'FindCoordinator'> = (request, context) => {
  if (context.apiVersion >= 4) {
    return {
      coordinators: request.coordinatorKeys.map((key) => ({ key, ...coordinatorOf(key, request.keyType, context) })),
    }
  }
  return coordinatorOf(request.key, request.keyType, context)
}

function coordinatorOf(key: string, keyType: number, { broker }: RequestContext) {
  if (keyType !== keyTypes.group && keyType !== keyTypes.transaction) {
    const errorMessage = `this broker coordinates groups (0) and transactions (1), not keys of type ${keyType}`
    return { nodeId: -1, host: '', port: -1, errorCode: errorCodes.INVALID_REQUEST, errorMessage }
  }
  const { brokerId, host, port } = broker.coordinatorOf(key)
  return { nodeId: brokerId, host, port, errorCode: errorCodes.NONE, errorMessage: null }
}

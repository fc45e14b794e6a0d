// FindCoordinator: which broker a group or a transactional id belongs to.
//
// Behaviour: one process holds all groups, but it may present itself as several brokers; a key's hash then decides which one
// coordinates it, and the others answer NOT_COORDINATOR. A transactional id is an error (see `request/no-transactions.ts`).
// Versions: v1 adds the type of key. v4 asks for several keys (KIP-699). v6 knows share partitions (KIP-932), which need
// a coordinator that this broker does not have: INVALID_REQUEST, as Kafka answers without share groups.
import { errorCodes, type KafkaErrorName } from '@selfmonitor/protocol'
import type { ApiHandler, RequestContext } from '../request/handler.ts'
import { rejectTransactionalId } from '../request/no-transactions.ts'

const keyTypes = { group: 0, transaction: 1 } as const

export const handleFindCoordinator: ApiHandler<'FindCoordinator'> = (request, context) => {
  if (context.apiVersion >= 4) {
    return {
      coordinators: request.coordinatorKeys.map((key) => ({ key, ...coordinatorOf(key, request.keyType, context) })),
    }
  }
  return coordinatorOf(request.key, request.keyType, context)
}

function coordinatorOf(key: string, keyType: number, context: RequestContext) {
  if (keyType === keyTypes.transaction) {
    const { error, message } = rejectTransactionalId(context, key)
    return errorAnswer(error, message)
  }
  if (keyType !== keyTypes.group) {
    return errorAnswer('INVALID_REQUEST', `this broker coordinates groups (0), not keys of type ${keyType}`)
  }
  const { brokerId, host, port } = context.broker.coordinatorOf(key)
  return { nodeId: brokerId, host, port, errorCode: errorCodes.NONE, errorMessage: null }
}

function errorAnswer(error: KafkaErrorName, errorMessage: string) {
  return { nodeId: -1, host: '', port: -1, errorCode: errorCodes[error], errorMessage }
}

// InitProducerId: gives an idempotent producer its id (KIP-98), one that no producer has had before, and epoch 0.
//
// Transactions do not exist yet. A transactional id gets the same error as from FindCoordinator, which most clients ask first:
// `request/no-transactions.ts` says which and why.
import { errorCodes, type KafkaErrorName, type ResponseInput } from '@selfmonitor/protocol'
import type { ApiHandler } from '../request/handler.ts'
import { rejectTransactionalId } from '../request/no-transactions.ts'

export const handleInitProducerId: ApiHandler<'InitProducerId'> = async (request, context) => {
  const { transactionalId, producerId, producerEpoch } = request
  if (transactionalId === '') return errorAnswer('INVALID_REQUEST')
  // KIP-360: either both are known or neither is.
  if (producerId === -1n ? producerEpoch !== -1 : producerEpoch === -1) return errorAnswer('INVALID_REQUEST')
  if (transactionalId !== null) return errorAnswer(rejectTransactionalId(context, transactionalId).error)
  return { producerId: await context.broker.metadata.nextProducerId(), producerEpoch: 0 }
}

function errorAnswer(error: KafkaErrorName): ResponseInput<'InitProducerId'> {
  return { errorCode: errorCodes[error], producerId: -1n, producerEpoch: -1 }
}

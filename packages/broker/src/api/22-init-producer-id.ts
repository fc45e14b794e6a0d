// InitProducerId: gives an idempotent producer its id (KIP-98), one that no producer has had before, and epoch 0.
//
// Transactions do not exist yet. A transactional id is answered with UNSUPPORTED_VERSION: Java's client, librdkafka and kafkajs
// all take it as final and say so, whereas COORDINATOR_NOT_AVAILABLE is retried until a timeout that explains nothing, and an
// authorisation error would send people looking for ACLs.
import { errorCodes, type KafkaErrorName, type ResponseInput } from '@selfmonitor/protocol'
import type { ApiHandler } from './handler.ts'

export const handleInitProducerId: ApiHandler<'InitProducerId'> = async (request, { broker, clientId }) => {
  const { transactionalId, producerId, producerEpoch } = request
  if (transactionalId === '') return refused('INVALID_REQUEST')
  // KIP-360: either both are known or neither is.
  if (producerId === -1n ? producerEpoch !== -1 : producerEpoch === -1) return refused('INVALID_REQUEST')
  if (transactionalId !== null) {
    broker.logger.warn(
      { clientId, transactionalId },
      'a transactional producer was refused: transactions do not exist yet',
    )
    return refused('UNSUPPORTED_VERSION')
  }
  return { producerId: await broker.metadata.nextProducerId(), producerEpoch: 0 }
}

function refused(error: KafkaErrorName): ResponseInput<'InitProducerId'> {
  return { errorCode: errorCodes[error], producerId: -1n, producerEpoch: -1 }
}

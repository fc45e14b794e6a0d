// ConsumerGroupHeartbeat: the newer consumer protocol (KIP-848), which this broker does not have yet.
//
// Behaviour: every heartbeat is answered UNSUPPORTED_VERSION, as Kafka does when group.coordinator.rebalance.protocols does not have
// `consumer`. The API is listed only for this answer: without it librdkafka waits forever without an error, while this answer is a
// fatal error that its user sees. Java's client advises its user to set group.protocol=classic in both cases.
import { errorCodes } from '@selfmonitor/protocol'
import type { ApiHandler } from '../request/handler.ts'

export const handleConsumerGroupHeartbeat: ApiHandler<'ConsumerGroupHeartbeat'> = (request, { broker, clientId }) => {
  const errorMessage = 'this broker has classic groups only: set group.protocol=classic in the consumer'
  broker.logger.warn({ clientId, group: request.groupId }, `a consumer cannot join: ${errorMessage}`)
  return { errorCode: errorCodes.UNSUPPORTED_VERSION, errorMessage }
}

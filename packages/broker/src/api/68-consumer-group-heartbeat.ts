// ConsumerGroupHeartbeat: the newer consumer protocol (KIP-848), which this broker does not have yet.
//
// Behaviour: every heartbeat is refused with UNSUPPORTED_VERSION, as Kafka does where group.coordinator.rebalance.protocols leaves
// `consumer` out. The API is listed for this answer alone: where it is not, librdkafka waits for ever without a word, while the
// refusal is a fatal error that its user sees. Java's client and its users are advised to set group.protocol=classic either way.
import { errorCodes } from '@selfmonitor/protocol'
import type { ApiHandler } from '../request/handler.ts'

export const handleConsumerGroupHeartbeat: ApiHandler<'ConsumerGroupHeartbeat'> = (request, { broker, clientId }) => {
  const errorMessage = 'this broker has classic groups only: set group.protocol=classic in the consumer'
  broker.logger.warn({ clientId, group: request.groupId }, `refused a consumer: ${errorMessage}`)
  return { errorCode: errorCodes.UNSUPPORTED_VERSION, errorMessage }
}

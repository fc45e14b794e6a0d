// ListConfigResources: the names of the topics, brokers, groups and client metrics subscriptions that have settings (KIP-1142).
//
// Behaviour: topics and brokers exist without settings of their own and are all listed; a group or subscription is listed while
// something is set on it. No types is all types, in Kafka's order; a type that is named twice is listed twice.
// Versions: v0 lists client metrics subscriptions (KIP-714).
import type { ResponseInput } from '@selfmonitor/protocol'
import { resourceType } from '../config-resources/resources.ts'
import { KafkaError } from '../errors.ts'
import type { ApiHandler, RequestContext } from '../request/handler.ts'

type Answer = NonNullable<ResponseInput<'ListConfigResources'>['configResources']>

export const handleListConfigResources: ApiHandler<'ListConfigResources'> = (request, context) => {
  const listed = context.apiVersion === 0 ? [resourceType.clientMetrics] : request.resourceTypes
  const types = listed.length === 0 ? Object.values(resourceType) : listed
  return {
    configResources: types.flatMap(
      (type): Answer => namesOf(type, context).map((resourceName) => ({ resourceName, resourceType: type })),
    ),
  }
}

function namesOf(type: number, { broker: { metadata, brokers } }: RequestContext): readonly string[] {
  switch (type) {
    case resourceType.topic:
      return metadata.topics().map(({ name }) => name)
    case resourceType.broker:
    case resourceType.brokerLogger:
      return brokers.map(({ brokerId }) => String(brokerId))
    case resourceType.clientMetrics:
      return metadata.configured('client-metrics')
    case resourceType.group:
      return metadata.configured('group')
    default:
      throw new KafkaError('UNSUPPORTED_VERSION', `Unsupported resource type ${type}`)
  }
}

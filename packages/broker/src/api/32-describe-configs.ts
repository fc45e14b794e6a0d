// DescribeConfigs: the settings of topics and brokers, defaults included, with where each value comes from (KIP-133).
//
// Versions: v1 has sources and synonyms (KIP-226), v3 adds types and documentation (KIP-569).
import type { RequestOf, ResponseInput } from '@selfmonitor/protocol'
import { type BrokerLayers, factsOf } from '../config/index.ts'
import { loggerLevels } from '../config-resources/broker-loggers.ts'
import {
  type DescribedConfig,
  describeBrokerConfigs,
  describeClientMetrics,
  describeDefaultBrokerConfigs,
  describeGroupConfigs,
  describeLoggers,
  describeTopicConfigs,
} from '../config-resources/describe.ts'
import { checkBrokerResource, checkLoggerResource, resourceType, topicResource } from '../config-resources/resources.ts'
import { KafkaError, toKafkaError } from '../errors.ts'
import type { ApiHandler, RequestContext } from '../request/handler.ts'

type Resource = RequestOf<'DescribeConfigs'>['resources'][number]
type Answer = NonNullable<ResponseInput<'DescribeConfigs'>['results']>[number]

export const handleDescribeConfigs: ApiHandler<'DescribeConfigs'> = (request, context) => {
  const { apiVersion } = context
  const results = request.resources.map((resource): Answer => {
    const about = { resourceType: resource.resourceType, resourceName: resource.resourceName }
    try {
      const keys = resource.configurationKeys ?? []
      const configs = describe(resource, context).filter(({ name }) => keys.length === 0 || keys.includes(name))
      return {
        ...about,
        errorMessage: '',
        configs: configs.map(({ name, value, readOnly, isSensitive, ...described }) => ({
          name,
          value,
          readOnly,
          isSensitive,
          configSource: described.configSource,
          ...(request.includeSynonyms && { synonyms: described.synonyms }),
          ...(apiVersion >= 3 && {
            configType: described.configType,
            documentation: request.includeDocumentation ? described.documentation : null,
          }),
        })),
      }
    } catch (error) {
      const { code, message } = toKafkaError(error)
      return { ...about, errorCode: code, errorMessage: message }
    }
  })
  return { results }
}

/** The settings of this presented broker. Presented brokers differ in identity and address, and in what was set on one of them. */
function ofPresented(layers: BrokerLayers, { broker, brokerId }: RequestContext): BrokerLayers {
  const facts = Object.entries(factsOf(broker.brokers.find((presented) => presented.brokerId === brokerId)!))
  const dynamic = broker.metadata.overrides({ type: 'broker', name: String(brokerId) })
  return { ...layers, dynamic, static: new Map([...layers.static, ...facts]) }
}

function describe({ resourceType: type, resourceName }: Resource, context: RequestContext): readonly DescribedConfig[] {
  const { metadata, logger } = context.broker
  const layers = metadata.brokerLayers()
  switch (type) {
    case resourceType.topic:
      return describeTopicConfigs(layers, topicResource(resourceName, context, '').overrides)
    case resourceType.broker:
      checkBrokerResource(resourceName, context, 'Broker')
      return resourceName === ''
        ? describeDefaultBrokerConfigs(layers)
        : describeBrokerConfigs(ofPresented(layers, context))
    case resourceType.brokerLogger:
      checkLoggerResource(resourceName, context, 'Broker')
      return describeLoggers(loggerLevels(logger))
    case resourceType.clientMetrics:
      if (resourceName === '') {
        throw new KafkaError('INVALID_REQUEST', 'Client metrics subscription name must not be empty')
      }
      return describeClientMetrics(metadata.overrides({ type: 'client-metrics', name: resourceName }))
    case resourceType.group:
      if (resourceName === '') throw new KafkaError('INVALID_REQUEST', 'Group name must not be empty')
      return describeGroupConfigs(layers, metadata.overrides({ type: 'group', name: resourceName }))
    default:
      throw new KafkaError('INVALID_REQUEST')
  }
}

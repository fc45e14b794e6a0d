// DescribeConfigs: the settings of topics and brokers, defaults included, with where each value comes from (KIP-133).
//
// Versions: v1 has sources and synonyms (KIP-226), v3 adds types and documentation (KIP-569).
import type { RequestOf, ResponseInput } from '@selfmonitor/protocol'
import { toKafkaError } from '../errors.ts'
import { checkBrokerResource, resourceType, topicResource, unsupportedResource } from './config-resources.ts'
import {
  type DescribedConfig,
  describeBrokerConfigs,
  describeDefaultBrokerConfigs,
  describeTopicConfigs,
} from './described-configs.ts'
import type { ApiHandler, RequestContext } from './handler.ts'

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

function describe({ resourceType: type, resourceName }: Resource, context: RequestContext): readonly DescribedConfig[] {
  const layers = context.broker.metadata.brokerLayers()
  switch (type) {
    case resourceType.topic:
      return describeTopicConfigs(layers, topicResource(resourceName, context, '').overrides)
    case resourceType.broker:
      checkBrokerResource(resourceName, context, 'Broker')
      return resourceName === '' ? describeDefaultBrokerConfigs(layers) : describeBrokerConfigs(layers)
    case resourceType.group:
    case resourceType.clientMetrics:
      // Nothing is set for any of them, and nothing can be.
      return []
    default:
      throw unsupportedResource(type)
  }
}

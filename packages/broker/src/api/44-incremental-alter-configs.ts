// IncrementalAlterConfigs: sets, deletes, appends to and subtracts from single settings of topics and brokers (KIP-339).
import type { RequestOf } from '@selfmonitor/protocol'
import { brokerConfig, changeList, inheritedTopicValue, topicConfig } from '../config/index.ts'
import { type Alteration, alterResources, requireValue } from '../config-resources/alter.ts'
import { type AlterableResource, alterableResource, resourceType } from '../config-resources/resources.ts'
import { KafkaError } from '../errors.ts'
import type { ApiHandler, RequestContext } from '../request/handler.ts'

type Resource = RequestOf<'IncrementalAlterConfigs'>['resources'][number]
type Change = Resource['configs'][number]

/** Kafka's `AlterConfigOp.OpType`. */
const operation = { set: 0, delete: 1, append: 2, subtract: 3 } as const
const operations: ReadonlySet<number> = new Set(Object.values(operation))

export const handleIncrementalAlterConfigs: ApiHandler<'IncrementalAlterConfigs'> = async (request, context) => ({
  responses: await alterResources(request, context, { isReadable, alterationOf }),
})

function isReadable({ configs }: Resource): boolean {
  return configs.every(({ configOperation }) => operations.has(configOperation))
}

function alterationOf(resource: Resource, context: RequestContext): Alteration {
  const target = alterableResource(resource.resourceType, resource.resourceName, context)
  const settings = new Map(target.current)
  for (const change of resource.configs) apply(change, settings, resource, target, context)
  return { target, settings }
}

function apply(
  { name, configOperation, value: given }: Change,
  settings: Map<string, string>,
  resource: Resource,
  target: AlterableResource,
  context: RequestContext,
): void {
  if (configOperation === operation.delete) {
    settings.delete(name)
    return
  }
  const value = requireValue(name, given)
  switch (configOperation) {
    case operation.set:
      settings.set(name, value)
      return
    case operation.append:
    case operation.subtract: {
      const how = configOperation === operation.append ? 'append' : 'subtract'
      if (target.typeOf(name) !== 'list') {
        throw new KafkaError(
          'INVALID_CONFIG',
          `Can't ${how.toUpperCase()} to key ${name} because its type is not LIST.`,
        )
      }
      settings.set(name, changeList(settings.get(name) ?? inherited(name, resource, context), value, how))
      return
    }
    default:
      throw new Error(`operation ${configOperation} is not implemented`)
  }
}

/** The content of a list before the first change. */
function inherited(name: string, { resourceType: type }: Resource, { broker }: RequestContext): string | null {
  if (type === resourceType.broker) return brokerConfig(name)?.default ?? null
  if (type !== resourceType.topic) return null
  const definition = topicConfig(name)
  return definition ? inheritedTopicValue(broker.metadata.brokerLayers(), definition) : null
}

// IncrementalAlterConfigs: sets, deletes, appends to and subtracts from single settings of topics and brokers (KIP-339).
import type { RequestOf, ResponseInput } from '@selfmonitor/protocol'
import { brokerConfig, changeList, inheritedTopicValue, topicConfig } from '../config/index.ts'
import { KafkaError, toKafkaError } from '../errors.ts'
import type { ConfigResource } from '../metadata/index.ts'
import { checkOnce } from './33-alter-configs.ts'
import { alterableResource, checkAltered } from './config-resources.ts'
import type { ApiHandler, RequestContext } from './handler.ts'

type Request = RequestOf<'IncrementalAlterConfigs'>
type Resource = Request['resources'][number]
type Change = Resource['configs'][number]
type Answer = NonNullable<ResponseInput<'IncrementalAlterConfigs'>['responses']>[number]

/** Kafka's `AlterConfigOp.OpType`. */
const operation = { set: 0, delete: 1, append: 2, subtract: 3 } as const

export const handleIncrementalAlterConfigs: ApiHandler<'IncrementalAlterConfigs'> = (request, context) =>
  context.broker.metadata.exclusively(async () => {
    const responses: Answer[] = []
    for (const resource of request.resources) {
      const about = { resourceType: resource.resourceType, resourceName: resource.resourceName }
      try {
        await alter(resource, request, context)
        responses.push({ ...about, errorMessage: null })
      } catch (error) {
        const { code, message, name } = toKafkaError(error)
        if (name === 'UNKNOWN_SERVER_ERROR') throw error
        responses.push({ ...about, errorCode: code, errorMessage: message })
      }
    }
    return { responses }
  })

async function alter(resource: Resource, request: Request, context: RequestContext): Promise<void> {
  checkOnce(resource, request.resources)
  const names = resource.configs.map(({ name }) => name)
  if (new Set(names).size < names.length) throw new KafkaError('INVALID_REQUEST', 'Error due to duplicate config keys')
  const target = alterableResource(resource.resourceType, resource.resourceName, context)
  const next = new Map(target.current)
  for (const change of resource.configs) apply(change, next, target.resource, context)
  checkAltered(target, next, context)
  if (!request.validateOnly) await context.broker.metadata.alterConfigs([{ resource: target.resource, configs: next }])
}

function apply(
  { name, configOperation, value }: Change,
  settings: Map<string, string>,
  resource: ConfigResource,
  context: RequestContext,
): void {
  if (configOperation === operation.delete) {
    settings.delete(name)
    return
  }
  if (value === null) throw new KafkaError('INVALID_REQUEST', `Null value not supported for : ${name}`)
  switch (configOperation) {
    case operation.set:
      settings.set(name, value)
      return
    case operation.append:
    case operation.subtract: {
      const how = configOperation === operation.append ? 'append' : 'subtract'
      const definition = resource.type === 'topic' ? topicConfig(name) : brokerConfig(name)
      if (definition?.type !== 'list') {
        throw new KafkaError(
          'INVALID_CONFIG',
          `Can't ${how.toUpperCase()} to key ${name} because its type is not LIST.`,
        )
      }
      settings.set(name, changeList(settings.get(name) ?? inherited(name, resource, context), value, how))
      return
    }
    default:
      throw new KafkaError('INVALID_REQUEST', `Unknown operation ${configOperation} on ${name}`)
  }
}

/** What a list holds before the first change to it. */
function inherited(name: string, resource: ConfigResource, { broker }: RequestContext): string | null {
  if (resource.type === 'broker') return brokerConfig(name)?.default ?? null
  const definition = topicConfig(name)
  return definition ? inheritedTopicValue(broker.metadata.brokerLayers(), definition) : null
}

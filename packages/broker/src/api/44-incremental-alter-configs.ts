// IncrementalAlterConfigs: sets, deletes, appends to and subtracts from single settings of topics and brokers (KIP-339).
import { errorCodes, type RequestOf, type ResponseInput } from '@selfmonitor/protocol'
import { brokerConfig, changeList, inheritedTopicValue, topicConfig } from '../config/index.ts'
import { KafkaError, toKafkaError } from '../errors.ts'
import { checkOnce } from './33-alter-configs.ts'
import { type AlterableResource, alterableResource, resourceType } from './config-resources.ts'
import type { ApiHandler, RequestContext } from './handler.ts'

type Request = RequestOf<'IncrementalAlterConfigs'>
type Resource = Request['resources'][number]
type Change = Resource['configs'][number]
type Answer = NonNullable<ResponseInput<'IncrementalAlterConfigs'>['responses']>[number]

/** Kafka's `AlterConfigOp.OpType`. */
const operation = { set: 0, delete: 1, append: 2, subtract: 3 } as const
const operations: ReadonlySet<number> = new Set(Object.values(operation))

export const handleIncrementalAlterConfigs: ApiHandler<'IncrementalAlterConfigs'> = (request, context) =>
  context.broker.metadata.exclusively(async () => {
    const responses: Answer[] = []
    for (const resource of request.resources) {
      const about = { resourceType: resource.resourceType, resourceName: resource.resourceName }
      if (resource.configs.some(({ configOperation }) => !operations.has(configOperation))) {
        // As Kafka answers what it cannot even read.
        responses.push({ ...about, errorCode: errorCodes.UNKNOWN_SERVER_ERROR, errorMessage: null })
        continue
      }
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
  for (const change of resource.configs) apply(change, next, resource, target, context)
  target.check(next)
  if (!request.validateOnly) await target.change(next)
}

function apply(
  { name, configOperation, value }: Change,
  settings: Map<string, string>,
  resource: Resource,
  target: AlterableResource,
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
      throw new Error(`operation ${configOperation} was not refused`)
  }
}

/** What a list holds before the first change to it. */
function inherited(name: string, { resourceType: type }: Resource, { broker }: RequestContext): string | null {
  if (type === resourceType.broker) return brokerConfig(name)?.default ?? null
  if (type !== resourceType.topic) return null
  const definition = topicConfig(name)
  return definition ? inheritedTopicValue(broker.metadata.brokerLayers(), definition) : null
}

// AlterConfigs: replaces everything that is set on a topic or broker; what the request leaves out goes back to its default.
// Kept for old clients: IncrementalAlterConfigs changes single settings.
import type { RequestOf, ResponseInput } from '@selfmonitor/protocol'
import { KafkaError, toKafkaError } from '../errors.ts'
import { alterableResource, resourceType } from './config-resources.ts'
import type { ApiHandler, RequestContext } from './handler.ts'

type Resource = RequestOf<'AlterConfigs'>['resources'][number]
type Answer = NonNullable<ResponseInput<'AlterConfigs'>['responses']>[number]

export const handleAlterConfigs: ApiHandler<'AlterConfigs'> = (request, context) =>
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

async function alter(resource: Resource, request: RequestOf<'AlterConfigs'>, context: RequestContext): Promise<void> {
  checkOnce(resource, request.resources)
  const names = resource.configs.map(({ name }) => name)
  if (new Set(names).size < names.length) throw new KafkaError('INVALID_REQUEST', 'Error due to duplicate config keys')
  if (resource.resourceType === resourceType.brokerLogger) {
    // Levels change one by one only: by IncrementalAlterConfigs.
    throw new KafkaError('INVALID_REQUEST', `Unknown resource type ${resource.resourceType}`)
  }
  const target = alterableResource(resource.resourceType, resource.resourceName, context)
  const next = new Map<string, string>()
  for (const { name, value } of resource.configs) {
    if (value === null) throw new KafkaError('INVALID_REQUEST', `Null value not supported for : ${name}`)
    next.set(name, value)
  }
  target.check(next)
  if (!request.validateOnly) await target.change(next)
}

/** @throws KafkaError INVALID_REQUEST when the request names the resource twice */
export function checkOnce(
  resource: { readonly resourceType: number; readonly resourceName: string },
  all: readonly { readonly resourceType: number; readonly resourceName: string }[],
): void {
  const same = all.filter(
    ({ resourceType, resourceName }) =>
      resourceType === resource.resourceType && resourceName === resource.resourceName,
  )
  if (same.length > 1) throw new KafkaError('INVALID_REQUEST', 'Each resource must appear at most once.')
}

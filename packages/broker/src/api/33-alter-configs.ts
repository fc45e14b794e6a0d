// AlterConfigs: replaces everything that is set on a topic or broker; what the request leaves out goes back to its default.
// Kept for old clients: IncrementalAlterConfigs changes single settings.
import type { RequestOf } from '@selfmonitor/protocol'
import { type Alteration, alterResources, requireValue } from '../config-resources/alter.ts'
import { alterableResource, resourceType } from '../config-resources/resources.ts'
import { KafkaError } from '../errors.ts'
import type { ApiHandler, RequestContext } from '../request/handler.ts'

type Resource = RequestOf<'AlterConfigs'>['resources'][number]

export const handleAlterConfigs: ApiHandler<'AlterConfigs'> = async (request, context) => ({
  responses: await alterResources(request, context, { isReadable: () => true, alterationOf }),
})

function alterationOf(resource: Resource, context: RequestContext): Alteration {
  if (resource.resourceType === resourceType.brokerLogger) {
    // Only IncrementalAlterConfigs changes levels.
    throw new KafkaError('INVALID_REQUEST', `Unknown resource type ${resource.resourceType}`)
  }
  const target = alterableResource(resource.resourceType, resource.resourceName, context)
  const settings = new Map(resource.configs.map(({ name, value }) => [name, requireValue(name, value)]))
  return { target, settings }
}

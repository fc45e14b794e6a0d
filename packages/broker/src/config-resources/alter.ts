// The common part of AlterConfigs and IncrementalAlterConfigs: each resource is checked, changed and answered separately.
import { errorCodes } from '@selfmonitor/protocol'
import { KafkaError, toKafkaError } from '../errors.ts'
import type { RequestContext } from '../request/handler.ts'
import type { AlterableResource } from './resources.ts'

interface RequestedResource {
  readonly resourceType: number
  readonly resourceName: string
  readonly configs: readonly { readonly name: string }[]
}

interface AlterRequest<R> {
  readonly resources: readonly R[]
  readonly validateOnly: boolean
}

interface ResourceAnswer {
  readonly resourceType: number
  readonly resourceName: string
  readonly errorCode?: number
  readonly errorMessage: string | null
}

/** A resource and its new settings. */
export interface Alteration {
  readonly target: AlterableResource
  readonly settings: ReadonlyMap<string, string>
}

/** The differences between the two APIs. */
export interface AlterRules<R> {
  /** Kafka answers UNKNOWN_SERVER_ERROR without a message for a resource that it cannot read. */
  isReadable(resource: R): boolean
  /** @throws KafkaError for a change that cannot be made */
  alterationOf(resource: R, context: RequestContext): Alteration
}

/** Changes the resources of a request, one after the other, while no other request changes any. @returns an answer for each */
export function alterResources<R extends RequestedResource>(
  request: AlterRequest<R>,
  context: RequestContext,
  rules: AlterRules<R>,
): Promise<ResourceAnswer[]> {
  return context.broker.metadata.exclusively(async () => {
    const answers: ResourceAnswer[] = []
    for (const resource of request.resources) answers.push(await alterResource(resource, request, context, rules))
    return answers
  })
}

async function alterResource<R extends RequestedResource>(
  resource: R,
  request: AlterRequest<R>,
  context: RequestContext,
  rules: AlterRules<R>,
): Promise<ResourceAnswer> {
  const about = { resourceType: resource.resourceType, resourceName: resource.resourceName }
  if (!rules.isReadable(resource)) {
    return { ...about, errorCode: errorCodes.UNKNOWN_SERVER_ERROR, errorMessage: null }
  }
  try {
    checkOnce(resource, request.resources)
    checkKeys(resource)
    const { target, settings } = rules.alterationOf(resource, context)
    target.check(settings)
    if (!request.validateOnly) await target.change(settings)
    return { ...about, errorMessage: null }
  } catch (error) {
    const { code, message, name } = toKafkaError(error)
    if (name === 'UNKNOWN_SERVER_ERROR') throw error
    return { ...about, errorCode: code, errorMessage: message }
  }
}

/** @throws KafkaError INVALID_REQUEST when the request names the resource twice */
function checkOnce({ resourceType, resourceName }: RequestedResource, all: readonly RequestedResource[]): void {
  const same = all.filter((other) => other.resourceType === resourceType && other.resourceName === resourceName)
  if (same.length > 1) throw new KafkaError('INVALID_REQUEST', 'Each resource must appear at most once.')
}

/** @throws KafkaError INVALID_REQUEST when the resource names a setting twice */
function checkKeys({ configs }: RequestedResource): void {
  const names = configs.map(({ name }) => name)
  if (new Set(names).size < names.length) throw new KafkaError('INVALID_REQUEST', 'Error due to duplicate config keys')
}

/** @throws KafkaError INVALID_REQUEST, in Kafka's words, for a setting without a value */
export function requireValue(name: string, value: string | null): string {
  if (value === null) throw new KafkaError('INVALID_REQUEST', `Null value not supported for : ${name}`)
  return value
}

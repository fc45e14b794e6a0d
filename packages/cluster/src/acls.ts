// The authorizer's rules: listed, created, deleted (KIP-11, KIP-290). Their names here, their numbers on the transport.
import {
  AclOperations,
  AclPermissionTypes,
  type AclPermissionTypeValue,
  ResourcePatternTypes,
  type ResourcePatternTypeValue,
  ResourceTypes,
} from '@platformatic/kafka'
import { aclOperations, aclResourceTypes } from '@selfmonitor/protocol/acl'
import { aclText } from './acl-text.ts'
import { apis } from './apis.ts'
import { chunks } from './batch.ts'
import { brokerError, ClusterError, several } from './errors.ts'
import { settle, throwFirst } from './topics.ts'
import type { Deadline } from './transport/deadline.ts'
import type { Transport } from './transport/transport.ts'
import type { AclBinding, AclPattern, Cluster } from './types.ts'

const patterns: Readonly<Record<AclPattern, ResourcePatternTypeValue>> = {
  literal: ResourcePatternTypes.LITERAL,
  prefixed: ResourcePatternTypes.PREFIXED,
}

const permissions: Readonly<Record<AclBinding['permission'], AclPermissionTypeValue>> = {
  allow: AclPermissionTypes.ALLOW,
  deny: AclPermissionTypes.DENY,
}

/** A controller takes at most 10,000 changes in one request. */
const rulesPerRequest = 1_000

export const acls =
  (transport: Transport): Cluster['acls'] =>
  () =>
    transport.operation('acls', (deadline) => readAcls(transport, deadline))

async function readAcls(transport: Transport, deadline: Deadline): Promise<AclBinding[]> {
  return transport.retrying(deadline, async () => {
    const response = await transport.send('any', apis.describeAcls, {
      resourceType: ResourceTypes.ANY,
      resourceName: null,
      resourcePatternType: ResourcePatternTypes.ANY,
      principal: null,
      host: null,
      operation: AclOperations.ANY,
      permissionType: AclPermissionTypes.ANY,
    })
    if (response.errorCode !== 0) {
      throw brokerError(response.errorCode, 'ACLs', response.errorMessage)
    }
    const found = response.resources.flatMap(({ resourceType, resourceName, resourcePatternType, acls }) =>
      acls.map(
        ({ principal, host, operation, permissionType }): AclBinding => ({
          resourceType: nameOf(aclResourceTypes, resourceType, 'resource type'),
          resourceName,
          pattern: nameOf(patterns, resourcePatternType, 'pattern type'),
          principal,
          host,
          operation: nameOf(aclOperations, operation, 'operation'),
          permission: nameOf(permissions, permissionType, 'permission'),
        }),
      ),
    )
    return found
      .map((binding) => ({ binding, text: aclText(binding) }))
      .sort((a, b) => (a.text < b.text ? -1 : 1))
      .map(({ binding }) => binding)
  })
}

export const createAcls =
  (transport: Transport): Cluster['createAcls'] =>
  (bindings) =>
    transport.operation('createAcls', async (deadline) => {
      if (bindings.length === 0) {
        return
      }
      for (const part of chunks(bindings, rulesPerRequest)) {
        const response = await transport.change(
          deadline,
          `creating ${several('ACL', part, aclText)}`,
          'controller',
          apis.createAcls,
          part.map(toKafka),
        )
        throwFirst(
          response.results.map((result, i) => ({ ...result, resource: `ACL '${aclText(part[i]!)}'` })),
          ({ resource }) => resource,
        )
      }
      await settle(deadline, async () => {
        const live = new Set((await readAcls(transport, deadline)).map(aclText))
        return bindings.every((binding) => live.has(aclText(binding)))
      })
    })

export const deleteAcls =
  (transport: Transport): Cluster['deleteAcls'] =>
  (bindings) =>
    transport.operation('deleteAcls', async (deadline) => {
      if (bindings.length === 0) {
        return
      }
      for (const part of chunks(bindings, rulesPerRequest)) {
        // A filter in which nothing is left open matches one rule.
        const response = await transport.change(
          deadline,
          `deleting ${several('ACL', part, aclText)}`,
          'controller',
          apis.deleteAcls,
          part.map(toKafka),
        )
        throwFirst(
          response.filterResults.flatMap((result, i) =>
            [result, ...result.matchingAcls].map(({ errorCode, errorMessage }) => ({
              errorCode,
              errorMessage,
              resource: `ACL '${aclText(part[i]!)}'`,
            })),
          ),
          ({ resource }) => resource,
        )
      }
      await settle(deadline, async () => {
        const live = new Set((await readAcls(transport, deadline)).map(aclText))
        return bindings.every((binding) => !live.has(aclText(binding)))
      })
    })

function toKafka(binding: AclBinding) {
  return {
    resourceType: aclResourceTypes[binding.resourceType],
    resourceName: binding.resourceName,
    resourcePatternType: patterns[binding.pattern],
    principal: binding.principal,
    host: binding.host,
    operation: aclOperations[binding.operation],
    permissionType: permissions[binding.permission],
  }
}

/** A rule that this version cannot name is an error: a list without it would be wrong, and so would be a plan based on it. */
function nameOf<Name extends string>(table: Readonly<Record<Name, number>>, value: number, what: string): Name {
  const name = (Object.keys(table) as Name[]).find((one) => table[one] === value)
  if (name === undefined) {
    throw new ClusterError(
      'UNSUPPORTED_API',
      `The cluster has an ACL with ${what} ${value}, which this version does not know`,
      {
        resource: 'ACLs',
        hint: 'Kafka is newer than this version of SelfMonitor Streams: update it, or use kafka-acls.',
      },
    )
  }
  return name
}

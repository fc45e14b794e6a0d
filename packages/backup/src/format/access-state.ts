// Who may do what in a cluster, as a backup has it: ACLs (KIP-290), client quotas (KIP-546) and SCRAM accounts (KIP-554).
import type { AclBinding, ClientQuota, ScramUser } from '@selfmonitor/cluster'
import { aclOperations, aclResourceTypes } from '@selfmonitor/protocol/acl'
import { z } from 'zod'

/** A part that could not be read is null, with the reason in the state's `problems`. */
export interface AccessState {
  /** Empty also where the cluster has no authorizer. */
  readonly acls: readonly AclBinding[] | null
  readonly quotas: readonly ClientQuota[] | null
  /** Names, mechanisms and iterations: Kafka tells nobody the hashes of passwords. */
  readonly accounts: readonly ScramUser[] | null
}

const words = <Name extends string>(table: Readonly<Record<Name, number>>) => z.enum(Object.keys(table) as [Name])

export const accessSchema = z.object({
  acls: z
    .array(
      z.object({
        resourceType: words(aclResourceTypes),
        resourceName: z.string(),
        pattern: z.enum(['literal', 'prefixed']),
        principal: z.string(),
        host: z.string(),
        operation: words(aclOperations),
        permission: z.enum(['allow', 'deny']),
      }),
    )
    .nullable(),
  quotas: z
    .array(
      z.object({
        entity: z.array(z.object({ type: z.enum(['user', 'client-id', 'ip']), name: z.string().nullable() })),
        values: z.record(z.string(), z.number()),
      }),
    )
    .nullable(),
  accounts: z
    .array(
      z.object({
        name: z.string(),
        credentials: z.array(
          z.object({ mechanism: z.enum(['SCRAM-SHA-256', 'SCRAM-SHA-512']), iterations: z.int().positive() }),
        ),
      }),
    )
    .nullable(),
}) satisfies z.ZodType<AccessState, unknown>

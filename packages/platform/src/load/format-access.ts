// The shape of what a platform file says about accounts and their rights.
import { aclOperationsOfAny } from '@selfmonitor/cluster/acl-operations'
import { z } from 'zod'

const text = (description: string, error = 'must be text') => z.string({ error }).meta({ description })
const patterns = (description: string) =>
  z.array(z.string({ error: 'must be text' }), { error: 'must be a list, such as ["shop.*"]' }).meta({ description })

/** Kafka's operations by the names that are written here; `kafka-acls` writes DescribeConfigs for `describe-configs`. */
export const aclOperations = aclOperationsOfAny(['topic', 'cluster', 'transactional-id'])

export const access = z
  .enum(['acls', 'none'], { error: "must be 'acls' or 'none'" })
  .meta({ description: 'acls: services and users are accounts with exactly the rights that follow from this file.' })

const acl = z
  .strictObject(
    {
      topic: text('A topic, or * for all.'),
      group: text('A consumer group, or * for all.'),
      transactionalId: text('A transactional id, or * for all.'),
      cluster: z
        .literal('kafka-cluster', { error: 'must be kafka-cluster, as Kafka calls it' })
        .meta({ description: 'The cluster itself; its name is always kafka-cluster.' }),
      pattern: z
        .enum(['literal', 'prefixed'], { error: "must be 'literal' or 'prefixed'" })
        .meta({ description: 'prefixed: every resource whose name begins with this one.' }),
      operations: z
        .array(z.enum(aclOperations, { error: `must be one of ${aclOperations.join(', ')}` }), {
          error: 'must be a list, such as [read, describe]',
        })
        .min(1, { error: 'must name at least one operation, such as [read, describe]' })
        .meta({ description: `Allowed operations: ${aclOperations.join(', ')}.` }),
      host: text('The client’s address, or * for any.'),
    },
    { error: 'must be a map such as { topic: orders, operations: [read, describe] }' },
  )
  .partial()

const user = z
  .strictObject(
    {
      description: text('Owner and purpose of the account.'),
      acls: z
        .array(acl, { error: 'must be a list, such as [{ topic: orders, operations: [read] }]' })
        .meta({ description: 'Rules of what it may do. Without rules it may do nothing.' }),
    },
    { error: 'must be a map such as { acls: [{ topic: orders, operations: [read] }] }' },
  )
  .partial()

export const users = z
  .record(z.string(), user, { error: 'must be a map of users by name' })
  .meta({ description: 'Accounts that are not services, by name, and additional rights of services.' })

export const owns = z
  .union(
    [
      z.array(z.string()),
      z
        .strictObject({
          topics: patterns('Patterns of topics.'),
          users: patterns('Patterns of accounts.'),
        })
        .partial(),
    ],
    { error: 'must be a list of patterns of topics, or a map such as { topics: ["shop.*"], users: ["shop-*"] }' },
  )
  .meta({
    description:
      'Patterns (* matches any characters) of topics that belong to this file: those that are not declared may be deleted, with --allow-delete. As a map, { topics, users }, also of accounts.',
  })

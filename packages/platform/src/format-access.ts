// The shape of what a platform file says about accounts and their rights.
import { z } from 'zod'

const text = (description: string, error = 'must be text') => z.string({ error }).meta({ description })
const patterns = (description: string) =>
  z.array(z.string({ error: 'must be text' }), { error: 'must be a list, such as ["shop.*"]' }).meta({ description })

/** Kafka's operations by the names that are written here; `kafka-acls` writes DescribeConfigs for `describe-configs`. */
export const aclOperations = [
  'all',
  'read',
  'write',
  'create',
  'delete',
  'alter',
  'describe',
  'cluster-action',
  'describe-configs',
  'alter-configs',
  'idempotent-write',
  'two-phase-commit',
] as const

export const access = z
  .enum(['acls', 'none'], { error: "must be 'acls' or 'none'" })
  .meta({ description: 'acls: services and users are accounts with just the rights that follow from this file.' })

const acl = z
  .strictObject(
    {
      topic: text('A topic, or * for every one.'),
      group: text('A consumer group, or * for every one.'),
      transactionalId: text('A transactional id, or * for every one.'),
      cluster: z
        .literal('kafka-cluster', { error: 'must be kafka-cluster, as Kafka calls it' })
        .meta({ description: 'The cluster itself; its name is always kafka-cluster.' }),
      pattern: z
        .enum(['literal', 'prefixed'], { error: "must be 'literal' or 'prefixed'" })
        .meta({ description: 'prefixed: every resource whose name begins so.' }),
      operations: z
        .array(z.enum(aclOperations, { error: `must be one of ${aclOperations.join(', ')}` }), {
          error: 'must be a list, such as [read, describe]',
        })
        .min(1, { error: 'must name at least one operation, such as [read, describe]' })
        .meta({ description: `What it may do: ${aclOperations.join(', ')}.` }),
      host: text('The address that it must come from, or * for any.'),
    },
    { error: 'must be a map such as { topic: orders, operations: [read, describe] }' },
  )
  .partial()

const user = z
  .strictObject(
    {
      description: text('Whose account it is, and what for.'),
      acls: z
        .array(acl, { error: 'must be a list, such as [{ topic: orders, operations: [read] }]' })
        .meta({ description: 'What it may do; nothing unless it is said here.' }),
    },
    { error: 'must be a map such as { acls: [{ topic: orders, operations: [read] }] }' },
  )
  .partial()

export const users = z
  .record(z.string(), user, { error: 'must be a map of users by name' })
  .meta({ description: 'Accounts by name that are no services, and further rights of those that are.' })

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
      'Patterns (* stands for anything) of topics that belong to this file: those that are not declared may be deleted, with --allow-delete. As a map, { topics, users }, of accounts too.',
  })

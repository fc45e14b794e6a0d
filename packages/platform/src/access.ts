// Derives accounts, rules and dead-letter topics from a platform file. Pure.
import type { AclBinding, AclOperation } from '@selfmonitor/cluster'
import type { Platform, PlatformAcl, PlatformPosition, PlatformTopic } from './model.ts'
import { matchesAny } from './pattern.ts'

/** An account that has to exist: a service, or one of `users`. */
export interface Account {
  readonly name: string
  readonly at: PlatformPosition | undefined
}

/** How a file that is stored in the name of an account may be called, and Kubernetes' keys as well. */
const accountName = /^[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*$/

/** The problem of an account's name; null if it is valid. */
export function accountNameProblem(name: string): string | null {
  if (name.startsWith('User:')) {
    return `is not a valid account name: leave out User:, write ${name.slice('User:'.length)}`
  }
  return accountName.test(name) && name.length <= 249
    ? null
    : "is not a valid account name: use the characters a-z, A-Z, 0-9, '_', '-', '@', '+', and '.' except at the beginning (its password is in a file of that name)"
}

export const principalOf = (account: string): string => `User:${account}`

/** The accounts of a file in its order, services first; none without `access: acls`. */
export function accountsOf({ access, services, users = [] }: Platform): Account[] {
  if (access !== 'acls') {
    return []
  }
  const accounts = new Map<string, Account>()
  for (const { name, at } of [...services, ...users]) {
    if (!accounts.has(name)) {
      accounts.set(name, { name, at })
    }
  }
  return [...accounts.values()]
}

/**
 * Where the library puts what a service cannot handle (`deadLetterTopic` of @selfmonitor/events, which a test compares).
 */
export const deadLetterTopicOf = (topic: string): string => `${topic}.dlq`

/** Names of the dead-letter topics of everything that a service consumes, whether the file declares them or not. */
export function deadLetterNames({ topics, services }: Platform): string[] {
  const consumed = new Set(services.flatMap(({ consumes }) => consumes))
  return topics.filter(({ name }) => consumed.has(name)).map(({ name }) => deadLetterTopicOf(name))
}

// The library adds headers to the record that it puts aside: names of a few hundred bytes, and a message of at most 4,000
// characters.
const deadLetterHeaderBytes = 65_536

/**
 * The dead-letter topics that the plan creates: with `access: acls` a service may not create its own. As many partitions
 * and replicas as the source, kept as long as it; never compacted, because dead letters may have no key. One that the
 * file declares itself is left to the file.
 */
export function deadLetterTopics(platform: Platform): PlatformTopic[] {
  if (platform.access !== 'acls') {
    return []
  }
  const names = new Set(deadLetterNames(platform))
  const declared = new Set(platform.topics.map(({ name }) => name))
  return platform.topics.flatMap((source) => {
    const name = deadLetterTopicOf(source.name)
    if (!names.has(name) || declared.has(name)) {
      return []
    }
    const { 'min.insync.replicas': minIsr, 'retention.ms': retention, 'max.message.bytes': maxBytes } = source.config
    const compacted = source.config['cleanup.policy']?.includes('compact') === true
    const { topic, replication } = source.at ?? {}
    return [
      {
        name,
        partitions: source.partitions,
        replicationFactor: source.replicationFactor,
        config: {
          ...(maxBytes === undefined ? {} : { 'max.message.bytes': String(Number(maxBytes) + deadLetterHeaderBytes) }),
          ...(minIsr === undefined ? {} : { 'min.insync.replicas': minIsr }),
          ...(retention === undefined || compacted ? {} : { 'retention.ms': retention }),
        },
        ...(source.protect === true ? { protect: true } : {}),
        eventTypes: {},
        at: { ...(topic === undefined ? {} : { topic }), ...(replication === undefined ? {} : { replication }) },
      },
    ]
  })
}

/** The account, resource and address of a rule, with all allowed operations. */
export interface Grant extends PlatformAcl {
  readonly account: string
}

/**
 * The rights of each account: services in the file's order, then users. A service gets exactly the rights that its library
 * needs: Write and Describe on what it produces (which is also enough for idempotent producers, KIP-679), Read
 * and Describe on what it consumes, Read on its group, Write and Describe on the dead letters of what it consumes.
 */
export function grantsOf(platform: Platform): Grant[] {
  if (platform.access !== 'acls') {
    return []
  }
  const grants = new Map<string, Grant>()
  const add = (account: string, acl: PlatformAcl) => {
    const key = JSON.stringify([account, acl.resourceType, acl.resourceName, acl.pattern, acl.host])
    const before = grants.get(key)?.operations ?? []
    const operations = [...new Set([...before, ...acl.operations])].sort()
    grants.set(key, { ...acl, account, operations })
  }
  for (const { name, produces, consumes, group } of platform.services) {
    const on = (resourceType: 'topic' | 'group', resourceName: string, operations: readonly AclOperation[]) =>
      add(name, { resourceType, resourceName, pattern: 'literal', host: '*', operations })
    for (const topic of produces) {
      on('topic', topic, ['describe', 'write'])
    }
    for (const topic of consumes) {
      on('topic', topic, ['describe', 'read'])
    }
    for (const topic of consumes) {
      on('topic', deadLetterTopicOf(topic), ['describe', 'write'])
    }
    if (consumes.length > 0) {
      on('group', group, ['read'])
    }
  }
  for (const { name, acls } of platform.users ?? []) {
    for (const acl of acls) {
      add(name, acl)
    }
  }
  return [...grants.values()]
}

/** A grant as Kafka has it: one rule for each operation. */
export function bindingsOf({ account, operations, ...rest }: Grant): AclBinding[] {
  const { resourceType, resourceName, pattern, host } = rest
  const principal = principalOf(account)
  return operations.map((operation) => ({
    resourceType,
    resourceName,
    pattern,
    principal,
    host,
    operation,
    permission: 'allow',
  }))
}

/** The names of all topics that only declared producers and consumers may use. */
export function protectedTopics(platform: Platform): string[] {
  return [...platform.topics, ...deadLetterTopics(platform)]
    .filter(({ name, protect }) => protect === true || matchesAny(name, platform.protect ?? []))
    .map(({ name }) => name)
}

/** Whether a rule's resource covers that topic. */
export function coversTopic(
  acl: { readonly resourceType: string; readonly resourceName: string; readonly pattern: string },
  topic: string,
): boolean {
  if (acl.resourceType !== 'topic') {
    return false
  }
  return acl.pattern === 'prefixed'
    ? topic.startsWith(acl.resourceName)
    : acl.resourceName === '*' || acl.resourceName === topic
}

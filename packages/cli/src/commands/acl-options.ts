// Turns the options of `selfmonitor acls` into rules, and filters the existing rules by them. Pure.
import type { AclBinding, AclOperation, AclPattern, AclResourceType } from '@selfmonitor/cluster'
import { aclOperationsOf } from '@selfmonitor/cluster/acl-operations'
import { usageError } from '../framework/errors.ts'
import { didYouMean } from '../framework/suggest.ts'

/** Reads `--operation read,describe`, repeatable; Kafka's own spelling (`DescribeConfigs`, `DESCRIBE_CONFIGS`) is accepted too. */
export function aclOperations(text: string, previous: readonly AclOperation[] = []): AclOperation[] {
  const known = [...new Set(Object.values(aclOperationsOf).flat())]
  const named = text.split(',').map((word) => {
    const plain = (name: string) => name.replace(/[-_ ]/g, '').toLowerCase()
    const found = known.find((operation) => plain(operation) === plain(word))
    if (found === undefined)
      throw usageError(
        `"${word}" is not an operation`,
        didYouMean(word, known) ?? `The operations are ${known.join(', ')}.`,
      )
    return found
  })
  return [...new Set([...previous, ...named])]
}

/** Reads `--allow-principal User:billing`, repeatable. */
export function principals(text: string, previous: readonly string[] = []): string[] {
  if (!/^[A-Za-z]+:.+/.test(text)) throw usageError(`"${text}" is not a principal`, `Write User:${text}.`)
  return [...previous, text]
}

export interface ResourceOptions {
  readonly topic?: readonly string[]
  readonly group?: readonly string[]
  readonly transactionalId?: readonly string[]
  readonly user?: readonly string[]
  readonly cluster?: boolean
}

/** The resources that the options name, in their order. */
export function resources(options: ResourceOptions): { type: AclResourceType; name: string }[] {
  const named = (type: AclResourceType, names: readonly string[] = []) => names.map((name) => ({ type, name }))
  return [
    ...named('topic', options.topic),
    ...named('group', options.group),
    ...named('transactional-id', options.transactionalId),
    ...named('user', options.user),
    ...named('cluster', options.cluster ? ['kafka-cluster'] : []),
  ]
}

export interface NewRules extends ResourceOptions {
  readonly allowPrincipal?: readonly string[]
  readonly denyPrincipal?: readonly string[]
  readonly operation?: readonly AclOperation[]
  readonly pattern: AclPattern
  readonly host: string
}

/**
 * Every rule that the options of `create` ask for: each principal with each operation on each resource.
 * @throws CliError USAGE for a missing option, or a rule that Kafka would accept but never apply
 */
export function newRules(options: NewRules): AclBinding[] {
  const on = resources(options)
  const { allowPrincipal = [], denyPrincipal = [], operation = [], pattern, host } = options
  if (allowPrincipal.length + denyPrincipal.length === 0)
    throw usageError('The principal is missing.', 'Pass --allow-principal User:billing (or --deny-principal).')
  if (operation.length === 0)
    throw usageError('The operation is missing.', 'Pass --operation, for example --operation read.')
  if (on.length === 0)
    throw usageError('The resource is missing.', 'Pass --topic, --group, --transactional-id, --user or --cluster.')
  for (const { type } of on) {
    const wrong = operation.find((one) => !aclOperationsOf[type].includes(one))
    if (wrong !== undefined) {
      throw usageError(
        `${wrong} does not apply to a ${type}.`,
        `Its operations are ${aclOperationsOf[type].join(', ')}.`,
      )
    }
    if (type === 'cluster' && pattern === 'prefixed')
      throw usageError('--pattern prefixed does not apply to --cluster.')
  }
  const who = [
    ...allowPrincipal.map((principal) => ({ principal, permission: 'allow' as const })),
    ...denyPrincipal.map((principal) => ({ principal, permission: 'deny' as const })),
  ]
  return who.flatMap(({ principal, permission }) =>
    on.flatMap(({ type, name }) =>
      operation.map((one) => ({
        ...{ resourceType: type, resourceName: name, pattern },
        ...{ principal, host, operation: one, permission },
      })),
    ),
  )
}

export interface RuleFilter extends ResourceOptions {
  readonly principal?: readonly string[]
  readonly operation?: readonly AclOperation[]
  readonly pattern?: AclPattern
  /** Also the rules that reach a named resource by a prefix or by `*`. */
  readonly match?: boolean
}

/** Whether the filter names anything. */
export function isOpen(filter: RuleFilter): boolean {
  return (
    resources(filter).length === 0 &&
    filter.principal === undefined &&
    filter.operation === undefined &&
    filter.pattern === undefined
  )
}

/** The rules that match the filter; a field that the filter does not set matches everything. */
export function matching(rules: readonly AclBinding[], filter: RuleFilter): AclBinding[] {
  const on = resources(filter)
  return rules.filter(
    (rule) =>
      (filter.principal === undefined || filter.principal.includes(rule.principal)) &&
      (filter.operation === undefined || filter.operation.includes(rule.operation)) &&
      (filter.pattern === undefined || filter.pattern === rule.pattern) &&
      (on.length === 0 || on.some(({ type, name }) => type === rule.resourceType && names(rule, name, filter.match))),
  )
}

function names(rule: AclBinding, name: string, match = false): boolean {
  if (rule.resourceName === name) return true
  if (!match) return false
  return rule.pattern === 'prefixed' ? name.startsWith(rule.resourceName) : rule.resourceName === '*'
}

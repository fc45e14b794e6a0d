import type { AclBinding } from '@selfmonitor/cluster'
import { describe, expect, it } from 'vitest'
import { aclOperations, isOpen, matching, newRules, principals } from './acl-options.ts'

const base = { pattern: 'literal', host: '*' } as const

describe('the options of acls', () => {
  it('read operations in our spelling and in Kafka’s, several at once and repeated', () => {
    expect(aclOperations('read,DescribeConfigs')).toEqual(['read', 'describe-configs'])
    expect(aclOperations('ALTER_CONFIGS,read', ['read'])).toEqual(['read', 'alter-configs'])
    expect(() => aclOperations('raed')).toThrow('"raed" is not an operation')
  })

  it('want principals with their type', () => {
    expect(principals('User:a', ['User:b'])).toEqual(['User:b', 'User:a'])
    expect(() => principals('billing')).toThrow('"billing" is not a principal')
  })

  it('make one rule for each principal, operation and resource', () => {
    const rules = newRules({
      ...base,
      allowPrincipal: ['User:a'],
      denyPrincipal: ['User:b'],
      operation: ['read', 'describe'],
      topic: ['orders', 'bills'],
      pattern: 'prefixed',
    })
    expect(rules).toHaveLength(8)
    expect(rules[0]).toEqual({
      ...{ resourceType: 'topic', resourceName: 'orders', pattern: 'prefixed', principal: 'User:a' },
      ...{ host: '*', operation: 'read', permission: 'allow' },
    })
    expect(
      rules.filter(({ permission }) => permission === 'deny').every(({ principal }) => principal === 'User:b'),
    ).toBe(true)
  })

  it('name the cluster as Kafka does', () => {
    const [rule] = newRules({ ...base, allowPrincipal: ['User:a'], operation: ['alter'], cluster: true })
    expect(rule).toMatchObject({ resourceType: 'cluster', resourceName: 'kafka-cluster' })
  })

  it('report what is missing, and rules that Kafka would accept but never apply', () => {
    const who = { ...base, allowPrincipal: ['User:a'] }
    expect(() => newRules({ ...base, operation: ['read'], topic: ['a'] })).toThrow(/The principal is missing/)
    expect(() => newRules({ ...who, topic: ['a'] })).toThrow(/The operation is missing/)
    expect(() => newRules({ ...who, operation: ['read'] })).toThrow(/The resource is missing/)
    expect(() => newRules({ ...who, operation: ['write'], group: ['g'] })).toThrow('write does not apply to a group.')
    expect(() => newRules({ ...who, operation: ['alter'], cluster: true, pattern: 'prefixed' })).toThrow(
      /does not apply to --cluster/,
    )
  })
})

describe('the rules that are meant', () => {
  const rule = (more: Partial<AclBinding>): AclBinding => ({
    ...({ resourceType: 'topic', resourceName: 'orders', pattern: 'literal', principal: 'User:a' } as const),
    ...({ host: '*', operation: 'read', permission: 'allow' } as const),
    ...more,
  })
  const literal = rule({})
  const prefix = rule({ resourceName: 'ord', pattern: 'prefixed' })
  const all = rule({ resourceName: '*', operation: 'write' })
  const group = rule({ resourceType: 'group', principal: 'User:b' })
  const rules = [literal, prefix, all, group]

  it('are those with exactly these names; what is not named is open', () => {
    expect(matching(rules, {})).toEqual(rules)
    expect(matching(rules, { topic: ['orders'] })).toEqual([literal])
    expect(matching(rules, { principal: ['User:a'], operation: ['write'] })).toEqual([all])
    expect(matching(rules, { topic: ['ord'], pattern: 'prefixed' })).toEqual([prefix])
    expect(matching(rules, { topic: ['ord'], pattern: 'literal' })).toEqual([])
  })

  it('with --match also reach the name by a prefix or by *', () => {
    expect(matching(rules, { topic: ['orders'], match: true })).toEqual([literal, prefix, all])
    expect(matching(rules, { topic: ['bills'], match: true })).toEqual([all])
    // A literal rule for the name `ord` would not reach `orders`, and the prefix rule does not reach `or`.
    expect(matching(rules, { topic: ['or'], match: true })).toEqual([all])
  })

  it('a filter selects all rules only if no option narrows it', () => {
    expect(isOpen({ cluster: false })).toBe(true)
    expect(isOpen({ cluster: true })).toBe(false)
    expect(isOpen({ principal: ['User:a'] })).toBe(false)
  })
})

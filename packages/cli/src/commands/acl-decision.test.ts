import type { AclBinding } from '@selfmonitor/cluster'
import { describe, expect, it } from 'vitest'
import { type AclQuestion, decide } from './acl-decision.ts'

const facts = { superUsers: ['User:root'], allowEveryone: false }

/** `allow User:a read topic orders`, with `*` at the end of a name for a prefix, and a host behind it. */
function rule(words: string): AclBinding {
  const [permission, principal, operation, resourceType, name, host = '*'] = words.split(' ') as [
    string,
    string,
    string,
    string,
    string,
  ]
  const isPrefix = name !== '*' && name.endsWith('*')
  return {
    ...{ permission, principal, operation, resourceType, host },
    resourceName: isPrefix ? name.slice(0, -1) : name,
    pattern: isPrefix ? 'prefixed' : 'literal',
  } as AclBinding
}

const question = (operation: AclQuestion['operation'], more: Partial<AclQuestion> = {}): AclQuestion => ({
  ...{ principal: 'User:a', resourceType: 'topic', resourceName: 'orders', operation },
  ...more,
})

describe('the answer of the authorizer', () => {
  it('is yes for a super user, whatever the rules say', () => {
    const rules = [rule('deny User:* all topic *')]
    const answer = decide(rules, question('read', { principal: 'User:root' }), facts)
    expect(answer).toMatchObject({ isAllowed: true, because: { kind: 'super user' } })
  })

  it('is no when any rule denies, be others more specific', () => {
    const allowed = rule('allow User:a read topic orders')
    for (const denied of [rule('deny User:* read topic *'), rule('deny User:a all topic ord*')]) {
      expect(decide([allowed, denied], question('read'), facts)).toEqual({
        ...{ isAllowed: false, because: { kind: 'rule', rule: denied } },
        ...{ overruled: [allowed], elsewhere: [] },
      })
    }
  })

  it('takes names, prefixes and * alike, of this kind of resource only', () => {
    for (const name of ['orders', 'ord*', '*']) {
      expect(decide([rule(`allow User:a read topic ${name}`)], question('read'), facts).isAllowed).toBe(true)
    }
    for (const name of ['order', 'orders.*', 'Orders']) {
      expect(decide([rule(`allow User:a read topic ${name}`)], question('read'), facts).isAllowed).toBe(false)
    }
    expect(decide([rule('allow User:a read group orders')], question('read'), facts).isAllowed).toBe(false)
  })

  it('implies describe by what needs it, for rules that allow alone', () => {
    for (const operation of ['read', 'write', 'delete', 'alter']) {
      expect(decide([rule(`allow User:a ${operation} topic orders`)], question('describe'), facts).isAllowed).toBe(true)
    }
    expect(decide([rule('allow User:a alter-configs topic orders')], question('describe'), facts).isAllowed).toBe(false)
    expect(decide([rule('allow User:a alter-configs topic *')], question('describe-configs'), facts).isAllowed).toBe(
      true,
    )
    const rules = [rule('allow User:a describe topic orders'), rule('deny User:a read topic orders')]
    expect(decide(rules, question('describe'), facts).isAllowed).toBe(true)
  })

  it('without a fitting rule is no, and the default only where no rule names the resource', () => {
    const everyone = { ...facts, allowEveryone: true }
    const others = [rule('allow User:b read topic orders')]
    expect(decide([], question('read'), facts)).toMatchObject({ isAllowed: false, because: { kind: 'no rules' } })
    expect(decide([], question('read'), everyone)).toMatchObject({ isAllowed: true, because: { kind: 'no rules' } })
    expect(decide(others, question('read'), everyone)).toMatchObject({
      isAllowed: false,
      because: { kind: 'no rule fits' },
    })
  })

  it('counts rules of one address for a client there, and names them for any other', () => {
    const local = rule('allow User:a read topic orders 10.0.0.1')
    expect(decide([local], question('read', { host: '10.0.0.1' }), facts).isAllowed).toBe(true)
    expect(decide([local], question('read', { host: '10.0.0.2' }), facts).isAllowed).toBe(false)
    expect(decide([local], question('read'), facts)).toMatchObject({ isAllowed: false, elsewhere: [local] })
    const denied = rule('deny User:a read topic orders 10.0.0.1')
    const rules = [rule('allow User:a read topic *'), denied]
    expect(decide(rules, question('read'), facts)).toMatchObject({ isAllowed: true, elsewhere: [denied] })
  })
})

// What a restore of access would do, by what the backup and the target have.
import type { AclBinding } from '@selfmonitor/cluster'
import { ClusterError } from '@selfmonitor/cluster/errors'
import { describe, expect, it } from 'vitest'
import type { AccessState } from '../format/access-state.ts'
import { planAccess, restoreAccess } from './access.ts'

const rule = (more: Partial<AclBinding> = {}): AclBinding => ({
  resourceType: 'topic',
  resourceName: 'orders',
  pattern: 'literal',
  principal: 'User:alice',
  host: '*',
  operation: 'read',
  permission: 'allow',
  ...more,
})
const nothing: AccessState = { acls: [], quotas: [], accounts: [] }
const target = (has: Partial<AccessState> = {}) => ({
  acls: async () => [...(has.acls ?? [])],
  clientQuotas: async () => [...(has.quotas ?? [])],
  users: async () => [...(has.accounts ?? [])],
})
const same = (topic: string): string => topic

describe('access of a backup', () => {
  it('is added where it is missing: rules that deny come first', async () => {
    const deny = rule({ permission: 'deny', operation: 'write' })
    const extra = rule({ principal: 'User:bob' })
    const access = { ...nothing, acls: [rule(), deny, rule({ operation: 'describe' })] }
    const { acls } = await planAccess(target({ acls: [rule(), extra] }), access, [], same)
    expect(acls).toEqual({ add: [deny, rule({ operation: 'describe' })], same: 1, extra: [extra] })
  })

  it('follows the new name of a topic where a rule is about that topic alone', async () => {
    const acls = [
      rule(),
      rule({ resourceName: '*' }),
      rule({ resourceType: 'group' }),
      rule({ resourceName: 'ord', pattern: 'prefixed' }),
    ]
    const plan = await planAccess(target(), { ...nothing, acls }, [], (topic) => `new.${topic}`)
    expect(plan.acls.add.map(({ resourceType, resourceName }) => `${resourceType} ${resourceName}`)).toEqual([
      'topic new.orders',
      'topic *',
      'group orders',
      'topic ord',
    ])
    expect(plan.warnings).toEqual([expect.stringContaining('covered orders and does not cover new.orders')])
  })

  it('sets single values of quotas, and keeps the others', async () => {
    const entity = [{ type: 'user', name: null }] as const
    const access = { ...nothing, quotas: [{ entity, values: { producer_byte_rate: 2, request_percentage: 3 } }] }
    const has = {
      quotas: [{ entity, values: { producer_byte_rate: 1, request_percentage: 3, consumer_byte_rate: 9 } }],
    }
    const { quotas } = await planAccess(target(has), access, [], same)
    expect(quotas.set).toEqual([{ entity, values: { producer_byte_rate: 2 }, before: { producer_byte_rate: 1 } }])
  })

  it('creates no account without a place for its password, and keeps iterations within what Kafka takes', async () => {
    const credentials = [{ mechanism: 'SCRAM-SHA-512', iterations: 100_000 }] as const
    const access = { ...nothing, accounts: [{ name: 'alice', credentials }] }
    const plan = await planAccess(target(), access, [], same)
    const done: string[] = []
    const cluster = {
      createAcls: async () => {},
      alterClientQuotas: async () => {},
      setUserPasswords: async (users: readonly { name: string; iterations?: number }[]) => {
        done.push(...users.map(({ name, iterations }) => `create ${name} ${iterations}`))
      },
    }
    const again = () => planAccess(target(done.length > 0 ? access : {}), access, [], same)
    expect(await restoreAccess(cluster, plan, null, again)).toMatchObject({ isComplete: false })
    expect(done).toEqual([])
    const save = async (passwords: readonly { name: string }[]): Promise<void> => {
      done.push(`save ${passwords.map(({ name }) => name)}`)
    }
    expect(await restoreAccess(cluster, plan, save, again)).toMatchObject({ isComplete: true })
    expect(done).toEqual(['save alice', 'create alice 16384'])
  })

  it('is missing where the backup could not read it, or the target has no such thing', async () => {
    const problems = [{ part: 'acls', code: 'CLUSTER_AUTHORIZATION_FAILED', message: 'no right' }]
    const unread = await planAccess(target(), { ...nothing, acls: null }, problems, same)
    expect(unread.missing).toEqual(['acls: no right'])
    const open = { ...target(), acls: () => Promise.reject(new ClusterError('SECURITY_DISABLED', 'no authorizer')) }
    const refused = await planAccess(open, { ...nothing, acls: [rule()] }, [], same)
    expect(refused.missing).toEqual(['ACLs are not restored: no authorizer'])
    expect((await planAccess(open, nothing, [], same)).missing).toEqual([])
    expect((await planAccess(target(), null, [], same)).missing).toHaveLength(1)
  })
})

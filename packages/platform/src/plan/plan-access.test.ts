// Plans and applies accounts and ACLs against a cluster in memory, in which requests can fail; import; passwords.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AclBinding, ClusterError } from '@selfmonitor/cluster'
import { afterEach, describe, expect, it } from 'vitest'
import { applyPlan, planPlatform } from '../apply/apply.ts'
import { importPlatform } from '../import/import.ts'
import { loadPlatform } from '../load/load.ts'
import { readPasswords } from '../passwords.ts'
import { type FakeCluster, fakeCluster } from '../test-support/fake-cluster.ts'
import type { PlanOptions } from './plan-options.ts'
import { renderPlan } from './render.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) {
    rmSync(folder, { recursive: true })
  }
})

function folder(files: Readonly<Record<string, string | Uint8Array>>): string {
  const dir = mkdtempSync(join(tmpdir(), 'plan-access-'))
  folders.push(dir)
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(dir, name), text)
  }
  return dir
}

const load = (text: string) => loadPlatform(join(folder({ 'platform.yaml': text }), 'platform.yaml'), { env: {} })

const secrets = { shop: 'one\n', billing: 'two', auditor: 'three', idle: 'four' }

/** What a plan says, without its folders' names. */
async function planned(
  text: string,
  cluster: FakeCluster,
  options: PlanOptions & { secrets?: Readonly<Record<string, string>> | null } = {},
): Promise<string> {
  const platform = await load(text)
  const dir = options.secrets === null ? null : folder(options.secrets ?? secrets)
  const passwords = dir === null ? null : await readPasswords(dir, platform)
  const plan = await planPlatform(platform, cluster, null, { ...options, passwords })
  return renderPlan(plan, 'text')
    .replaceAll(dir ?? '\0', 'DIR')
    .replaceAll(/✗ \S+platform.yaml/g, '✗ platform.yaml')
    .replace(/ \(environment.*/, '')
}

async function apply(text: string, cluster: FakeCluster, options: PlanOptions = {}) {
  const platform = await load(text)
  const passwords = await readPasswords(folder(secrets), platform)
  const plan = await planPlatform(platform, cluster, null, { ...options, passwords })
  return applyPlan(plan, platform, cluster, null, { passwords })
}

const shop = `
access: acls
topics: { orders: { partitions: 3 } }
services:
  shop: { produces: [orders] }
  billing: { consumes: [orders] }
users:
  auditor: { acls: [{ topic: orders, operations: [describe] }, { group: audit-, pattern: prefixed, operations: [read], host: 10.0.0.7 }, { cluster: kafka-cluster, operations: [describe] }] }
`

const rule = (over: Partial<AclBinding>): AclBinding => ({
  resourceType: 'topic',
  resourceName: 'orders',
  pattern: 'literal',
  principal: 'User:shop',
  host: '*',
  operation: 'delete',
  permission: 'allow',
  ...over,
})

describe('a plan of accounts', () => {
  it('creates topics, dead letters, accounts, then rules; applied once, there is nothing to do', async () => {
    const cluster = fakeCluster()
    expect(await planned(shop, cluster)).toBe(`\
+ topic  orders      partitions 3, replication broker default
+ topic  orders.dlq  partitions 3, replication broker default
+ user   shop        mechanism SCRAM-SHA-512
+ user   billing     mechanism SCRAM-SHA-512
+ user   auditor     mechanism SCRAM-SHA-512
+ acl    User:shop topic orders                    allow describe, write
+ acl    User:billing topic orders                 allow describe, read
+ acl    User:billing topic orders.dlq             allow describe, write
+ acl    User:billing group billing                allow read
+ acl    User:auditor topic orders                 allow describe
+ acl    User:auditor group audit-* from 10.0.0.7  allow read
+ acl    User:auditor cluster                      allow describe

12 to create, 0 to change, 0 to delete
`)
    expect(await apply(shop, cluster)).toMatchObject({ failed: null, notApplied: [] })
    expect(cluster.state.passwords).toEqual(
      new Map([
        ['shop', 'one'],
        ['billing', 'two'],
        ['auditor', 'three'],
      ]),
    )
    expect(await planned(shop, cluster)).toBe('No changes\n')
  })

  it('changes a password that the cluster rejects, and never prints it', async () => {
    const cluster = fakeCluster()
    await apply(shop, cluster)
    const text = await planned(shop, cluster, { secrets: { ...secrets, billing: 'new-secret' } })
    expect(text).toBe(`\
~ user  billing  password another → the one in DIR
  ! clients that use the old password are rejected at their next connection

0 to create, 1 to change, 0 to delete
`)
  })

  it('does not compare passwords where they cannot be tried, and reports that', async () => {
    const cluster = fakeCluster()
    await apply(shop, cluster)
    cluster.authenticates = async () => {
      throw new ClusterError('INVALID_ARGUMENT', 'fake:9092 is connected without SASL')
    }
    expect(await planned(shop, cluster, { secrets: { ...secrets, billing: 'new-secret' } })).toBe(`\
! Passwords of existing accounts are not compared: fake:9092 is connected without SASL.

No changes
`)
  })

  it('gives an account that has another mechanism only the one of this file', async () => {
    const cluster = fakeCluster()
    await apply(shop, cluster)
    const users = await cluster.users()
    cluster.users = async () =>
      users.map(({ name }) => ({ name, credentials: [{ mechanism: 'SCRAM-SHA-256', iterations: 4096 }] }))
    expect(await planned(shop, cluster)).toContain('+ user  billing  mechanism SCRAM-SHA-512\n')
  })

  it('asks for every password that is missing at once, and for the folder when there is none', async () => {
    const cluster = fakeCluster()
    expect(await planned(shop, cluster, { secrets: { shop: '\n', auditor: 'three' } })).toMatch(
      /✗ platform\.yaml:5:3 services\.shop: needs the file DIR\/shop with its password: it is empty\n✗ platform\.yaml:6:3 services\.billing: needs the file DIR\/billing with its password: it does not exist\n\n2 errors: nothing can be applied\n$/,
    )
    expect(await planned(shop, cluster, { secrets: null })).toContain(
      '✗ platform.yaml:2:9 access: is acls, and there are no passwords for shop, billing, auditor: pass --passwords DIR (or set SELFMONITOR_PASSWORDS)',
    )
  })

  it.each([
    ['SECURITY_DISABLED', 'has no authorizer, so that every client may do everything: set authorizer.class.name='],
    ['UNSUPPORTED_API', 'does not support SCRAM accounts'],
  ])('is refused by a cluster that answers %s, with what to set', async (code, said) => {
    const cluster = fakeCluster()
    cluster.acls = async () => {
      throw new ClusterError(code, 'no')
    }
    const text = await planned(shop, cluster)
    expect(text).toContain(`✗ platform.yaml:2:9 access: is acls, and this cluster ${said}`)
    expect(text).toMatch(/or write access: none\n\n1 error: /)
    expect(await planned(shop.replace('acls', 'none'), cluster, { secrets: null })).toContain('1 to create')
  })
})

describe('what is there and not declared', () => {
  const declared = (more = '') => `${more}${shop}`

  async function cluster(): Promise<FakeCluster> {
    const made = fakeCluster()
    await apply(shop, made)
    return made
  }

  it('is deleted only with --allow-delete, of principals that are declared', async () => {
    const live = await cluster()
    await live.createAcls([
      rule({ operation: 'delete' }),
      rule({ operation: 'alter' }),
      rule({ operation: 'read', permission: 'deny' }),
      rule({ principal: 'User:stranger' }),
    ])
    expect(await planned(declared(), live)).toBe(`\
! User:shop topic orders delete, alter is not in the file; --allow-delete would remove what it allows.
! User:shop topic orders read is not in the file; --allow-delete would remove what it denies.

No changes
`)
    expect(await planned(declared('owns: [x]'), live, { allowDelete: true })).toBe(`\
- acl  User:shop topic orders  allow delete, alter
- acl  User:shop topic orders  deny read
  ! removes a deny rule: User:shop may have other rules that allow it

0 to create, 0 to change, 2 to delete
`)
    await apply(declared(), live, { allowDelete: true })
    const left = (await live.acls()).filter(({ operation }) => ['delete', 'alter'].includes(operation))
    expect(left.map(({ principal }) => principal)).toEqual(['User:stranger'])
  })

  it('does not delete the dead letters of a topic that a service consumes, whether the file or the library created them', async () => {
    const live = await cluster()
    const file = `owns: ["*"]${shop}`
    await live.createTopics([{ name: 'old.dlq', partitions: 1, replicationFactor: 1 }])
    for (const text of [file, file.replace('acls', 'none')]) {
      expect(await planned(text, live, { allowDelete: true })).toContain('- topic  old.dlq')
      expect(await planned(text, live, { allowDelete: true })).not.toContain('orders.dlq')
    }
  })

  it('deletes accounts that it owns, but keeps those that may be needed to operate the cluster', async () => {
    const live = await cluster()
    await live.setUserPasswords(['gone', 'root', 'operator', 'me', 'other'].map((name) => ({ name, password: 'p' })))
    await live.createAcls([
      rule({ principal: 'User:gone', operation: 'read' }),
      rule({ principal: 'User:half-gone', operation: 'read' }),
      rule({ principal: 'User:me', operation: 'read' }),
      rule({ principal: 'User:other', operation: 'read' }),
      rule({ principal: 'User:operator', resourceType: 'cluster', resourceName: 'kafka-cluster', operation: 'alter' }),
    ])
    const file = `owns: { topics: [none], users: ["*gone", me, root, operator] }${shop}`
    expect(await planned(file, live, { account: 'me' })).toBe(`\
! account me is owned and not declared; it is the one that this command uses, and stays.
! account operator is owned and not declared; it may alter the cluster, and stays.
! account root is owned and not declared; it has no ACLs, so it may be a super user, and stays.
! account gone is owned and not declared; --allow-delete would delete it.
! User:gone topic orders read is not in the file; --allow-delete would remove what it allows.
! User:half-gone topic orders read is not in the file; --allow-delete would remove what it allows.

No changes
`)
    await apply(file, live, { allowDelete: true, account: 'me' })
    expect(live.calls.slice(-3)).toEqual(['delete users gone', 'delete rules User:gone', 'delete rules User:half-gone'])
    expect((await live.users()).map(({ name }) => name)).toEqual([
      'shop',
      'billing',
      'auditor',
      'root',
      'operator',
      'me',
      'other',
    ])
  })

  it('is reported for a protected topic: which other accounts may change it', async () => {
    const live = await cluster()
    await live.createAcls([
      rule({ principal: 'User:stranger', operation: 'write', resourceName: 'ord', pattern: 'prefixed' }),
      rule({ principal: 'User:reader', operation: 'read' }),
      rule({ principal: 'User:guest', operation: 'delete', permission: 'deny' }),
    ])
    const guarded = shop.replace('partitions: 3', 'partitions: 3, protect: true')
    expect(await planned(guarded, live)).toBe(`\
! User:stranger, which the file does not know, is allowed write on protected topics: orders, orders.dlq.

No changes
`)
    // Another file of the same setup declares it.
    expect(await planned(guarded, live, { knownPrincipals: ['User:stranger'] })).toBe('No changes\n')
  })
})

describe('an apply that fails half-way', () => {
  // 1 request for the topics, 3 accounts, the rules of 3 accounts; the deletion of rules and of an account.
  const cases = [1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((nth) =>
    (['refused', 'answer lost'] as const).map((how) => [nth, how] as const),
  )
  const file = `owns: { users: [gone] }${shop}`

  it.each(cases)('at change %i (%s) is completed by the next one', async (nth, how) => {
    const cluster = fakeCluster()
    await cluster.setUserPasswords([{ name: 'gone', password: 'p' }])
    await cluster.createAcls([rule({ principal: 'User:gone' })])
    cluster.failAt(nth, how)
    const first = await apply(file, cluster, { allowDelete: true })
    expect(first.failed?.error).toMatchObject({ code: 'CONNECTION_CLOSED' })
    const second = await apply(file, cluster, { allowDelete: true })
    expect(second.failed).toBeNull()
    expect(await planned(file, cluster, { allowDelete: true })).toMatch(/No changes\n$/)
    expect([...cluster.state.passwords.keys()].sort()).toEqual(['auditor', 'billing', 'shop'])
    expect([...cluster.state.rules.values()].filter(({ principal }) => principal === 'User:gone')).toEqual([])
  })

  it('covers every change that there is', async () => {
    const cluster = fakeCluster()
    await cluster.setUserPasswords([{ name: 'gone', password: 'p' }])
    await cluster.createAcls([rule({ principal: 'User:gone' })])
    const before = cluster.calls.length
    await apply(file, cluster, { allowDelete: true })
    expect(cluster.calls.length - before).toBe(cases.length / 2)
  })
})

describe('passwords', () => {
  const one = 'access: acls\nservices: { shop: {} }'

  it('are the content of a file, without one newline at the end; links are followed as Kubernetes makes them', async () => {
    const dir = folder({})
    mkdirSync(join(dir, '..2026_11_22'))
    writeFileSync(join(dir, '..2026_11_22', 'shop'), ' p=ä,"\\ \n')
    symlinkSync('..2026_11_22', join(dir, '..data'))
    symlinkSync('..data/shop', join(dir, 'shop'))
    writeFileSync(join(dir, 'somebody-else'), 'x')
    const { byAccount, problems } = await readPasswords(dir, await load(one))
    expect([...byAccount]).toEqual([['shop', ' p=ä,"\\ ']])
    expect(problems).toEqual([])
  })

  it.each([
    ['', 'it is empty'],
    ['\r\n', 'it is empty'],
    ['one\ntwo\n', 'it has more than one line'],
    ['one\n\n', 'it has more than one line'],
    [new Uint8Array([0xff, 0xfe, 0x41]), 'it is not UTF-8 text'],
  ])('that cannot be meant are a problem: %j', async (content, said) => {
    const { problems } = await readPasswords(folder({ shop: content }), await load(one))
    expect(problems).toMatchObject([{ line: 2, path: 'services.shop', message: expect.stringMatching(`${said}$`) }])
  })

  it('need an existing folder, but only if there are accounts', async () => {
    const platform = await load(one)
    await expect(readPasswords('/nowhere/at-all', platform)).rejects.toMatchObject({
      code: 'NO_PASSWORDS',
      message: expect.stringContaining('/nowhere/at-all does not exist'),
    })
    const dir = folder({ file: 'x' })
    await expect(readPasswords(join(dir, 'file'), platform)).rejects.toThrow(/is not a folder/)
    expect(await readPasswords('/nowhere/at-all', await load('access: none'))).toMatchObject({ problems: [] })
  })

  it('never appear in a plan, in any format', async () => {
    const platform = await load(shop)
    const passwords = await readPasswords(folder({ ...secrets, billing: 'hunter2-secret' }), platform)
    const cluster = fakeCluster()
    const plan = await planPlatform(platform, cluster, null, { passwords })
    const said = (['text', 'json', 'markdown'] as const).map((format) => renderPlan(plan, format)).join('')
    expect(said).toContain('billing')
    expect(said).not.toContain('hunter2')
    const result = await applyPlan(plan, platform, cluster, null, { passwords })
    expect(JSON.stringify(result)).not.toContain('hunter2')
  })
})

describe('import', () => {
  it('writes accounts and rules so that the plan is empty, and reports what it leaves out', async () => {
    const cluster = fakeCluster()
    await apply(shop, cluster)
    await cluster.setUserPasswords(['root', 'banned'].map((name) => ({ name, password: 'p' })))
    await cluster.createAcls([
      rule({ principal: 'User:banned', permission: 'deny' }),
      rule({ principal: 'User:CN=tool' }),
      rule({ principal: 'User:*', operation: 'describe' }),
    ])
    const { files, users, notes } = await importPlatform(cluster, null)
    const text = files.get('platform.yaml')!
    expect(text.slice(text.indexOf('users:'))).toBe(`\
users:
  shop:
    acls:
      - topic: orders
        operations:
          - describe
          - write
  billing:
    acls:
      - topic: orders
        operations:
          - describe
          - read
      - topic: orders.dlq
        operations:
          - describe
          - write
      - group: billing
        operations:
          - read
  auditor:
    acls:
      - topic: orders
        operations:
          - describe
      - group: audit-
        pattern: prefixed
        operations:
          - read
        host: 10.0.0.7
      - cluster: kafka-cluster
        operations:
          - describe
`)
    expect(users).toBe(3)
    expect(notes).toEqual([
      'account root: it has no ACLs (a super user, perhaps)',
      'account banned: its rule deny delete on topic orders cannot be expressed here',
      'ACLs of User:CN=tool: it has no password in Kafka (a certificate, perhaps)',
      'ACLs of User:*: it has no password in Kafka (a certificate, perhaps)',
    ])
    expect(await planned(text, cluster)).toBe('No changes\n')
  })

  it('leaves out accounts if the cluster has none or denies access, or if only some topics are imported', async () => {
    const cluster = fakeCluster()
    await apply(shop, cluster)
    expect((await importPlatform(cluster, null, { topics: ['*'] })).files.get('platform.yaml')).not.toContain('users:')
    for (const code of ['SECURITY_DISABLED', 'CLUSTER_AUTHORIZATION_FAILED']) {
      cluster.acls = async () => {
        throw new ClusterError(code, 'no')
      }
      const { files, notes } = await importPlatform(cluster, null)
      expect(files.get('platform.yaml')).not.toMatch(/^(users|access):/m)
      expect(notes).toEqual(code === 'SECURITY_DISABLED' ? [] : ['accounts and ACLs: this account may not read them'])
    }
  })
})

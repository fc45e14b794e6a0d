// What follows from a platform file: who may do what, as tables; and what a file may not say.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { accountsOf, deadLetterTopics, grantsOf } from '../access.ts'
import type { PlatformError } from '../errors.ts'
import type { Platform } from '../model.ts'
import { loadPlatform } from './load.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) {
    rmSync(folder, { recursive: true })
  }
})

function load(text: string, environment = 'development'): Promise<Platform> {
  const folder = mkdtempSync(join(tmpdir(), 'access-'))
  folders.push(folder)
  writeFileSync(join(folder, 'platform.yaml'), text)
  return loadPlatform(join(folder, 'platform.yaml'), { environment, env: {} })
}

async function mistakes(text: string): Promise<string[]> {
  const error: PlatformError = await load(text).then(
    () => expect.unreachable('the file has mistakes'),
    (thrown) => thrown,
  )
  return error.problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
}

const grants = (platform: Platform): string[] =>
  grantsOf(platform).map(
    ({ account, resourceType, resourceName, pattern, host, operations }) =>
      `${account} | ${resourceType} ${resourceName}${pattern === 'prefixed' ? '*' : ''} | ${operations.join(' ')}${host === '*' ? '' : ` from ${host}`}`,
  )

const shop = `
access: acls
topics: { orders: { partitions: 3 }, carts: { partitions: 6 }, bills: { partitions: 1 } }
services:
  shop: { produces: [orders, carts] }
  billing: { consumes: [orders], produces: [bills], group: billing-v2 }
  echo: { consumes: [carts], produces: [carts] }
  idle: {}
`

describe('the rights of services', () => {
  it('follow from what they produce and consume, and are no more than their library needs', async () => {
    expect(grants(await load(shop))).toEqual([
      'shop | topic orders | describe write',
      'shop | topic carts | describe write',
      'billing | topic bills | describe write',
      'billing | topic orders | describe read',
      'billing | topic orders.dlq | describe write',
      'billing | group billing-v2 | read',
      'echo | topic carts | describe read write',
      'echo | topic carts.dlq | describe write',
      'echo | group echo | read',
    ])
    expect(accountsOf(await load(shop)).map(({ name }) => name)).toEqual(['shop', 'billing', 'echo', 'idle'])
  })

  it('are none without access: acls, the default, and an environment can say otherwise', async () => {
    const text = `environments: { development: {}, production: { access: acls } }${shop.replace('access: acls', '')}`
    const development = await load(text)
    expect([development.access, grants(development), accountsOf(development)]).toEqual(['none', [], []])
    expect(grants(await load(text, 'production'))).toHaveLength(9)
    const reverse = `environments: { development: { access: none } }${shop}`
    expect(accountsOf(await load(reverse))).toEqual([])
  })

  it('grow by a user of the same name', async () => {
    const platform = await load(`${shop}users:
  billing: { acls: [{ topic: orders, operations: [describe-configs] }, { transactionalId: billing-, pattern: prefixed, operations: [write] }] }
  auditor: { acls: [{ topic: "*", operations: [describe] }, { group: audit, operations: [read], host: 10.0.0.7 }] }
  guest:
`)
    expect(grants(platform).filter((line) => !/^(shop|echo)/.test(line))).toEqual([
      'billing | topic bills | describe write',
      'billing | topic orders | describe describe-configs read',
      'billing | topic orders.dlq | describe write',
      'billing | group billing-v2 | read',
      'billing | transactional-id billing-* | write',
      'auditor | topic * | describe',
      'auditor | group audit | read from 10.0.0.7',
    ])
    expect(accountsOf(platform).map(({ name }) => name)).toEqual([
      'shop',
      'billing',
      'echo',
      'idle',
      'auditor',
      'guest',
    ])
  })
})

describe('dead-letter topics', () => {
  const settings = async (text: string) =>
    deadLetterTopics(await load(text)).map((t) => [t.name, t.partitions, t.replicationFactor, t.config])

  it('are made for what is consumed, as wide and as durable as their source, with room for their headers', async () => {
    expect(
      await settings(`
access: acls
defaults: { replication: 3, config: { min.insync.replicas: 2 } }
topics:
  kept: { partitions: 6, retention: 366d, config: { max.message.bytes: 1000000, segment.ms: 1d } }
  compacted: { partitions: 3, cleanup: compact, retention: 1d }
  unread: { partitions: 1 }
services: { reader: { consumes: [compacted, kept] } }
`),
    ).toEqual([
      [
        'kept.dlq',
        6,
        3,
        { 'max.message.bytes': '1065536', 'min.insync.replicas': '2', 'retention.ms': String(366 * 86_400_000) },
      ],
      ['compacted.dlq', 3, 3, { 'min.insync.replicas': '2' }],
    ])
  })

  it('are left to the file that declares them, and to the library without access: acls', async () => {
    expect(await settings(shop)).toEqual([
      ['orders.dlq', 3, null, {}],
      ['carts.dlq', 6, null, {}],
    ])
    expect(await settings(shop.replace('bills', 'orders.dlq').replace('[bills]', '[]'))).toEqual([
      ['carts.dlq', 6, null, {}],
    ])
    expect(await settings(shop.replace('acls', 'none'))).toEqual([])
  })
})

describe('mistakes', () => {
  it('in users are all reported, each with its place', async () => {
    expect(
      await mistakes(`access: acl
topics: { a: { partitions: 1 } }
users:
  User:x: {}
  ../y: {}
  z:
    acls:
      - { operations: [read] }
      - { topic: a, group: a, operations: [read] }
      - { topic: a }
      - { topic: a, operations: [] }
      - { topic: a, operations: [Read] }
      - { group: a, operations: [write] }
      - { topic: "*", pattern: prefixed, operations: [describe] }
      - { cluster: here, operations: [describe] }
      - { topik: a, operations: [describe] }
`),
    ).toEqual([
      "1:9 must be 'acls' or 'none', it is acl",
      '4:3 is not a valid account name: leave out User:, write x',
      expect.stringMatching(/^5:3 is not a valid account name: use the characters/),
      '8:9 must name one of topic, group, transactionalId, cluster',
      '9:9 must name one of topic, group, transactionalId, cluster, it names topic and group',
      '10:9 must say which operations, such as operations: [read, describe]',
      expect.stringMatching(/^11:33 must name at least one operation/),
      expect.stringMatching(/^12:34 must be one of all, read, write, .*, it is Read$/),
      '13:34 write does not apply to a group: Kafka has all, read, delete, describe, describe-configs, alter-configs for it',
      "14:32 takes the * for a star: leave the pattern out, '*' alone means every one",
      '15:20 must be kafka-cluster, as Kafka calls it, it is here',
      expect.stringMatching(/^16:9 must name one of/),
      "16:11 unknown key; did you mean 'topic'?",
    ])
  })

  it('in the names of services count where services are accounts', async () => {
    const text = 'services: { "my shop": {} }\nenvironments: { development: {}, production: { access: ACCESS } }'
    expect(await mistakes(text.replace('ACCESS', 'acls'))).toEqual([
      expect.stringMatching(/^1:13 is not a valid account name/),
    ])
    expect(await load(text.replace('ACCESS', 'none'))).toMatchObject({ services: [{ name: 'my shop' }] })
  })

  it('are rights that would weaken a protected topic', async () => {
    expect(
      await mistakes(`
protect: ["*.law"]
topics: { audit: { partitions: 1, protect: true }, tax.law: { partitions: 1 }, a: { partitions: 1 } }
users:
  janitor: { acls: [{ topic: audit, operations: [read, delete] }] }
  tool: { acls: [{ topic: "*", operations: [describe, read, alter-configs] }] }
  lawyer: { acls: [{ topic: tax., pattern: prefixed, operations: [write] }] }
  fine: { acls: [{ topic: audit, operations: [read, write] }, { topic: a, operations: [all] }, { topic: "*", operations: [describe] }] }
`),
    ).toEqual([
      '5:56 delete would be allowed on audit, which is protected; leave it out',
      '6:55 read on "*" covers audit and 1 more, which are protected; name the topics one by one if you mean them',
      '6:61 alter-configs would be allowed on audit and 1 more, which are protected; leave it out',
      '7:67 write on "tax." covers tax.law, which is protected; name the topics one by one if you mean them',
    ])
  })

  it('in owns are reported with both of its forms', async () => {
    expect(await load('owns: { topics: [a.*], users: [a-*] }')).toMatchObject({ owns: ['a.*'], ownsUsers: ['a-*'] })
    expect(await mistakes('owns: { topic: [a.*] }')).toEqual([expect.stringMatching(/^1:9 unknown key/)])
    expect(await mistakes('owns: a.*')).toEqual([
      expect.stringMatching(/^1:7 must be a list of patterns of topics, or a map such as { topics: /),
    ])
  })
})

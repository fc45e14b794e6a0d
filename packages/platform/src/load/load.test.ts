import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { envelopeSchema } from '../envelope.ts'
import { PlatformError } from '../errors.ts'
import type { Platform } from '../model.ts'
import { loadEnvironments } from './environments.ts'
import { type LoadOptions, loadPlatform } from './load.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) {
    rmSync(folder, { recursive: true })
  }
})

/** Writes files and returns the path of platform.yaml. */
function files(contents: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'platform-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(contents)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return join(folder, 'platform.yaml')
}

const load = (text: string, options?: LoadOptions): Promise<Platform> =>
  loadPlatform(files({ 'platform.yaml': text }), { env: {}, ...options })

/** Every mistake, as `line:column path: message`. */
async function mistakes(text: string, options?: LoadOptions, others: Record<string, string> = {}): Promise<string[]> {
  const path = files({ 'platform.yaml': text, ...others })
  const error = await loadPlatform(path, { env: {}, ...options }).catch((e: unknown) => e)
  expect(error).toBeInstanceOf(PlatformError)
  return (error as PlatformError).problems.map((p) => `${p.line}:${p.column} ${p.path}: ${p.message}`)
}

describe('a platform file', () => {
  it('becomes topics with Kafka’s own settings and units', async () => {
    const { topics } = await load(`
topics:
  orders:
    partitions: 12
    retention: 7d
    retentionSize: 10GiB
    cleanup: compact,delete
    config:
      max.message.bytes: 2MiB
      segment.ms: 12h
      min.cleanable.dirty.ratio: 0.25
      flush.messages: 1000
      unclean.leader.election.enable: false
`)
    expect(topics).toHaveLength(1)
    expect(topics[0]).toMatchObject({
      name: 'orders',
      partitions: 12,
      replicationFactor: null,
      config: {
        'cleanup.policy': 'compact,delete',
        'flush.messages': '1000',
        'max.message.bytes': '2097152',
        'min.cleanable.dirty.ratio': '0.25',
        'retention.bytes': '10737418240',
        'retention.ms': '604800000',
        'segment.ms': '43200000',
        'unclean.leader.election.enable': 'false',
      },
    })
  })

  it('gives the broker settings of the environment as texts', async () => {
    const text = `
environments:
  development: { broker: { num.partitions: 3, auto.create.topics.enable: false, broker.rack: r1 } }
  production: {}
topics: { a: { partitions: 1 } }
`
    expect((await load(text)).broker).toEqual({
      'num.partitions': '3',
      'auto.create.topics.enable': 'false',
      'broker.rack': 'r1',
    })
    expect((await load(text, { environment: 'production' })).broker).toBeUndefined()
    const list = text.replace('broker.rack: r1', 'broker.rack: [r1]')
    expect(await mistakes(list)).toEqual([
      expect.stringContaining('environments.development.broker."broker.rack": must be a text, a number or a boolean'),
    ])
  })

  it('gives a topic its own setting before the environment’s default, and that before the default', async () => {
    const text = `
defaults: { partitions: 3, retention: 1d, config: { segment.ms: 1h } }
environments:
  production:
    defaults: { replication: 3, config: { min.insync.replicas: 2 } }
    topics: { big: { partitions: 48 } }
topics:
  big: { partitions: 6 }
  single: { replication: 1, config: { min.insync.replicas: 1 } }
  usual:
`
    const { topics } = await load(text, { environment: 'production' })
    expect(topics.map((t) => [t.name, t.partitions, t.replicationFactor, t.config['min.insync.replicas']])).toEqual([
      ['big', 48, 3, '2'],
      ['single', 3, 1, '1'],
      ['usual', 3, 3, '2'],
    ])
    expect(topics.every((t) => t.config['segment.ms'] === '3600000' && t.config['retention.ms'] === '86400000')).toBe(
      true,
    )
  })

  it('reads null as the broker’s default', async () => {
    const { topics } = await load('topics: { a: { partitions: 1, config: { retention.ms: null } } }')
    expect(topics[0]).toMatchObject({ config: {}, unset: ['retention.ms'] })
  })

  it('knows what each service reads and writes; its group is its name unless it says otherwise', async () => {
    const { services } = await load(`
topics: { a: { partitions: 1 }, b: { partitions: 1 } }
services:
  one: { produces: [a], consumes: [b] }
  two: { consumes: [a, b], group: readers }
`)
    expect(services).toMatchObject([
      { name: 'one', produces: ['a'], consumes: ['b'], group: 'one' },
      { name: 'two', produces: [], consumes: ['a', 'b'], group: 'readers' },
    ])
  })

  it('reads schemas and event types beside the file that names them', async () => {
    const path = files({
      'platform.yaml': 'include: [team/orders.yaml]\n',
      'team/orders.yaml': 'topics: { orders: { partitions: 1, schema: "{topic}.avsc", events: "events/{topic}" } }',
      'team/orders.avsc': envelopeSchema('Order'),
      'team/events/orders/order_placed.json': '{"type":"object"}',
      'team/events/orders/order_cancelled.json': '{"type":"object"}',
    })
    const { topics } = await loadPlatform(path, { env: {} })
    expect(topics[0]!.schema!.schema).toBe(envelopeSchema('Order'))
    expect(Object.keys(topics[0]!.eventTypes)).toEqual(['order_cancelled', 'order_placed'])
    expect(topics[0]!.eventTypes.order_placed!.schema).toEqual({ type: 'object' })
  })

  it('resolves anchors, aliases and merge keys', async () => {
    const { topics } = await load(`
topics:
  a: &base { partitions: 4, retention: 1d }
  b: *base
  c: { <<: *base, partitions: 8 }
`)
    expect(topics.map((t) => [t.partitions, t.config['retention.ms']])).toEqual([
      [4, '86400000'],
      [4, '86400000'],
      [8, '86400000'],
    ])
  })
})

describe('references to the environment', () => {
  const text = `
cluster: { id: "\${CLUSTER_ID:-local}" }
topics:
  a:
    partitions: \${PARTITIONS}
    retention: \${RETENTION:-7d}
    description: 'costs $\${5}'
    protect: "\${PROTECT:-true}"
`
  it('are replaced, as numbers where they are, with their defaults where they are not set', async () => {
    const platform = await load(text, { env: { PARTITIONS: '6' } })
    expect(platform.cluster!.id).toBe('local')
    expect(platform.topics[0]).toMatchObject({
      partitions: 6,
      config: { 'retention.ms': '604800000' },
      description: 'costs ${5}',
      protect: true,
    })
  })

  it('are reported with their place when they are not set', async () => {
    expect(await mistakes(text)).toEqual([
      '5:17 topics.a.partitions: needs the environment variable PARTITIONS, which is not set; set it or write ${PARTITIONS:-default}',
    ])
  })

  it('may be missing where only another environment needs them', async () => {
    const other = `
environments: { development: {}, production: { cluster: { id: "\${PROD_ID}" } } }
topics: { a: { partitions: 1 } }
`
    expect((await load(other)).topics).toHaveLength(1)
    expect(await mistakes(other, { environment: 'production' })).toEqual([
      expect.stringContaining('environments.production.cluster.id: needs the environment variable PROD_ID'),
    ])
  })

  it('cannot bring in YAML, and their values do not show in messages', async () => {
    const found = await mistakes('topics: { a: { partitions: "${P}" } }', { env: { P: '{ secret: 1 }' } })
    expect(found).toEqual(['1:28 topics.a.partitions: must be a whole number, it is "${P}"'])
  })
})

describe('mistakes', () => {
  it('are all reported at once, each with line, column and path', async () => {
    expect(
      await mistakes(`topics:
  user.events:
    partitons: 12
    retention: 1 year
  orders:
    partitions: 0
    config:
      retention.sm: 5
      min.insync.replicas: many
services:
  billing:
    consumes: [user.event]
owner: me
`),
    ).toEqual([
      '3:5 topics."user.events".partitons: unknown key; did you mean \'partitions\'?',
      '4:16 topics."user.events".retention: must be a duration such as 7d, 12h or 500ms, or a number of milliseconds, it is 1 year; years and months have no fixed length, write days (366d)',
      '6:17 topics.orders.partitions: must be ≥ 1, it is 0',
      '8:7 topics.orders.config."retention.sm": is not a topic setting of Kafka; did you mean \'retention.ms\'?',
      '9:28 topics.orders.config."min.insync.replicas": must be a whole number, it is many',
      "12:16 services.billing.consumes[0]: 'user.event' is not declared below topics; did you mean 'user.events'?",
      "13:1 owner: unknown key; did you mean 'owners'?",
    ])
  })

  it('in the word topics suppress errors about unresolved references', async () => {
    const rest = `environments: { development: { topics: { a: { partitions: 2 } } } }
services: { one: { produces: [a], consumes: [a] }, two: { consumes: [a] } }`
    expect(await mistakes(`topic: { a: { partitions: 1 } }\n${rest}`)).toEqual([
      "1:1 topic: unknown key; did you mean 'topics'?",
    ])
    expect(await mistakes(rest)).toEqual([
      '1:42 environments.development.topics.a: is not declared below topics; no topics are declared at all',
    ])
  })

  it('of a bare number for a duration or a size are reported with the remedy', async () => {
    expect(await mistakes('topics: { a: { partitions: 1, retention: 604800000, retentionSize: 1000 } }\n')).toEqual([
      '1:42 topics.a.retention: must be a duration such as 7d (milliseconds: in quotes), it is 604800000',
      '1:68 topics.a.retentionSize: must be a size such as 10GiB (bytes: in quotes), it is 1000',
    ])
  })

  it('name the file that they are in', async () => {
    const path = files({
      'platform.yaml': 'include: [a.yaml, b.yaml]\ntopics: { one: { partitions: 1 } }\n',
      'a.yaml': '\ntopics: { one: { partitions: 2 } }\n',
      'b.yaml': 'defaults: { partitions: 2 }\n',
    })
    const error: PlatformError = await loadPlatform(path).catch((e) => e)
    expect(error.problems.map((p) => [p.file.split('/').at(-1), p.line, p.message])).toEqual([
      ['a.yaml', 2, expect.stringMatching(/is declared already, in .*platform\.yaml line 2/)],
      ['b.yaml', 1, 'unknown key'],
    ])
    expect(error.message).toMatch(/a\.yaml:2:11 topics\.one: is declared already/)
  })

  it('in YAML syntax are reported with their line', async () => {
    expect(await mistakes('topics:\n  a: { partitions: 1\n')).toEqual([
      expect.stringMatching(/^[23]:\d+ : is not valid YAML/),
    ])
    expect(await mistakes('topics:\n  a: { partitions: 1 }\n  a: { partitions: 2 }\n')).toEqual([
      '3:3 : declares a a second time',
    ])
    expect(await mistakes('')).toEqual(['1:1 : is empty; declare topics'])
  })

  it.each([
    ['- a', 'must be a map with topics, services, …, it is a list'],
    ['topics: [a]', 'must be a map of topics by name, it is a list'],
    ['topics: { a: 5 }', 'must be a map of topic settings, it is 5'],
    ['topics:\n  a:', 'must say how many partitions, for example partitions: 6'],
    ['topics: { a: { partitions: "12" } }', 'must be a whole number, it is "12"'],
    ['topics: { a: { partitions: 1.5 } }', 'must be a whole number, it is 1.5'],
    ['topics: { a: { partitions: 1, compatibility: ANY } }', /^must be NONE, BACKWARD/],
    [
      'topics: { a: { partitions: 1, cleanup: purge } }',
      "must be 'delete', 'compact' or 'compact,delete', it is purge",
    ],
    [
      'topics: { a: { partitions: 1, retention: 7 } }',
      'must be a duration such as 7d (milliseconds: in quotes), it is 7',
    ],
    ['topics: { a: { partitions: 1, config: { cleanup.policy: purge } } }', /must be delete, compact or both/],
    [
      'topics: { a: { partitions: 1, retention: 7d, config: { retention.ms: 5 } } }',
      /is declared twice: line 1 declares it as retention/,
    ],
    ['topics: { "a b": { partitions: 1 } }', /is not a valid topic name/],
    ['topics: { a.b: { partitions: 1 }, a_b: { partitions: 1 } }', /collides with a\.b/],
    [
      'topics: { a: { partitions: 1, replication: 1, config: { min.insync.replicas: 2 } } }',
      /must be ≤ 1, the replication of a, it is 2/,
    ],
    ['version: 2', 'must be 1, the only version of the format, it is 2'],
    [
      'environments: { development: { topics: { b: {} } } }\ntopics: { a: { partitions: 1 } }',
      /is not declared below topics/,
    ],
    ['topics: { a: { partitions: 1, schema: none.avsc } }', /none\.avsc cannot be read \(there is no such file\)/],
    ['topics: { a: { partitions: 1, schema: a.txt } }', 'must be a .avsc, .json or .proto file, it is a.txt'],
    ['topics: { a: { partitions: 1, events: none } }', /none cannot be read/],
    ['include: [missing.yaml]', /missing\.yaml cannot be read: there is no such file/],
  ])('%s', async (text, message) => {
    const found = (await mistakes(text)).map((line) => line.replace(/^\S+ .*?: /, ''))
    expect(found).toEqual([typeof message === 'string' ? message : expect.stringMatching(message)])
  })

  it('of an events folder in defaults are reported only if no topic has that folder', async () => {
    const text = `defaults: { partitions: 1, events: "nowhere/{topic}" }
topics: { a: {}, b: { schema: b.avsc }, c: { events: null } }
`
    expect(await mistakes(text, {}, { 'b.avsc': envelopeSchema('B') })).toEqual([
      expect.stringMatching(
        /^1:36 defaults\.events: nowhere\/\{topic\} matches no topic: for example, .*nowhere\/a does not exist/,
      ),
    ])
    const path = files({ 'platform.yaml': text, 'b.avsc': envelopeSchema('B'), 'nowhere/b/done.json': '{}' })
    expect((await loadPlatform(path, { env: {} })).topics.map((t) => Object.keys(t.eventTypes))).toEqual([
      [],
      ['done'],
      [],
    ])
    // A folder that a topic itself names must exist.
    expect(await mistakes('topics: { a: { partitions: 1, events: "nowhere/{topic}" } }')).toEqual([
      expect.stringMatching(/^1:39 topics\.a\.events: .*nowhere\/a cannot be read \(there is no such file\)/),
    ])
  })

  it('of topics whose events could not be emitted are reported, with a link to the envelope', async () => {
    const record = '{"type":"record","name":"Order","fields":[{"name":"order_id","type":"string"}]}'
    const found = await mistakes(
      `defaults: { partitions: 1, events: "events/{topic}" }
topics:
  none: {}
  other: { schema: other.json }
  own: { schema: own.avsc }
  typo: { schema: typo.avsc }
  more: { schema: more.avsc }
  fine: { schema: fine.avsc }
  records: { schema: own.avsc, events: null }
  bytes: { schema: null }
`,
      {},
      {
        'other.json': '{}',
        'own.avsc': record,
        'typo.avsc': envelopeSchema('E').replace('user_id', 'userid'),
        'more.avsc': envelopeSchema('E').replace('"fields": [', '"fields": [{ "name": "tenant", "type": "string" },'),
        'fine.avsc': envelopeSchema('E').replace(
          '"data",\n      "type": "string"',
          '"data", "type": ["string", "null"]',
        ),
        ...Object.fromEntries(
          ['none', 'other', 'own', 'typo', 'more', 'fine'].map((name) => [`events/${name}/placed.json`, '{}']),
        ),
      },
    )
    const where =
      'events travel in the envelope (see “On the wire” in the README of @selfmonitor/events). Name its schema'
    expect(found.map((one) => one.replaceAll(/\/tmp\/platform-\w+\//g, ''))).toEqual([
      `3:3 topics.none: has 1 event type, and no schema; ${where} with schema:, or write events: null`,
      `4:3 topics.other: has 1 event type, and other.json is not Avro; ${where}, or write events: null`,
      `5:3 topics.own: has 1 event type, and own.avsc cannot carry them: it has no field event_id (string); ${where}, or write events: null for records of this shape`,
      `6:3 topics.typo: has 1 event type, and typo.avsc cannot carry them: it has no field user_id (string); ${where}, or write events: null for records of this shape`,
      `7:3 topics.more: has 1 event type, and more.avsc cannot carry them: its field tenant has no default, and events do not carry it; ${where}, or write events: null for records of this shape`,
    ])
  })

  it('of an unquoted reference in a flow map are reported with the remedy, without consequential errors', async () => {
    expect(await mistakes('topics: { a: { partitions: ${P} } }')).toEqual([
      expect.stringMatching(/^1:29 : is not valid YAML: .*put \$\{…\} in quotes/),
    ])
  })

  it('in a schema file are reported with its name and line', async () => {
    const found = await mistakes(
      'topics: { a: { partitions: 1, schema: a.avsc, events: a } }',
      {},
      {
        'a.avsc': '{\n  "type": "record",,\n}',
        'a/one.json': '{"type": "strin"}',
        'a/four.json': '{"$defs": {"a": {"type": "string", "format": "emial"}}}',
        'a/three.json': '{"properties": {"a": {"requird": ["b"]}}}',
        'a/two.json': 'nothing',
      },
    )
    expect(found).toEqual([
      "2:20 : is not valid JSON: unexpected character ',', expected a field name in double quotes",
      "1:46 : is not a JSON Schema: /$defs/a/format 'emial' is not a format; did you mean 'email'?",
      "1:10 : is not a JSON Schema: /type must be array, boolean, integer, null, number, object or string, or a list of these; did you mean 'string'?",
      "1:23 : is not a JSON Schema: /properties/a/requird is not a keyword; did you mean 'required'?",
      "1:1 : is not valid JSON: unexpected character 'n'",
    ])
  })

  it.each([
    [
      '{\n  "type": "record"\n  "name": "A"\n}',
      "3:3 : is not valid JSON: unexpected character '\"', expected ',' or '}' after a field",
    ],
    ['{ "type": "string" } }', "1:22 : is not valid JSON: unexpected character '}' after the end of the document"],
    ['{\n  // a comment\n}', '2:3 : is not valid JSON: a comment, which JSON does not allow'],
    ['{ "type": ', '1:11 : is not valid JSON: unexpected end of input'],
    [
      "{ 'type': 'string' }",
      "1:3 : is not valid JSON: unexpected character ''', expected a field name in double quotes",
    ],
  ])('in the JSON of an Avro schema are described in the terms of JSON: %j', async (text, expected) => {
    expect(await mistakes('topics: { a: { partitions: 1, schema: a.avsc } }', {}, { 'a.avsc': text })).toEqual([
      expected,
    ])
  })

  it('in an Avro schema are reported before any registry is asked', async () => {
    const text = 'topics: { a: { partitions: 1, schema: a.avsc } }'
    const withFields = (...fields: string[]): string =>
      `{\n  "type": "record",\n  "name": "A",\n  "fields": [\n${fields.map((field) => `    ${field}`).join(',\n')}\n  ]\n}`
    const problemOf = async (schema: string): Promise<string> => (await mistakes(text, {}, { 'a.avsc': schema })).join()
    expect(await problemOf(withFields('{ "name": "x", "type": "strng" }'))).toBe(
      '5:28 : is not a valid Avro schema: the type "strng" is not defined; did you mean "string"?',
    )
    expect(await problemOf(withFields('{ "name": "x", "type": ["null", "Money"] }'))).toBe(
      '5:37 : is not a valid Avro schema: the type "Money" is not defined; define a type before it is used',
    )
    // What Confluent's registry holds of old schemas, and refuses of a new one.
    expect(await problemOf(withFields('{ "name": "x", "type": "int", "default": null }'))).toBe(
      '5:46 : is not a valid Avro schema: the default of the field x is null, and its type is int; for a field that may be null write ["null", …]',
    )
    expect(await problemOf(withFields('{ "name": "first-name", "type": "string" }'))).toBe(
      '5:15 : is not a valid Avro schema: "first-name" is not a valid name; names have letters, digits and _, and do not begin with a digit',
    )
    expect(await problemOf('{ "type": "record", "name": "A", "namespace": "my-ns", "fields": [] }')).toBe(
      '1:47 : is not a valid Avro schema: "my-ns" is not a valid name; names have letters, digits and _, and do not begin with a digit',
    )
    expect(await problemOf(withFields('{ "name": "x" }'))).toBe(
      '5:5 : is not a valid Avro schema: a field needs a "type"',
    )
  })

  it('an unknown environment is reported with the known ones', async () => {
    const text = 'environments: { staging: {}, production: {} }\ntopics: { a: { partitions: 1 } }'
    expect(await mistakes(text, { environment: 'prodution' })).toEqual([
      "1:1 environments: declares no 'prodution', it has staging, production; did you mean 'production'?",
    ])
  })

  it('a file that includes itself is read once', async () => {
    const path = files({ 'platform.yaml': 'include: [platform.yaml]\ntopics: { a: { partitions: 1 } }' })
    expect((await loadPlatform(path)).topics).toHaveLength(1)
  })
})

it('topics may have names that YAML reads as another type', async () => {
  const names = ['1.10', 'null', 'true', '0x1F', '...', '-', '-dash', '1e3', '2026-11-22', 'a'.repeat(249)]
  const { topics } = await load(
    `topics:\n${names.map((name) => `  ${name === '-' ? '"-"' : name}: { partitions: 1 }`).join('\n')}`,
  )
  expect(topics.map(({ name }) => name)).toEqual(names)
})

describe('aliases', () => {
  // Ten lines that expand to 9^9 values; `yaml` itself counts them only when it makes plain JavaScript of them.
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]']
  for (const [before, name] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh', 'hi', 'ij'].map((pair) => [...pair])) {
    bomb.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join(', ')}]`)
  }

  it.each(['development', 'every environment'])(
    'that expand to too many values are one mistake, for %s',
    async (which) => {
      const path = files({ 'platform.yaml': `topics:\n  orders: { partitions: 1 }\n${bomb.join('\n')}\n` })
      const load = which === 'development' ? loadPlatform(path, { env: {} }) : loadEnvironments(path, { env: {} })
      const error = await load.catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(PlatformError)
      expect((error as PlatformError).problems).toEqual([
        expect.objectContaining({
          message: expect.stringMatching(/^\*\w and other aliases expand to more than 200,000/),
        }),
      ])
    },
  )

  it('refer to the nearest anchor before them', async () => {
    const { topics } = await load(`
topics:
  a: &t { partitions: 1 }
  b: *t
  c: &t { partitions: 3 }
  d: *t
`)
    expect(topics.map(({ partitions }) => partitions)).toEqual([1, 1, 3, 3])
  })

  it('serve a thousand topics', async () => {
    const topics = Array.from({ length: 1000 }, (_, n) => `  t${n}: { <<: *base, description: number ${n} }`)
    const path = files({
      'platform.yaml': `defaults: &base { partitions: 3, config: { segment.ms: 1d, retention.ms: 7d } }\ntopics:\n${topics.join('\n')}\n`,
    })
    expect((await loadPlatform(path, { env: {} })).topics).toHaveLength(1000)
  })
})

describe('every environment', () => {
  it('is loaded, in the order of the file, also when none is called development', async () => {
    const path = files({
      'platform.yaml': `
environments: { staging: {}, production: { defaults: { replication: 3 } } }
topics: { a: { partitions: 1, replication: 1 } }`,
    })
    expect((await loadEnvironments(path, { env: {} })).map(({ environment }) => environment)).toEqual([
      'staging',
      'production',
    ])
    const none = files({ 'platform.yaml': 'topics: { a: { partitions: 1 } }' })
    expect((await loadEnvironments(none, { env: {} })).map(({ environment }) => environment)).toEqual(['development'])
  })

  it('reports each mistake once, with its environments if not all have it', async () => {
    const path = files({
      'platform.yaml': `
environments:
  staging: { defaults: { retention: 7 days } }
  production: { defaults: { retention: soon } }
  canary: { topics: { b: {} } }
topics: { a: { partitons: 1 } }`,
    })
    const error = await loadEnvironments(path, { env: {} }).catch((thrown: unknown) => thrown)
    expect((error as PlatformError).problems.map(({ line, message }) => `${line} ${message}`)).toEqual([
      expect.stringMatching(/^4 must be a duration .*it is soon \(environment production\)$/),
      '5 is not declared below topics (environment canary)',
      "6 unknown key; did you mean 'partitions'?",
    ])
  })
})

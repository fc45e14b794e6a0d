import { describe, expect, it } from 'vitest'
import type { LiveState, LiveTopic } from '../live/live.ts'
import type { LiveSubject } from '../live/subject.ts'
import type { Platform, PlatformTopic } from '../model.ts'
import { computePlan } from './plan.ts'

const day = 86_400_000
const at = (line: number, path: string) => ({ file: 'platform.yaml', line, column: 5, path })

function topic(name: string, over: Partial<PlatformTopic> = {}): PlatformTopic {
  return {
    name,
    partitions: 6,
    replicationFactor: 1,
    config: {},
    eventTypes: {},
    at: {
      topic: at(1, name),
      partitions: at(2, `topics.${name}.partitions`),
      replication: at(3, 'defaults.replication'),
    },
    ...over,
  }
}

function platform(topics: readonly PlatformTopic[], over: Partial<Platform> = {}): Platform {
  return { file: 'platform.yaml', environment: 'development', topics, services: [], ...over }
}

function liveTopic(over: Partial<Omit<LiveTopic, 'config'>> & { config?: Record<string, string> } = {}): LiveTopic {
  const { config = {}, ...rest } = over
  const defaults = { 'cleanup.policy': 'delete', 'retention.ms': String(7 * day), 'max.message.bytes': '1048588' }
  return {
    partitions: 6,
    replicationFactor: 1,
    ...rest,
    config: new Map(
      Object.entries({ ...defaults, ...config }).map(([name, value]) => [name, { value, own: name in config }]),
    ),
  }
}

function live(topics: Record<string, LiveTopic>, over: Partial<LiveState> = {}): LiveState {
  return {
    clusterId: 'cluster-1',
    bootstrapServers: '127.0.0.1:9092',
    brokers: 1,
    topics: new Map(Object.entries(topics)),
    subjects: new Map(),
    ...over,
  }
}

const schema = {
  schema: '{"type":"record","name":"A","fields":[{"name":"id","type":"string"}]}',
  file: 'schemas/a.avsc',
}

function subject(over: Partial<LiveSubject> = {}): LiveSubject {
  return { registered: false, latest: null, compatibility: null, problems: [], ...over }
}

describe('objectives and owners', () => {
  it('change nothing on a cluster', () => {
    const freshness = { target: 0.99, periodDays: 30, lagMs: 30_000 }
    const declared = platform([topic('a', { owner: 'shop', objectives: { freshness } })], {
      services: [
        { name: 'billing', produces: [], consumes: ['a'], group: 'billing', owner: 'shop', objectives: { freshness } },
      ],
      objectives: { availability: { target: 0.999, periodDays: 30 } },
      owners: [{ name: 'shop', slack: '#shop' }],
      alerting: { owner: 'shop' },
    })
    const { changes, errors, warnings, hints } = computePlan(declared, live({ a: liveTopic() }))
    expect({ changes, errors, warnings, hints }).toEqual({ changes: [], errors: [], warnings: [], hints: [] })
  })
})

describe('topics', () => {
  it('that are missing are created with what is declared', () => {
    const { changes, errors } = computePlan(platform([topic('a', { config: { 'retention.ms': '1000' } })]), live({}))
    expect(errors).toEqual([])
    expect(changes).toEqual([
      {
        action: 'create',
        kind: 'topic',
        name: 'a',
        details: [
          { key: 'partitions', from: null, to: '6' },
          { key: 'replication', from: null, to: '1' },
          { key: 'retention.ms', from: null, to: '1000' },
        ],
        warnings: [],
      },
    ])
  })

  it('that are as declared are left alone, whatever else is set on them', () => {
    const declared = topic('a', { config: { 'retention.ms': String(7 * day) } })
    const { changes, hints } = computePlan(
      platform([declared]),
      live({ a: liveTopic({ config: { 'segment.ms': '1' } }) }),
    )
    expect(changes).toEqual([])
    expect(hints).toEqual(['Set on the cluster and not in the file, so not compared: segment.ms of a.'])
  })

  it('that have settings which the file leaves out are named, the first few', () => {
    const names = ['a', 'b', 'c', 'd', 'e']
    const own = liveTopic({ config: { 'segment.ms': '1', 'flush.ms': '2', 'retention.ms': '3' } })
    const { hints } = computePlan(
      platform(names.map((name) => topic(name, { config: { 'retention.ms': '3' } }))),
      live(Object.fromEntries(names.map((name) => [name, own]))),
    )
    expect(hints).toEqual([
      'Set on the cluster and not in the file, so not compared: flush.ms, segment.ms of a; flush.ms, segment.ms of b; flush.ms, segment.ms of c; and of 2 more.',
    ])
    expect(computePlan(platform([topic('a', { unset: ['segment.ms'] })]), live({ a: liveTopic() })).hints).toEqual([])
  })

  it('that are not declared are not mentioned', () => {
    const plan = computePlan(platform([]), live({ other: liveTopic() }))
    expect(plan).toMatchObject({ changes: [], errors: [], warnings: [], hints: [] })
  })

  it('grow, with a warning that keys move', () => {
    const { changes } = computePlan(platform([topic('a', { partitions: 12 })]), live({ a: liveTopic() }))
    expect(changes).toEqual([
      {
        action: 'update',
        kind: 'topic-partitions',
        name: 'a',
        details: [{ key: 'partitions', from: '6', to: '12' }],
        warnings: [expect.stringContaining('keys move')],
      },
    ])
  })

  it('never shrink: that is an error with its place and both numbers', () => {
    const { changes, errors } = computePlan(platform([topic('a')]), live({ a: liveTopic({ partitions: 12 }) }))
    expect(changes).toEqual([])
    expect(errors).toEqual([
      {
        file: 'platform.yaml',
        line: 2,
        column: 5,
        path: 'topics.a.partitions',
        message: "6 is fewer than the cluster's 12; partitions cannot shrink; write 12",
      },
    ])
  })
})

describe('partitions that were added outside of the file', () => {
  const grown = live({ a: liveTopic({ partitions: 12 }) })

  it('are allowed with an option, with a warning that names the new number', () => {
    expect(computePlan(platform([topic('a')]), grown, { allowMorePartitions: true })).toMatchObject({
      changes: [],
      errors: [],
      warnings: [expect.stringMatching(/^a has 12 partitions .* the file says 6: .* write partitions: 12 in the file/)],
    })
  })

  it('are an error all the same where the file says one, because the order of all records counts there', () => {
    const one = platform([topic('a', { partitions: 1 })])
    expect(computePlan(one, grown, { allowMorePartitions: true }).errors).toMatchObject([
      { path: 'topics.a.partitions' },
    ])
  })
})

describe('replication', () => {
  const two = [topic('a', { replicationFactor: 3 }), topic('b', { replicationFactor: 3 })]

  it('above the number of brokers is one error for one line, with the remedy', () => {
    const production = platform(two, { environment: 'production', environments: ['development', 'production'] })
    const { errors } = computePlan(production, live({}))
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatchObject({ line: 3, path: 'defaults.replication' })
    expect(errors[0]!.message).toBe(
      'must be ≤ 1, it is 3 and there is 1 broker (a and 1 more); add brokers, or use --env development',
    )
    expect(computePlan(platform(two), live({}, { brokers: 2 })).errors[0]!.message).toContain('or lower it to 2')
  })

  it('of a topic that exists is not changed silently: it is an error that says what to do', () => {
    const { errors, changes } = computePlan(platform(two.slice(0, 1)), live({ a: liveTopic() }, { brokers: 3 }))
    expect(changes).toEqual([])
    expect(errors[0]!.message).toMatch(/^is 3 in the file and 1 on the cluster \(a\); .*write replication: 1$/)
    const both = computePlan(platform(two), live({ a: liveTopic(), b: liveTopic() }, { brokers: 3 }))
    expect(both.errors.map(({ message }) => message)).toEqual([expect.stringContaining('(a and 1 more)')])
  })

  it('that the file does not say is not compared, and left to the brokers where the topic is new', () => {
    const undeclared = platform([topic('a', { replicationFactor: null }), topic('b', { replicationFactor: null })])
    const { errors, changes } = computePlan(
      undeclared,
      live({ a: liveTopic({ replicationFactor: 3 }) }, { brokers: 3 }),
    )
    expect(errors).toEqual([])
    expect(changes).toMatchObject([
      { action: 'create', name: 'b', details: [{ key: 'partitions' }, { key: 'replication', to: 'broker default' }] },
    ])
  })

  it('that the file does not say must still be enough for min.insync.replicas', () => {
    const wants = (replicas: string) =>
      platform([topic('a', { replicationFactor: null, config: { 'min.insync.replicas': replicas } })])
    expect(computePlan(wants('2'), live({}, { brokers: 1 })).errors[0]).toMatchObject({
      message: expect.stringMatching(/^must be ≤ 1, .* it is 2/),
    })
    expect(computePlan(wants('2'), live({ a: liveTopic() }, { brokers: 3 })).errors).toHaveLength(1)
    expect(computePlan(wants('2'), live({}, { brokers: 3 })).errors).toEqual([])
  })

  it('is not an error if the topic has it already, although brokers are missing now', () => {
    const { errors } = computePlan(
      platform(two.slice(0, 1)),
      live({ a: liveTopic({ replicationFactor: 3 }) }, { brokers: 2 }),
    )
    expect(errors).toEqual([])
  })
})

describe('settings', () => {
  const plan = (config: Record<string, string>, own: Record<string, string>, over: Partial<PlatformTopic> = {}) =>
    computePlan(platform([topic('a', { config, ...over })]), live({ a: liveTopic({ config: own }) }))

  it('change one by one, from the value in force', () => {
    const { changes } = plan({ 'max.message.bytes': '2000000', 'retention.ms': String(30 * day) }, {})
    expect(changes).toEqual([
      {
        action: 'update',
        kind: 'topic-config',
        name: 'a',
        details: [
          { key: 'max.message.bytes', from: '1048588', to: '2000000' },
          { key: 'retention.ms', from: String(7 * day), to: String(30 * day) },
        ],
        warnings: [],
      },
    ])
  })

  it('that mean the same are no change: order of a list, spelling of a number', () => {
    const same = plan(
      { 'cleanup.policy': 'compact,delete', 'min.cleanable.dirty.ratio': '0.50' },
      { 'cleanup.policy': 'delete,compact', 'min.cleanable.dirty.ratio': '0.5' },
    )
    expect(same.changes).toEqual([])
  })

  it('that equal the broker default are no change', () => {
    expect(plan({ 'cleanup.policy': 'delete' }, {}).changes).toEqual([])
  })

  it.each([
    ['retention.ms', String(30 * day), String(7 * day), 'deletes data: records older than 7d (kept until now: 30d)'],
    ['retention.ms', '-1', String(7 * day), 'deletes data: records older than 7d (kept until now: forever)'],
    [
      'retention.bytes',
      '-1',
      String(2 ** 30),
      'deletes data: records of a partition above 1GiB (kept until now: unlimited)',
    ],
    ['cleanup.policy', 'delete', 'compact', expect.stringContaining('only the newest record of each key')],
    ['cleanup.policy', 'compact', 'delete', expect.stringContaining('records beyond the retention')],
  ])('%s from %s to %s warns of what is lost', (key, from, to, warning) => {
    expect(plan({ [key]: to }, { [key]: from }).changes[0]!.warnings).toEqual([warning])
  })

  it.each([
    ['retention.ms', String(7 * day), String(30 * day)],
    ['retention.ms', String(7 * day), '-1'],
    ['cleanup.policy', 'compact', 'compact'],
    ['cleanup.policy', 'compact,delete', 'compact'],
  ])('%s from %s to %s loses nothing', (key, from, to) => {
    expect(plan({ [key]: to }, { [key]: from }).changes.flatMap((c) => c.warnings)).toEqual([])
  })

  it('that would lose records of a protected topic are an error', () => {
    const cut = { 'retention.ms': String(day) }
    const was = { 'retention.ms': String(366 * day) }
    expect(plan(cut, was, { protect: true }).errors[0]!.message).toMatch(/records older than 1d .* a is protected/)
    const byPattern = platform([topic('a', { config: cut })], { protect: ['a*'] })
    expect(computePlan(byPattern, live({ a: liveTopic({ config: was }) })).errors).toHaveLength(1)
    expect(plan({ 'retention.ms': '-1' }, was, { protect: true }).errors).toEqual([])
  })

  describe('that fall back to the broker default', () => {
    const unset = (key: string, from: string, fallback: string | null, over: Partial<PlatformTopic> = {}) =>
      computePlan(
        platform([topic('a', { unset: [key], at: { [`config.${key}`]: at(7, key) }, ...over })]),
        live(
          { a: liveTopic({ config: { [key]: from } }) },
          fallback === null ? {} : { brokerDefaults: new Map([[key, fallback]]) },
        ),
      )
    const year = String(366 * day)

    it.each([
      [
        'retention.ms',
        year,
        String(7 * day),
        /^deletes data: records older than 7d \(kept until now: 366d\); 7d is the/,
      ],
      ['retention.bytes', '-1', '1073741824', /^deletes data: records of a partition above 1GiB/],
      ['cleanup.policy', 'compact', 'delete', /^deletes data: records beyond the retention/],
      ['cleanup.policy', 'delete', 'compact', /^deletes data: only the newest record/],
      ['remote.storage.enable', 'true', 'false', /^deletes data: everything that is in remote storage/],
      ['unclean.leader.election.enable', 'false', 'true', /^may lose data/],
      ['retention.ms', year, null, /^may delete data: the broker's default of retention.ms is not known/],
    ])('%s from %s to %s: an error where the topic is protected, else a warning', (key, from, fallback, loss) => {
      const open = unset(key, from, fallback)
      expect(open).toMatchObject({ errors: [], changes: [{ warnings: [expect.stringMatching(loss)] }] })
      const guarded = unset(key, from, fallback, { protect: true })
      expect(guarded.errors).toMatchObject([{ line: 7, message: expect.stringMatching(loss) }])
      expect(guarded.errors[0]!.message).toContain('a is protected')
    })

    it.each([
      ['retention.ms', String(day), String(7 * day)],
      ['retention.ms', String(7 * day), String(7 * day)],
      ['retention.ms', year, '-1'],
      ['retention.bytes', '1000', '-1'],
    ])('%s from %s to %s loses nothing, also where the topic is protected', (key, from, fallback) => {
      const { errors, changes } = unset(key, from, fallback, { protect: true })
      expect({ errors, warnings: changes[0]!.warnings }).toEqual({
        errors: [],
        warnings: [
          expect.stringMatching(/^retention\.\w+ falls back to the broker's default, (7d|forever|unlimited)$/),
        ],
      })
    })

    it('are not checked if they do not affect retention', () => {
      expect(unset('max.message.bytes', '2000000', null, { protect: true }).errors).toEqual([])
    })
  })

  it.each([
    ['remote.storage.enable', 'true', 'false', /everything that is in remote storage/],
    ['unclean.leader.election.enable', 'false', 'true', /may become the leader/],
  ])('%s from %s to %s of a protected topic is an error', (key, from, to, loss) => {
    expect(plan({ [key]: to }, { [key]: from }, { protect: true }).errors[0]!.message).toMatch(loss)
    expect(plan({ [key]: from }, { [key]: to }, { protect: true }).errors).toEqual([])
  })

  it('declared as the broker default are removed from the topic, once', () => {
    const declared = topic('a', { unset: ['retention.ms'] })
    const { changes } = computePlan(platform([declared]), live({ a: liveTopic({ config: { 'retention.ms': '5' } }) }))
    expect(changes[0]!.details).toEqual([{ key: 'retention.ms', from: '5', to: null }])
    expect(computePlan(platform([declared]), live({ a: liveTopic() })).changes).toEqual([])
  })
})

describe('schemas', () => {
  const plan = (state: LiveSubject, over: Partial<PlatformTopic> = {}) =>
    computePlan(
      platform([topic('a', { schema, ...over })]),
      live({ a: liveTopic() }, { subjects: new Map([['a-value', state]]) }),
    )

  it('that are new are registered, and those that are registered are left alone', () => {
    expect(plan(subject()).changes).toEqual([
      {
        action: 'create',
        kind: 'schema',
        name: 'a-value',
        details: [{ key: 'schema', from: null, to: 'schemas/a.avsc' }],
        warnings: [],
      },
    ])
    expect(plan(subject({ registered: true })).changes).toEqual([])
  })

  it('that change say which fields', () => {
    const old = '{"type":"record","name":"A","fields":[{"name":"id","type":"long"},{"name":"gone","type":"string"}]}'
    expect(plan(subject({ latest: { version: 4, schema: old } })).changes[0]).toMatchObject({
      action: 'update',
      details: [
        { key: 'schema', from: 'version 4', to: 'schemas/a.avsc' },
        { key: 'field id', from: 'long', to: 'string' },
        { key: 'field gone', from: 'string', to: null },
      ],
    })
  })

  it('that are incompatible are an error in the schema file, at the field', () => {
    const lines = schema.schema.replace('{"name":"id"', '\n{"name":"id"')
    const { changes, errors } = plan(
      subject({
        latest: { version: 2, schema: '"string"' },
        problems: [
          {
            message: "The field 'id' at path '/fields/0' in the new schema has no default value (BACKWARD)",
            pointer: '/fields/0',
          },
        ],
      }),
      { schema: { ...schema, schema: lines } },
    )
    expect(changes).toEqual([])
    expect(errors).toEqual([
      {
        file: 'schemas/a.avsc',
        line: 2,
        column: 1,
        path: 'a-value',
        message:
          "cannot follow version 2: The field 'id' at path '/fields/0' in the new schema has no default value (BACKWARD)",
      },
    ])
  })

  it('a declared compatibility level is set on a subject that has another one or none', () => {
    const declared = { compatibility: 'FULL' } as const
    expect(plan(subject({ registered: true }), declared).changes).toEqual([
      {
        action: 'create',
        kind: 'compatibility',
        name: 'a-value',
        details: [{ key: 'compatibility', from: null, to: 'FULL' }],
        warnings: [],
      },
    ])
    expect(plan(subject({ registered: true, compatibility: 'NONE' }), declared).changes[0]!.action).toBe('update')
    expect(plan(subject({ registered: true, compatibility: 'FULL' }), declared).changes).toEqual([])
  })

  it('are said not to be compared when there is no registry', () => {
    const { warnings, changes } = computePlan(
      platform([topic('a', { schema })]),
      live({ a: liveTopic() }, { subjects: null }),
    )
    expect(changes).toEqual([])
    expect(warnings).toEqual(['No Schema Registry was asked: schemas are not compared.'])
  })
})

describe('deletion', () => {
  const topics = { 'a.old': liveTopic(), 'b.old': liveTopic(), _schemas: liveTopic(), 'a.kept': liveTopic() }

  it('needs ownership and permission; either alone deletes nothing', () => {
    const allowed = computePlan(platform([]), live(topics), { allowDelete: true })
    expect(allowed.changes).toEqual([])
    expect(allowed.warnings).toEqual([expect.stringMatching(/owns no topics.*`owns: /)])
    const owned = computePlan(platform([], { owns: ['a.*'] }), live(topics))
    expect(owned.changes).toEqual([])
    expect(owned.warnings).toEqual([
      'a.kept is owned and not declared; --allow-delete would delete it.',
      'a.old is owned and not declared; --allow-delete would delete it.',
    ])
  })

  it('comes last, and spares what is declared, protected or internal', () => {
    const owner = platform([topic('new'), topic('b.old')], { owns: ['*'], protect: ['*.kept'] })
    const { changes, warnings } = computePlan(owner, live(topics), { allowDelete: true })
    expect(changes.map(({ action, name }) => [action, name])).toEqual([
      ['create', 'new'],
      ['delete', 'a.old'],
    ])
    expect(changes[1]!.warnings).toEqual([expect.stringContaining('permanently')])
    expect(warnings).toEqual(['a.kept is owned and not declared; it is protected and stays.'])
  })

  it('matches a pattern literally, except for its stars', () => {
    const dotted = live({ 'a.b': liveTopic(), axb: liveTopic() })
    const { changes } = computePlan(platform([], { owns: ['a.b'] }), dotted, { allowDelete: true })
    expect(changes.map(({ name }) => name)).toEqual(['a.b'])
  })
})

describe('a plan', () => {
  it('against another cluster than the file names is refused', () => {
    const named = platform([], { cluster: { id: 'cluster-2', at: at(9, 'cluster.id') } })
    expect(computePlan(named, live({})).errors).toEqual([
      expect.objectContaining({
        line: 9,
        message: expect.stringMatching(/it is cluster-2, and this cluster is cluster-1/),
      }),
    ])
    expect(computePlan({ ...named, cluster: { id: 'cluster-1', at: at(9, '') } }, live({})).errors).toEqual([])
  })

  it('has its changes by kind, and within a kind in the order of the file', () => {
    const declared = platform([
      topic('z', { schema, partitions: 12 }),
      topic('m', { schema, compatibility: 'FULL' }),
      topic('a', { config: { 'retention.ms': '1' } }),
    ])
    const subjects = new Map([
      ['z-value', subject()],
      ['m-value', subject()],
    ])
    const { changes } = computePlan(declared, live({ z: liveTopic(), a: liveTopic() }, { subjects }))
    expect(changes.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'topic m',
      'topic-partitions z',
      'topic-config a',
      'compatibility m-value',
      'schema z-value',
      'schema m-value',
    ])
  })
})

// Plan, apply and import against a live cluster and registry, on both engines.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import { createRegistryClient, type RegistryClient, type RegistryServer, startRegistry } from '@selfmonitor/registry'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { applyPlan, planPlatform } from '../apply/apply.ts'
import type { PlatformError } from '../errors.ts'
import { importPlatform } from '../import/import.ts'
import { loadPlatform } from '../load/load.ts'
import type { Platform } from '../model.ts'
import { renderPlan } from '../plan/render.ts'

let counter = 0
const run = `platform-${process.pid}-`
const unique = () => `${run}${++counter}`

const avro = (...fields: object[]) =>
  JSON.stringify({
    type: 'record',
    name: 'Order',
    namespace: 'test',
    fields: [{ name: 'id', type: 'string' }, ...fields],
  })

describeEngines('platform', (engine) => {
  let cluster: Cluster
  let server: RegistryServer
  let registry: RegistryClient
  const folders: string[] = []

  beforeAll(async () => {
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers, timeoutMs: 20_000 })
    server = await startRegistry({ bootstrapServers: engine.bootstrapServers, port: 0, topic: `${unique()}-schemas` })
    registry = createRegistryClient({ url: server.url })
  })
  // The engine is shared: what a test leaves behind costs every other test file.
  afterAll(async () => {
    const own = (await cluster.listTopics()).map(({ name }) => name).filter((name) => name.startsWith(run))
    await cluster.deleteTopics(own)
    await server?.close()
    await cluster?.close()
  })
  afterEach(() => {
    for (const folder of folders.splice(0)) {
      rmSync(folder, { recursive: true })
    }
  })

  function folder(): string {
    const path = mkdtempSync(join(tmpdir(), 'platform-'))
    folders.push(path)
    return path
  }

  async function load(files: Record<string, string>): Promise<Platform> {
    const dir = folder()
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(dir, name), text)
    }
    return loadPlatform(join(dir, 'platform.yaml'), { env: {} })
  }

  const plan = (platform: Platform, options = {}) => planPlatform(platform, cluster, registry, options)
  async function apply(platform: Platform, options = {}) {
    const result = await applyPlan(await plan(platform, options), platform, cluster, registry)
    expect(result.failed?.error).toBeUndefined()
    return result
  }

  it('applies a platform, and has nothing to do the second time', async () => {
    const [a, b] = [unique(), unique()]
    const platform = await load({
      'platform.yaml': `
defaults: { schema: order.avsc }
topics:
  ${a}: { partitions: 3, retention: 7d, cleanup: "compact,delete", compatibility: FULL }
  ${b}: { partitions: 2, config: { max.message.bytes: 2MiB, min.cleanable.dirty.ratio: 0.2 } }
`,
      'order.avsc': avro(),
    })
    const progress: string[] = []
    const first = await plan(platform)
    const result = await applyPlan(first, platform, cluster, registry, {
      onProgress: ({ change, state }) => progress.push(`${state} ${change.kind} ${change.name}`),
    })
    expect(result).toEqual({ applied: first.changes, failed: null, notApplied: [] })
    expect(first.changes.map(({ action, kind, name }) => `${action} ${kind} ${name}`)).toEqual([
      `create topic ${a}`,
      `create topic ${b}`,
      `create compatibility ${a}-value`,
      `create schema ${a}-value`,
      `create schema ${b}-value`,
    ])
    expect(progress.filter((line) => line.startsWith('done'))).toHaveLength(5)

    expect(renderPlan(await plan(platform), 'text')).toMatch(/^No changes/)
    expect(renderPlan(await plan(platform), 'text')).toContain(` at ${engine.bootstrapServers})`)
    expect((await cluster.describeTopics([a]))[0]!.partitions).toHaveLength(3)
    expect(await registry.getCompatibility(`${a}-value`)).toBe('FULL')
    expect((await registry.getVersion(`${b}-value`, 'latest'))!.version).toBe(1)
  })

  it('grows partitions, changes and takes back settings, and then has nothing to do', async () => {
    const name = unique()
    await apply(
      await load({
        'platform.yaml': `topics: { ${name}: { partitions: 2, retention: 7d, config: { segment.ms: 1h } } }`,
      }),
    )
    const changed = await load({
      'platform.yaml': `topics: { ${name}: { partitions: 4, retention: 1d, config: { segment.ms: null } } }`,
    })
    const text = renderPlan(await plan(changed), 'text')
    expect(text).toContain(`~ partitions  ${name}  partitions 2 → 4`)
    expect(text).toContain('! keys move')
    expect(text).toContain('retention.ms 7d → 1d, segment.ms 1h → broker default')
    expect(text).toContain('! deletes data: records older than 1d (kept until now: 7d)')
    await apply(changed)
    expect((await plan(changed)).changes).toEqual([])
  })

  it('refuses to let the retention of a protected topic fall back to the broker’s, which is shorter', async () => {
    const a = unique()
    await apply(await load({ 'platform.yaml': `topics: { ${a}: { partitions: 1, retention: 366d } }` }))
    const text = (protect: boolean) =>
      `topics: { ${a}: { partitions: 1, config: { retention.ms: null }, protect: ${protect} } }`
    const guarded = await plan(await load({ 'platform.yaml': text(true) }))
    expect(guarded.errors).toMatchObject([
      {
        path: `topics.${a}.config."retention.ms"`,
        message: expect.stringMatching(/records older than 7d \(kept until now: 366d\).* is protected/),
      },
    ])
    const open = await load({ 'platform.yaml': text(false) })
    expect((await plan(open)).changes).toMatchObject([{ warnings: [expect.stringContaining('7d is the broker')] }])
    await apply(open)
    expect((await plan(open)).changes).toEqual([])
  })

  it('leaves replicas that the file does not say to the brokers, and does not compare them', async () => {
    const a = unique()
    const platform = await load({ 'platform.yaml': `topics: { ${a}: { partitions: 1, replication: null } }` })
    expect(platform.topics[0]!.replicationFactor).toBeNull()
    expect(renderPlan(await plan(platform), 'text')).toContain('partitions 1, replication broker default')
    await apply(platform)
    expect((await plan(platform)).changes).toEqual([])
  })

  it('refuses fewer partitions, and more replicas than brokers, before anything is changed', async () => {
    const [existing, fresh] = [unique(), unique()]
    await apply(await load({ 'platform.yaml': `topics: { ${existing}: { partitions: 3 } }` }))
    const wrong = await load({
      'platform.yaml': `topics:\n  ${existing}: { partitions: 2 }\n  ${fresh}: { partitions: 1, replication: 9 }\n`,
    })
    const refused = await plan(wrong)
    expect(refused.errors.map(({ line, message }) => `${line} ${message}`)).toEqual([
      expect.stringMatching(/^3 must be ≤ \d, it is 9/),
      "2 2 is fewer than the cluster's 3; partitions cannot shrink; write 3",
    ])
    const error: PlatformError = await applyPlan(refused, wrong, cluster, registry).catch((e) => e)
    expect(error).toMatchObject({ name: 'PlatformError', code: 'PLAN_HAS_ERRORS' })
    expect((await cluster.listTopics()).map((t) => t.name)).not.toContain(fresh)
  })

  it('refuses an incompatible schema with its field, and changes nothing else either', async () => {
    const [name, other] = [unique(), unique()]
    const yaml = `topics: { ${name}: { partitions: 1, schema: order.avsc } }`
    await apply(await load({ 'platform.yaml': yaml, 'order.avsc': avro() }))
    const wrong = await load({
      'platform.yaml': `topics:\n  ${name}: { partitions: 1, schema: order.avsc }\n  ${other}: { partitions: 1 }\n`,
      'order.avsc': avro({ name: 'phone', type: 'string' }),
    })
    const refused = await plan(wrong)
    expect(refused.errors).toHaveLength(1)
    expect(refused.errors[0]).toMatchObject({ path: `${name}-value` })
    expect(refused.errors[0]!.file).toMatch(/order\.avsc$/)
    expect(refused.errors[0]!.message).toMatch(/^cannot follow version 1: .*'phone'.*no default value.*\(BACKWARD\)$/)
    await expect(applyPlan(refused, wrong, cluster, registry)).rejects.toThrow(/no part of it was applied/)
    expect((await cluster.listTopics()).map((t) => t.name)).not.toContain(other)

    const right = await load({
      'platform.yaml': yaml,
      'order.avsc': avro({ name: 'phone', type: 'string', default: '' }),
    })
    expect(renderPlan(await plan(right), 'text')).toContain('schema version 1 →')
    await apply(right)
    expect((await plan(right)).changes).toEqual([])
  })

  it('reports a changed type with its field, both types, and its place', async () => {
    const yaml = `topics: { ${unique()}: { partitions: 1, schema: order.avsc } }`
    const order = (currency: string): string =>
      ['{"type":"record","name":"Order","fields":[', '{"name":"id","type":"string"},', `  ${currency}`, ']}'].join('\n')
    const old = order('{"name":"currency","type":"string","default":"EUR"}')
    await apply(await load({ 'platform.yaml': yaml, 'order.avsc': old }))
    const changed = order('{"name":"currency","type":"int","default":1}')
    const { errors } = await plan(await load({ 'platform.yaml': yaml, 'order.avsc': changed }))
    expect(errors.map(({ line, column, message }) => `${line}:${column} ${message}`)).toEqual([
      expect.stringMatching(
        /^3:29 cannot follow version 1: .*\(field currency; reader type: INT not compatible with writer type: STRING\) \(BACKWARD\)$/,
      ),
    ])
  })

  it('checks a schema under the level that the plan itself will set', async () => {
    const name = unique()
    const yaml = (level: string) =>
      `topics: { ${name}: { partitions: 1, schema: order.avsc, compatibility: ${level} } }`
    await apply(await load({ 'platform.yaml': yaml('BACKWARD'), 'order.avsc': avro({ name: 'note', type: 'string' }) }))
    // Taking a field away is fine for BACKWARD, and not for FULL, which this plan would set first.
    const stricter = await plan(await load({ 'platform.yaml': yaml('FULL'), 'order.avsc': avro() }))
    expect(stricter.errors[0]!.message).toMatch(/'note'.*\(FULL\)/)
    const looser = await load({ 'platform.yaml': yaml('NONE'), 'order.avsc': avro({ name: 'note', type: 'long' }) })
    await apply(looser)
    expect((await plan(looser)).changes).toEqual([])
  })

  it('registers a JSON Schema, and refuses one that takes values away, under the level that it will set, too', async () => {
    const name = unique()
    const order = (...amount: string[]): string =>
      JSON.stringify({ type: 'object', properties: { amount: { type: amount } }, additionalProperties: false })
    const wanted = (schema: string, level: string) =>
      load({
        'platform.yaml': `topics: { ${name}: { partitions: 1, schema: order.json, compatibility: ${level} } }`,
        'order.json': schema,
      })
    await apply(await wanted(order('integer', 'null'), 'BACKWARD'))
    expect(await registry.getVersion(`${name}-value`, 'latest')).toMatchObject({ schemaType: 'JSON', version: 1 })
    const messages = async (schema: string, level: string) =>
      (await plan(await wanted(schema, level))).errors.map(({ message }) => message)
    const narrowed = "allows fewer types at path '#/properties/amount' than the"
    expect(await messages(order('integer'), 'BACKWARD')).toEqual([
      `cannot follow version 1: The new schema ${narrowed} old schema (BACKWARD)`,
    ])
    expect(await messages(order('integer', 'null', 'string'), 'FULL')).toEqual([
      `cannot follow version 1: The old schema ${narrowed} new schema (FULL)`,
    ])
    await apply(await wanted(order('integer', 'null', 'string'), 'BACKWARD'))
    expect((await registry.getVersion(`${name}-value`, 'latest'))?.version).toBe(2)
  })

  it('reports the registry’s message for a schema that it rejects', async () => {
    const platform = await load({
      'platform.yaml': `topics: { ${unique()}: { partitions: 1, schema: bad.proto } }`,
      'bad.proto': 'this is no protobuf',
    })
    const { errors } = await plan(platform)
    expect(errors).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/^cannot be registered: the registry refuses it: ./) }),
    ])
    expect(errors[0]!.file).toMatch(/bad\.proto$/)
  })

  it('deletes only what it owns, and only when that is allowed', async () => {
    const [kept, dropped] = [unique(), unique()]
    await apply(
      await load({ 'platform.yaml': `topics: { ${kept}: { partitions: 1 }, ${dropped}: { partitions: 1 } }` }),
    )
    const topics = `topics: { ${kept}: { partitions: 1 } }`
    const stranger = await load({ 'platform.yaml': topics })
    expect((await plan(stranger, { allowDelete: true })).changes).toEqual([])
    const owner = await load({ 'platform.yaml': `owns: [${kept}, ${dropped}]\n${topics}` })
    expect((await plan(owner)).changes).toEqual([])
    await apply(owner, { allowDelete: true })
    const names = (await cluster.listTopics()).map((t) => t.name)
    expect(names).toContain(kept)
    expect(names).not.toContain(dropped)
  })

  it('stops at the first failure, and reports which changes were made', async () => {
    const [first, second] = [unique(), unique()]
    const platform = await load({
      'platform.yaml': `topics:\n  ${first}: { partitions: 1 }\n  ${second}: { partitions: 1, schema: order.avsc }\n`,
      'order.avsc': avro(),
    })
    const stale = await plan(platform)
    // Somebody else is faster.
    await cluster.createTopics([{ name: second, partitions: 1, replicationFactor: 1 }])
    const result = await applyPlan(stale, platform, cluster, registry)
    expect(result.failed).toMatchObject({ change: { name: second }, error: { code: 'TOPIC_ALREADY_EXISTS' } })
    expect(result.applied.map(({ name }) => name)).toEqual([first])
    expect(result.notApplied.map(({ kind, name }) => `${kind} ${name}`)).toEqual([`schema ${second}-value`])
    expect(await registry.versions(`${second}-value`)).toEqual([])
  })

  it('refuses a plan that was made for another cluster', async () => {
    const name = unique()
    const platform = await load({ 'platform.yaml': `topics: { ${name}: { partitions: 1 } }` })
    const elsewhere = { ...(await plan(platform)), clusterId: 'elsewhere' }
    await expect(applyPlan(elsewhere, platform, cluster, registry)).rejects.toMatchObject({ code: 'WRONG_CLUSTER' })
    expect((await cluster.listTopics()).map((t) => t.name)).not.toContain(name)
  })

  it('says that the registry cannot be reached', async () => {
    const platform = await load({
      'platform.yaml': `topics: { ${unique()}: { partitions: 1, schema: order.avsc } }`,
      'order.avsc': avro(),
    })
    const nowhere = createRegistryClient({ url: 'http://127.0.0.1:1', timeoutMs: 1_000, retries: 0 })
    await expect(planPlatform(platform, cluster, nowhere)).rejects.toThrow(
      /cannot reach the registry at http:\/\/127.0.0.1:1/,
    )
  })

  it('imports a platform whose plan is then empty', async () => {
    const prefix = unique()
    let runs = 0
    const settings = fc.record(
      {
        'retention.ms': fc.constantFrom('-1', '86400000', '90061001'),
        'retention.bytes': fc.constantFrom('-1', '1073741824', '12345'),
        'cleanup.policy': fc.constantFrom('delete', 'compact', 'compact,delete'),
        'max.message.bytes': fc.integer({ min: 1_000, max: 5_000_000 }).map(String),
        'min.cleanable.dirty.ratio': fc.constantFrom('0.5', '0.01'),
        'flush.messages': fc.constantFrom('1', '9223372036854775807'),
        'compression.type': fc.constantFrom('producer', 'zstd'),
        preallocate: fc.constantFrom('true', 'false'),
      },
      { requiredKeys: [] },
    )
    const topic = fc.record({
      partitions: fc.integer({ min: 1, max: 4 }),
      settings,
      schema: fc.option(fc.constantFrom(avro(), avro({ name: 'n', type: 'long', default: 3 }), '"string"')),
      level: fc.option(fc.constantFrom('FULL' as const, 'NONE' as const)),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(topic, { minLength: 1, maxLength: 3 }), async (topics) => {
        const own = `${prefix}-${++runs}`
        for (const [i, { partitions, settings: config, schema, level }] of topics.entries()) {
          const name = `${own}-${i}`
          await cluster.createTopics([
            { name, partitions, replicationFactor: 1, config: config as Record<string, string> },
          ])
          if (schema !== null) {
            await registry.register(`${name}-value`, { schema })
            if (level !== null) {
              await registry.setCompatibility(level, `${name}-value`)
            }
          }
        }
        const dir = folder()
        const imported = await importPlatform(cluster, registry, { dir, topics: [`${own}-*`] })
        expect(imported).toMatchObject({ topics: topics.length, notes: [] })
        const platform = await loadPlatform(join(dir, 'platform.yaml'), { env: {} })
        expect(platform.topics).toHaveLength(topics.length)
        expect(platform.topics.filter((t) => t.schema !== undefined)).toHaveLength(imported.schemas)
        expect(await plan(platform)).toMatchObject({ changes: [], errors: [] })
      }),
      { numRuns: 8 },
    )
  })

  it('imports topics with odd names, whose plan is then empty', async () => {
    // One engine serves many tests: what is not ours is deleted again at once.
    const odd = ['...', 'null', 'true', '1.10', '1e3', '0x1F', '-', '-leading.dash', '2026-11-22', 'yes']
    const names = [...odd, `${unique()}${'x'.repeat(249)}`.slice(0, 249)]
    await cluster.createTopics(names.map((name) => ({ name, partitions: 1, replicationFactor: 1 })))
    try {
      for (const name of names) {
        await registry.register(`${name}-value`, { schema: avro() })
      }
      const dir = folder()
      const imported = await importPlatform(cluster, registry, { dir, topics: names })
      expect(imported).toMatchObject({ topics: names.length, schemas: names.length })
      const platform = await loadPlatform(join(dir, 'platform.yaml'), { env: {} })
      expect(platform.topics.map(({ name }) => name).sort()).toEqual(names.toSorted())
      expect(await plan(platform)).toMatchObject({ changes: [], errors: [], warnings: [] })
    } finally {
      await cluster.deleteTopics(names)
    }
  })

  it('lists the subjects that it left out: of keys, of record types, of missing topics', async () => {
    const name = unique()
    await cluster.createTopics([{ name, partitions: 1, replicationFactor: 1 }])
    const subjects = [`${name}-value`, `${name}-key`, `${name}-test.Order`, `test.Order.${name}`, `gone.${name}-value`]
    for (const subject of subjects) {
      await registry.register(subject, { schema: avro() })
    }
    const some = await importPlatform(cluster, registry, { topics: [name] })
    expect(some.schemas).toBe(1)
    expect(some.notes).toEqual([
      `schemas of keys, which cannot be declared: ${name}-key`,
      expect.stringMatching(new RegExp(`^schemas of single record types .*: ${name}-test\\.Order$`)),
    ])
    const all = await importPlatform(cluster, registry)
    expect(all.notes.find((note) => note.startsWith('subjects that are not the values'))).toMatch(
      new RegExp(`: .*gone\\.${name}-value.*test\\.Order\\.${name}`),
    )
    const text = all.files.get('platform.yaml')!
    expect(text).toContain(`# Not imported: schemas of keys, which cannot be declared: `)
  })

  it('imports no internal topics, and overwrites files only with --force', async () => {
    const name = unique()
    await cluster.createTopics([{ name, partitions: 1, replicationFactor: 1 }])
    const { files } = await importPlatform(cluster, registry)
    expect(files.get('platform.yaml')).toContain(`  ${name}:\n    partitions: 1\n    replication: 1\n`)
    expect(files.get('platform.yaml')).not.toMatch(/^ {2}"?_/m)
    const dir = folder()
    const options = { dir, topics: [name] }
    await importPlatform(cluster, registry, options)
    await expect(importPlatform(cluster, registry, options)).rejects.toMatchObject({ code: 'FILE_EXISTS' })
    await importPlatform(cluster, registry, { ...options, overwrite: true })
  })

  it('applies the whole of SelfMonitor, under other names', async () => {
    const own = await loadPlatform(resolve(import.meta.dirname, '../../../../platform.yaml'), { env: {} })
    const prefix = unique()
    const platform = { ...own, topics: own.topics.map((topic) => ({ ...topic, name: `${prefix}.${topic.name}` })) }
    const { applied } = await apply(platform)
    const kinds = ['topic', 'schema'].flatMap((kind) => Array(11).fill(kind))
    expect(applied.map(({ kind }) => kind)).toEqual([...kinds, ...Array(53).fill('payload')])
    expect((await plan(platform)).changes).toEqual([])
  })
})

// The payload of an event type over time: registered beside the envelope, compared by a plan, and named by each event.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import { connectEvents, type EventStream, type ReceivedEvent } from '@selfmonitor/events'
import {
  applyPlan,
  importPlatform,
  loadPlatform,
  type Platform,
  type PlatformError,
  planPlatform,
  renderPlan,
} from '@selfmonitor/platform'
import { createRegistryClient, type RegistryClient, type RegistryServer, startRegistry } from '@selfmonitor/registry'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeEngines } from './support/engines.ts'

const root = resolve(import.meta.dirname, '..')
let counter = 0
const run = `payloads-${process.pid}-`

describeEngines('payloads of SelfMonitor', (engine) => {
  let cluster: Cluster
  let server: RegistryServer
  let registry: RegistryClient
  const folder = mkdtempSync(join(tmpdir(), 'payload-evolution-'))
  const streams: EventStream[] = []

  beforeAll(async () => {
    cpSync(join(root, 'platform.yaml'), join(folder, 'platform.yaml'))
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers, timeoutMs: 30_000 })
    const topic = `${run}${++counter}-schemas`
    server = await startRegistry({ bootstrapServers: engine.bootstrapServers, port: 0, topic })
    registry = createRegistryClient({ url: server.url })
  })
  // The engine is shared: what a test leaves behind costs every other test file.
  afterAll(async () => {
    await Promise.all(streams.map((stream) => stream.close()))
    const own = (await cluster.listTopics()).map(({ name }) => name).filter((name) => name.startsWith(run))
    await cluster.deleteTopics(own)
    await server?.close()
    await cluster?.close()
    rmSync(folder, { recursive: true })
  })

  const userCreated = join(folder, 'schemas/user.events/user_created.json')

  /** SelfMonitor's file with the payloads as they are, under names of this test. Two of its topics keep the test short. */
  async function platformOf(prefix: string, change: (schema: PayloadFile) => void = () => {}): Promise<Platform> {
    cpSync(join(root, 'schemas'), join(folder, 'schemas'), { recursive: true })
    const schema = JSON.parse(readFileSync(userCreated, 'utf8')) as PayloadFile
    change(schema)
    writeFileSync(userCreated, JSON.stringify(schema, null, 2))
    const own = await loadPlatform(join(folder, 'platform.yaml'), { env: {} })
    const topics = own.topics.filter(({ name }) => ['user.events', 'transaction.events'].includes(name))
    return { ...own, services: [], topics: topics.map((topic) => ({ ...topic, name: `${prefix}.${topic.name}` })) }
  }

  const plan = (platform: Platform) => planPlatform(platform, cluster, registry)
  async function apply(platform: Platform) {
    const result = await applyPlan(await plan(platform), platform, cluster, registry)
    expect(result.failed?.error).toBeUndefined()
    return result
  }

  async function connect(platform: Platform, service: string): Promise<EventStream> {
    const schemas = Object.fromEntries(
      platform.topics.map(({ name, eventTypes }) => [
        name,
        Object.fromEntries(Object.entries(eventTypes).map(([type, { schema }]) => [type, schema])),
      ]),
    )
    const addresses = { bootstrapServers: engine.bootstrapServers, registryUrl: server.url }
    const stream = await connectEvents({ ...addresses, service, schemas, waitForBrokerMs: 30_000 })
    streams.push(stream)
    return stream
  }

  it('are registered with the platform, one line for a topic in the plan, and then there is nothing to do', async () => {
    const prefix = `${run}${++counter}`
    const platform = await platformOf(prefix)
    const first = await plan(platform)
    expect(first.errors).toEqual([])
    expect(
      renderPlan(first, 'text')
        .split('\n')
        .filter((line) => line.startsWith('+ payload')),
    ).toEqual([
      expect.stringContaining(`  ${prefix}.user.events-*`),
      expect.stringContaining(`  ${prefix}.transaction.events-*`),
    ])
    const { applied } = await apply(platform)
    expect(applied.filter(({ kind }) => kind === 'payload')).toHaveLength(11)
    expect(await plan(platform)).toMatchObject({ changes: [], errors: [], warnings: [] })
    const registered = await registry.getVersion(`${prefix}.user.events-user_created`, 'latest')
    expect(registered).toMatchObject({ version: 1, schemaType: 'JSON' })
    // What `emit` refuses is not in the schema either.
    expect(JSON.parse(registered!.schema)).toMatchObject({ title: 'UserCreated', additionalProperties: false })
  })

  it('refuse a field that was renamed, retyped or newly required, in the plan and in apply, and change nothing', async () => {
    const prefix = `${run}${++counter}`
    await apply(await platformOf(prefix))
    const broken = await platformOf(prefix, (schema) => {
      schema.properties.full_name = { type: 'integer' }
      schema.properties.mail = schema.properties.email!
      delete schema.properties.email
      schema.required = ['country', 'channel', 'locale']
    })
    const refused = await plan(broken)
    expect(refused.changes).toEqual([])
    const subject = `${prefix}.user.events-user_created`
    const found = refused.errors.map(({ path, message }) => `${path}: ${message}`).sort()
    const cannot = `${subject}: event type user_created of ${prefix}.user.events cannot follow version 1: `
    const orNew = 'or give the changed payload an event type of its own'
    expect(found).toEqual([
      `${cannot}the field email was removed or renamed, and events of version 1 may have it (BACKWARD); keep it, ${orNew}`,
      `${cannot}the field full_name has another type (string before, integer now), and events of version 1 have the old one (BACKWARD); keep the type, and add a field for the new one, ${orNew}`,
      `${cannot}the field locale is required now, and events of version 1 may be without it (BACKWARD); leave it out of required, or give it a default, ${orNew}`,
    ])
    const lines = readFileSync(userCreated, 'utf8').split('\n')
    for (const { file, line } of refused.errors) {
      expect(resolve(file)).toBe(userCreated)
      expect(line).toBeGreaterThan(lines.findIndex((text) => text.includes('"properties"')))
    }
    const error: PlatformError = await applyPlan(refused, broken, cluster, registry).catch((thrown) => thrown)
    expect(error).toMatchObject({
      code: 'PLAN_HAS_ERRORS',
      message: expect.stringContaining('the field email was removed'),
    })
    expect(await registry.versions(subject)).toEqual([1])
  })

  it('may get a field in a definition that they refer to, and may not lose one', async () => {
    const prefix = `${run}${++counter}`
    const withDevice = (...names: string[]) =>
      platformOf(prefix, (schema) => {
        const properties = Object.fromEntries(names.map((name) => [name, { type: 'string' }]))
        schema.$defs = { device: { type: 'object', properties } }
        schema.properties.device = { $ref: '#/$defs/device' }
      })
    await apply(await withDevice('os', 'model'))
    const subject = `${prefix}.user.events-user_created`
    const registered = await registry.getVersion(subject, 'latest')
    expect(JSON.parse(registered!.schema)).toMatchObject({ $defs: { device: { additionalProperties: false } } })

    const more = await plan(await withDevice('os', 'model', 'maker'))
    expect(more.errors).toEqual([])
    expect(more.changes.map(({ kind, name }) => `${kind} ${name}`)).toEqual([`payload ${subject}`])

    const less = await plan(await withDevice('os'))
    expect(less.errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/cannot follow version 1: .*model/),
    ])
  })

  it('tell a handler which version an event was written with', async () => {
    const prefix = `${run}${++counter}`
    const [topic, subject] = [`${prefix}.user.events`, `${prefix}.user.events-user_created`]
    const first = await platformOf(prefix)
    await apply(first)
    const old = await connect(first, `${prefix}-old`)
    await old.emit(topic, 'user_created', { email: 'a@b.c', country: 'GB', channel: 'web' }, { userId: 'u' })

    const second = await platformOf(prefix, (schema) => {
      schema.properties.nickname = { type: 'string' }
    })
    expect(renderPlan(await plan(second), 'text')).toMatch(
      /^~ payload .* schema version 1 → .*, field nickname string$/m,
    )
    await apply(second)
    const now = await connect(second, `${prefix}-new`)
    // The headers of another event are passed on; the schema is that of this one.
    const headers = { 'payload.schema.id': '1', trace: 't' }
    const data = { email: 'a@b.c', country: 'GB', channel: 'web', nickname: 'n' }
    await now.emit(topic, 'user_created', data, { userId: 'u', headers })

    const handled: ReceivedEvent[] = []
    const both = Promise.withResolvers<void>()
    now.on(topic, 'user_created', (event) => {
      if (handled.push(event) === 2) both.resolve()
    })
    await now.run()
    await both.promise
    const [one, two] = await Promise.all([registry.getVersion(subject, 1), registry.getVersion(subject, 2)])
    expect(handled.map(({ schema }) => schema)).toEqual([
      { subject, version: 1, id: one!.id },
      { subject, version: 2, id: two!.id },
    ])
    expect([...handled[1]!.headers.keys()].sort()).toEqual(['payload.schema.id', 'trace'])
  })

  it('come back from an import as files whose plan is empty', async () => {
    const prefix = `${run}${++counter}`
    const platform = await platformOf(prefix)
    await apply({ ...platform, topics: platform.topics.map((topic) => ({ ...topic, compatibility: 'FULL' as const })) })
    const dir = mkdtempSync(join(folder, 'import-'))
    const imported = await importPlatform(cluster, registry, { dir, topics: [`${prefix}.*`] })
    expect(imported).toMatchObject({ topics: 2, schemas: 13, notes: [] })
    const again = await loadPlatform(join(dir, 'platform.yaml'), { env: {} })
    expect(await plan(again)).toMatchObject({ changes: [], errors: [], warnings: [], hints: [] })
  })
})

interface PayloadFile {
  properties: Record<string, { type?: string; $ref?: string }>
  $defs?: object
  required: string[]
}

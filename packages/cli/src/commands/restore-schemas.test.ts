// Schemas in the commands for backups and restores, on the embedded broker with our registry.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { connectCluster } from '@selfmonitor/cluster'
import { encodeBatch } from '@selfmonitor/protocol/records'
import { createRegistryClient, type RegistryServer, startRegistry } from '@selfmonitor/registry'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SecuredFront, startSecuredFront } from '../../../registry/src/test-support/secured-front.ts'
import { selfmonitor, type TestIo } from '../test-io.ts'

const record = (name: string): { schema: string } => ({ schema: `{"type":"record","name":"${name}","fields":[]}` })

describe('schemas of a restore', () => {
  let source: Broker
  let target: Broker
  let registries: RegistryServer[]
  let front: SecuredFront
  let folder: string
  beforeAll(async () => {
    ;[source, target] = await Promise.all([startBroker(), startBroker()])
    registries = await Promise.all(
      [source, target].map(({ bootstrapServers }) => startRegistry({ bootstrapServers, port: 0 })),
    )
    front = await startSecuredFront(registries[0]!.url)
    folder = mkdtempSync(join(tmpdir(), 'cli-schemas-'))
    const registry = createRegistryClient({ url: registries[0]!.url })
    const { id } = await registry.register('orders-value', record('Order'))
    const cluster = connectCluster({ bootstrapServers: source.bootstrapServers })
    await cluster.createTopics([{ name: 'orders', partitions: 1, replicationFactor: 1 }])
    const identity = await cluster.initProducer()
    const appender = await cluster.appendBatches()
    const batch = encodeBatch([{ value: Buffer.from([0, 0, 0, 0, id]), timestamp: BigInt(Date.now()) }], {
      ...identity,
      baseSequence: 0,
    })
    await appender.append('orders', 0, batch)
    await appender.close()
    await cluster.close()
  })
  afterAll(async () => {
    await front?.close()
    await Promise.all((registries ?? []).map((server) => server.close()))
    await Promise.all([source, target].map((broker) => broker?.close()))
    rmSync(folder, { recursive: true, force: true })
  })
  const run = (at: Broker, line: string, more: TestIo = {}) =>
    selfmonitor(line.split(' '), {
      ...more,
      env: { KAFKA_BOOTSTRAP_SERVERS: at.bootstrapServers, SELFMONITOR_BACKUP: folder, ...more.env },
    })
  const backup = (more: TestIo = {}) => run(source, `backup --registry-url ${front.url}`, more)

  it('are taken through TLS and a login; a wrong password leaves the backup without them', async () => {
    const wrong = await backup({ env: { ...front.env, SCHEMA_REGISTRY_PASSWORD: 'wrong' } })
    expect(wrong).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Not backed up: schemas: REGISTRY_REFUSED'),
    })
    expect(wrong.stderr).not.toContain('wrong')
    const missing = await run(target, 'restore --topic orders --dry-run')
    expect(missing.stderr).toContain('missing: schemas: REGISTRY_REFUSED when the backup was taken')
    const taken = await backup({ env: front.env })
    expect(taken).toMatchObject({ code: 0, stdout: expect.stringMatching(/\nschemas +1\n/) })
    expect((await run(source, 'backup describe')).stdout).toMatch(/\nschemas +1 in 1 subject\n/)
    expect((await run(source, 'backup list')).stdout).toMatch(/could not be read.*\n.* 1 +\S+ \w+\n$/)
  })

  it('keep their ids, and show what would be done first', async () => {
    const url = registries[1]!.url
    const lost = await run(target, 'restore --topic orders --registry-url http://127.0.0.1:1 --yes')
    expect(lost).toMatchObject({ code: 4, stderr: expect.stringContaining('cannot reach the registry') })
    const dry = await run(target, `restore --topic orders --registry-url ${url} --dry-run`)
    expect(dry.stderr).toContain(
      `  registry ${url}: 0 schemas there under the same id, 1 to be created with theirs, 0 under another id; 1 version to register\n`,
    )
    const whole = await run(target, `restore --registry-url ${url} --yes`)
    expect(whole.stderr).toContain('topic _schemas stays as it is: the registry that uses it gets the schemas itself')
    expect(whole).toMatchObject({ code: 0, stdout: expect.stringMatching(/^restored: 1 record in 1 partition/) })
    const client = createRegistryClient({ url })
    expect(await client.getVersion('orders-value', 1)).toMatchObject({ id: 1 })
  })

  it('are refused where others have the ids, and rewritten when that is said', async () => {
    const server = await startRegistry({ bootstrapServers: target.bootstrapServers, topic: '_other', port: 0 })
    await createRegistryClient({ url: server.url }).register('other', record('Other'))
    const words = `restore --topic orders --target orders.b --registry-url ${server.url}`
    const dry = await run(target, `${words} --dry-run -o json`)
    expect(dry.code).toBe(1)
    expect(JSON.parse(dry.stdout).schemas).toMatchObject({
      ids: [{ id: 1, to: 2, kind: 'rewritten', versions: ['orders-value 1'] }],
      refused: [{ code: 'SCHEMAS_DIFFER' }],
    })
    const kept = await run(target, `${words} --yes`)
    expect(kept.code).toBe(1)
    expect(kept.stderr).toContain('has other ids for schemas of the backup: 1 (orders-value 1)')
    expect(kept.stderr).toContain('--schemas rewrite')
    const rewritten = await run(target, `${words} --schemas rewrite --yes`)
    expect(rewritten.code).toBe(0)
    expect(rewritten.stderr).toContain('  id 1 becomes 2: orders-value 1\n  records that get other ids are in orders\n')
    expect((await run(target, `restore --topic orders --target orders.c --schemas skip --yes`)).code).toBe(0)
    await server.close()
  })

  it('refuse words that mean nothing', async () => {
    const wrong = await run(target, 'restore --topic orders --target orders.d --schema-ids orders --yes')
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('<topic>:key') })
  })
})

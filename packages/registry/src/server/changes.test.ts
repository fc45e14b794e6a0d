// The record of each change: before it is made, after it, and not at all where nothing is written.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { type Access, needs } from '../access/index.ts'
import { deleteSubject } from '../operations/index.ts'
import type { Store } from '../store/index.ts'
import { accessFolder, accessText, basic } from '../test-support/access.ts'
import { int, record } from '../test-support/api.ts'
import { startTestRegistry, type TestRegistry } from '../test-support/app.ts'
import type { RecordChange, RegistryChange } from '../types.ts'
import { recorded } from './changes.ts'

interface Kept {
  readonly change: RegistryChange
  after?: unknown
  error?: unknown
}

describeEngines('the record of changes', (engine) => {
  const files = accessFolder()
  const kept: Kept[] = []
  let refuse: Error | undefined
  /** Until the intention is recorded. */
  let trail: Promise<void> | undefined
  let access: Access
  let registry: TestRegistry
  /** Keeps what it is given, as packages/audit does. */
  const recordChange: RecordChange = async (change, run) => {
    if (refuse !== undefined) throw refuse
    const one: Kept = { change: structuredClone(change) }
    kept.push(one)
    await trail
    try {
      await run({
        after: (data) => {
          one.after = structuredClone(data)
        },
      })
    } catch (error) {
      one.error = error
      throw error
    }
  }
  const call = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, user = 'admin') =>
    registry.call(method, path, body, basic(user))

  beforeAll(async () => {
    files.write(await accessText())
    access = await files.open()
    registry = await startTestRegistry(engine.bootstrapServers, { access, recordChange })
  })
  afterAll(async () => {
    await registry.close()
    access.close()
    files.remove()
  })
  beforeEach(() => {
    kept.length = 0
    refuse = undefined
    trail = undefined
  })

  it('names who, from where, what, before and after', async () => {
    const one = record('A', int('x'))
    const two = record('A', int('x'), '{"name":"y","type":"int","default":0}')
    expect((await call('POST', '/subjects/pay.a/versions', { schema: one }, 'writer')).status).toBe(200)
    const first = (await call('POST', '/subjects/pay.a/versions', { schema: two }, 'writer')).body as { id: number }
    expect(kept).toHaveLength(2)
    expect(kept[1]).toEqual({
      change: {
        action: 'schemas.register',
        resources: [{ type: 'subject', name: 'pay.a' }],
        by: { principal: 'User:writer', address: '127.0.0.1' },
        before: {
          versions: [{ version: 1, id: first.id - 1 }],
          latest: { version: 1, id: first.id - 1, schema: one },
          config: null,
          mode: null,
        },
        after: { records: [expect.objectContaining({ keytype: 'SCHEMA', subject: 'pay.a', version: 2, schema: two })] },
      },
      after: { records: [expect.objectContaining({ subject: 'pay.a', version: 2, id: first.id, schema: two })] },
    })
  })

  it('has one for each change that there is, by its name', async () => {
    const done: string[] = []
    const changes = async (method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown) => {
      const answer = await call(method, path, body)
      expect(answer.status, answer.text).toBeLessThan(300)
      expect(kept, `${method} ${path}`).toHaveLength(done.length + 1)
      done.push(kept.at(-1)!.change.action)
    }
    await changes('POST', '/contexts/.one/subjects/s/versions', { schema: '"int"' })
    for (const at of ['/config', '/contexts/.one/config', '/contexts/.one/config/s']) {
      await changes('PUT', at, { compatibility: 'FULL' })
      await changes('DELETE', at)
    }
    for (const at of ['/mode', '/contexts/.one/mode', '/contexts/.one/mode/s']) {
      await changes('PUT', at, { mode: 'READWRITE' })
      await changes('DELETE', at)
    }
    await changes('DELETE', '/contexts/.one/subjects/s/versions/1')
    await changes('DELETE', '/contexts/.one/subjects/s/versions/1?permanent=true')
    await changes('POST', '/contexts/.one/subjects/s/versions', { schema: '"int"' })
    await changes('DELETE', '/contexts/.one/subjects/s')
    await changes('DELETE', '/contexts/.one/subjects/s?permanent=true')
    await changes('DELETE', '/contexts/.one')
    const actions = Object.values(needs).flatMap((need) => ('action' in need ? [need.action] : []))
    expect(new Set(done)).toEqual(new Set(actions))
    expect(kept.at(-1)!.change.resources).toEqual([{ type: 'context', name: '.one' }])
  })

  it('leaves out what writes nothing', async () => {
    const schema = record('N', int('x'))
    await call('POST', '/subjects/pay.n/versions', { schema })
    kept.length = 0
    expect((await call('POST', '/subjects/pay.n/versions', { schema })).status).toBe(200)
    expect((await call('POST', '/subjects/pay.n/versions', { schema: record('N', int('z')) })).status).toBe(409)
    expect((await call('POST', '/subjects/pay.n/versions', { schema }, 'reader')).status).toBe(403)
    expect((await call('DELETE', '/subjects/nothing')).status).toBe(404)
    expect((await call('POST', '/subjects/pay.n', { schema })).status).toBe(200)
    expect(kept).toEqual([])
  })

  it('refuses a change whose record cannot be written, and changes nothing', async () => {
    await call('POST', '/subjects/pay.u/versions', { schema: '"int"' })
    refuse = Object.assign(new Error('Nothing was changed: audit.events did not answer'), { code: 'AUDIT_UNAVAILABLE' })
    for (const [method, path, body] of [
      ['POST', '/subjects/pay.new/versions', { schema: '"int"' }],
      ['PUT', '/config/pay.u', { compatibility: 'FULL' }],
      ['DELETE', '/subjects/pay.u', undefined],
    ] as const) {
      const answer = await call(method, path, body)
      expect([answer.status, (answer.body as { message: string }).message]).toEqual([
        503,
        expect.stringContaining('audit.events did not answer'),
      ])
    }
    refuse = undefined
    expect((await call('GET', '/subjects/pay.u/versions')).body).toEqual([1])
    expect((await call('GET', '/subjects/pay.new/versions')).status).toBe(404)
    expect((await call('GET', '/config/pay.u')).status).toBe(404)
    // The next one is made.
    expect((await call('POST', '/subjects/pay.new/versions', { schema: '"int"' })).status).toBe(200)
  })

  it('makes a change whose record took longer than a request may wait for Kafka', async () => {
    const impatient = await startTestRegistry(engine.bootstrapServers, { access, recordChange, timeoutMs: 2_000 })
    try {
      const written = Promise.withResolvers<void>()
      trail = written.promise
      const post = (subject: string) =>
        impatient.call('POST', `/subjects/${subject}/versions`, { schema: '"int"' }, basic('admin'))
      const slow = post('pay.slow')
      await expect.poll(() => kept.length, { timeout: 20_000 }).toBe(1)
      // It asked later, and gives up: so the time of the first one is over, too.
      expect((await post('pay.behind')).body).toMatchObject({ error_code: 50002 })
      written.resolve()
      expect((await slow).status).toBe(200)
      expect((await impatient.call('GET', '/subjects', undefined, basic('admin'))).body).toEqual(['pay.slow'])
    } finally {
      await impatient.close()
    }
  })

  it('has the records that were written before a change failed half-way', async () => {
    for (const schema of [record('H', int('x')), record('H')]) {
      expect((await call('POST', '/subjects/pay.half/versions', { schema })).status).toBe(200)
    }
    expect((await call('DELETE', '/subjects/pay.half')).body).toEqual([1, 2])
    kept.length = 0
    let puts = 0
    const failing: Store = {
      clusterId: registry.store.clusterId,
      state: registry.store.state,
      close: async () => {},
      exclusively: (run) =>
        registry.store.exclusively((transaction) =>
          run({
            get state() {
              return transaction.state
            },
            waitFor: (promise) => transaction.waitFor(promise),
            settle: (subject) => transaction.settle(subject),
            putSchema: (value) => transaction.putSchema(value),
            async put(key, value) {
              puts++
              if (puts > 1) throw new Error('Kafka is gone')
              await transaction.put(key, value)
            },
          }),
        ),
    }
    const entry = { action: 'schemas.delete', target: 'pay.half', by: { principal: 'User:admin', address: null } }
    await expect(
      recorded(recordChange, failing, entry, (store) => deleteSubject(store, 'pay.half', true)),
    ).rejects.toThrow('Kafka is gone')
    expect(kept).toMatchObject([
      {
        after: { records: [{ keytype: 'SCHEMA', subject: 'pay.half', value: null }] },
        error: { message: 'Kafka is gone' },
      },
    ])
  })

  it('keeps those of changes at the same time apart', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `pay.t${index}`)
    await Promise.all(names.map((name) => call('POST', `/subjects/${name}/versions`, { schema: '"long"' })))
    expect(kept.map(({ change }) => change.resources[0]!.name).toSorted()).toEqual(names)
    for (const { change, after } of kept) {
      expect((after as { records: { subject: string }[] }).records.map(({ subject }) => subject)).toEqual([
        change.resources[0]!.name,
      ])
    }
  })
})

// Every route, asked by every role: an intruder's walk through the API.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { needs, rowOf } from '../access/index.ts'
import type { Access } from '../access/open.ts'
import { accessFolder, accessText, basic, type Role, roles } from '../test-support/access.ts'
import { int, record } from '../test-support/api.ts'
import { startTestRegistry, type TestRegistry } from '../test-support/app.ts'
import { allRoutes } from './routes/index.ts'

const routes = allRoutes({ store: undefined as never, fallbackLevel: 'BACKWARD' })

it('every route has a row with its right, and every row a route', () => {
  expect([...new Set(routes.map(rowOf))].toSorted()).toEqual(Object.keys(needs).toSorted())
})

/** Who may what: on `pay.a`, in the default context, and in the context `.lab`. Everyone else is refused with 40301. */
const mayOnSubject: Readonly<Record<string, readonly Role[]>> = {
  read: ['admin', 'reader', 'writer', 'remover', 'configurer'],
  write: ['admin', 'writer', 'blind'],
  delete: ['admin', 'remover'],
  configure: ['admin', 'configurer'],
}
const mayInLab: readonly Role[] = ['admin', 'lab']
const seeDefault: readonly Role[] = ['admin', 'reader', 'writer', 'remover', 'configurer', 'elsewhere']

describeEngines('access to the registry', (engine) => {
  const files = accessFolder()
  let access: Access
  let registry: TestRegistry
  const as = (user: string, method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown) =>
    registry.call(method, path, body, basic(user))
  const money = record('Money', int('cents'))

  beforeAll(async () => {
    files.write(await accessText())
    access = await files.open()
    registry = await startTestRegistry(engine.bootstrapServers, { access })
    for (const subject of ['pay.a', 'pay.b', 'other', ':.lab:pay.a']) {
      const schema = subject === 'pay.b' ? record('B', int('x')) : money
      expect((await as('admin', 'POST', `/subjects/${subject}/versions`, { schema })).status).toBe(200)
    }
    expect(
      (await as('admin', 'POST', '/subjects/secret/versions', { schema: record('Secret', int('y')) })).status,
    ).toBe(200)
  })
  afterAll(async () => {
    await registry.close()
    access.close()
    files.remove()
  })

  it.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))(
    '%s lets in only who has the right',
    async (_name, route) => {
      const inLab = route.path.startsWith('/contexts/:context')
      const need = needs[rowOf(route)]!
      const path = route.path
        .replace(':context', '.lab')
        .replace(':subject', 'pay.a')
        .replace(':version', '9')
        .replace(':id', '1')
        .replace(':guid', '1')
      expect((await registry.call(route.method, path)).status, 'without a login').toBe(401)
      expect((await registry.call(route.method, path, undefined, basic('admin', 'wrong'))).status).toBe(401)
      const allowed = ((): readonly Role[] => {
        if (need.on === 'nothing' || need.on === 'visible') return roles
        if (inLab) return mayInLab
        const ofContext = need.on === 'context' || !route.path.includes(':subject')
        if (!ofContext) return mayOnSubject[need.right]!
        return need.right === 'read' ? seeDefault : ['admin']
      })()
      for (const role of roles) {
        // A body that no route takes, and versions that are not there: nothing is changed by who gets through.
        const body =
          route.method === 'PUT' || route.method === 'POST' ? { schema: 5, compatibility: 'x', mode: 'x' } : undefined
        const isDeletion = route.method === 'DELETE' && allowed.includes(role)
        const answer = isDeletion ? undefined : await as(role, route.method, path, body)
        if (answer === undefined) continue
        const found = (answer.body as { error_code?: number } | undefined)?.error_code === 40301 ? 'refused' : 'let in'
        expect(`${role} ${found} ${answer.status === 403}`, answer.text).toBe(
          allowed.includes(role) ? `${role} let in false` : `${role} refused true`,
        )
      }
    },
  )

  it('answers a missing and a wrong login as Confluent does, with the ways to log in', async () => {
    const missing = await registry.call('GET', '/subjects')
    expect([missing.status, missing.body]).toEqual([401, { error_code: 40101, message: 'Unauthorized' }])
    expect(missing.headers['www-authenticate']).toEqual(['Basic realm="schema-registry", charset="UTF-8"'])
    for (const headers of [
      basic('admin', 'wrong'),
      basic('nobody', 'admin'),
      { authorization: 'Basic !!' },
      { authorization: 'Bearer a.b.c' },
      { authorization: 'Digest x' },
      { authorization: `Basic ${Buffer.from('admin').toString('base64')}` },
    ]) {
      const answer = await registry.call('GET', '/subjects', undefined, headers)
      expect([answer.status, answer.text]).toEqual([401, missing.text])
    }
    const denied = await as('reader', 'POST', '/subjects/pay.a/versions', { schema: money })
    expect([denied.status, denied.body]).toEqual([
      403,
      { error_code: 40301, message: 'User is denied operation Write on Subject: pay.a' },
    ])
  })

  it('asks for a login on paths and methods that it does not have, and for metrics', async () => {
    for (const [method, path] of [
      ['GET', '/metrics'],
      ['GET', '/nothing'],
      ['OPTIONS', '/subjects'],
      ['PATCH', '/subjects'],
      ['TRACE', '/subjects/pay.a'],
    ] as const) {
      expect((await registry.call(method, path)).status, `${method} ${path}`).toBe(401)
    }
    expect((await as('reader', 'GET', '/metrics')).status).toBe(200)
  })

  it('shows in lists only what the caller may read, in pages without gaps', async () => {
    const lists = async (user: string, path: string) => (await as(user, 'GET', path)).body
    expect(await lists('admin', '/subjects')).toEqual([':.lab:pay.a', 'other', 'pay.a', 'pay.b', 'secret'])
    expect(await lists('reader', '/subjects')).toEqual(['pay.a', 'pay.b'])
    expect(await lists('reader', '/subjects?offset=1&limit=1')).toEqual(['pay.b'])
    expect(await lists('reader', '/subjects?subjectPrefix=:*:')).toEqual(['pay.a', 'pay.b'])
    expect(await lists('lab', '/subjects')).toEqual([':.lab:pay.a'])
    expect(await lists('blind', '/subjects')).toEqual([])
    expect(await lists('reader', '/contexts')).toEqual(['.'])
    expect(await lists('lab', '/contexts')).toEqual(['.lab'])
    expect(((await lists('elsewhere', '/schemas')) as { subject: string }[]).map(({ subject }) => subject)).toEqual([
      'other',
    ])
  })

  it('finds an id only for who may read a subject that has it', async () => {
    const idOf = async (subject: string) =>
      ((await as('admin', 'GET', `/subjects/${subject}/versions/1`)).body as { id: number }).id
    const [shared, secret] = [await idOf('pay.a'), await idOf('secret')]
    expect((await as('reader', 'GET', `/schemas/ids/${shared}`)).status).toBe(200)
    expect((await as('reader', 'GET', `/schemas/ids/${shared}/subjects`)).body).toEqual(['pay.a'])
    expect((await as('elsewhere', 'GET', `/schemas/ids/${shared}/versions`)).body).toEqual([
      { subject: 'other', version: 1 },
    ])
    const unknown = await as('reader', 'GET', '/schemas/ids/99999')
    for (const path of ['', '/schema', '/subjects', '/versions']) {
      const answer = await as('reader', 'GET', `/schemas/ids/${secret}${path}`)
      expect([answer.status, answer.text]).toEqual([404, unknown.text.replace('99999', String(secret))])
    }
    expect((await as('reader', 'GET', `/schemas/ids/${secret}?subject=secret`)).status).toBe(404)
    expect((await as('reader', 'GET', `/contexts/.lab/schemas/ids/1`)).status).toBe(404)
  })

  it('does not show a schema to who may not read it through a reference', async () => {
    const schema = '{"type":"record","name":"R","fields":[{"name":"s","type":"Secret"}]}'
    const references = [{ name: 'Secret', subject: 'secret', version: 1 }]
    for (const path of ['/subjects/pay.r/versions', '/subjects/pay.r', '/compatibility/subjects/pay.r/versions']) {
      const answer = await as('writer', 'POST', path, { schema, references })
      expect(answer.body).toEqual({ error_code: 40301, message: 'User is denied operation Read on Subject: secret' })
    }
    // Registered by who may read both: what it refers to is then a part of it.
    expect((await as('admin', 'POST', '/subjects/pay.r/versions', { schema, references })).status).toBe(200)
    const resolved = await as('reader', 'GET', '/subjects/pay.r/versions/1/schema?format=resolved')
    expect([resolved.status, resolved.text]).toEqual([200, expect.stringContaining('"name":"y"')])
    expect((await as('reader', 'GET', '/subjects/secret/versions/1')).status).toBe(403)
    expect((await as('elsewhere', 'GET', '/subjects/pay.r/versions/1')).status).toBe(403)
  })

  it('takes a subject for what it is, however the path writes its context', async () => {
    for (const path of [
      '/subjects/:.lab:pay.a/versions',
      '/contexts/.lab/subjects/pay.a/versions',
      '/contexts/:.lab:/subjects/pay.a/versions',
      '/contexts/.other/subjects/:.lab:pay.a/versions',
      '/subjects/%3A.lab%3Apay.a/versions',
    ]) {
      expect((await as('reader', 'GET', path)).status, path).toBe(403)
      expect((await as('lab', 'GET', path)).status, path).toBe(200)
    }
    expect((await as('reader', 'GET', '/subjects/:.:pay.a/versions')).status).toBe(200)
    expect((await as('lab', 'PUT', '/config/:.__GLOBAL:', { compatibility: 'NONE' })).status).toBe(403)
    expect((await as('lab', 'PUT', '/config/:.lab:', { compatibility: 'NONE' })).status).toBe(200)
  })

  it('takes an alias for the subject that it means', async () => {
    expect((await as('admin', 'PUT', '/config/pay.alias', { alias: 'secret' })).status).toBe(200)
    for (const path of [
      '/subjects/pay.alias/versions',
      '/subjects/pay.alias/versions/1',
      '/subjects/pay.alias/metadata',
    ]) {
      expect((await as('reader', 'GET', path)).status, path).toBe(403)
    }
    expect((await as('writer', 'POST', '/subjects/pay.alias/versions', { schema: money })).status).toBe(403)
    expect((await as('remover', 'DELETE', '/subjects/pay.alias')).status).toBe(403)
    expect((await as('admin', 'GET', '/subjects/pay.alias/versions')).body).toEqual([1])
    expect((await as('admin', 'DELETE', '/config/pay.alias')).status).toBe(200)
  })

  it('takes an alias only from who may configure both subjects', async () => {
    const answer = await as('configurer', 'PUT', '/config/pay.alias', { alias: 'secret' })
    expect([answer.status, answer.body]).toEqual([
      403,
      { error_code: 40301, message: 'User is denied operation Configure on Subject: secret' },
    ])
    expect((await as('reader', 'GET', '/config/pay.alias')).status).toBe(404)
    expect((await as('configurer', 'PUT', '/config/pay.alias', { alias: 'pay.a' })).status).toBe(200)
    expect((await as('configurer', 'PUT', '/config/pay.alias', { alias: '' })).status).toBe(200)
    expect((await as('admin', 'DELETE', '/config/pay.alias')).status).toBe(200)
  })

  it('shows nothing of earlier versions to who may only write', async () => {
    const at = '/subjects/pay.blind/versions'
    const old = { schema: record('Blind', int('hidden')), metadata: { properties: { owner: 'hidden' } } }
    expect((await as('admin', 'POST', at, old)).status).toBe(200)
    const incompatible = await as('blind', 'POST', at, { schema: record('Blind', int('other')) })
    expect([incompatible.status, incompatible.body]).toEqual([
      409,
      {
        error_code: 40901,
        message: 'Schema being registered is incompatible with an earlier schema for subject "pay.blind", details: []',
      },
    ])
    expect((await as('writer', 'POST', at, { schema: record('Blind', int('other')) })).text).toContain('hidden')
    expect((await as('writer', 'POST', at, { schema: old.schema })).text).toContain('owner')
    for (const body of [{ schema: old.schema }, { schema: old.schema, version: -1, metadata: { properties: {} } }]) {
      const { status, body: answer } = await as('blind', 'POST', at, body)
      expect([status, Object.keys(answer as object)]).toEqual([200, ['id', 'guid']])
    }
  })

  it('takes IMPORT mode, which removes soft-deleted versions, only from who may delete where there are some', async () => {
    expect((await as('admin', 'POST', '/subjects/pay.import/versions', { schema: money })).status).toBe(200)
    expect((await as('admin', 'DELETE', '/subjects/pay.import')).status).toBe(200)
    const mode = { mode: 'IMPORT' }
    const denied = await as('configurer', 'PUT', '/mode/pay.import', mode)
    expect([denied.status, denied.body]).toEqual([
      403,
      { error_code: 40301, message: 'User is denied operation Delete on Subject: pay.import' },
    ])
    expect((await as('admin', 'GET', '/subjects/pay.import/versions?deleted=true')).body).toEqual([1])
    expect((await as('configurer', 'PUT', '/mode/pay.empty', mode)).status).toBe(200)
    expect((await as('admin', 'PUT', '/mode/pay.import', mode)).status).toBe(200)
    expect((await as('admin', 'GET', '/subjects/pay.import/versions?deleted=true')).status).toBe(404)
  })

  it('finds a guid only for who may read a subject that has it', async () => {
    const { guid } = (await as('admin', 'GET', '/subjects/secret/versions/1')).body as { guid: string }
    expect((await as('admin', 'GET', `/schemas/guids/${guid}`)).status).toBe(200)
    expect((await as('reader', 'GET', `/schemas/guids/${guid}`)).status).toBe(404)
    expect((await as('reader', 'GET', `/schemas/guids/${guid}/ids`)).body).toEqual([])
  })

  it('lets each role do its work', async () => {
    const schema = record('W', int('w'))
    expect((await as('writer', 'POST', '/subjects/pay.w/versions', { schema })).status).toBe(200)
    expect((await as('configurer', 'PUT', '/config/pay.w', { compatibility: 'FULL' })).status).toBe(200)
    expect((await as('configurer', 'PUT', '/mode/pay.w', { mode: 'READWRITE' })).status).toBe(200)
    expect((await as('remover', 'DELETE', '/subjects/pay.w')).body).toEqual([1])
    expect((await as('remover', 'DELETE', '/subjects/pay.w?permanent=true')).body).toEqual([1])
    // Who may only write need not see what is there.
    expect((await as('blind', 'POST', '/subjects/pay.w/versions', { schema })).status).toBe(200)
    expect((await as('blind', 'GET', '/subjects/pay.w/versions')).status).toBe(403)
  })
})

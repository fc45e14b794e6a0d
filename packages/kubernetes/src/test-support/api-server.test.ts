// The judge is judged: what Kubernetes' API conventions and its RBAC documentation say, asked over HTTP.
import { request } from 'node:https'
import { afterEach, describe, expect, it } from 'vitest'
import type { KubernetesObject, Status } from '../api/types.ts'
import { type ApiServer, type ApiServerOptions, type Change, startApiServer } from './api-server.ts'
import { clusterRole, namespace, role } from './contract.ts'
import type { Rule } from './rbac.ts'

let server: ApiServer | undefined
afterEach(() => server?.close())

interface Reply {
  readonly code: number
  readonly body: Status & KubernetesObject & { readonly items?: readonly KubernetesObject[]; readonly data?: unknown }
}

type Ask = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Reply>

const all: Rule = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] }

/** Starts a server and gives a caller with these rights; `token: undefined` is nobody. */
async function start(rules: readonly Rule[], options: ApiServerOptions = {}): Promise<{ server: ApiServer; ask: Ask }> {
  const started = await startApiServer({ ...options, objects: [...role('me', rules), ...(options.objects ?? [])] })
  server = started
  const token = started.token(namespace, 'me')
  const ask: Ask = (method, path, body, headers = {}) =>
    new Promise((resolve, reject) => {
      const sent = request(
        `${started.url}${path}`,
        { method, ca: started.ca, agent: false, headers: { authorization: `Bearer ${token}`, ...headers } },
        async (response) => {
          const chunks = await response.toArray()
          resolve({ code: response.statusCode!, body: JSON.parse(Buffer.concat(chunks).toString()) })
        },
      )
      sent.on('error', reject)
      sent.end(body === undefined ? undefined : JSON.stringify(body))
    })
  return { server: started, ask }
}

const secrets = '/api/v1/namespaces/kafka/secrets'
const secret = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace },
  ...more,
})
const merge = { 'content-type': 'application/merge-patch+json' }

describe('the user of a request', () => {
  it('is anonymous without a token, and rejected with an unknown token', async () => {
    const { ask } = await start([all])
    const anonymous = await ask('GET', `${secrets}/a`, undefined, { authorization: '' })
    expect(anonymous).toMatchObject({
      code: 403,
      body: { message: expect.stringContaining('User "system:anonymous"') },
    })
    const unknown = await ask('GET', `${secrets}/a`, undefined, { authorization: 'Bearer x' })
    expect(unknown).toMatchObject({ code: 401, body: { kind: 'Status', reason: 'Unauthorized', status: 'Failure' } })
  })
})

describe('the rights of a user', () => {
  it('are none without a rule, with Kubernetes’ message', async () => {
    const { ask } = await start([])
    expect(await ask('GET', `${secrets}/kafka-ca`)).toMatchObject({
      code: 403,
      body: {
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        reason: 'Forbidden',
        code: 403,
        message:
          'secrets "kafka-ca" is forbidden: User "system:serviceaccount:kafka:me" cannot get resource "secrets" in API ' +
          'group "" in the namespace "kafka"',
      },
    })
  })

  it('is bound to names, verbs and resources', async () => {
    const { ask } = await start([{ apiGroups: [''], resources: ['secrets'], resourceNames: ['a'], verbs: ['get'] }])
    expect((await ask('GET', `${secrets}/a`)).code).toBe(404)
    expect((await ask('GET', `${secrets}/b`)).code).toBe(403)
    expect((await ask('DELETE', `${secrets}/a`)).code).toBe(403)
    expect((await ask('GET', '/api/v1/namespaces/kafka/configmaps/a')).code).toBe(403)
    expect((await ask('GET', '/api/v1/namespaces/other/secrets/a')).code).toBe(403)
  })

  it('never includes creating or listing by a rule with names', async () => {
    const { ask } = await start([{ apiGroups: [''], resources: ['secrets'], resourceNames: ['a'], verbs: ['*'] }])
    expect((await ask('POST', secrets, secret('a'))).code).toBe(403)
    expect((await ask('GET', secrets)).code).toBe(403)
  })

  it('is bound to the API group', async () => {
    const { ask } = await start([{ apiGroups: ['apps'], resources: ['secrets'], verbs: ['get'] }])
    expect((await ask('GET', `${secrets}/a`)).code).toBe(403)
  })

  it('reaches objects without a namespace only through a ClusterRoleBinding', async () => {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } }
    const { ask } = await start([all], { objects: [node] })
    expect(await ask('GET', '/api/v1/nodes/n1')).toMatchObject({
      code: 403,
      body: { message: expect.stringContaining('at the cluster scope') },
    })
    for (const object of clusterRole('me', [{ apiGroups: [''], resources: ['nodes'], verbs: ['get'] }]))
      server!.put(object)
    expect((await ask('GET', '/api/v1/nodes/n1')).code).toBe(200)
  })
})

describe('objects', () => {
  it('get a uid, a version and a time, and are found again', async () => {
    const { ask } = await start([all])
    const created = await ask('POST', secrets, secret('a', { stringData: { x: 'plain' } }))
    expect(created).toMatchObject({
      code: 201,
      body: {
        type: 'Opaque',
        data: { x: 'cGxhaW4=' },
        metadata: { uid: expect.stringMatching(/^[0-9a-f-]{36}$/), resourceVersion: expect.stringMatching(/^\d+$/) },
      },
    })
    expect(created.body).not.toHaveProperty('stringData')
    expect((await ask('GET', `${secrets}/a`)).body).toEqual(created.body)
    expect((await ask('GET', secrets)).body.items).toEqual([created.body])
  })

  it('that exist are not created again', async () => {
    const { ask } = await start([all], { objects: [secret('a')] })
    expect(await ask('POST', secrets, secret('a'))).toMatchObject({
      code: 409,
      body: { reason: 'AlreadyExists', message: 'secrets "a" already exists' },
    })
  })

  it('are updated only from their last version', async () => {
    const { ask } = await start([all], { objects: [secret('a')] })
    const { body } = await ask('GET', `${secrets}/a`)
    const change = (x: string) => ({ ...body, data: { x } })
    expect((await ask('PUT', `${secrets}/a`, change('MQ=='))).code).toBe(200)
    expect(await ask('PUT', `${secrets}/a`, change('Mg=='))).toMatchObject({
      code: 409,
      body: {
        reason: 'Conflict',
        message: expect.stringContaining('the object has been modified; please apply your changes'),
      },
    })
    const stale = { metadata: { resourceVersion: body.metadata.resourceVersion }, data: { x: 'Mw==' } }
    expect((await ask('PATCH', `${secrets}/a`, stale, merge)).code).toBe(409)
  })

  it('are patched by merging, null taking away, and by nothing else', async () => {
    const { ask } = await start([all], { objects: [secret('a', { data: { x: 'MQ==', y: 'Mg==' } })] })
    const patched = await ask('PATCH', `${secrets}/a`, { data: { x: null, z: 'Mw==' } }, merge)
    expect(patched).toMatchObject({ code: 200, body: { data: { y: 'Mg==', z: 'Mw==' } } })
    expect(patched.body.data).not.toHaveProperty('x')
    expect((await ask('PATCH', `${secrets}/a`, {}, { 'content-type': 'application/json' })).code).toBe(415)
    expect((await ask('PATCH', `${secrets}/b`, {}, merge)).code).toBe(404)
  })

  it('keep their version when nothing changes', async () => {
    const { ask } = await start([all], { objects: [secret('a', { data: { x: 'MQ==' } })] })
    const before = (await ask('GET', `${secrets}/a`)).body.metadata.resourceVersion
    const { body } = await ask('PATCH', `${secrets}/a`, { data: { x: 'MQ==' } }, merge)
    expect(body.metadata.resourceVersion).toBe(before)
  })

  it.each([
    ['no base64', secret('a', { data: { x: '!' } }), /illegal base64/],
    ['a TLS Secret without its keys', secret('a', { type: 'kubernetes.io/tls' }), /data\[tls\.crt\]: Required value/],
    ['a name in capitals', secret('A'), /a lowercase RFC 1123 subdomain/],
    ['a key with a slash', secret('a', { data: { 'a/b': '' } }), /a valid config key/],
  ])('with %s are invalid', async (_, object, message) => {
    const { ask } = await start([all])
    expect(await ask('POST', secrets, object)).toMatchObject({
      code: 422,
      body: { reason: 'Invalid', message: expect.stringMatching(message) },
    })
  })

  it('that are immutable, and types, do not change', async () => {
    const { ask } = await start([all], {
      objects: [secret('a', { immutable: true, data: { x: 'MQ==' } }), secret('b')],
    })
    const data = { data: { x: 'Mg==' } }
    expect(await ask('PATCH', `${secrets}/a`, data, merge)).toMatchObject({ code: 422 })
    const type = await ask('PATCH', `${secrets}/b`, { type: 'other' }, merge)
    expect(type).toMatchObject({ code: 422, body: { message: expect.stringContaining('field is immutable') } })
  })

  it('must be what the path says', async () => {
    const { ask } = await start([all], { objects: [secret('a')] })
    expect((await ask('PUT', `${secrets}/a`, secret('b'))).code).toBe(400)
    expect((await ask('POST', secrets, { ...secret('b'), kind: 'ConfigMap' })).code).toBe(400)
    const elsewhere = { ...secret('b'), metadata: { name: 'b', namespace: 'other' } }
    expect((await ask('POST', secrets, elsewhere)).code).toBe(400)
    expect((await ask('GET', '/api/v1/namespaces/kafka/nothings/a')).code).toBe(404)
    expect((await ask('GET', '/apis/apps/v1/namespaces/kafka/secrets/a')).code).toBe(404)
  })
})

describe('a test', () => {
  it('is notified of every change by any client', async () => {
    const changes: Change[] = []
    const { server: started, ask } = await start([all], { onChange: (change) => changes.push(change) })
    changes.length = 0
    await ask('POST', secrets, secret('a'))
    started.put(secret('a', { data: { x: 'MQ==' } }))
    await ask('DELETE', `${secrets}/a`)
    expect(changes.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual([
      'ADDED a',
      'MODIFIED a',
      'DELETED a',
    ])
  })

  it('can inject a fault before or after a change', async () => {
    let fault: 'before' | 'after' = 'before'
    const { server: started, ask } = await start([all], {
      onRequest: () => ({ status: 503, after: fault === 'after' }),
    })
    expect((await ask('POST', secrets, secret('a'))).code).toBe(503)
    expect(started.object('Secret', 'a', namespace)).toBeUndefined()
    fault = 'after'
    expect((await ask('POST', secrets, secret('a'))).code).toBe(503)
    expect(started.object('Secret', 'a', namespace)).toBeDefined()
  })
})

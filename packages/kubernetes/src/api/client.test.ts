import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type ApiServer, type ApiServerOptions, startApiServer } from '../test-support/api-server.ts'
import { namespace, role } from '../test-support/contract.ts'
import { type ClientOptions, connectKubernetes, type KubernetesClient } from './client.ts'
import { inClusterConnection } from './in-cluster.ts'

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

const rules = [{ apiGroups: [''], resources: ['configmaps', 'secrets'], verbs: ['get', 'create', 'patch'] }]
const configMap = (name: string, data: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
})

/** A server, a mounted ServiceAccount, and a client that knows nothing else. */
async function setting(
  options: ApiServerOptions = {},
  clientOptions: ClientOptions = {},
): Promise<{ server: ApiServer; client: KubernetesClient; folder: string; env: Record<string, string> }> {
  const server = await startApiServer({ ...options, objects: [...role('job', rules), ...(options.objects ?? [])] })
  const folder = mkdtempSync(join(tmpdir(), 'selfmonitor-client-'))
  opened.push(server, { close: () => rmSync(folder, { recursive: true, force: true }) })
  server.writeServiceAccount(folder, namespace, 'job')
  const env = { KUBERNETES_SERVICE_HOST: server.host, KUBERNETES_SERVICE_PORT: String(server.port) }
  const client = connectKubernetes(inClusterConnection(env, folder), { backoffMs: 1, ...clientOptions })
  opened.push(client)
  return { server, client, folder, env }
}

describe('objects', () => {
  it('are created, read and changed; one that is not there is nothing', async () => {
    const { client } = await setting()
    expect(await client.get('ConfigMap', 'a')).toBeUndefined()
    await client.create('ConfigMap', configMap('a', { x: '1', y: '2' }))
    await client.patch('ConfigMap', 'a', { data: { y: '3', z: '4' } })
    expect((await client.get('ConfigMap', 'a'))?.data).toEqual({ x: '1', y: '3', z: '4' })
  })

  it('that exist already are not created, and that is no error', async () => {
    const { client } = await setting({ objects: [configMap('a', { x: 'theirs' })] })
    expect(await client.create('ConfigMap', configMap('a', { x: 'mine' }))).toBeUndefined()
    expect((await client.get('ConfigMap', 'a'))?.data).toEqual({ x: 'theirs' })
  })

  it('that have changed since they were read are not changed', async () => {
    const { client } = await setting({ objects: [configMap('a', { x: '1' })] })
    const { resourceVersion } = (await client.get('ConfigMap', 'a'))!.metadata
    expect(await client.patch('ConfigMap', 'a', { metadata: { resourceVersion }, data: { x: '2' } })).toBeDefined()
    expect(await client.patch('ConfigMap', 'a', { metadata: { resourceVersion }, data: { x: '3' } })).toBeUndefined()
    expect((await client.get('ConfigMap', 'a'))?.data).toEqual({ x: '2' })
  })

  it('that were deleted meanwhile cannot be changed, and the message says so', async () => {
    const { client } = await setting()
    await expect(client.patch('ConfigMap', 'a', { data: {} })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'Cannot patch configmaps "a" in namespace kafka: configmaps "a" not found',
    })
  })

  it('that the server refuses as they are bring its message', async () => {
    const { client } = await setting()
    await expect(client.create('ConfigMap', configMap('a', { 'no/slash': '' }))).rejects.toMatchObject({
      code: 'API_ERROR',
      message: expect.stringContaining('a valid config key must consist of'),
    })
  })
})

describe('the token', () => {
  it('is read again when it was replaced', async () => {
    const { server, client, folder } = await setting({ objects: [configMap('a')] })
    await client.get('ConfigMap', 'a')
    const token = server.token(namespace, 'job')
    const before = connectToken(folder)
    server.revoke(before)
    writeFileSync(join(folder, 'token'), `${token}\n`)
    expect(await client.get('ConfigMap', 'a')).toBeDefined()
  })

  it('that is replaced between reading and use is read once more', async () => {
    let replace: (() => void) | undefined
    const { server, env, folder } = await setting({ objects: [configMap('a')] })
    const connection = inClusterConnection(env, folder)
    const client = connectKubernetes({
      ...connection,
      async token() {
        const token = await connection.token()
        replace?.()
        return token
      },
    })
    opened.push(client)
    replace = () => {
      replace = undefined
      server.revoke(connectToken(folder))
      writeFileSync(join(folder, 'token'), server.token(namespace, 'job'))
    }
    expect(await client.get('ConfigMap', 'a')).toBeDefined()
  })

  it('that is not accepted is an error, without endless retries', async () => {
    const { client, folder } = await setting()
    writeFileSync(join(folder, 'token'), 'nonsense')
    await expect(client.get('ConfigMap', 'a')).rejects.toMatchObject({ code: 'UNAUTHORIZED', reason: 'not-allowed' })
  })

  it('is not in any message', async () => {
    const { server, client, folder } = await setting()
    const token = connectToken(folder)
    await server.close()
    const error = await client.get('ConfigMap', 'a').catch((caught: Error) => caught)
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(token)
  })
})

describe('a right that is missing', () => {
  it('is named with verb, resource and the rule that gives it', async () => {
    const { client } = await setting()
    await expect(client.get('Service', 'kafka-external-0')).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: 'system:serviceaccount:kafka:job may not get services "kafka-external-0" in namespace kafka.',
      hint: expect.stringContaining(
        'Its Role needs the rule {apiGroups: [""], resources: ["services"], verbs: ["get"], resourceNames: ["kafka-external-0"]}',
      ),
    })
    await expect(client.get('Node', 'n1')).rejects.toMatchObject({
      message: 'system:serviceaccount:kafka:job may not get nodes "n1".',
      hint: expect.stringContaining(
        'Its ClusterRole needs the rule {apiGroups: [""], resources: ["nodes"], verbs: ["get"]}',
      ),
    })
  })

  it('is not confused with a quota', async () => {
    const message = 'configmaps "a" is forbidden: exceeded quota: small'
    const { client } = await setting({ onRequest: () => ({ status: 403, message }) })
    await expect(client.create('ConfigMap', configMap('a'))).rejects.toMatchObject({
      code: 'API_ERROR',
      message: `Cannot create configmaps "a" in namespace kafka: 403 ${message}`,
    })
  })
})

describe('a server in trouble', () => {
  it.each([429, 500, 502, 503, 504])('that says %i is asked again', async (status) => {
    let refusals = 3
    const said: string[] = []
    const { client } = await setting(
      { objects: [configMap('a')], onRequest: () => (refusals-- > 0 ? { status, message: 'busy' } : undefined) },
      { onRetry: (line) => said.push(line) },
    )
    expect(await client.get('ConfigMap', 'a')).toBeDefined()
    expect(said).toHaveLength(3)
    expect(said[0]).toMatch(new RegExp(`^get configmaps "a": ${status} busy; again in [0-9.]+ s \\(1 of 8\\)$`))
  })

  it('that cuts the connection is asked again', async () => {
    let cuts = 2
    const { client, server } = await setting({
      objects: [configMap('a')],
      onRequest: () => (cuts-- > 0 ? { reset: true } : undefined),
    })
    expect(await client.get('ConfigMap', 'a')).toBeDefined()
    expect(server.requests).toHaveLength(3)
  })

  it('that never answers is given up after so many tries, saying what to check', async () => {
    const silent = createServer()
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    opened.push(silent)
    const { port } = silent.address() as { port: number }
    const { folder } = await setting()
    const env = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(port) }
    const client = connectKubernetes(inClusterConnection(env, folder), {
      attempts: 2,
      backoffMs: 1,
      requestTimeoutMs: 50,
    })
    await expect(client.get('ConfigMap', 'a')).rejects.toMatchObject({
      code: 'API_UNREACHABLE',
      reason: 'cannot-connect',
      message: expect.stringMatching(/does not answer get configmaps "a" \(2 tries\): no answer within 0.05 s/),
      hint: expect.stringContaining('NetworkPolicy'),
    })
  })

  it('that another CA has signed for is not talked to', async () => {
    const other = await setting()
    const { env, server } = await setting()
    const client = connectKubernetes(inClusterConnection(env, other.folder), { backoffMs: 1 })
    opened.push(client)
    await expect(client.get('ConfigMap', 'a')).rejects.toMatchObject({
      code: 'API_UNREACHABLE',
      message: expect.stringMatching(/cannot be trusted/),
    })
    expect(server.requests).toEqual([])
  })

  it('an interrupt ends the wait before the next attempt', async () => {
    const interrupt = new AbortController()
    const { client } = await setting(
      { onRequest: () => ({ status: 503 }) },
      { signal: interrupt.signal, backoffMs: 60_000, onRetry: () => interrupt.abort() },
    )
    await expect(client.get('ConfigMap', 'a')).rejects.toThrow(/abort/i)
  })
})

describe('outside of a cluster', () => {
  it('says which variables and files are missing', async () => {
    expect(() => inClusterConnection({})).toThrow(/KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set/)
    const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' }
    expect(() => inClusterConnection(env, '/nowhere')).toThrow(/Cannot read \/nowhere\/ca.crt/)
  })

  it('knows an IPv6 address', async () => {
    const { folder } = await setting()
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' }
    expect(inClusterConnection(env, folder)).toMatchObject({ server: 'https://[fd00::1]:443', namespace: 'kafka' })
  })
})

function connectToken(folder: string): string {
  return readFileSync(join(folder, 'token'), 'utf8').trim()
}

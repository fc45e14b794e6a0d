import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openAccess } from '../access/open.ts'
import { accessFolder, accessText } from '../test-support/access.ts'
import { ownTopic } from '../test-support/app.ts'
import { startRegistry } from './start.ts'

// Replaced in one test, and otherwise the real one.
vi.mock('../access/open.ts', { spy: true })

describe('a registry as a server', () => {
  let broker: Broker
  beforeAll(async () => {
    broker = await startBroker()
  })
  afterAll(() => broker.close())

  const start = (options: object = {}) =>
    startRegistry({ bootstrapServers: broker.bootstrapServers, topic: ownTopic(), port: 0, ...options })

  it('listens on loopback, on a port of its own', async () => {
    const server = await start()
    expect(server.url).toBe(`http://127.0.0.1:${server.address.port}`)
    const response = await fetch(`${server.url}/subjects`)
    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
      200,
      'application/vnd.schemaregistry.v1+json',
      '[]',
    ])
    await server.close()
  })

  it('refuses an address that others can reach, unless insecure is set', async () => {
    await expect(start({ host: '0.0.0.0' })).rejects.toMatchObject({ code: 'REGISTRY_OPTIONS', option: 'host' })
    const server = await start({ host: '0.0.0.0', insecure: true })
    expect((await fetch(`http://127.0.0.1:${server.address.port}/`)).status).toBe(200)
    await server.close()
  })

  it('answers to names of this machine only, and to those that are allowed', async () => {
    const statusFor = async (name: string, options: object) => {
      const server = await start(options)
      const { port } = server.address
      const sent = request({ host: '127.0.0.1', port, path: '/subjects', headers: { host: `${name}:${port}` } }).end()
      const [response] = (await once(sent, 'response')) as [IncomingMessage]
      response.resume()
      await server.close()
      return response.statusCode
    }
    expect(await statusFor('localhost', {})).toBe(200)
    expect(await statusFor('registry.dev.example', {})).toBe(403)
    expect(await statusFor('registry.dev.example', { allowedHosts: ['registry.dev.example'] })).toBe(200)
    const everywhere = { host: '0.0.0.0', insecure: true }
    expect(await statusFor('schema-registry', everywhere)).toBe(200)
    expect(await statusFor('schema-registry.kafka.svc', everywhere)).toBe(403)
    expect(await statusFor('schema-registry.kafka.svc', { ...everywhere, allowedHosts: ['.kafka.svc'] })).toBe(200)
    await expect(start({ allowedHosts: ['http://a'] })).rejects.toMatchObject({
      code: 'REGISTRY_OPTIONS',
      option: 'allowedHosts',
    })
  })

  it('refuses certificates in the access file that no client is asked for', async () => {
    const files = accessFolder()
    files.write(await accessText('certificates:\n  - { commonName: payments, roles: [writer] }\n'))
    try {
      await expect(start({ accessFile: files.file })).rejects.toThrow(
        /access\.yaml:\d+: certificates: .*--tls-client-ca/,
      )
    } finally {
      files.remove()
    }
  })

  it('does not look at the access file any more when Kafka cannot be reached', async () => {
    const close = vi.fn()
    vi.mocked(openAccess).mockResolvedValueOnce({ authenticate: vi.fn(), challenges: () => [], close })
    const options = { bootstrapServers: '127.0.0.1:1', startTimeoutMs: 50, accessFile: 'access.yaml' }
    await expect(start(options)).rejects.toMatchObject({ code: 'STORE_TIMEOUT' })
    expect(close).toHaveBeenCalledOnce()
  })

  it('says so when its port is taken, and leaves nothing behind', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as AddressInfo
    await expect(start({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await new Promise((resolve) => other.close(resolve))
  })

  it('uses the level it is given until one is configured', async () => {
    const server = await start({ compatibilityLevel: 'FULL_TRANSITIVE' })
    expect(await (await fetch(`${server.url}/config`)).json()).toEqual({ compatibilityLevel: 'FULL_TRANSITIVE' })
    await server.close()
  })

  it('answers what is under way before it closes, and may be closed twice', async () => {
    const server = await start()
    broker.requests.clear()
    broker.faults.add({ api: 'Produce', nth: 1, action: { delayMs: 200 } })
    const answer = fetch(`${server.url}/subjects/s/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"schema":"\\"int\\""}',
    })
    await expect.poll(() => broker.requests.list().filter(({ api }) => api === 'Produce').length).toBe(1)
    await Promise.all([server.close(), server.close()])
    const response = await answer
    expect([response.status, await response.json()]).toMatchObject([200, { id: 1 }])
    await expect(fetch(`${server.url}/subjects`)).rejects.toThrow()
    broker.faults.clear()
  })
})

// Services that each have a certificate of a CA of their own, and a login of their own.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serviceLogin } from '@selfmonitor/registry'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SecuredFront, startSecuredFront } from '../../../registry/src/test-support/secured-front.ts'
import { type ServiceAddresses, servicesReader } from './services.ts'

const connectors = { archive: { status: { connector: { state: 'RUNNING' }, tasks: [{ id: 0, state: 'FAILED' }] } } }
let behind: Server
let registry: SecuredFront
let connect: SecuredFront
beforeAll(async () => {
  behind = createServer(({ url }, response) =>
    response.end(url!.startsWith('/connectors') ? JSON.stringify(connectors) : '[]'),
  )
  await new Promise<void>((resolve) => behind.listen(0, '127.0.0.1', resolve))
  const target = `http://127.0.0.1:${(behind.address() as AddressInfo).port}`
  ;[registry, connect] = await Promise.all([startSecuredFront(target), startSecuredFront(target)])
})
afterAll(async () => {
  await Promise.all([registry.close(), connect.close()])
  behind.close()
})

const secured = ({ url, username, password, ca }: SecuredFront) => ({ url, auth: { username, password }, tls: { ca } })
const problems = async (addresses: ServiceAddresses) =>
  Object.fromEntries(
    (await servicesReader(addresses, 5_000)!()).map(({ service, problem }) => [service, problem?.code ?? null]),
  )

describe('services with a CA and a login each', () => {
  it('are all asked, each with its own', async () => {
    const found = await servicesReader({ schemaRegistry: secured(registry), connect: secured(connect) }, 5_000)!()
    expect(found).toMatchObject([
      { service: 'schema-registry', url: registry.url, problem: null },
      { service: 'connect', problem: null, connectors: [{ name: 'archive', tasks: [{ state: 'FAILED' }] }] },
    ])
  })

  it('are not trusted by the CA of another, and not entered with none', async () => {
    expect(
      await problems({
        schemaRegistry: { ...secured(registry), tls: { ca: connect.ca } },
        connect: { url: connect.url, tls: { ca: connect.ca } },
      }),
    ).toEqual({ 'schema-registry': 'NOT_ANSWERING', connect: 'HTTP_401' })
  })

  it('are given what the environment has for them', async () => {
    const env = { CONNECT_USERNAME: connect.username, CONNECT_PASSWORD: connect.password, CONNECT_CA: connect.ca }
    expect(await problems({ connect: { url: connect.url, ...serviceLogin('CONNECT', env) } })).toEqual({
      connect: null,
    })
    expect(() => serviceLogin('KSQLDB', { KSQLDB_USERNAME: 'a' })).toThrow(
      'KSQLDB_PASSWORD is missing, but KSQLDB_USERNAME is set',
    )
  })

  it('are asked with a password that has a bare percent sign', async () => {
    const found = await servicesReader({ connect: { url: connect.url.replace('//', '//someone:100%@') } }, 5_000)!()
    expect(found).toMatchObject([{ problem: { code: expect.not.stringMatching(/URI/) } }])
    expect(JSON.stringify(found)).not.toContain('malformed')
  })

  it('never show a password, in a URL or beside it', async () => {
    const url = connect.url.replace('//', '//someone:hidden@')
    const found = await servicesReader({ connect: { url, auth: { username: 'u', password: 'concealed' } } }, 5_000)!()
    expect(JSON.stringify(found)).not.toMatch(/hidden|concealed/)
  })
})

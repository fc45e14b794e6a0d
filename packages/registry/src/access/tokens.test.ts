// Bearer tokens of an issuer that runs beside: its document, its keys and their rotation.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { parsePolicy } from './policy.ts'
import { createTokenCheck, IssuerUnavailableError, type TokenCheck } from './tokens.ts'

type Key = Awaited<ReturnType<typeof keyOf>>

let server: Server
let issuer: string
let served: JWK[]
let asked: string[]
let check: TokenCheck
let key: Key

async function keyOf(kid: string, alg = 'RS256') {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg } }
}

const sign = (payload: JWTPayload, by: Key = key, header: object = {}) =>
  new SignJWT({
    ...{ iss: issuer, aud: 'registry', sub: 'ann', exp: Math.floor(Date.now() / 1000) + 60, roles: ['reader'] },
    ...payload,
  })
    .setProtectedHeader({ alg: by.alg, kid: by.kid, ...header })
    .sign(by.privateKey)

const checkWith = async (more = '') =>
  await createTokenCheck(
    parsePolicy(
      'access.yaml',
      `roles: { reader: [{ rights: [read] }], writer: [{ rights: [write] }] }
issuers:
  - { issuer: "${issuer}", audience: registry${more} }
...
`,
    ),
  )

beforeEach(async () => {
  key = await keyOf('one')
  served = [key.jwk]
  asked = []
  server = createServer((request, response) => {
    asked.push(request.url!)
    const body = request.url === '/keys' ? { keys: served } : { issuer, jwks_uri: `${issuer}/keys` }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  check = await checkWith()
})
afterEach(async () => {
  vi.useRealTimers()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

it('lets in who has a token of the issuer, with the roles that it names', async () => {
  expect(await check(await sign({ roles: ['reader', 'nothing'] }))).toEqual({
    principal: `User:ann of ${issuer}`,
    grants: [{ rights: ['read'], contexts: ['.'], subjects: ['*'] }],
  })
  expect((await check(await sign({ roles: 'reader writer' })))!.grants).toHaveLength(2)
  expect((await check(await sign({ roles: undefined })))!.grants).toEqual([])
  expect(asked).toEqual(['/.well-known/openid-configuration', '/keys'])
})

it.each<[string, () => Promise<string>]>([
  ['for another audience', () => sign({ aud: 'console' })],
  ['without an audience', () => sign({ aud: undefined })],
  ['that has expired', () => sign({ exp: Math.floor(Date.now() / 1000) - 31 })],
  ['without an end', () => sign({ exp: undefined })],
  ['that begins later', () => sign({ nbf: Math.floor(Date.now() / 1000) + 60 })],
  ['of another issuer', () => sign({ iss: 'https://login.example.com' })],
  ['of an issuer whose name only begins like ours', () => sign({ iss: `${issuer}/` })],
  ['without a name', () => sign({ sub: undefined })],
  ['of another key under the same id', async () => sign({}, await keyOf('one'))],
  ['that is not a token', async () => 'a.b.c'],
  [
    'that is not signed',
    async () => {
      const [, payload] = (await sign({})).split('.')
      return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`
    },
  ],
  [
    'signed with the public key as a shared secret',
    async () =>
      new SignJWT({ iss: issuer, aud: 'registry', sub: 'ann', exp: Math.floor(Date.now() / 1000) + 60 })
        .setProtectedHeader({ alg: 'HS256', kid: 'one' })
        .sign(Buffer.from(key.jwk.n!)),
  ],
  [
    'whose payload was changed',
    async () => {
      const [header, , signature] = (await sign({})).split('.')
      const other = { iss: issuer, aud: 'registry', sub: 'admin', exp: Math.floor(Date.now() / 1000) + 60 }
      return `${header}.${Buffer.from(JSON.stringify(other)).toString('base64url')}.${signature}`
    },
  ],
])('refuses a token %s', async (_name, token) => {
  expect(await check(await token())).toBeUndefined()
  expect(await check(await sign({}))).toBeDefined()
})

it('allows for clocks that differ a little', async () => {
  expect(await check(await sign({ exp: Math.floor(Date.now() / 1000) - 10 }))).toBeDefined()
  const strict = await checkWith(', clockSkewSeconds: 0')
  expect(await strict(await sign({ exp: Math.floor(Date.now() / 1000) - 10 }))).toBeUndefined()
})

it('finds roles and names in other claims, and maps roles', async () => {
  const mapped = await checkWith(
    ', nameClaim: azp, rolesClaim: realm_access.roles, roles: { staff: [reader, writer], toString: [reader] }',
  )
  const found = await mapped(
    await sign({ azp: 'billing', realm_access: { roles: ['staff', 'writer', 'constructor', 5] } }),
  )
  expect(found).toEqual({ principal: `User:billing of ${issuer}`, grants: [expect.anything(), expect.anything()] })
  expect((await mapped(await sign({ azp: 'billing' })))!.grants).toEqual([])
})

it('knows a key that the issuer has begun to use, and not one that it has withdrawn', async () => {
  expect(await check(await sign({}))).toBeDefined()
  const next = await keyOf('two', 'ES256')
  served = [next.jwk]
  const forged = await keyOf('three')
  // The issuer is asked for an unknown key at most every 30 seconds, whoever sends tokens with one.
  expect(await check(await sign({}, forged))).toBeUndefined()
  expect(await check(await sign({}, next))).toBeUndefined()
  expect(asked.filter((url) => url === '/keys')).toHaveLength(1)
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 })
  expect(await check(await sign({}, next))).toBeDefined()
  expect(await check(await sign({}))).toBeUndefined()
})

it('says that it does not know when the issuer cannot be asked, and knows again afterwards', async () => {
  const token = await sign({})
  server.removeAllListeners('request').on('request', (_request, response) => response.writeHead(500).end('{}'))
  await expect(check(token)).rejects.toBeInstanceOf(IssuerUnavailableError)
  server
    .removeAllListeners('request')
    .on('request', (_request, response) => response.end(JSON.stringify({ issuer: 'https://other', jwks_uri: issuer })))
  await expect((await checkWith())(token)).rejects.toBeInstanceOf(IssuerUnavailableError)
  server.removeAllListeners('request').on('request', (request, response) => {
    response.end(JSON.stringify(request.url === '/keys' ? { keys: served } : { issuer, jwks_uri: `${issuer}/keys` }))
  })
  expect(await (await checkWith())(token)).toBeDefined()
})

// Confluent's clients log in to our registry over TLS: with a password, a token of an issuer, and a certificate.
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { Agent } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SchemaRegistryClient } from '@confluentinc/schemaregistry/dist/schemaregistry-client.js'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { pythonWith } from '../../../test/support/python.ts'
import { readCertificates, readPrivateKey } from '../../kubernetes/src/certificates/inspect.ts'
import { issueCa, issueLeaf } from '../../kubernetes/src/certificates/issue.ts'
import { type RegistryServer, startRegistry } from './index.ts'
import { accessFolder, accessText } from './test-support/access.ts'
import { ownTopic } from './test-support/app.ts'

const python = await pythonWith('confluent-kafka-avro')
const day = 86_400_000

describeEngines("Confluent's clients log in", (engine) => {
  const files = accessFolder()
  const path = (name: string) => join(files.folder, name)
  let issuer: Server
  let server: RegistryServer
  let url: string
  let token: string
  let ca: string

  beforeAll(async () => {
    const { publicKey, privateKey } = await generateKeyPair('RS256')
    const keys = [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256' }]
    issuer = createServer((_request, response) => response.end(JSON.stringify({ keys }))).listen(0, '127.0.0.1')
    await new Promise((resolve) => issuer.once('listening', resolve))
    const name = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`
    token = await new SignJWT({ roles: ['writer'] })
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setIssuer(name)
      .setAudience('registry')
      .setSubject('service')
      .setExpirationTime('1h')
      .sign(privateKey)
    const authority = await issueCa('test CA', day, new Date())
    ca = authority.certificate
    const signer = { certificate: readCertificates(ca)[0]!, key: readPrivateKey(authority.key) }
    for (const common of ['registry', 'payments', 'stranger']) {
      const names = { dnsNames: ['localhost'], ipAddresses: [] }
      const leaf = await issueLeaf(signer, common, names, day, new Date())
      writeFileSync(path(`${common}.crt`), leaf.certificate)
      writeFileSync(path(`${common}.key`), leaf.key)
    }
    writeFileSync(path('ca.crt'), ca)
    files.write(
      await accessText(`certificates:
  - { commonName: payments, roles: [writer] }
issuers:
  - { issuer: "${name}", jwksUrl: "${name}/keys", audience: registry }
`),
    )
    server = await startRegistry({
      ...{ bootstrapServers: engine.bootstrapServers, topic: ownTopic(), port: 0, accessFile: files.file },
      tls: { certificateFile: path('registry.crt'), keyFile: path('registry.key'), clientCaFile: path('ca.crt') },
    })
    url = `https://localhost:${server.address.port}`
  })
  afterAll(async () => {
    await server.close()
    issuer.closeAllConnections()
    await new Promise((resolve) => issuer.close(resolve))
    files.remove()
  })

  it('the one for Node', async () => {
    const client = (more: object) =>
      new SchemaRegistryClient({
        baseURLs: [url],
        maxRetries: 0,
        createAxiosDefaults: { httpsAgent: new Agent({ ca }) },
        ...more,
      })
    const basic = (password: string) =>
      client({ basicAuthCredentials: { credentialsSource: 'USER_INFO', userInfo: `writer:${password}` } })
    const bearer = (given: string) =>
      client({
        bearerAuthCredentials: {
          credentialsSource: 'STATIC_TOKEN',
          token: given,
          logicalCluster: 'lsrc-1',
          identityPoolId: 'pool-1',
        },
      })
    for (const one of [basic('writer'), bearer(token)]) {
      expect(await one.register('pay.node', { schemaType: 'AVRO', schema: '"int"' })).toBeGreaterThan(0)
      expect(await one.getAllSubjects()).toEqual(['pay.node'])
      await expect(one.deleteSubject('pay.node')).rejects.toMatchObject({ status: 403, errorCode: 40301 })
    }
    for (const one of [basic('wrong'), bearer(`${token}x`)]) {
      await expect(one.getAllSubjects()).rejects.toMatchObject({ status: 401, errorCode: 40101 })
    }
  })

  describe.skipIf('missing' in python)('the one for Python', () => {
    it('with a password, a token and a certificate', { timeout: 120_000 }, async () => {
      if ('missing' in python) throw new Error(python.missing)
      const common = { url, 'ssl.ca.location': path('ca.crt') }
      const bearer = (given: string) => ({
        ...common,
        'bearer.auth.credentials.source': 'STATIC_TOKEN',
        'bearer.auth.token': given,
        'bearer.auth.logical.cluster': 'lsrc-1',
        'bearer.auth.identity.pool.id': 'pool-1',
      })
      const certificate = (name: string) => ({
        ...common,
        'ssl.certificate.location': path(`${name}.crt`),
        'ssl.key.location': path(`${name}.key`),
      })
      const logins = {
        basic: { ...common, 'basic.auth.user.info': 'writer:writer' },
        'wrong password': { ...common, 'basic.auth.user.info': 'writer:wrong' },
        bearer: bearer(token),
        'wrong token': bearer(`${token}x`),
        certificate: certificate('payments'),
        'unknown certificate': certificate('stranger'),
        none: common,
      }
      const script = fileURLToPath(new URL('./test-support/confluent_login.py', import.meta.url))
      const answers = JSON.parse(await python.value.run(script, [JSON.stringify(logins)]))
      const in_ = [expect.any(Array), true, [403, 40301]]
      const out = Array(3).fill([401, 40101])
      expect(answers).toEqual({
        ...{ basic: in_, bearer: in_, certificate: in_ },
        ...{ 'wrong password': out, 'wrong token': out, 'unknown certificate': out, none: out },
      })
    })
  })
})

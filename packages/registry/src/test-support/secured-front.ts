// TLS and HTTP basic in front of an HTTP server, as Confluent's registry has them: a certificate of a CA that the system does not
// know, and one user.
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { readCertificates, readPrivateKey } from '../../../kubernetes/src/certificates/inspect.ts'
import { issueCa, issueLeaf } from '../../../kubernetes/src/certificates/issue.ts'
import { passOn } from './basic-front.ts'

export interface SecuredFront {
  /** `https://localhost:port`, the one name of the certificate. */
  readonly url: string
  readonly ca: string
  readonly username: string
  readonly password: string
  /** Variables with which our clients are let in. */
  readonly env: Readonly<Record<string, string>>
  close(): Promise<void>
}

const day = 86_400_000

/** @param target `http://host:port` that requests with the right password are passed on to */
export async function startSecuredFront(target: string): Promise<SecuredFront> {
  const now = new Date()
  const authority = await issueCa('test CA', day, now)
  const [certificate] = readCertificates(authority.certificate)
  const issuer = { certificate: certificate!, key: readPrivateKey(authority.key) }
  const leaf = await issueLeaf(issuer, 'registry', { dnsNames: ['localhost'], ipAddresses: [] }, day, now)
  const [username, password] = ['services', 'p:ä "s" w\\rd']
  const handle = passOn(target, (login) => login === `${username}:${password}`)
  const server = https.createServer({ cert: leaf.certificate, key: leaf.key }, handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `https://localhost:${(server.address() as AddressInfo).port}`
  const ca = authority.certificate
  return {
    ...{ url, ca, username, password },
    env: { SCHEMA_REGISTRY_USERNAME: username, SCHEMA_REGISTRY_PASSWORD: password, SCHEMA_REGISTRY_CA: ca },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

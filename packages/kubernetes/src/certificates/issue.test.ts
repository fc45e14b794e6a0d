import { spawn, spawnSync } from 'node:child_process'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { afterAll, describe, expect, it } from 'vitest'
import { missingTool } from '../../../../test/support/tools.ts'
import { type CertificateInfo, keyFits, readCertificates, readPrivateKey, uncoveredNames } from './inspect.ts'
import { type IssuedCertificate, type Issuer, issueCa, issueLeaf } from './issue.ts'

const day = 86_400_000
const now = new Date('2026-11-22T12:00:00Z')
const folder = mkdtempSync(join(tmpdir(), 'selfmonitor-certificates-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const noOpenssl = missingTool('openssl', 'version') !== null

const names = {
  dnsNames: ['*.kafka-headless.kafka.svc.cluster.local', 'kafka-service', 'localhost'],
  ipAddresses: ['127.0.0.1', 'fd00::1', '64:ff9b::10.0.0.1'],
}

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

function first(pem: string): CertificateInfo {
  return readCertificates(pem)[0]!
}

function issuerOf(ca: IssuedCertificate): Issuer {
  return { certificate: first(ca.certificate), key: readPrivateKey(ca.key) }
}

function leafOf(ca: IssuedCertificate, at = now, validityMs = 365 * day): Promise<IssuedCertificate> {
  return issueLeaf(issuerOf(ca), 'kafka-broker', names, validityMs, at)
}

function openssl(...args: string[]): { status: number | null; out: string } {
  const { status, stdout, stderr, error } = spawnSync('openssl', args, { encoding: 'utf8', input: '' })
  if (error) throw error
  return { status, out: stdout + stderr }
}

/** `openssl verify` in its strict form, at the time of the tests. */
function verify(bundle: string, leaf: string, ...args: string[]): { status: number | null; out: string } {
  const at = args.includes('-attime') ? [] : ['-attime', String(now.getTime() / 1000)]
  return openssl(
    'verify',
    '-x509_strict',
    ...at,
    ...args,
    '-CAfile',
    file('bundle.pem', bundle),
    file('leaf.pem', leaf),
  )
}

/** A self-signed CA that openssl makes. */
function companyCa(key: KeyObject, ...more: string[]): string {
  const config = '[req]\ndistinguished_name=name\n[name]\n[place]\nL=Berlin\n'
  const made = openssl(
    ...['req', '-x509', '-new', '-config', file('ca.cnf', config), '-days', '90', '-out', join(folder, 'company.pem')],
    ...(more.includes('-subj') ? [] : ['-subj', '/O=Example/CN=company CA']),
    ...['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
    ...['-key', file('company.key', key.export({ type: 'pkcs8', format: 'pem' }) as string), ...more],
  )
  expect(made.status, made.out).toBe(0)
  return openssl('x509', '-in', join(folder, 'company.pem')).out
}

function today(): string[] {
  return ['-attime', String(Math.floor(Date.now() / 1000))]
}

const ca = await issueCa('test CA', 3650 * day, now)

describe.skipIf(noOpenssl)('a certificate, judged by openssl', () => {
  it('is accepted, strictly, as a server and as a client', async () => {
    const leaf = await leafOf(ca)
    for (const purpose of ['sslserver', 'sslclient']) {
      expect(verify(ca.certificate, leaf.certificate, '-purpose', purpose)).toMatchObject({ status: 0 })
    }
  })

  it('is valid for its names and no other', async () => {
    const { certificate } = await leafOf(ca)
    const host = (name: string) => verify(ca.certificate, certificate, '-verify_hostname', name).status
    expect(host('kafka-7.kafka-headless.kafka.svc.cluster.local')).toBe(0)
    expect(host('kafka-service')).toBe(0)
    expect(host('other-service')).not.toBe(0)
    expect(host('a.b.kafka-headless.kafka.svc.cluster.local')).not.toBe(0)
    expect(verify(ca.certificate, certificate, '-verify_ip', 'fd00::1').status).toBe(0)
    expect(verify(ca.certificate, certificate, '-verify_ip', '64:ff9b::a00:1').status).toBe(0)
    expect(verify(ca.certificate, certificate, '-verify_ip', '127.0.0.2').status).not.toBe(0)
  })

  it('says who it is, what it may do and until when', async () => {
    const { out } = openssl('x509', '-in', file('shown.pem', (await leafOf(ca)).certificate), '-noout', '-text')
    expect(out).toMatch(/Version: 3 /)
    expect(out).toMatch(/Subject: CN ?= ?kafka-broker\n/)
    expect(out).toMatch(/Not Before: Nov 22 11:00:00 2026 GMT/)
    expect(out).toMatch(/Not After : Nov 22 12:00:00 2027 GMT/)
    expect(out).toMatch(/Key Usage: critical\s+Digital Signature\n/)
    expect(out).toMatch(/TLS Web Server Authentication, TLS Web Client Authentication/)
    expect(out).toMatch(/Basic Constraints: critical\s+CA:FALSE/)
  })

  it('ends after 2049 where that is asked for, in the other form of time, in whole seconds', async () => {
    const at = new Date(now.getTime() + 123)
    const old = await issueCa('long CA', 30 * 365 * day, at)
    expect(first(old.certificate).notAfter.getUTCFullYear()).toBe(2056)
    const { certificate } = await leafOf(old, at, 25 * 365 * day)
    expect(verify(old.certificate, certificate).status).toBe(0)
    expect(openssl('x509', '-in', file('long.pem', certificate), '-noout', '-enddate').out).toMatch(/2051 GMT/)
    expect(openssl('asn1parse', '-in', file('long.pem', certificate)).out).toMatch(/GENERALIZEDTIME +:\d{14}Z\n/)
  })

  it.each([
    ['an RSA key', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
    ['an EC key on another curve', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
  ])('can be signed by a CA that has %s', async (_, key) => {
    const company = companyCa(key)
    const leaf = await issueLeaf({ certificate: first(company), key }, 'kafka-broker', names, day, new Date())
    expect(verify(company, leaf.certificate, ...today())).toMatchObject({ status: 0 })
  })

  it('can be signed by a CA of other tools, whose name, key identifier and extensions are unlike ours', async () => {
    const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    const company = companyCa(
      key,
      ...['-utf8', '-multivalue-rdn', '-subj', '/C=DE/O=Größe AG/OU=a+CN=company CA/emailAddress=ca@example.com'],
      ...['-addext', 'subjectKeyIdentifier=0102030405'],
      ...['-addext', 'certificatePolicies=1.3.6.1.4.1.311.21.8.1'],
      ...['-addext', 'crlDistributionPoints=URI:http://pki.example/ca.crl'],
      ...['-addext', 'authorityInfoAccess=caIssuers;URI:http://pki.example/ca.crt'],
      ...['-addext', '1.3.6.1.4.1.311.20.2=ASN1:BMPSTRING:CA'],
      ...['-addext', 'subjectAltName=otherName:1.3.6.1.4.1.311.20.2.3;UTF8:ca@example,dirName:place'],
      ...['-addext', 'nameConstraints=critical,permitted;DNS:example,excluded;IP:10.0.0.0/255.0.0.0'],
    )
    const wanted = { dnsNames: ['kafka.example'], ipAddresses: [] }
    const leaf = await issueLeaf({ certificate: first(company), key }, 'kafka-broker', wanted, day, new Date())
    expect(verify(company, leaf.certificate, ...today())).toMatchObject({ status: 0 })
    const issuerName = openssl(
      'x509',
      '-in',
      file('leaf.pem', leaf.certificate),
      '-noout',
      '-issuer',
      '-nameopt',
      'RFC2253',
    )
    const subjectName = openssl('x509', '-in', file('ca.pem', company), '-noout', '-subject', '-nameopt', 'RFC2253')
    expect(issuerName.out.replace('issuer=', '')).toBe(subjectName.out.replace('subject=', ''))
  })
})

describe('a certificate', () => {
  it('has a serial number of its own', async () => {
    const leaves = await Promise.all(Array.from({ length: 20 }, () => leafOf(ca)))
    const serials = leaves.map(({ certificate }) => first(certificate).x509.serialNumber)
    expect(new Set(serials).size).toBe(20)
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/)
  })

  it('never outlives the CA that signed it', async () => {
    const short = await issueCa('short CA', 30 * day, now)
    const { notAfter } = first((await leafOf(short)).certificate)
    expect(notAfter).toEqual(first(short.certificate).notAfter)
  })

  it('comes with an unencrypted PKCS#8 key that fits', async () => {
    const leaf = await leafOf(ca)
    expect(leaf.key).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
    expect(keyFits(first(leaf.certificate), readPrivateKey(leaf.key))).toBe(true)
    expect(keyFits(first(leaf.certificate), readPrivateKey(ca.key))).toBe(false)
  })

  it('is not made with a key that cannot sign, or for an address that only one machine knows', async () => {
    const { privateKey: key } = generateKeyPairSync('ed25519')
    const issuer = issuerOf(ca)
    await expect(issueLeaf({ ...issuer, key }, 'x', names, day, now)).rejects.toThrow(/key of type ed25519 cannot sign/)
    const scoped = { dnsNames: [], ipAddresses: ['fe80::1%eth0'] }
    await expect(issueLeaf(issuer, 'x', scoped, day, now)).rejects.toThrow(
      /"fe80::1%eth0" is an address of one machine/,
    )
  })
})

describe.skipIf(noOpenssl)('a CA that is issued again under its own key', async () => {
  const later = new Date(now.getTime() + 3000 * day)
  const renewed = await issueCa('', 3650 * day, later, issuerOf(ca))
  const atLater = ['-attime', String(later.getTime() / 1000)]

  it('is trusted for what its predecessor signed, and its predecessor for what it signs', async () => {
    const old = await leafOf(ca, later)
    const young = await leafOf(renewed, later)
    for (const bundle of [ca.certificate, renewed.certificate, renewed.certificate + ca.certificate]) {
      expect(verify(bundle, old.certificate, ...atLater)).toMatchObject({ status: 0 })
      expect(verify(bundle, young.certificate, ...atLater)).toMatchObject({ status: 0 })
    }
  })

  it('stays trusted when its predecessor in the same bundle has expired', async () => {
    const end = new Date(now.getTime() + 3700 * day)
    const attime = ['-attime', String(end.getTime() / 1000)]
    const { certificate } = await leafOf(renewed, end)
    expect(verify(renewed.certificate + ca.certificate, certificate, ...attime)).toMatchObject({ status: 0 })
    expect(verify(ca.certificate, certificate, ...attime).status).not.toBe(0)
  })

  it('keeps the key identifier of its predecessor, also one from other tools', async () => {
    const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const company = companyCa(key, '-addext', 'subjectKeyIdentifier=0102030405')
    const issuer = { certificate: first(company), key }
    const again = await issueCa('', day, new Date(), issuer)
    const leaf = await issueLeaf(issuer, 'kafka-broker', names, day, new Date())
    expect(verify(again.certificate, leaf.certificate, ...today())).toMatchObject({ status: 0 })
  })
})

describe.skipIf(noOpenssl)('a handshake', async () => {
  const real = await issueCa('test CA', day, new Date())
  const server = await leafOf(real, new Date())
  const client = await leafOf(real, new Date())
  const args = [
    '-brief',
    '-verify_return_error',
    '-verify_hostname',
    'localhost',
    '-CAfile',
    file('real.pem', real.certificate),
  ]

  /** `openssl s_client` against a server of Node's that demands a certificate; what the server says of the client. */
  async function handshake(...more: string[]): Promise<{ status: number; out: string; seen: string | undefined }> {
    const listening = createServer({
      ...{ cert: server.certificate + real.certificate, key: server.key },
      ...{ ca: real.certificate, requestCert: true, rejectUnauthorized: true },
    })
    let seen: string | undefined
    listening.on('secureConnection', (socket) => {
      seen = String(socket.getPeerCertificate().subject.CN)
      socket.on('error', () => {})
      socket.end('hello\n')
    })
    listening.listen(0, '127.0.0.1')
    await once(listening, 'listening')
    const { port } = listening.address() as AddressInfo
    const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...args, ...more], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let out = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        out += text
      })
    const [status] = (await once(child, 'close')) as [number]
    listening.close()
    return { status, out, seen }
  }

  it('succeeds both ways between Node and openssl', async () => {
    const own = ['-cert', file('client.pem', client.certificate), '-key', file('client.key', client.key)]
    for (const version of ['-tls1_2', '-tls1_3']) {
      const result = await handshake(version, ...own)
      expect(result.out).toContain('Verification: OK')
      expect(result.out).toContain('hello')
      expect(result.seen).toBe('kafka-broker')
    }
  })

  it('fails for a client without a certificate', async () => {
    expect((await handshake('-tls1_2')).seen).toBeUndefined()
  })
})

describe('reading certificates', () => {
  it('compares addresses by value and names without regard to case', async () => {
    const leaf = first((await leafOf(ca)).certificate)
    const wanted = {
      dnsNames: ['LOCALHOST', 'x.kafka-headless.kafka.svc.cluster.local', 'b.example'],
      ipAddresses: ['FD00:0::1', '64:FF9B::A00:1', '64:ff9b::10.0.0.1', '10.0.0.1'],
    }
    expect(uncoveredNames(leaf, wanted)).toEqual(['b.example', '10.0.0.1'])
  })

  it('reads a bundle in order, with text between the blocks', async () => {
    const bundle = `# ours\n${ca.certificate}\nsubject=x\n${(await leafOf(ca)).certificate}`
    expect(readCertificates(bundle).map(({ x509 }) => x509.subject)).toEqual(['CN=test CA', 'CN=kafka-broker'])
  })
})

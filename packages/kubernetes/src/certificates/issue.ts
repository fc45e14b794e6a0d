// Issues certificates: a self-signed CA, and leaves signed by it. Their contents are decided here; their encoding (RFC 5280)
// is @peculiar/x509's, keys and signatures are those of Node's Web Crypto.
//
// Keys are ECDSA P-256: Kafka's PEM stores (Java 17), ZooKeeper, librdkafka and Node all take them, and a handshake costs a
// broker a fraction of what RSA costs it.
import { createPublicKey, KeyObject, randomBytes, webcrypto, X509Certificate } from 'node:crypto'
import { isIPv6 } from 'node:net'
import type { Extension, Name, PublicKey } from '@peculiar/x509'
import type { CertificateInfo } from './inspect.ts'

/** A certificate with its key, as PEM; the key is unencrypted PKCS#8. */
export interface IssuedCertificate {
  readonly certificate: string
  readonly key: string
}

export interface Issuer {
  readonly certificate: CertificateInfo
  readonly key: KeyObject
}

/** Clocks differ a little between the nodes of a cluster: a certificate is valid before it was made. */
export const backdateMs = 3_600_000

/**
 * Makes a CA whose name says whose it is and when it began.
 * @param commonName at most 64 characters (RFC 5280, ub-common-name)
 * @param validityMs how long it is valid from `now`, in milliseconds
 * @param previous the CA to continue with: one that is issued again under its own key and name leaves everything it signed valid,
 * also for those who know only its first certificate. Without it, a new key.
 * @throws Error when the key of `previous` is none of `signingAlgorithm`
 */
export async function issueCa(
  commonName: string,
  validityMs: number,
  now: Date,
  previous?: Issuer,
): Promise<IssuedCertificate> {
  const x509 = await library()
  const key = previous?.key ?? (await newKey())
  const publicKey = publicKeyOf(x509, key)
  const { name, keyIdentifier } =
    previous === undefined
      ? { name: nameOf(x509, commonName), keyIdentifier: hex(await publicKey.getKeyIdentifier()) }
      : await identityOf(x509, previous.certificate)
  const certificate = await sign(x509, key, {
    issuer: name,
    subject: name,
    publicKey,
    notBefore: new Date(now.getTime() - backdateMs),
    notAfter: new Date(now.getTime() + validityMs),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.SubjectKeyIdentifierExtension(keyIdentifier),
    ],
  })
  return { certificate, key: exportKey(key) }
}

/**
 * Makes a certificate for servers and clients, with a new key.
 * @param names DNS names (a `*.` in front is a wildcard) and addresses it is valid for
 * @param validityMs from `now`, in milliseconds; cut at the end of the CA
 * @throws Error when the key of the issuer is none of `signingAlgorithm`
 */
export async function issueLeaf(
  issuer: Issuer,
  commonName: string,
  names: { readonly dnsNames: readonly string[]; readonly ipAddresses: readonly string[] },
  validityMs: number,
  now: Date,
): Promise<IssuedCertificate> {
  const x509 = await library()
  const key = await newKey()
  const publicKey = publicKeyOf(x509, key)
  const authority = await identityOf(x509, issuer.certificate)
  const alternatives = [
    ...names.dnsNames.map((value) => ({ type: 'dns' as const, value })),
    ...names.ipAddresses.map((address) => ({ type: 'ip' as const, value: inHexGroups(address) })),
  ]
  const certificate = await sign(x509, issuer.key, {
    issuer: authority.name,
    subject: nameOf(x509, commonName),
    publicKey,
    notBefore: new Date(now.getTime() - backdateMs),
    notAfter: new Date(Math.min(now.getTime() + validityMs, issuer.certificate.notAfter.getTime())),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      // Nothing else: an EC key does not encipher keys (RFC 8446, RFC 5480).
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      ...(alternatives.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(alternatives)]),
      new x509.SubjectKeyIdentifierExtension(hex(await publicKey.getKeyIdentifier())),
      new x509.AuthorityKeyIdentifierExtension(authority.keyIdentifier),
    ],
  })
  return { certificate, key: exportKey(key) }
}

/** How a key signs certificates; nothing for a key that cannot sign them here. */
export function signingAlgorithm(
  key: KeyObject,
): { name: 'RSASSA-PKCS1-v1_5'; hash: 'SHA-256' } | { name: 'ECDSA'; namedCurve: string } | undefined {
  if (key.asymmetricKeyType === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  const namedCurve = curves[key.asymmetricKeyDetails?.namedCurve ?? '']
  return namedCurve === undefined ? undefined : { name: 'ECDSA', namedCurve }
}

/** OpenSSL's names of curves, and Web Crypto's. */
const curves: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }

type Library = typeof import('@peculiar/x509')

/** Loaded with the first certificate: most runs of the command issue none. */
async function library(): Promise<Library> {
  // The library finds its parts by it, and wants it first.
  await import('reflect-metadata')
  return await import('@peculiar/x509')
}

interface Parts {
  readonly issuer: Name
  readonly subject: Name
  readonly publicKey: PublicKey
  readonly notBefore: Date
  readonly notAfter: Date
  readonly extensions: Extension[]
}

async function sign(x509: Library, key: KeyObject, parts: Parts): Promise<string> {
  const algorithm = signingAlgorithm(key)
  if (algorithm === undefined) {
    throw new Error(
      `a CA key of type ${key.asymmetricKeyType} cannot sign here: use RSA, or EC on P-256, P-384 or P-521`,
    )
  }
  const certificate = await x509.X509CertificateGenerator.create({
    ...parts,
    serialNumber: serialNumber(),
    signingKey: key.toCryptoKey(algorithm, false, ['sign']),
    signingAlgorithm: { name: algorithm.name, hash: 'SHA-256' },
  })
  return new X509Certificate(Buffer.from(certificate.rawData)).toString()
}

/** 126 random bits, positive and never zero (RFC 5280, 4.1.2.2; CA/B forum: at least 64 bits). */
function serialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = (bytes[0]! & 0x7f) | 0x40
  return bytes.toString('hex')
}

async function newKey(): Promise<KeyObject> {
  const usages = ['sign', 'verify'] as const
  const pair = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, usages)
  return KeyObject.from(pair.privateKey)
}

function exportKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string
}

function publicKeyOf(x509: Library, key: KeyObject): PublicKey {
  return new x509.PublicKey(createPublicKey(key).export({ type: 'spki', format: 'der' }))
}

function nameOf(x509: Library, commonName: string): Name {
  return new x509.Name([{ CN: [{ utf8String: commonName }] }])
}

/** The parts of the issuer that a certificate repeats: its name, and the identifier of its key (RFC 5280, 4.2.1.1). */
async function identityOf(x509: Library, issuer: CertificateInfo): Promise<{ name: Name; keyIdentifier: string }> {
  const certificate = new x509.X509Certificate(issuer.x509.raw)
  const own = certificate.getExtension(x509.SubjectKeyIdentifierExtension)
  return {
    name: certificate.subjectName,
    keyIdentifier: own?.keyId ?? hex(await certificate.publicKey.getKeyIdentifier()),
  }
}

/** The library takes `::ffff:10.0.0.1` for another address than it is, and `::ffff:a00:1` for what it is. */
function inHexGroups(address: string): string {
  if (!isIPv6(address)) return address
  const url = URL.parse(`http://[${address}]`)
  if (url === null) throw new Error(`"${address}" is an address of one machine's interface, and cannot be certified`)
  return url.hostname.slice(1, -1)
}

function hex(bytes: ArrayBuffer): string {
  return Buffer.from(bytes).toString('hex')
}

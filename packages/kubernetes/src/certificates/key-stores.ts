// PKCS#12 stores (RFC 7292) for Java servers that read no PEM: Connect's REST listener, ksqlDB, the web UI. Node reads such stores
// and writes none; @peculiar/asn1-pfx writes only those with a MAC, whose key derivation it leaves to its caller. So the DER is
// ours: five structures around what OpenSSL, inside Node, has encrypted. Java and OpenSSL read them in the tests.
import { createHash, type X509Certificate } from 'node:crypto'
import { readCertificates, readPrivateKey } from './inspect.ts'

/** Identifiers of objects, as DER. */
const oid = {
  /** 1.2.840.113549.1.7.1, PKCS#7 */
  data: '06092a864886f70d010701',
  /** 1.2.840.113549.1.12.10.1.2, RFC 7292, 4.2.2 */
  shroudedKeyBag: '060b2a864886f70d010c0a0102',
  /** 1.2.840.113549.1.12.10.1.3, RFC 7292, 4.2.3 */
  certBag: '060b2a864886f70d010c0a0103',
  /** 1.2.840.113549.1.9.22.1 */
  x509Certificate: '060a2a864886f70d01091601',
  /** 1.2.840.113549.1.9.21, RFC 2985: joins a key to its certificate. */
  localKeyId: '06092a864886f70d010915',
  /** 2.16.840.1.113894.746875.1.1, Oracle's: Java trusts only certificates that have it. */
  trustedKeyUsage: '060c6086480186f966adca7b0101',
  /** 2.5.29.37.0, RFC 5280: for any purpose. */
  anyExtendedKeyUsage: '0604551d2500',
}

/**
 * A store with a server's key and its chain.
 * @param key PEM, unencrypted
 * @param chain PEM, the leaf first
 * @param password encrypts the key
 * @throws Error when one of them is not what it should be, or the key is not the leaf's
 */
export function keyStore(key: string, chain: string, password: string): Buffer {
  const [leaf, ...issuers] = readCertificates(chain)
  if (leaf === undefined) throw new Error('there is no certificate')
  const privateKey = readPrivateKey(key)
  if (!leaf.x509.checkPrivateKey(privateKey)) throw new Error('the key is not the key of the certificate')
  const encrypted = privateKey.export({ type: 'pkcs8', format: 'der', cipher: 'aes-256-cbc', passphrase: password })
  const id = [attribute(oid.localKeyId, octets(createHash('sha256').update(leaf.x509.raw).digest()))]
  return store([
    bag(oid.shroudedKeyBag, encrypted, id),
    certificateBag(leaf.x509, id),
    ...issuers.map(({ x509 }) => certificateBag(x509, [])),
  ])
}

/**
 * A store with the CAs to trust, each once.
 * @param bundle PEM
 * @throws Error when there is none in it
 */
export function trustStore(bundle: string): Buffer {
  const trusted = new Map(readCertificates(bundle).map(({ x509, pem }) => [pem, x509]))
  if (trusted.size === 0) throw new Error('there is no certificate')
  const usage = [attribute(oid.trustedKeyUsage, fromHex(oid.anyExtendedKeyUsage))]
  return store([...trusted.values()].map((x509) => certificateBag(x509, usage)))
}

/** PFX without a MAC, which would not protect anything, because the password is stored beside the store. */
function store(bags: readonly Buffer[]): Buffer {
  const authenticatedSafe = sequence(data(sequence(...bags)))
  return sequence(fromHex('020103'), data(authenticatedSafe))
}

/** ContentInfo */
function data(content: Buffer): Buffer {
  return sequence(fromHex(oid.data), explicit(octets(content)))
}

/** SafeBag */
function bag(type: string, value: Buffer, attributes: readonly Buffer[]): Buffer {
  return sequence(fromHex(type), explicit(value), ...(attributes.length === 0 ? [] : [set(...attributes)]))
}

/** SafeBag of a CertBag */
function certificateBag({ raw }: X509Certificate, attributes: readonly Buffer[]): Buffer {
  return bag(oid.certBag, sequence(fromHex(oid.x509Certificate), explicit(octets(raw))), attributes)
}

/** PKCS12Attribute */
function attribute(type: string, value: Buffer): Buffer {
  return sequence(fromHex(type), set(value))
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, parts)
const set = (...parts: readonly Buffer[]): Buffer => der(0x31, parts)
const octets = (content: Buffer): Buffer => der(0x04, [content])
const explicit = (content: Buffer): Buffer => der(0xa0, [content])
const fromHex = (text: string): Buffer => Buffer.from(text, 'hex')

/** Tag, length, content (X.690, 8.1.3: long lengths are written as a count of bytes and the bytes). */
function der(tag: number, parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content])
  const hex = length.toString(16)
  const bytes = fromHex(hex.padStart(hex.length + (hex.length % 2), '0'))
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length]), bytes, content])
}

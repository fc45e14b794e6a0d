// Reads certificates: what is in a PEM text, what a certificate is valid for, whether a key and an issuer belong to it.
import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { isIP, isIPv6 } from 'node:net'
import { elements, objectIdentifier } from './der.ts'

/** What is asked of a certificate here. */
export interface CertificateInfo {
  readonly x509: X509Certificate
  readonly pem: string
  readonly notBefore: Date
  readonly notAfter: Date
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
  readonly selfSigned: boolean
  /** The subject's name, as its bytes: an issuer's name must be repeated exactly. */
  readonly subjectDer: Buffer
  /** What a certificate that this one signs names as its authority's key. */
  readonly keyIdentifier: Buffer
}

export function pem(label: string, content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/**
 * The certificates of a PEM text, in its order; other blocks and text between them are left out.
 * @throws Error when a block is no certificate
 */
export function readCertificates(text: string): CertificateInfo[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.map((block) => inspect(new X509Certificate(block)))
}

/** @throws Error when the text is no unencrypted private key */
export function readPrivateKey(text: string): KeyObject {
  return createPrivateKey(text)
}

function inspect(x509: X509Certificate): CertificateInfo {
  const names = alternativeNames(x509.subjectAltName ?? '')
  const { subject, authority } = bytesOf(x509.raw)
  return {
    x509,
    pem: pem('CERTIFICATE', x509.raw),
    notBefore: x509.validFromDate,
    notAfter: x509.validToDate,
    ...names,
    selfSigned: x509.checkIssued(x509),
    subjectDer: subject,
    keyIdentifier: authority,
  }
}

const subjectKeyIdentifier = objectIdentifier('2.5.29.14')

/** What Node does not show of a certificate. */
function bytesOf(certificate: Buffer): { subject: Buffer; authority: Buffer } {
  const [body] = elements(elements(certificate)[0]!.content)
  const fields = elements(body!.content)
  // Version 1 has no field for it.
  const [, , , , subject, publicKey, ...rest] = fields[0]!.tag === 0xa0 ? fields.slice(1) : fields
  const extensions = rest.find(({ tag }) => tag === 0xa3)
  const own = (extensions === undefined ? [] : elements(elements(extensions.content)[0]!.content))
    .map(({ content }) => elements(content))
    .find(([id]) => id!.whole.equals(subjectKeyIdentifier))
  return {
    subject: subject!.whole,
    authority: own === undefined ? keyIdentifier(publicKey!.whole) : elements(own.at(-1)!.content)[0]!.content,
  }
}

/** RFC 5280, 4.2.1.2 (1): SHA-1 of the key's bits. A name for a key, not a protection. */
export function keyIdentifier(spki: Buffer): Buffer {
  const [, bits] = elements(elements(spki)[0]!.content)
  return createHash('sha1').update(bits!.content.subarray(1)).digest()
}

function alternativeNames(text: string): { dnsNames: string[]; ipAddresses: string[] } {
  // Node's form: `DNS:a, DNS:b, IP Address:127.0.0.1`.
  const entries = text.split(', ')
  const after = (prefix: string): string[] =>
    entries.filter((entry) => entry.startsWith(prefix)).map((entry) => entry.slice(prefix.length))
  return { dnsNames: after('DNS:'), ipAddresses: after('IP Address:') }
}

/** Whether the private key is the certificate's. */
export function keyFits(certificate: CertificateInfo, key: KeyObject): boolean {
  return certificate.x509.checkPrivateKey(key)
}

/** Whether one of the issuers has signed the certificate. */
export function signedByOneOf(certificate: CertificateInfo, issuers: readonly CertificateInfo[]): boolean {
  return issuers.some(
    (issuer) => certificate.x509.checkIssued(issuer.x509) && certificate.x509.verify(issuer.x509.publicKey),
  )
}

/** Of the wanted names and addresses, those that the certificate is not valid for. */
export function uncoveredNames(
  certificate: CertificateInfo,
  wanted: { readonly dnsNames: readonly string[]; readonly ipAddresses: readonly string[] },
): string[] {
  const has = new Set(certificate.dnsNames.map((name) => name.toLowerCase()))
  const covered = (name: string): boolean =>
    has.has(name) || (!name.startsWith('*.') && has.has(name.replace(/^[^.]+\./, '*.')))
  return [
    ...wanted.dnsNames.filter((name) => !covered(name.toLowerCase())),
    ...wanted.ipAddresses.filter(
      (address) => !certificate.ipAddresses.some((other) => addressBytes(other).equals(addressBytes(address))),
    ),
  ]
}

/** The bytes of an IPv4 or IPv6 address in text. */
export function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  if (!isIPv6(address)) throw new Error(`"${address}" is not an IP address`)
  // An embedded IPv4 address becomes two groups; `::` stands for as many zero groups as are missing.
  const text = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a, b, c, d] = bytes.slice(0, 4).map(Number)
    return `${(a! * 256 + b!).toString(16)}:${(c! * 256 + d!).toString(16)}`
  })
  const [head, tail] = text.split('::').map((part) => part.split(':').filter((group) => group !== ''))
  const groups = tail === undefined ? head! : [...head!, ...Array(8 - head!.length - tail.length).fill('0'), ...tail]
  return Buffer.concat(groups.map((group) => Buffer.from(group.padStart(4, '0'), 'hex')))
}

// Reads certificates: what is in a PEM text, what a certificate is valid for, whether a key and an issuer belong to it.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'

/** The parts of a certificate that are checked. */
export interface CertificateInfo {
  readonly x509: X509Certificate
  readonly pem: string
  readonly notBefore: Date
  readonly notAfter: Date
  readonly dnsNames: readonly string[]
  readonly selfSigned: boolean
}

/**
 * The certificates of a PEM text, in its order; other blocks and text between them are left out.
 * @throws Error when a block is not a certificate
 */
export function readCertificates(text: string): CertificateInfo[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.map((block) => inspect(new X509Certificate(block)))
}

/** @throws Error when the text is not an unencrypted private key */
export function readPrivateKey(text: string): KeyObject {
  return createPrivateKey(text)
}

function inspect(x509: X509Certificate): CertificateInfo {
  return {
    x509,
    pem: x509.toString(),
    notBefore: x509.validFromDate,
    notAfter: x509.validToDate,
    dnsNames: dnsNames(x509.subjectAltName ?? ''),
    selfSigned: x509.checkIssued(x509),
  }
}

function dnsNames(alternativeNames: string): string[] {
  // Node's form: `DNS:a, DNS:b, IP Address:127.0.0.1`.
  const prefix = 'DNS:'
  return alternativeNames
    .split(', ')
    .filter((entry) => entry.startsWith(prefix))
    .map((entry) => entry.slice(prefix.length))
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
    ...wanted.ipAddresses.filter((address) => certificate.x509.checkIP(address) === undefined),
  ]
}

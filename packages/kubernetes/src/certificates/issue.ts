// Issues certificates: a self-signed CA, and leaves signed by it. Keys and signatures are OpenSSL's, through node:crypto; only
// the layout of RFC 5280 is ours.
//
// Keys are ECDSA P-256: Kafka's PEM stores (Java 17), ZooKeeper, librdkafka and Node all take them, and a handshake costs a
// broker a fraction of what RSA costs it.
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import * as der from './der.ts'
import { addressBytes, type CertificateInfo, keyIdentifier, pem } from './inspect.ts'

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

const oid = {
  commonName: '2.5.4.3',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  subjectAltName: '2.5.29.17',
  subjectKeyIdentifier: '2.5.29.14',
  authorityKeyIdentifier: '2.5.29.35',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  sha256WithRsa: '1.2.840.113549.1.1.11',
}

/**
 * Makes a CA whose name says whose it is and when it began.
 * @param commonName at most 64 characters (RFC 5280, ub-common-name)
 * @param validityMs how long it is valid from `now`, in milliseconds
 * @param key the key to go on with: a CA that is issued again under its own key and name leaves everything it signed valid,
 * also for those who know only its first certificate. Without it, a new key.
 */
export function issueCa(
  commonName: string,
  validityMs: number,
  now: Date,
  previous?: { readonly key: KeyObject; readonly subjectDer: Buffer },
): IssuedCertificate {
  const privateKey = previous?.key ?? newKey()
  const publicKey = createPublicKey(privateKey)
  const subject = previous?.subjectDer ?? name(commonName)
  return {
    certificate: signed(privateKey, {
      issuer: subject,
      subject,
      publicKey,
      notBefore: new Date(now.getTime() - backdateMs),
      notAfter: new Date(now.getTime() + validityMs),
      extensions: [
        extension(oid.basicConstraints, true, der.sequence(der.boolean(true))),
        // keyCertSign, cRLSign
        extension(oid.keyUsage, true, der.bitString(Buffer.from([0b0000_0110]), 1)),
        extension(oid.subjectKeyIdentifier, false, der.octetString(keyIdentifier(spki(publicKey)))),
      ],
    }),
    key: exportKey(privateKey),
  }
}

/**
 * Makes a certificate for servers and clients, with a new key.
 * @param names DNS names (a `*.` in front is a wildcard) and addresses it is valid for
 * @param validityMs from `now`, in milliseconds; cut at the end of the CA
 */
export function issueLeaf(
  issuer: Issuer,
  commonName: string,
  names: { readonly dnsNames: readonly string[]; readonly ipAddresses: readonly string[] },
  validityMs: number,
  now: Date,
): IssuedCertificate {
  const privateKey = newKey()
  const publicKey = createPublicKey(privateKey)
  const alternatives = [
    ...names.dnsNames.map((dnsName) => der.implicit(2, Buffer.from(dnsName, 'latin1'))),
    ...names.ipAddresses.map((address) => der.implicit(7, addressBytes(address))),
  ]
  const end = Math.min(now.getTime() + validityMs, issuer.certificate.notAfter.getTime())
  return {
    certificate: signed(issuer.key, {
      issuer: issuer.certificate.subjectDer,
      subject: name(commonName),
      publicKey,
      notBefore: new Date(now.getTime() - backdateMs),
      notAfter: new Date(end),
      extensions: [
        extension(oid.basicConstraints, true, der.sequence()),
        // digitalSignature only: an EC key does not encipher keys (RFC 8446, RFC 5480).
        extension(oid.keyUsage, true, der.bitString(Buffer.from([0b1000_0000]), 7)),
        extension(
          oid.extendedKeyUsage,
          false,
          der.sequence(der.objectIdentifier(oid.serverAuth), der.objectIdentifier(oid.clientAuth)),
        ),
        ...(alternatives.length === 0 ? [] : [extension(oid.subjectAltName, false, der.sequence(...alternatives))]),
        extension(oid.subjectKeyIdentifier, false, der.octetString(keyIdentifier(spki(publicKey)))),
        extension(oid.authorityKeyIdentifier, false, der.sequence(der.implicit(0, issuer.certificate.keyIdentifier))),
      ],
    }),
    key: exportKey(privateKey),
  }
}

interface Parts {
  readonly issuer: Buffer
  readonly subject: Buffer
  readonly publicKey: KeyObject
  readonly notBefore: Date
  readonly notAfter: Date
  readonly extensions: readonly Buffer[]
}

function signed(key: KeyObject, parts: Parts): string {
  const algorithm = signatureAlgorithm(key)
  const body = der.sequence(
    der.explicit(0, der.integer(Buffer.from([2]))), // version 3
    der.integer(serialNumber()),
    algorithm,
    parts.issuer,
    der.sequence(der.time(parts.notBefore), der.time(parts.notAfter)),
    parts.subject,
    spki(parts.publicKey),
    der.explicit(3, der.sequence(...parts.extensions)),
  )
  return pem('CERTIFICATE', der.sequence(body, algorithm, der.bitString(sign('sha256', body, key))))
}

function signatureAlgorithm(key: KeyObject): Buffer {
  switch (key.asymmetricKeyType) {
    case 'ec':
      return der.sequence(der.objectIdentifier(oid.ecdsaWithSha256))
    case 'rsa':
      return der.sequence(der.objectIdentifier(oid.sha256WithRsa), der.nullValue())
    default:
      throw new Error(`a CA key of type ${key.asymmetricKeyType} is not known here: use EC or RSA`)
  }
}

/** 127 random bits, positive and never zero (RFC 5280, 4.1.2.2; CA/B forum: at least 64 bits). */
function serialNumber(): Buffer {
  const bytes = randomBytes(16)
  bytes[0] = (bytes[0]! & 0x7f) | 0x40
  return bytes
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
}

function exportKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string
}

function name(commonName: string): Buffer {
  return der.sequence(der.set(der.sequence(der.objectIdentifier(oid.commonName), der.utf8String(commonName))))
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return der.sequence(der.objectIdentifier(id), ...(critical ? [der.boolean(true)] : []), der.octetString(value))
}

function spki(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' })
}

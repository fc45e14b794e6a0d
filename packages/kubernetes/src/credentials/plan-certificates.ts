// Certificates: the CA of mode `chart` and what it signs; in the other modes only what clients trust.
//
// A CA leaves the bundle when it has ended, or when an operator takes it out: clients that trust an older copy, and servers that still present a
// certificate of the older CA, continue to work while the bundle has both.
import type { KeyObject } from 'node:crypto'
import {
  type CertificateInfo,
  keyFits,
  readCertificates,
  readPrivateKey,
  signedByOneOf,
  uncoveredNames,
} from '../certificates/inspect.ts'
import { signingAlgorithm } from '../certificates/issue.ts'
import {
  type Draft,
  derivedAnnotation,
  generatedAnnotation,
  isGenerated,
  type ObjectView,
  updateDerived,
} from './draft.ts'
import type { CertificateSpec, CredentialsSpec } from './spec.ts'

const dayMs = 86_400_000
/** Issuing again must gain at least this. */
const worthwhileMs = dayMs

export interface Ca {
  /** The one that signs first. */
  readonly certificates: readonly CertificateInfo[]
  readonly key: string
}

/** The CA of mode `chart`; undefined if it must be created first, or is invalid. */
export function planCa({ spec, existing, now, steps, warnings, problems }: Draft): Ca | undefined {
  const name = spec.tls.caSecret
  const found = existing.secrets.get(name)
  if (found === undefined) {
    steps.push({
      action: 'create',
      kind: 'Secret',
      name,
      reason: `CA, valid until ${day(now.getTime() + spec.tls.caValidityMs)}`,
      make: { what: 'ca' },
      type: 'Opaque',
      annotations: { [generatedAnnotation]: 'true' },
    })
    return undefined
  }
  const pair = readPair(name, found, 'ca.crt', 'ca.key', problems)
  if (pair === undefined) return undefined
  const [certificate] = pair.certificates as [CertificateInfo]
  if (!certificate.x509.ca) {
    problems.push(`Secret ${name}: ca.crt is not the certificate of a CA (basic constraints), and cannot sign`)
    return undefined
  }
  if (signingAlgorithm(readPrivateKey(pair.key)) === undefined) {
    problems.push(`Secret ${name}: ca.key cannot sign here: use a CA with an RSA key, or EC on P-256, P-384 or P-521`)
    return undefined
  }
  const leftMs = certificate.notAfter.getTime() - now.getTime()
  const until = day(certificate.notAfter)
  if (leftMs < caRenewBeforeMs(spec.tls)) {
    if (isGenerated(found) && certificate.selfSigned) {
      warnings.push(
        `The CA in Secret ${name} ends on ${until}: it is issued again under its own key, and the old certificate stays in ` +
          `ConfigMap ${spec.tls.caConfigMap}. Clients outside this namespace need the new ca.crt before that day.`,
      )
      steps.push({
        action: 'renew',
        kind: 'Secret',
        name,
        reason: `CA ends on ${until}`,
        make: { what: 'ca-renewal', certificate: certificate.pem, key: pair.key },
        resourceVersion: found.resourceVersion,
      })
      return undefined
    }
    if (leftMs <= 0) {
      problems.push(`Secret ${name}: the CA ended on ${until}: replace ca.crt and ca.key`)
      return undefined
    }
    warnings.push(`The CA in Secret ${name}, which you supplied, ends on ${until}: replace it in time.`)
  }
  return { certificates: pair.certificates, key: pair.key }
}

/**
 * How long before its end a CA is renewed: long enough that everything signed before the renewal has been issued again in its
 * own time, but never more than a third of its life.
 */
function caRenewBeforeMs({ validityMs, renewBeforeMs, caValidityMs }: CredentialsSpec['tls']): number {
  return Math.min(validityMs + renewBeforeMs, caValidityMs / 3)
}

/** The ConfigMap that clients trust. Returns its text as it should be. */
export function planBundle({ spec, existing, now, steps }: Draft, trusted: readonly CertificateInfo[]): string {
  const name = spec.tls.caConfigMap
  const found = existing.configMaps.get(name)
  const known = readBundle(found?.data['ca.crt'] ?? '').filter(({ notAfter }) => notAfter > now)
  const bundle = [...new Set([...trusted, ...known].map(({ pem }) => pem))].join('')
  if (found === undefined) {
    steps.push({
      action: 'create',
      kind: 'ConfigMap',
      name,
      reason: 'the CA that clients trust',
      make: { what: 'texts', data: { 'ca.crt': bundle } },
    })
  } else if (found.data['ca.crt'] !== bundle) {
    steps.push({
      action: 'update',
      kind: 'ConfigMap',
      name,
      reason: 'the CAs that clients trust have changed',
      make: { what: 'texts', data: { 'ca.crt': bundle } },
      resourceVersion: found.resourceVersion,
    })
  }
  return bundle
}

/** The certificates of mode `chart`. */
export function planCertificates(draft: Draft, ca: Ca, bundle: string): void {
  const { spec, existing, now, steps, problems } = draft
  const trusted = readCertificates(bundle)
  for (const certificate of spec.tls.certificates) {
    const { secret: name } = certificate
    const found = existing.secrets.get(name)
    const make = {
      what: 'certificate',
      certificate,
      ca: { certificate: ca.certificates.map(({ pem }) => pem).join(''), key: ca.key },
      bundle,
    } as const
    if (found === undefined) {
      steps.push({
        action: 'create',
        kind: 'Secret',
        name,
        reason: `certificate of ${certificate.commonName}, valid until ${day(endOf(spec, ca, now))}`,
        make,
        type: 'kubernetes.io/tls',
        annotations: { [generatedAnnotation]: 'true', [derivedAnnotation]: 'ca.crt' },
      })
      continue
    }
    const pair = readPair(name, found, 'tls.crt', 'tls.key', problems)
    if (pair === undefined) continue
    const [leaf] = pair.certificates as [CertificateInfo]
    const signers = [...trusted, ...pair.certificates.slice(1).filter((one) => signedByOneOf(one, trusted))]
    if (isGenerated(found)) {
      const reason = reissueReason(certificate, leaf, signers, draft, endOf(spec, ca, now))
      if (reason !== undefined) {
        steps.push({ action: 'renew', kind: 'Secret', name, reason, make, resourceVersion: found.resourceVersion })
        continue
      }
    } else {
      if (!signedByOneOf(leaf, signers)) {
        problems.push(
          `Secret ${name}: its certificate was not signed by the CA in Secret ${spec.tls.caSecret}. For certificates of your own ` +
            `set security.tls.mode to existing`,
        )
        continue
      }
      checkSupplied(certificate, leaf, draft)
    }
    updateDerived(draft, name, found, { 'ca.crt': bundle })
  }
}

function endOf(spec: CredentialsSpec, ca: Ca, now: Date): number {
  return Math.min(now.getTime() + spec.tls.validityMs, ca.certificates[0]!.notAfter.getTime())
}

/** Why a certificate of ours is issued again; nothing when it is right. */
function reissueReason(
  wanted: CertificateSpec,
  leaf: CertificateInfo,
  signers: readonly CertificateInfo[],
  { spec, now, warnings }: Draft,
  newEndMs: number,
): string | undefined {
  if (commonNameOf(leaf) !== wanted.commonName) return `it is the certificate of ${commonNameOf(leaf)}`
  const uncovered = uncoveredNames(leaf, wanted)
  if (uncovered.length > 0) return `it is not valid for ${uncovered.join(', ')}`
  if (!signedByOneOf(leaf, signers)) return 'no CA that clients trust has signed it'
  const endMs = leaf.notAfter.getTime()
  if (endMs - now.getTime() >= spec.tls.renewBeforeMs) return undefined
  if (newEndMs - endMs > worthwhileMs) return `it ends on ${day(leaf.notAfter)}`
  warnings.push(`Secret ${wanted.secret}: its certificate ends on ${day(leaf.notAfter)}, with the CA: replace the CA.`)
  return undefined
}

/** Certificates that others make: checked, waited for, never changed. Returns what clients trust. */
export function planSuppliedTls(draft: Draft): readonly CertificateInfo[] | undefined {
  const { spec, existing, waiting, problems } = draft
  const maker =
    spec.tls.mode === 'cert-manager' ? 'cert-manager makes it' : 'you make it: security.tls.mode is existing'
  let trusted: readonly CertificateInfo[] | undefined
  for (const [index, certificate] of spec.tls.certificates.entries()) {
    const name = certificate.secret
    const found = existing.secrets.get(name)
    if (found === undefined || !found.data['tls.crt']) {
      waiting.push(`Secret ${name} (${maker})`)
      continue
    }
    const pair = readPair(name, found, 'tls.crt', 'tls.key', problems)
    if (pair === undefined) continue
    const authorities = readBundle(found.data['ca.crt'] ?? '')
    if (authorities.length === 0) {
      problems.push(
        `Secret ${name} has no certificate in ca.crt: add the CA that signed tls.crt (cert-manager leaves it out for issuers ` +
          `that do not know their CA, such as ACME)`,
      )
      continue
    }
    const [leaf, ...chain] = pair.certificates as [CertificateInfo, ...CertificateInfo[]]
    if (![leaf, ...chain].some((one) => signedByOneOf(one, authorities))) {
      problems.push(`Secret ${name}: the CA in ca.crt has not signed the certificate in tls.crt`)
      continue
    }
    checkSupplied(certificate, leaf, draft)
    if (index === 0) trusted = authorities
  }
  return trusted
}

/** A certificate that is not ours to renew. */
function checkSupplied(wanted: CertificateSpec, leaf: CertificateInfo, { spec, now, warnings, problems }: Draft): void {
  const { secret: name } = wanted
  const end = day(leaf.notAfter)
  if (leaf.notAfter <= now) {
    problems.push(`Secret ${name}: its certificate ended on ${end}: replace tls.crt and tls.key`)
  } else if (spec.tls.mode !== 'cert-manager' && leaf.notAfter.getTime() - now.getTime() < spec.tls.renewBeforeMs) {
    warnings.push(`Secret ${name}: its certificate, which you supplied, ends on ${end}: replace it in time.`)
  }
  const uncovered = uncoveredNames(leaf, wanted)
  if (uncovered.length > 0) {
    warnings.push(
      `Secret ${name}: its certificate is not valid for ${uncovered.join(', ')}: clients of those names refuse it.`,
    )
  }
  if (commonNameOf(leaf) !== wanted.commonName) {
    warnings.push(
      `Secret ${name}: its certificate is that of "${commonNameOf(leaf) ?? leaf.x509.subject}", and Kafka's super users name ` +
        `"${wanted.commonName}": add it to super.users, or use that common name.`,
    )
  }
}

interface Pair {
  readonly certificates: readonly CertificateInfo[]
  readonly key: string
}

/** A certificate with its key, checked against each other. */
function readPair(
  name: string,
  found: ObjectView,
  certificateKey: string,
  privateKey: string,
  problems: string[],
): Pair | undefined {
  const key = found.data[privateKey]
  const certificates = readBundle(found.data[certificateKey] ?? '')
  const before = problems.length
  if (certificates.length === 0) problems.push(`Secret ${name} has no PEM certificate in ${certificateKey}`)
  let parsed: KeyObject | undefined
  if (!key) {
    problems.push(`Secret ${name} has no ${privateKey}`)
  } else if (!key.includes('-----BEGIN PRIVATE KEY-----')) {
    problems.push(
      `Secret ${name}: ${privateKey} is not an unencrypted PKCS#8 key, which is what Kafka reads: convert it with ` +
        '`openssl pkcs8 -topk8 -nocrypt`',
    )
  } else {
    try {
      parsed = readPrivateKey(key)
    } catch {
      problems.push(`Secret ${name}: ${privateKey} cannot be read as a private key`)
    }
  }
  if (parsed !== undefined && certificates[0] !== undefined && !keyFits(certificates[0], parsed)) {
    problems.push(`Secret ${name}: ${privateKey} is not the key of the first certificate in ${certificateKey}`)
  }
  return problems.length > before ? undefined : { certificates, key: key! }
}

/** Treats an unreadable certificate as missing. */
function readBundle(text: string): CertificateInfo[] {
  try {
    return readCertificates(text)
  } catch {
    return []
  }
}

function commonNameOf({ x509 }: CertificateInfo): string | undefined {
  return x509.subject?.match(/^CN=(.+)$/m)?.[1]
}

function day(at: Date | number): string {
  return new Date(at).toISOString().slice(0, 10)
}

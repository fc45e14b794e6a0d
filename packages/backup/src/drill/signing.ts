// A report as a file: its canonical form (RFC 8785) and an Ed25519 signature (RFC 8032) over exactly these bytes.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import canonicalize from 'canonicalize'
import { z } from 'zod'
import { BackupError } from '../format/backup-error.ts'
import { type DrillReport, reportFormat, reportSchema, reportVersion } from './report.ts'

const signature = z.object({
  algorithm: z.literal('Ed25519'),
  /** SHA-256 of the public key (SubjectPublicKeyInfo, DER). */
  keyId: z.string().regex(/^[0-9a-f]{64}$/),
  value: z.base64(),
})

const envelope = z.object({ report: reportSchema, signature: signature.nullable() })

export type SignedReport = z.infer<typeof envelope>

/** New keys as PEM: PKCS #8 (RFC 8410), which `openssl pkey` reads. */
export function newSigningKey(): { readonly privatePem: string; readonly publicPem: string; readonly keyId: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return {
    privatePem: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
    publicPem: publicKey.export({ format: 'pem', type: 'spki' }) as string,
    keyId: keyIdOf(publicKey),
  }
}

/** SHA-256 of the public key, in hexadecimal. */
export function keyIdOf(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ format: 'der', type: 'spki' }))
    .digest('hex')
}

/** @param pem of a file of `selfmonitor drill keygen` or `openssl genpkey -algorithm ed25519`. @throws BackupError INVALID_ARGUMENT */
export function signingKey(pem: string): KeyObject {
  return ed25519(() => createPrivateKey(pem), 'a private key')
}

/** @throws BackupError INVALID_ARGUMENT */
export function verifyingKey(pem: string): KeyObject {
  // Node makes the public key of a private one: a private key is not for those who verify.
  if (pem.includes('PRIVATE KEY')) {
    throw new BackupError('INVALID_ARGUMENT', 'this is a private key, and reports are verified with the public one')
  }
  return ed25519(() => createPublicKey(pem), 'a public key')
}

function ed25519(read: () => KeyObject, what: string): KeyObject {
  let key: KeyObject
  try {
    key = read()
  } catch (cause) {
    throw new BackupError('INVALID_ARGUMENT', `this is not ${what} as PEM`, { cause, hint })
  }
  if (key.asymmetricKeyType === 'ed25519') return key
  throw new BackupError(
    'INVALID_ARGUMENT',
    `the key is ${key.asymmetricKeyType}, and reports are signed with Ed25519`,
    {
      hint,
    },
  )
}

const hint = '`selfmonitor drill keygen` makes a pair.'

/** The bytes that are signed: the report alone, in its canonical form. */
export function canonicalBytes(value: unknown): Buffer {
  return Buffer.from(canonicalize(value)!)
}

/** The file of a report: one line in canonical form. @param key null: it is not signed */
export function writeReport(report: DrillReport, key: KeyObject | null): Buffer {
  const signed: SignedReport = { report, signature: key === null ? null : signatureOf(report, key) }
  return Buffer.concat([canonicalBytes(signed), Buffer.from('\n')])
}

function signatureOf(report: DrillReport, key: KeyObject): SignedReport['signature'] {
  const value = sign(null, canonicalBytes(report), key).toString('base64')
  return { algorithm: 'Ed25519', keyId: keyIdOf(createPublicKey(key)), value }
}

/**
 * Reads a report without asking who signed it. A file that is not byte for byte in canonical form was changed: JSON with a field twice
 * would say one thing to a reader and another to a program.
 * @throws BackupError DAMAGED, NEWER_FORMAT
 */
export function readReport(bytes: Buffer): SignedReport {
  const text = bytes.toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new BackupError('DAMAGED', `the report is not JSON: ${(cause as Error).message}`, { cause })
  }
  const head = (value as { report?: { format?: unknown; version?: unknown } } | null)?.report
  if (head?.format === reportFormat && typeof head.version === 'number' && head.version > reportVersion) {
    throw new BackupError(
      'NEWER_FORMAT',
      `the report has version ${head.version}; this program knows ${reportVersion}`,
      {
        hint: 'Use a newer version of selfmonitor.',
      },
    )
  }
  const parsed = envelope.safeParse(value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new BackupError('DAMAGED', `this is not a report of a drill: ${issue?.path.join('.')}: ${issue?.message}`)
  }
  if (!canonicalBytes(value).equals(Buffer.from(text.replace(/\n$/, '')))) {
    throw new BackupError('DAMAGED', 'the report is not in the canonical form that it was written in (RFC 8785)', {
      hint: 'Verify the file as it was written, not one that a program has formatted.',
    })
  }
  // What was signed is the whole value, also fields that this version does not know.
  return value as SignedReport
}

/**
 * @returns the report when the key signed exactly this
 * @throws BackupError NOT_SIGNED, DAMAGED, NEWER_FORMAT
 */
export function verifyReport(bytes: Buffer, key: KeyObject): SignedReport {
  const read = readReport(bytes)
  if (read.signature === null)
    throw new BackupError('NOT_SIGNED', 'the report is not signed: anyone may have written it')
  if (verify(null, canonicalBytes(read.report), key, Buffer.from(read.signature.value, 'base64'))) return read
  const own = keyIdOf(key)
  throw new BackupError(
    'NOT_SIGNED',
    read.signature.keyId === own
      ? 'the report was changed after it was signed'
      : `the report was signed with key ${read.signature.keyId}, and this is ${own}`,
  )
}

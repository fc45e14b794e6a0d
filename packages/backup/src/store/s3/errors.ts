// What S3, its SDK and the network say, as a store's errors.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
import { StoreError } from '../store-error.ts'
import type { StoreErrorCode } from '../types.ts'

interface Meaning {
  readonly code: StoreErrorCode
  /** Default: the message that came. */
  readonly text?: string
  readonly hint?: string
}

const wrongCredentials = {
  code: 'NOT_ALLOWED',
  hint: 'Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile, or the role.',
} as const
const unknownKey = { ...wrongCredentials, text: 'the server does not know the access key' } as const
const expired = { code: 'NOT_ALLOWED', text: 'the credentials have expired', hint: 'Get new ones.' } as const
const denied = {
  code: 'NOT_ALLOWED',
  hint: 'A backup needs s3:PutObject, s3:GetObject, s3:ListBucket and s3:AbortMultipartUpload, and s3:DeleteObject to prune.',
} as const
const wrongRegion = { code: 'INVALID_ARGUMENT', hint: 'Set AWS_REGION to the region of the bucket.' } as const
const untrusted = {
  code: 'INVALID_ARGUMENT',
  hint: 'Name a file with the certificate authority of the server in AWS_CA_BUNDLE.',
} as const

const notS3 = {
  code: 'UNAVAILABLE',
  text: 'the answer is not one of S3',
  hint: 'Check the endpoint, and whether a proxy answers in its place.',
} as const

/** By the name of S3's error, of the SDK's, or of Node's. */
const meanings: Readonly<Record<string, Meaning>> = {
  NotS3: notS3,
  NoSuchKey: { code: 'NOT_FOUND', text: 'it does not exist' },
  NotFound: { code: 'NOT_FOUND', text: 'it does not exist' },
  NoSuchBucket: { code: 'INVALID_ARGUMENT', text: 'the bucket does not exist', hint: 'Create it first.' },
  PreconditionFailed: { code: 'EXISTS', text: 'it exists' },
  NoCredentials: { ...wrongCredentials, text: 'there are no credentials' },
  CredentialsProviderError: { ...wrongCredentials, text: 'there are no credentials' },
  InvalidAccessKeyId: unknownKey,
  // versitygw, with status 404.
  XAdminUserNotFound: unknownKey,
  SignatureDoesNotMatch: { ...wrongCredentials, text: 'the secret key is not the one of the access key' },
  ExpiredToken: expired,
  TokenRefreshRequired: expired,
  InvalidToken: expired,
  AccessDenied: denied,
  AccountProblem: denied,
  AllAccessDisabled: denied,
  RequestTimeTooSkewed: { code: 'NOT_ALLOWED', hint: 'Set the clock of this machine.' },
  PermanentRedirect: wrongRegion,
  AuthorizationHeaderMalformed: wrongRegion,
  IllegalLocationConstraintException: wrongRegion,
  EntityTooLarge: { code: 'TOO_LARGE' },
  QuotaExceeded: { code: 'NO_SPACE' },
  XMinioStorageFull: { code: 'NO_SPACE' },
  InsufficientStorage: { code: 'NO_SPACE' },
  NotImplemented: { code: 'INVALID_ARGUMENT' },
  MethodNotAllowed: { code: 'NOT_ALLOWED' },
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  ERR_TLS_CERT_ALTNAME_INVALID: {
    code: 'INVALID_ARGUMENT',
    hint: 'The certificate of the server is for another name.',
  },
  CERT_HAS_EXPIRED: { code: 'INVALID_ARGUMENT', hint: 'The certificate of the server has expired.' },
}

/** What an error of the SDK has of what is used here. */
interface SdkError extends Error {
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string; readonly attempts?: number }
}

export function isNamed(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name)
}

export function httpStatus(error: unknown): number | undefined {
  return (error as SdkError | null)?.$metadata?.httpStatusCode
}

/**
 * The SDK's own error is left out of the cause: it holds the request's headers and what the server repeated of them.
 * @param doing such as `s3://bucket/prefix: cannot write a/b`
 * @param secrets are left out of what the server says
 */
export function s3Error(doing: string, error: unknown, secrets: readonly string[]): StoreError {
  if (error instanceof StoreError) return error
  const { name, message, code, $metadata } = error as SdkError
  const { text, hint, code: storeCode } = meanings[name] ?? meanings[code ?? ''] ?? byStatus($metadata?.httpStatusCode)
  const said = text ?? redact(message === '' || message === undefined ? String(code ?? name) : message, secrets)
  const known = name === 'Error' || name === undefined ? code : name
  const attempts = ($metadata?.attempts ?? 1) > 1 ? `, after ${$metadata?.attempts} attempts` : ''
  const status = $metadata?.httpStatusCode === undefined ? '' : ` with status ${$metadata.httpStatusCode}`
  const cause = new Error(`${known ?? 'an error'}${status}, request ${$metadata?.requestId ?? 'unknown'}: ${said}`)
  const detail = known === undefined || said.includes(known) ? attempts.slice(2) : `${known}${attempts}`
  const parts = `${doing}: ${said}${detail === '' ? '' : ` (${detail})`}`
  return new StoreError(storeCode, parts, hint === undefined ? { cause } : { cause, hint })
}

/** An answer with a good status that S3 would not give, such as the page of a proxy that asks to sign in. */
export class NotS3 extends Error {
  override readonly name = 'NotS3'
}

function byStatus(status: number | undefined): Meaning {
  if (status !== undefined && status < 400) return notS3
  if (status === 401 || status === 403) return denied
  if (status === 412) return { code: 'EXISTS', text: 'it exists' }
  if (status === 413) return { code: 'TOO_LARGE' }
  if (status === 507) return { code: 'NO_SPACE' }
  // A 404 without S3's name for it is that of another server, and must not be taken for an object that is missing.
  const maySucceedLater = status === undefined || status >= 500 || [404, 408, 409, 429].includes(status)
  if (!maySucceedLater) return { code: 'INVALID_ARGUMENT' }
  return { code: 'UNAVAILABLE', hint: 'Check the endpoint and that the server answers, then try again.' }
}

function redact(text: string, secrets: readonly string[]): string {
  let result = text.replace(/\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b/g, '…')
  for (const secret of secrets) if (secret !== '') result = result.replaceAll(secret, '…')
  return result.replace(/\s+/g, ' ').slice(0, 500)
}

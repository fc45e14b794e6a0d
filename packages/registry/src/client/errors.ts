// Errors of the registry client.

import { registryErrorCodes } from '../error-codes.ts'

export type RegistryErrorCode =
  /** The registry refused the request; `errorCode` says why. */
  | 'REGISTRY_REFUSED'
  /** The schema is incompatible with an earlier one (40901, or 409 of registries before 8.0.4). */
  | 'REGISTRY_INCOMPATIBLE'
  /** No url could be reached. */
  | 'REGISTRY_UNREACHABLE'
  /** Its certificate is not trusted here, or is for another name. */
  | 'REGISTRY_UNTRUSTED'
  /** No answer in time. */
  | 'REGISTRY_TIMEOUT'
  /** An answer that is not a registry's. */
  | 'REGISTRY_BAD_ANSWER'
  /** The client's own options are wrong. */
  | 'REGISTRY_OPTIONS'

export interface RegistryErrorDetails {
  /** HTTP status; undefined without an answer. */
  readonly status?: number
  /** Confluent's `error_code`: 40401, 42201, … */
  readonly errorCode?: number
  readonly url?: string
  /** The remedy. */
  readonly hint?: string
  readonly cause?: unknown
}

export class RegistryError extends Error {
  readonly code: RegistryErrorCode
  readonly status: number | undefined
  readonly errorCode: number | undefined
  readonly url: string | undefined
  readonly hint: string | undefined

  constructor(code: RegistryErrorCode, message: string, details: RegistryErrorDetails = {}) {
    super(message, { cause: details.cause })
    this.name = 'RegistryError'
    this.code = code
    this.status = details.status
    this.errorCode = details.errorCode
    this.url = details.url
    this.hint = details.hint
  }
}

const hints: Readonly<Record<number, string>> = {
  401: 'set SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD, or check them',
  403: 'ask for the permission, use another user, or a host name that the registry answers to',
  // Also of 40901, whose status it is.
  409: "make the schema compatible, or change the subject's level",
  [registryErrorCodes.subjectNotFound]: 'register a schema under this subject first',
  [registryErrorCodes.invalidSchema]: 'correct the schema',
  [registryErrorCodes.notPermitted]: 'the mode of the subject or of the registry forbids it; see GET /mode',
  [registryErrorCodes.referenceExists]: 'delete the schemas that refer to it first',
  [registryErrorCodes.storeFailed]: 'check that Kafka is up, then try again',
  [registryErrorCodes.storeTimeout]: 'check that Kafka is up, then try again',
}

export function hintFor(status: number, errorCode: number | undefined): string | undefined {
  return hints[errorCode ?? status] ?? hints[status]
}

/** The audit trail cannot be written. `hint` says what to do. */
export class AuditError extends Error {
  override readonly name = 'AuditError'
  readonly code: 'AUDIT_UNAVAILABLE' | 'AUDIT_INCOMPLETE'
  readonly hint: string

  constructor(code: AuditError['code'], message: string, options: { readonly hint: string; readonly cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
  }
}

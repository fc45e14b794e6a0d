import type { StoreErrorCode } from './types.ts'

export interface StoreErrorOptions {
  /** What to do next. */
  readonly hint?: string
  readonly cause?: unknown
}

/** A store refused or failed. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  readonly hint: string | null

  constructor(code: StoreErrorCode, message: string, options: StoreErrorOptions = {}) {
    super(message, { cause: options.cause })
    this.code = code
    this.hint = options.hint ?? null
  }
}

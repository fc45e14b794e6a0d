import type { StoreErrorCode } from './types.ts'

export interface StoreErrorOptions {
  /** What to do next. */
  readonly hint?: string
  readonly cause?: unknown
  readonly keys?: readonly string[]
}

/** A store refused or failed. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  readonly hint: string | null
  /** Of LOCKED, the objects that were not deleted; the others were. */
  readonly keys: readonly string[]

  constructor(code: StoreErrorCode, message: string, options: StoreErrorOptions = {}) {
    super(message, { cause: options.cause })
    this.code = code
    this.hint = options.hint ?? null
    this.keys = options.keys ?? []
  }
}

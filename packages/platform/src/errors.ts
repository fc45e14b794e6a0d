// The one error of this package, and how the mistakes of a platform file are printed.
import type { PlatformProblem } from './model.ts'

export type PlatformErrorCode =
  /** The file or what it names is wrong; `problems` says where. */
  | 'INVALID_PLATFORM'
  /** A plan that has errors was given to `applyPlan`. */
  | 'PLAN_HAS_ERRORS'
  /** A plan was given to `applyPlan` with another cluster than it was made for. */
  | 'WRONG_CLUSTER'
  /** The folder with the passwords of the accounts cannot be read. */
  | 'NO_PASSWORDS'
  /** `importPlatform` would overwrite a file. */
  | 'FILE_EXISTS'

export class PlatformError extends Error {
  override readonly name = 'PlatformError'
  readonly code: PlatformErrorCode
  /** In the order of the file; empty unless the code says that a file or a plan is wrong. */
  readonly problems: readonly PlatformProblem[]

  constructor(code: PlatformErrorCode, message: string, problems: readonly PlatformProblem[] = []) {
    super(message)
    this.code = code
    this.problems = problems
  }
}

/** `platform.yaml:12:5 topics."user.events".partitions: must be …` */
export function formatProblem({ file, line, column, path, message }: PlatformProblem): string {
  return `${file}:${line}:${column} ${path === '' ? '' : `${path}: `}${message}`
}

export function invalidPlatform(problems: readonly PlatformProblem[]): PlatformError {
  const sorted = [...problems].sort(
    (a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.line - b.line || a.column - b.column,
  )
  return new PlatformError('INVALID_PLATFORM', sorted.map(formatProblem).join('\n'), sorted)
}

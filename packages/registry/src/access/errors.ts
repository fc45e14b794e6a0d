// Errors of the access file.

export interface AccessProblem {
  /** From 1. */
  readonly line: number
  readonly message: string
}

/** The access file cannot be used. No message has a value of the file, which may be a secret in the wrong place. */
export class AccessFileError extends Error {
  readonly code = 'REGISTRY_OPTIONS'
  readonly file: string
  readonly problems: readonly AccessProblem[]

  constructor(file: string, problems: readonly AccessProblem[]) {
    super(problems.map(({ line, message }) => `${file}:${line}: ${message}`).join('\n'))
    this.file = file
    this.problems = problems
  }
}

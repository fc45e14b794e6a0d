// Which topics and groups are collected, by patterns that users give.

export class PatternError extends Error {
  override readonly name = 'PatternError'
  readonly code = 'INVALID_PATTERN'
}

/** Patterns that match whole names. Nothing is included twice: what `exclude` matches is left out. */
export interface NamePatterns {
  /** Default: all names. */
  readonly include?: readonly string[]
  readonly exclude?: readonly string[]
}

const maxPatternLength = 500
/** A name that is longer is matched by no pattern: a group id may have 32 KB, and JavaScript's matching may go back and forth. */
const maxNameLength = 1_000
/** A repetition of something that repeats, such as `(a+)+`: its time may double with every character. */
const nestedRepetition = /\([^()]*[*+}][^()]*\)[*+{]/

/**
 * @returns whether a name is collected; answers are remembered, because the same names come with every collection
 * @throws PatternError for a pattern that is not a regular expression, is too long, or may take very long
 */
export function nameFilter({ include, exclude = [] }: NamePatterns): (name: string) => boolean {
  const wanted = include === undefined || include.length === 0 ? null : include.map(compile)
  const unwanted = exclude.map(compile)
  if (wanted === null && unwanted.length === 0) return () => true
  const known = new Map<string, boolean>()
  return (name) => {
    let answer = known.get(name)
    if (answer === undefined) {
      const matches = (patterns: readonly RegExp[]): boolean =>
        name.length <= maxNameLength && patterns.some((pattern) => pattern.test(name))
      answer = (wanted === null || matches(wanted)) && !matches(unwanted)
      // Names of groups may change with every run of a tool.
      if (known.size >= 100_000) known.clear()
      known.set(name, answer)
    }
    return answer
  }
}

function compile(pattern: string): RegExp {
  if (pattern.length > maxPatternLength) {
    throw new PatternError(`A pattern has at most ${maxPatternLength} characters, this one has ${pattern.length}.`)
  }
  if (nestedRepetition.test(pattern)) {
    throw new PatternError(`The pattern '${pattern}' repeats a repetition, which may take very long: write it without.`)
  }
  try {
    return new RegExp(`^(?:${pattern})$`, 'u')
  } catch (error) {
    throw new PatternError(`The pattern '${pattern}' is not a regular expression: ${(error as Error).message}`)
  }
}

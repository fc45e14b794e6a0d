// The interface of a third-party test suite for `npm run suites`.
export type Outcome = 'passed' | 'failed' | 'skipped'

export interface SuiteRun {
  readonly bootstrapServers: string
  /** Folder for what the suite writes; the script keeps its log there. */
  readonly folder: string
  /** Tests that would wait for something that this engine does not have. */
  readonly leaveOut: readonly string[]
  readonly timeoutMs: number
  /** Ends the suite. */
  readonly signal?: AbortSignal
}

export interface Suite {
  readonly name: string
  readonly version: string
  /**
   * Fetches and builds the suite, once, into the cache.
   * @param say called with each step, for the terminal
   * @throws ToolUnavailable when it cannot be had here
   */
  prepare(say: (line: string) => void): Promise<void>
  /** Runs the suite; resolves with the outcome of each test by its name. */
  run(run: SuiteRun): Promise<ReadonlyMap<string, Outcome>>
  /** By engine: which tests do not pass, and why. */
  readonly expected: Readonly<Record<'embedded' | 'apache', Expected>>
}

export interface Expected {
  /** Tests that fail, each with the reason. */
  readonly failures: Readonly<Record<string, string>>
  /** Tests that do not end, each with the reason: they are not run. */
  readonly leftOut: Readonly<Record<string, string>>
}

export interface Judgement {
  readonly passed: number
  readonly skipped: number
  readonly failed: readonly string[]
  /** Unexpected failures: the suite did not run as it should. */
  readonly unexpected: readonly string[]
  /** Tests that pass although a failure is expected: the table of expectations is out of date. */
  readonly better: readonly string[]
}

/** Compares the outcomes of a run with what is known to fail. */
export function judge(outcomes: ReadonlyMap<string, Outcome>, { failures }: Expected): Judgement {
  const named = (wanted: Outcome) => [...outcomes].filter(([, outcome]) => outcome === wanted).map(([name]) => name)
  const failed = named('failed')
  return {
    passed: named('passed').length,
    skipped: named('skipped').length,
    failed,
    unexpected: failed.filter((name) => failures[name] === undefined),
    better: Object.keys(failures).filter((name) => outcomes.get(name) === 'passed'),
  }
}

// The errors of a command: one message, one hint, one exit code.

/** Exit codes of every command. */
export const exitCodes = { done: 0, failed: 1, usage: 2, changesPending: 3, cannotConnect: 4 } as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Something that the user can act on. `message` says what and where, `hint` what to do next. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: string
  readonly exitCode: ExitCode
  readonly hint: string | undefined

  constructor(code: string, message: string, options: { exitCode?: ExitCode; hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.exitCode = options.exitCode ?? exitCodes.failed
    this.hint = options.hint
  }
}

/** Wrong arguments: exit code 2. */
export function usageError(message: string, hint?: string): CliError {
  return new CliError('USAGE', message, { exitCode: exitCodes.usage, hint })
}

/** Ctrl-C or SIGTERM came before the command was done. @param message what was done and what was not */
export function interrupted(message: string): CliError {
  return new CliError('INTERRUPTED', message)
}

/** To be called where a part of the work would look like all of it. @throws CliError INTERRUPTED after Ctrl-C or SIGTERM */
export function requireUninterrupted({ io }: { readonly io: { readonly signal: AbortSignal } }, message: string): void {
  if (io.signal.aborted) throw interrupted(message)
}

/** The parts of an error that are shown. */
export interface ErrorReport {
  readonly code: string
  readonly message: string
  readonly hint?: string
  /** Every mistake, where there may be several: in a platform file, for instance. */
  readonly problems?: readonly unknown[]
  readonly exitCode: ExitCode
}

const connectionCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'CANNOT_CONNECT',
  'CONNECTION_CLOSED',
  'TLS_FAILED',
  'BROKER_UNREACHABLE',
  'REGISTRY_UNREACHABLE',
  'REGISTRY_TIMEOUT',
])

/** The broker answered, but requires another security protocol or certificate. The error's own hint is more specific than ours. */
const securityCodes = new Set(['TLS_FAILED', 'CONNECTION_CLOSED'])

/** A file that an option or a variable names is missing or invalid. */
const usageCodes = new Set([
  'INVALID_CLIENT_PROPERTIES',
  'NO_PASSWORDS',
  'REGISTRY_OPTIONS',
  'INVALID_PATTERN',
  'LISTEN_INSECURE',
  'HOST_PATTERN',
])

/** POLICY_VIOLATION is none of these: another account would get the same answer (KIP-108). */
const notAllowedCodes = new Set(['AUTHENTICATION_FAILED', 'REGISTRY_UNTRUSTED'])

/** The error itself, its causes and what it aggregates, nearest first. */
export function* errorChain(error: unknown, depth = 0): Generator<Error> {
  if (!(error instanceof Error) || depth > 8) return
  yield error
  if (error instanceof AggregateError) for (const inner of error.errors) yield* errorChain(inner, depth + 1)
  yield* errorChain(error.cause, depth + 1)
}

/** The fields of the packages' errors; each package has its own class with these fields. */
interface Described {
  readonly code?: unknown
  readonly reason?: unknown
  readonly hint?: unknown
  readonly remedy?: unknown
  readonly nextStep?: unknown
  readonly problems?: unknown
}

function firstText(...values: readonly unknown[]): string | undefined {
  return values.find((value): value is string => typeof value === 'string' && value !== '')
}

export interface ConnectionAdvice {
  /** `Kafka 127.0.0.1:9092, from selfmonitor up` */
  readonly address: string
  /** A more specific hint than the general one. */
  readonly remedy: string | undefined
}

/** Turns any error into a message for the user. `where` adds the origin of the address to a connection error. */
export function reportError(error: unknown, where?: (party: 'kafka' | 'registry') => ConnectionAdvice): ErrorReport {
  if (error instanceof CliError) {
    return { code: error.code, message: error.message, hint: error.hint, exitCode: error.exitCode }
  }
  const chain = [...errorChain(error)] as readonly (Error & Described)[]
  const codes = chain.map(({ code }) => code).filter((code) => typeof code === 'string')
  const reasons = chain.map(({ reason }) => reason)
  const hint = firstText(...chain.map(({ hint, remedy, nextStep }) => hint ?? remedy ?? nextStep))
  const message = firstText(chain[0]?.message) ?? String(error)
  const report = {
    code: codes[0] ?? 'UNEXPECTED',
    // Some errors end their message with the hint: it is said once.
    message:
      hint !== undefined && message.endsWith(hint) ? message.slice(0, -hint.length).replace(/[;\s]+$/, '') : message,
    hint,
    problems: Array.isArray(chain[0]?.problems) ? chain[0].problems : undefined,
  }
  if (reasons.includes('cannot-connect') || codes.some((code) => connectionCodes.has(code))) {
    const advice = where?.(codes.some((code) => code.startsWith('REGISTRY_')) ? 'registry' : 'kafka')
    return {
      ...report,
      message: advice === undefined ? report.message : `${report.message.replace(/\.$/, '')} (${advice.address})`,
      hint:
        hint !== undefined && codes.some((code) => securityCodes.has(code))
          ? `${hint} --command-config names the file of client settings.`
          : (advice?.remedy ??
            'Is it running? `selfmonitor status` shows, `selfmonitor up` starts it; --bootstrap-servers and --registry-url name another one.'),
      exitCode: exitCodes.cannotConnect,
    }
  }
  if (codes.some((code) => usageCodes.has(code))) return { ...report, exitCode: exitCodes.usage }
  const notAllowed =
    reasons.includes('not-allowed') ||
    codes.some((code) => notAllowedCodes.has(code) || code.endsWith('_AUTHORIZATION_FAILED'))
  return { ...report, exitCode: notAllowed ? exitCodes.cannotConnect : exitCodes.failed }
}

// Checks that a broker and the registry answer when a service starts: how long to try, which answers are final, which error to throw.
import { EventsConnectionError, EventsError } from './errors.ts'
import { backoffMs, isAuthenticationFailure, pause, reasonOf } from './kafka/index.ts'
import type { ResolvedOptions } from './options.ts'

/** Tries until it works, an answer is final, or the time is up. @throws the last error */
export async function reach(
  attempt: () => Promise<unknown>,
  isFinal: (error: unknown) => boolean,
  deadlineMs: number,
): Promise<void> {
  for (let failures = 1; ; failures++) {
    try {
      await attempt()
      return
    } catch (error) {
      const left = deadlineMs - Date.now()
      if (isFinal(error) || left <= 0) throw error
      await pause(Math.min(left, backoffMs(failures)), neverAborted)
    }
  }
}

/** What `resolve` gives, as soon as the platform of this project is started again. @throws what `resolve` throws, after the deadline */
export async function whenStarted<Settings>(resolve: () => Settings, deadlineMs: number): Promise<Settings> {
  let settings: Settings | undefined
  await reach(
    async () => {
      settings = resolve()
    },
    (error) => !(error instanceof EventsError && error.code === 'PLATFORM_STOPPED'),
    deadlineMs,
  )
  return settings!
}

/** The registry rejected the request; its errors while it starts (5xx) are temporary. */
export function isRegistryAnswer(error: unknown): boolean {
  const status = (error as { status?: unknown } | null)?.status
  return typeof status === 'number' && status > 0 && status < 500
}

export function connectionError(settings: ResolvedOptions, error: unknown): EventsError {
  if (isAuthenticationFailure(error)) {
    return new EventsError(
      'AUTHENTICATION_FAILED',
      `${settings.bootstrapServers} refuses the user ${settings.sasl?.username} (${reasonOf(error)}): check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and KAFKA_SASL_MECHANISM`,
      { cause: error },
    )
  }
  const reason = reasonOf(error)
  // So a broker that speaks SASL or TLS treats a client that does not.
  const hint = reason === 'Connection closed' ? ': does it require SASL or TLS?' : ''
  return new EventsConnectionError(
    'broker',
    settings.bootstrapServers,
    settings.origins.bootstrapServers,
    `${reason}${hint}`,
    error,
  )
}

const neverAborted = new AbortController().signal

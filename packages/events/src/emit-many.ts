// Several events or records in one call: all are checked before any is sent.
import { codedError } from './emit-arguments.ts'
import { EmitManyError, EventsConfigError } from './errors.ts'
import type { SendSpan } from './telemetry/index.ts'
import type { RecordResult } from './types.ts'

/** How one of them becomes a record. */
export interface EmitSteps<One, Prepared, Result> {
  /** Checks one. @throws why it cannot be sent */
  prepare(one: One): Prepared
  /** The spans of the call, once all are checked; null when there is no trace. */
  spans(prepared: readonly Prepared[]): { of(at: number): SendSpan } | null
  send(one: One, prepared: Prepared, span: SendSpan | null): Promise<Result>
}

/**
 * Prepares all, then sends all.
 * @throws EmitManyError with the outcome of each when any failed
 */
export async function emitAll<One, Prepared, Result extends RecordResult>(
  all: readonly One[],
  steps: EmitSteps<One, Prepared, Result>,
): Promise<Result[]> {
  const prepared: Prepared[] = []
  const errors: (Error | undefined)[] = all.map((one) => {
    try {
      prepared.push(steps.prepare(one))
      return undefined
    } catch (error) {
      return codedError(error)
    }
  })
  if (prepared.length < all.length) {
    const unsent = new EventsConfigError('emitMany', 'not sent, because other events of the call are invalid')
    throw new EmitManyError(
      errors.map((error) => ({ ok: false, error: error ?? unsent })),
      true,
    )
  }
  const spans = steps.spans(prepared)
  const settled = await Promise.allSettled(
    all.map((one, at) => steps.send(one, prepared[at]!, spans === null ? null : spans.of(at))),
  )
  if (settled.every((one) => one.status === 'fulfilled')) return settled.map(({ value }) => value)
  throw new EmitManyError(
    settled.map((one) =>
      one.status === 'fulfilled' ? { ok: true, result: one.value } : { ok: false, error: one.reason as Error },
    ),
    false,
  )
}

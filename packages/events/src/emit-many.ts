// Several events or records in one call: all are checked before any is sent.
import { codedError } from './emit-arguments.ts'
import { EmitManyError, EventsConfigError } from './errors.ts'
import type { RecordResult } from './types.ts'

/**
 * Prepares all, then sends all.
 * @param prepare checks one; what it returns sends it
 * @throws EmitManyError with the outcome of each when any failed
 */
export async function emitAll<One, Result extends RecordResult>(
  all: readonly One[],
  prepare: (one: One) => () => Promise<Result>,
): Promise<Result[]> {
  const prepared = all.map((one) => {
    try {
      return { ok: true as const, send: prepare(one) }
    } catch (error) {
      return { ok: false as const, error: codedError(error) }
    }
  })
  if (prepared.some(({ ok }) => !ok)) {
    const unsent = new EventsConfigError('emitMany', 'not sent, because other events of the call are invalid')
    throw new EmitManyError(
      prepared.map((one) => ({ ok: false, error: one.ok ? unsent : one.error })),
      true,
    )
  }
  const settled = await Promise.allSettled(prepared.flatMap((one) => (one.ok ? [one.send()] : [])))
  if (settled.every((one) => one.status === 'fulfilled')) return settled.map(({ value }) => value)
  throw new EmitManyError(
    settled.map((one) =>
      one.status === 'fulfilled' ? { ok: true, result: one.value } : { ok: false, error: one.reason as Error },
    ),
    false,
  )
}

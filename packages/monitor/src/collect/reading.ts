// One part of the snapshot: attempted, and kept when the attempt fails.
import { ClusterError, type Problem } from '@selfmonitor/cluster'
import type { Reading } from '../snapshot/types.ts'

export const never: Reading<never> = { state: 'never', problem: null }

/** The part after an attempt: the new value, or the last one with the problem. */
export function afterAttempt<T>(
  previous: Reading<T>,
  attempt: { readonly value: T; readonly atMs: number; readonly tookMs: number } | { readonly problem: Problem },
): Reading<T> {
  if ('problem' in attempt) return { ...previous, problem: attempt.problem }
  return { state: 'read', ...attempt, problem: null }
}

/** Runs the attempt. What it throws becomes the problem; a mistake in this program is one too, and `onBug` is told. */
export async function attempt<T>(
  previous: Reading<T>,
  work: () => Promise<T>,
  now: () => number,
  onBug: (error: unknown) => void,
): Promise<Reading<T>> {
  const startedAtMs = now()
  try {
    const value = await work()
    const atMs = now()
    return afterAttempt(previous, { value, atMs, tookMs: atMs - startedAtMs })
  } catch (error) {
    return afterAttempt(previous, { problem: problemFrom(error, onBug) })
  }
}

function problemFrom(error: unknown, onBug: (error: unknown) => void): Problem {
  if (error instanceof ClusterError) return { code: error.code, message: error.message }
  onBug(error)
  return { code: 'UNEXPECTED', message: error instanceof Error ? error.message : String(error) }
}

// Waiting for a condition: it has a name, and the last state is in the error of one that does not come true.
import { setTimeout as delay } from 'node:timers/promises'

/**
 * @param state a value when the condition holds; otherwise what to print should it never hold
 * @throws Error with the name and the last state
 */
export async function until<T>(
  condition: string,
  state: () => Promise<{ readonly met: T } | { readonly not: unknown }>,
  timeoutMs = 180_000,
): Promise<T> {
  let last: unknown
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await delay(200)) {
    const found = await state().catch((error: unknown) => ({ not: error }))
    if ('met' in found) return found.met
    last = found.not
  }
  throw new Error(`Not within ${timeoutMs / 1_000} s: ${condition}. Last seen: ${text(last)}`)
}

function text(value: unknown): string {
  if (value instanceof Error) return value.message
  return JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? `${one}` : one), 1)
}

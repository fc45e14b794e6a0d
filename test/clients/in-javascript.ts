// Helpers for the scenarios of JavaScript clients: waiting, and checks of the records that a client saw.
import { vi } from 'vitest'

/** Only ends a test that would hang. */
export const until = (condition: () => boolean | Promise<boolean>): Promise<unknown> =>
  vi.waitUntil(condition, { timeout: 60_000, interval: 50 })

/** The messages of the scenario `idempotent`: ten keys, and a number that is in the value and in a header. */
export const numberedMessages = Array.from({ length: 300 }, (_, i) => {
  return { key: `key-${i % 10}`, value: String(i), headers: { n: String(i) } }
})

/** @returns what the scenario `idempotent` prints of the messages that a client has read, in its order */
export function judgeNumbered(
  seen: readonly { readonly key: string; readonly value: string; readonly n: string }[],
): unknown {
  const last = new Map<string, number>()
  const ordered = seen.every(({ key, value }) => {
    const before = last.get(key) ?? -1
    last.set(key, Number(value))
    return before < Number(value)
  })
  return {
    count: new Set(seen.map(({ value }) => value)).size,
    ordered,
    headers: seen.every(({ n, value }) => n === value),
  }
}

/** Starts a member of the group. @param onShare to be told its partitions @returns what stops it */
export type StartMember = (onShare: (partitions: readonly number[]) => void) => Promise<() => Promise<void>>

/** The scenario `group`: a second member joins a first one, which then leaves. The topic has four partitions. */
export async function shareAmongTwo(start: StartMember): Promise<unknown> {
  const shares: (readonly number[])[] = [[], []]
  const member = async (index: number) => {
    const stop = await start((partitions) => {
      shares[index] = partitions
    })
    return async () => {
      await stop()
      shares[index] = []
    }
  }
  const sizes = (...wanted: readonly number[]) =>
    until(() => String(shares.map((share) => share.length)) === String(wanted))
  const stopFirst = await member(0)
  await sizes(4, 0)
  const stopSecond = await member(1)
  await sizes(2, 2)
  const shared = shares.flat().sort()
  await stopFirst()
  await sizes(0, 4)
  await stopSecond()
  return { shared }
}

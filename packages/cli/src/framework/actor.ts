// Who runs this command, for traces that others read.
import { hostname, userInfo } from 'node:os'
import type { Settings } from './settings.ts'

/** The account at the brokers; without one the user of this machine, as `ada@laptop`. */
export function actor({ security }: Pick<Settings, 'security'>): string {
  const { username } = security.sasl ?? {}
  return username ?? `${localUser()}@${hostname()}`
}

function localUser(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run as a user id that has no name.
    return String(process.getuid?.() ?? 'unknown')
  }
}

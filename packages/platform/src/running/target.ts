// Which of the platforms that `up` runs in a project is meant.
import type { FoundState } from './state.ts'

export type Target =
  | { readonly kind: 'running'; readonly found: FoundState }
  /** Nothing runs here, or not with the brokers that were named. */
  | { readonly kind: 'none' }
  | { readonly kind: 'ambiguous'; readonly running: readonly FoundState[] }
  /** No platform with this port offset runs here. */
  | { readonly kind: 'absent'; readonly portOffset: number; readonly running: readonly FoundState[] }

/**
 * @param states every platform that was noted here
 * @param portOffset the one that was named with `--port-offset`
 * @param bootstrapServers the brokers that were named: the platform with one of these addresses is meant, and no other
 */
export function chooseTarget(
  states: readonly FoundState[],
  { portOffset, bootstrapServers }: { portOffset?: number; bootstrapServers?: string },
): Target {
  const running = states.filter(({ alive }) => alive)
  if (portOffset !== undefined) {
    const found = running.find(({ state }) => state.portOffset === portOffset)
    return found === undefined ? { kind: 'absent', portOffset, running } : { kind: 'running', found }
  }
  if (bootstrapServers !== undefined) {
    const named = new Set(bootstrapServers.split(',').map(canonical))
    const found = running.find(({ state }) =>
      state.bootstrapServers.split(',').some((address) => named.has(canonical(address))),
    )
    // Brokers elsewhere have nothing to do with what runs here.
    return found === undefined ? { kind: 'none' } : { kind: 'running', found }
  }
  if (running.length > 1) return { kind: 'ambiguous', running }
  return running[0] === undefined ? { kind: 'none' } : { kind: 'running', found: running[0] }
}

/** `up` listens on 127.0.0.1, which people call localhost. */
function canonical(address: string): string {
  return address.trim().replace(/^localhost:/, '127.0.0.1:')
}

// Which of the platforms that `up` runs in a project is meant.
import { dirname, join } from 'node:path'
import type { FoundState, RunState } from './state.ts'

export type Target =
  | { readonly kind: 'running'; readonly found: FoundState }
  /** No platform is noted here, or none with the brokers that were named. */
  | { readonly kind: 'none' }
  /** Platforms of this project are noted, and all of them have ended. */
  | { readonly kind: 'stopped'; readonly stopped: readonly [FoundState, ...FoundState[]] }
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
  if (running[0] !== undefined) return { kind: 'running', found: running[0] }
  const [first, ...rest] = states
  return first === undefined ? { kind: 'none' } : { kind: 'stopped', stopped: [first, ...rest] }
}

/** Says which platforms of a project have stopped, and the command that starts each. */
export function stoppedText(stopped: readonly FoundState[]): { readonly message: string; readonly start: string } {
  const addresses = stopped.map(({ state }) => state.bootstrapServers)
  return {
    message:
      stopped.length === 1
        ? `this project's platform at ${addresses[0]} is stopped`
        : `this project's platforms at ${addresses.join(' and ')} are stopped`,
    start: stopped.map(({ state }) => `\`${upCommand(state)}\``).join(' or '),
  }
}

/** The command that starts a platform again on the same data. */
export function upCommand({ engine, portOffset, dataDir }: RunState): string {
  // The state names the engine's folder of the data directory.
  const folder = dirname(dataDir)
  const isDefault = folder.endsWith(join('.selfmonitor', 'data'))
  return [
    'selfmonitor up',
    ...(engine === 'embedded' ? [] : [`--engine ${engine}`]),
    ...(portOffset === 0 ? [] : [`--port-offset ${portOffset}`]),
    ...(isDefault ? [] : [`--data-dir ${folder}`]),
  ].join(' ')
}

/** `up` listens on 127.0.0.1, which people call localhost. */
function canonical(address: string): string {
  return address.trim().replace(/^localhost:/, '127.0.0.1:')
}

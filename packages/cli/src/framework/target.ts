// Which of the platforms that `up` started here a command is about.
import type { FoundState } from '../local/state.ts'
import { CliError, exitCodes } from './errors.ts'

export type Target =
  | { readonly kind: 'running'; readonly found: FoundState }
  /** Nothing runs here, and nothing was named. */
  | { readonly kind: 'none' }
  | { readonly kind: 'ambiguous'; readonly running: readonly FoundState[] }
  /** No platform with this port offset runs here. */
  | { readonly kind: 'absent'; readonly portOffset: number; readonly running: readonly FoundState[] }

/**
 * @param states every platform that was noted here
 * @param portOffset the one that was named with `--port-offset`
 * @param bootstrapServers the brokers that were named: a platform of theirs is meant, if there is one
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
    if (found !== undefined) return { kind: 'running', found }
  }
  if (running.length > 1) return { kind: 'ambiguous', running }
  return running[0] === undefined ? { kind: 'none' } : { kind: 'running', found: running[0] }
}

/** `up` listens on 127.0.0.1, which people call localhost. */
function canonical(address: string): string {
  return address.trim().replace(/^localhost:/, '127.0.0.1:')
}

/** The environment of what is meant; where that is not clear, what all of them have. */
export function targetEnvironment(target: Target): string | undefined {
  switch (target.kind) {
    case 'running':
      return target.found.state.environment
    case 'ambiguous': {
      const names = new Set(target.running.map(({ state }) => state.environment))
      return names.size === 1 ? [...names][0] : undefined
    }
    case 'none':
    case 'absent':
      return undefined
    default:
      throw new Error(`unknown target ${target satisfies never}`)
  }
}

/** The state of the platform that is meant; undefined when nothing runs here. @throws CliError when it is not clear. */
export function demandTarget(target: Target): FoundState | undefined {
  switch (target.kind) {
    case 'running':
      return target.found
    case 'none':
      return undefined
    case 'ambiguous':
      throw new CliError('AMBIGUOUS_TARGET', 'Several platforms run here, and which one is meant was not said.', {
        exitCode: exitCodes.usage,
        hint: `Pass one of these:\n${choices(target.running)}`,
      })
    case 'absent':
      throw new CliError('NOT_RUNNING', `No platform with port offset ${target.portOffset} runs here.`, {
        exitCode: exitCodes.cannotConnect,
        hint:
          target.running.length === 0
            ? `\`selfmonitor up --port-offset ${target.portOffset}\` starts one.`
            : `These run:\n${choices(target.running)}`,
      })
    default:
      throw new Error(`unknown target ${target satisfies never}`)
  }
}

/** `--port-offset 100  embedded, Kafka 127.0.0.1:9192, development`, a line each. */
export function choices(running: readonly FoundState[]): string {
  const options = running.map(({ state }) => `--port-offset ${state.portOffset}`)
  const width = Math.max(...options.map(({ length }) => length))
  return running
    .map(
      ({ state }, index) =>
        `${options[index]!.padEnd(width)}  ${state.engine}, Kafka ${state.bootstrapServers}, ${state.environment}`,
    )
    .join('\n')
}

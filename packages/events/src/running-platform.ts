// The platform that `selfmonitor up` runs in the project of this service: where a service connects on a developer's machine
// when nothing names an address.
import { chooseTarget, type FoundState, findStates, stoppedText } from '@selfmonitor/platform/running'
import { EventsConfigError, EventsError } from './errors.ts'

export interface Addresses {
  readonly bootstrapServers: string
  readonly registryUrl: string
}

/**
 * @param states what `up` noted in the project
 * @param bootstrapServers brokers that were named: the platform with one of these addresses is meant, and no other
 * @returns null when no platform that is meant is noted here
 * @throws EventsConfigError when several platforms run and none is named; EventsError PLATFORM_STOPPED when those of this project
 *   have ended: what listens on the default port then belongs to another project
 */
export function chooseRunning(states: readonly FoundState[], bootstrapServers: string | null): Addresses | null {
  const target = chooseTarget(states, bootstrapServers === null ? {} : { bootstrapServers })
  if (target.kind === 'ambiguous') {
    const choices = target.running.map(({ state }) => `port offset ${state.portOffset}: ${state.bootstrapServers}`)
    throw new EventsConfigError(
      'bootstrapServers',
      `is missing, and several platforms run here (${choices.join('; ')}): set KAFKA_BOOTSTRAP_SERVERS to one of them`,
    )
  }
  if (target.kind === 'stopped') {
    const { message, start } = stoppedText(target.stopped)
    throw new EventsError(
      'PLATFORM_STOPPED',
      `${message}: start it with ${start}, or set KAFKA_BOOTSTRAP_SERVERS to another`,
    )
  }
  return target.kind === 'running' ? target.found.state : null
}

/** Nothing is looked for in production: there addresses are named. */
export function runningPlatforms(env: NodeJS.ProcessEnv, folder: string = process.cwd()): readonly FoundState[] {
  return env.NODE_ENV === 'production' ? [] : findStates(folder)
}

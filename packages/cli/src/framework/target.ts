// The platform that a command is about, among those that `up` started here; or an error that lists them.
import { type FoundState, stoppedText, type Target } from '@selfmonitor/platform/running'
import { CliError, exitCodes } from './errors.ts'

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
    case 'stopped':
    case 'absent':
      return undefined
    default:
      throw new Error(`unknown target ${target satisfies never}`)
  }
}

/**
 * The state of the platform that is meant; undefined when no platform is noted here.
 * @throws CliError AMBIGUOUS_TARGET when several run, NOT_RUNNING when the one that is named does not, PLATFORM_STOPPED when those
 *   of this project have ended: what listens on the default port then belongs to another project
 */
export function requireTarget(target: Target): FoundState | undefined {
  switch (target.kind) {
    case 'running':
      return target.found
    case 'none':
      return undefined
    case 'stopped': {
      const { message, start } = stoppedText(target.stopped)
      throw new CliError('PLATFORM_STOPPED', `${message[0]!.toUpperCase()}${message.slice(1)}.`, {
        exitCode: exitCodes.cannotConnect,
        hint: `Start it with ${start}, or name another with --bootstrap-servers. \`selfmonitor down\` removes its entry.`,
      })
    }
    case 'ambiguous':
      throw new CliError('AMBIGUOUS_TARGET', 'Several platforms are running in this project; choose one.', {
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

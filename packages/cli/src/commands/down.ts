// `selfmonitor down`.
import { CliError } from '../framework/errors.ts'
import { integer } from '../framework/parse.ts'
import { defineVerb, flag, type Noun, value } from '../framework/verb.ts'
import { stopPlatform } from '../local/down.ts'
import { findStates } from '../local/state.ts'

const verb = defineVerb({
  name: 'down',
  summary: 'stop what `up` started',
  details: 'Stops every platform of this project, or the one with --port-offset. Data is kept.',
  examples: ['selfmonitor down', 'selfmonitor down --port-offset 100'],
  options: {
    portOffset: value('--port-offset <n>', 'only the one started with this offset', integer(0)),
    force: flag('--force', 'kill what has not ended within --timeout'),
  },
  async run(context, { options }) {
    const found = findStates(context.io.cwd).filter(
      ({ state }) => options.portOffset === undefined || state.portOffset === options.portOffset,
    )
    if (found.length === 0) context.note('Nothing to stop: no platform runs in this project.')
    const failures: unknown[] = []
    for (const one of found) {
      try {
        await stopPlatform(context, one, { force: options.force, timeoutMs: context.settings.timeoutMs })
      } catch (error) {
        if (!(error instanceof CliError)) throw error
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  },
})

export const down: Noun = { name: 'down', summary: verb.summary, verbs: [verb] }

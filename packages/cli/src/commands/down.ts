// `selfmonitor down`.

import { findStates } from '@selfmonitor/platform/running'
import { CliError } from '../framework/errors.ts'
import { choices } from '../framework/target.ts'
import { defineVerb, flag, type Noun } from '../framework/verb.ts'
import { stopPlatform } from '../local/down.ts'

const verb = defineVerb({
  name: 'down',
  summary: 'stop what `up` started',
  details: 'Stops every platform of this project, or the one with --port-offset. Data is kept.',
  examples: ['selfmonitor down', 'selfmonitor down --port-offset 100'],
  options: {
    force: flag('--force', 'kill processes that have not ended within --timeout'),
  },
  async run(context, { options }) {
    const { portOffset } = context.settings
    const all = findStates(context.io.cwd)
    const found = all.filter(({ state }) => portOffset === undefined || state.portOffset === portOffset)
    if (found.length === 0 && all.length === 0) context.note('Nothing to stop: no platform runs in this project.')
    else if (found.length === 0) {
      context.note(`Nothing to stop: no platform with port offset ${portOffset} runs in this project. These do:`)
      context.note(choices(all).replace(/^/gm, '  '))
    }
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

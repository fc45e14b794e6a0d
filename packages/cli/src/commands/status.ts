// `selfmonitor status`.

import { findStates } from '@selfmonitor/platform/running'
import { exitCodes } from '../framework/errors.ts'
import { registryOptions } from '../framework/registry-options.ts'
import { defineVerb, type Noun } from '../framework/verb.ts'
import { diskText, endedText, logText, restartText } from '../local/remedy.ts'
import { type PartStatus, platformStatus, remoteStatus } from '../local/status.ts'
import type { Colours } from '../output/colour.ts'
import { bytes, span } from '../output/format.ts'

const probeTimeoutMs = 2000

function stateColour(state: PartStatus['state'], colours: Colours): (text: string) => string {
  switch (state) {
    case 'up':
      return colours.good
    case 'starting':
      return colours.careful
    case 'not answering':
    case 'stopped':
    case 'orphaned':
    case 'disk full':
      return colours.bad
    default:
      throw new Error(`unknown state ${state satisfies never}`)
  }
}

const verb = defineVerb({
  name: 'status',
  summary: 'show what runs, where, and since when',
  details:
    'Asks the parts that `up` started here, or those at --bootstrap-servers or KAFKA_BOOTSTRAP_SERVERS. Exit code 0 when\n' +
    'every part is up, else 4.',
  examples: ['selfmonitor status', 'selfmonitor status -o json'],
  output: ['table', 'json', 'yaml', 'name'],
  async run(context) {
    const { settings } = context
    const limit = Math.min(settings.timeoutMs, probeTimeoutMs)
    const { portOffset } = settings
    const all = findStates(context.io.cwd)
    const local = all.filter(({ state }) => portOffset === undefined || state.portOffset === portOffset)
    const elsewhere = settings.named || (local.length === 0 && portOffset === undefined)
    if (elsewhere) for (const party of ['cluster', 'registry'] as const) context.isDefaultAddress(party)
    const parts = elsewhere
      ? await remoteStatus(settings.bootstrapServers.value, await registryOptions(settings, context.io.env), limit)
      : (await Promise.all(local.map((found) => platformStatus(found, limit, Date.now())))).flat()
    await context.printRows(parts, {
      columns: [
        { header: 'PART', value: ({ part }) => part },
        {
          header: 'STATE',
          value: ({ state }) => state,
          colour: (text, { state }, colours) => stateColour(state, colours)(text),
        },
        { header: 'ADDRESS', value: ({ address }) => address },
        { header: 'PID', value: ({ pid }) => (pid === null ? null : String(pid)), align: 'right' },
        { header: 'UPTIME', value: ({ uptimeMs }) => (uptimeMs === null ? null : span(uptimeMs)), align: 'right' },
        {
          header: 'MEMORY',
          align: 'right',
          // Parts of one process share its memory, which is shown once.
          value: ({ memoryBytes, pid, part }) =>
            memoryBytes === null
              ? null
              : parts.find((other) => other.pid === pid)?.part === part
                ? bytes(memoryBytes)
                : 'same process',
        },
      ],
      name: ({ part }) => part,
      empty: portOffset === undefined ? 'Nothing runs here.' : `Nothing runs here with port offset ${portOffset}.`,
    })
    if (parts.length === 0) return exitCodes.cannotConnect
    const running = elsewhere ? [] : local.filter(({ alive }) => alive)
    for (const { state } of running) {
      const said = [endedText(state) && `${restartText(state)}. Log: ${logText(state)}`, diskText(state)]
      for (const text of said) if (text !== undefined) context.note(context.colours.stderr.careful(text))
    }
    if (parts.every(({ state }) => state === 'up')) return exitCodes.done
    if (parts.some(({ state }) => state === 'disk full') || running.some(({ state }) => endedText(state) !== undefined))
      return exitCodes.cannotConnect
    context.note(
      parts.some(({ state }) => state === 'up')
        ? 'Not everything is up. `selfmonitor down`, then `selfmonitor up`, restarts it; logs are in .selfmonitor.'
        : 'Not everything is up. `selfmonitor up` starts a platform here; its log is in .selfmonitor/log.',
    )
    return exitCodes.cannotConnect
  },
})

export const status: Noun = { name: 'status', summary: verb.summary, verbs: [verb] }

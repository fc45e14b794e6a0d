// Stops the processes that `up` started: asks, waits, and kills with `--force`. Never touches other processes.
import { setTimeout as delay } from 'node:timers/promises'
import { type FoundState, isSameProcess, type ProcessRef, removeState } from '@selfmonitor/platform/running'
import type { Context } from '../framework/context.ts'
import { CliError } from '../framework/errors.ts'
import { elapsed } from '../output/format.ts'

const pollMs = 25

export interface DownOptions {
  readonly force: boolean
  /** How long a process may take to end, milliseconds. */
  readonly timeoutMs: number
}

/** @throws CliError STILL_RUNNING when a process does not end in time. */
export async function stopPlatform(context: Context, found: FoundState, options: DownOptions): Promise<void> {
  const { state } = found
  const started = performance.now()
  const what = `${state.engine} platform on ${state.bootstrapServers}`
  const left = [state.process, ...state.nodes].filter(({ pid, identity }) => isSameProcess(pid, identity))
  if (left.length === 0) {
    removeState(found.file)
    context.note(`The ${what} had already ended; its entry is removed.`)
    return
  }
  // The process of `up` stops its own brokers; brokers get the signal directly only if that process has ended.
  if (found.alive) await endProcess(state.process, options)
  for (const node of state.nodes) if (isSameProcess(node.pid, node.identity)) await endProcess(node, options)
  removeState(found.file)
  context.note(
    `Stopped the ${what} (process ${left[0]!.pid}) in ${elapsed(performance.now() - started)}. The data stays in ${state.dataDir}.`,
  )
}

async function endProcess(target: ProcessRef, options: DownOptions): Promise<void> {
  const gone = async (limitMs: number): Promise<boolean> => {
    const until = performance.now() + limitMs
    while (isSameProcess(target.pid, target.identity)) {
      if (performance.now() > until) return false
      await delay(pollMs)
    }
    return true
  }
  process.kill(target.pid, 'SIGTERM')
  if (await gone(options.timeoutMs)) return
  if (options.force) {
    process.kill(target.pid, 'SIGKILL')
    if (await gone(options.timeoutMs)) return
  }
  throw new CliError('STILL_RUNNING', `Process ${target.pid} has not ended within ${elapsed(options.timeoutMs)}.`, {
    hint: options.force ? undefined : '`selfmonitor down --force` kills it.',
  })
}

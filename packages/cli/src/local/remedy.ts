// The problem of a platform that `up` recorded here, and its remedy: one text for all commands.
import { join } from 'node:path'
import { type FoundState, isSameProcess, type RunState, upCommand } from '@selfmonitor/platform/running'
import { bytes } from '../output/format.ts'
import { diskSpace, isFull } from './disk.ts'

/** The broker processes that have ended; the embedded broker has none, because it runs in the process of `up`. */
export function endedBrokers({ nodes }: RunState): RunState['nodes'] {
  return nodes.filter(({ pid, identity }) => !isSameProcess(pid, identity))
}

/** `broker 1 (process 4711) has ended`; undefined when all of them run. */
export function endedText(state: RunState): string | undefined {
  const ended = endedBrokers(state)
  if (ended.length === 0) return undefined
  const names = ended.map(({ nodeId, pid }) => `broker ${nodeId} (process ${pid})`)
  return `${names.join(', ')} ${ended.length === 1 ? 'has' : 'have'} ended`
}

/** The command that restarts the platform, with the relevant options. */
export function restartText(state: RunState): string {
  const offset = state.portOffset === 0 ? '' : ` --port-offset ${state.portOffset}`
  return `\`selfmonitor down${offset}\`, then \`${upCommand(state)}\`, restarts it; the data stays`
}

/** Logs of broker processes that have ended, else the one of the servers. */
export function logText(state: RunState): string {
  const logs = endedBrokers(state).map(({ nodeId }) => join(state.dataDir, `node-${nodeId}`, 'kafka.log'))
  return logs.length === 0 ? state.logFile : logs.join(', ')
}

/** `The disk of /srv/data is full: 4.0 KiB of 10 GiB are free.`; undefined when it is not. */
export function diskText(state: RunState): string | undefined {
  const space = diskSpace(state.dataDir)
  return isFull(space)
    ? `The disk of ${state.dataDir} is full: ${bytes(space.freeBytes)} of ${bytes(space.totalBytes)} are free. Nothing can be written until there is free space.`
    : undefined
}

/** For a command that got no answer from this platform. */
export function connectionRemedy({ state, alive }: FoundState): string | undefined {
  if (!alive) return undefined
  const full = diskText(state)
  if (full !== undefined) return full
  const ended = endedText(state)
  if (ended !== undefined)
    return `${ended[0]!.toUpperCase()}${ended.slice(1)}: ${restartText(state)}. Log: ${logText(state)}`
  if (!state.ready)
    return `It is still starting (process ${state.process.pid}); \`selfmonitor status\` shows how far it is.`
  return `It is recorded as running (process ${state.process.pid}): \`selfmonitor status\` shows its parts; ${restartText(state)}.`
}

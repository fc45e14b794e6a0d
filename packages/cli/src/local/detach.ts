// `up --detach`: the same command again in the background, watched until it is ready.
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { readState } from '@selfmonitor/platform/running'
import type { Context } from '../framework/context.ts'
import { CliError, exitCodes } from '../framework/errors.ts'
import { detachedEnv } from '../framework/parent.ts'
import type { WantedPort } from './ports.ts'
import { requireNotRunning, type UpPaths } from './up-paths.ts'

const pollMs = 25

/**
 * Starts `up` in the background with the words of this command line, shows what it writes, and returns once it is ready.
 * @param words the words after `selfmonitor`, without `--detach`.
 * @returns the exit code of the background command when it ends before it is ready; 1 when it is ready and could not apply
 * the platform file.
 */
export async function upDetached(
  context: Context,
  words: readonly string[],
  paths: UpPaths,
  ports: readonly WantedPort[],
): Promise<number> {
  const { io } = context
  await requireNotRunning(paths, ports)
  mkdirSync(dirname(paths.output), { recursive: true })
  // Each command has its own file, because another one may start at the same moment.
  const output = `${paths.output}.${process.pid}`
  const writeFd = openSync(output, 'w')
  const readFd = openSync(output, 'r')
  const [command, ...before] = io.entry
  const child = spawn(command!, [...before, ...words], {
    cwd: io.cwd,
    env: { ...detachedEnv(io.env), NO_COLOR: '1' },
    detached: true,
    stdio: ['ignore', writeFd, writeFd],
  })
  closeSync(writeFd)
  let ended: number | undefined
  let failure: Error | undefined
  child.once('exit', (code) => {
    ended = code ?? exitCodes.failed
  })
  child.once('error', (error) => {
    failure = error
  })
  const showNew = (): void => {
    const chunk = Buffer.alloc(65_536)
    for (let read = readSync(readFd, chunk); read > 0; read = readSync(readFd, chunk)) {
      io.stderr.write(withoutForegroundHints(chunk.toString('utf8', 0, read)))
    }
  }
  try {
    while (true) {
      const ready = isReady(paths.state, child.pid)
      showNew()
      if (failure !== undefined) throw new CliError('DETACH_FAILED', `Cannot start ${command}: ${failure.message}`)
      if (ready) {
        renameSync(output, paths.output)
        break
      }
      if (ended !== undefined) return ended
      if (io.signal.aborted) {
        child.kill('SIGTERM')
        await new Promise((resolve) => child.once('exit', resolve))
        throw new CliError('INTERRUPTED', 'Interrupted while starting.')
      }
      await delay(pollMs)
    }
  } finally {
    closeSync(readFd)
    // Shown in full already, unless it is the log of what runs now.
    rmSync(output, { force: true })
  }
  child.unref()
  context.note(`  Runs in the background as process ${child.pid}; \`selfmonitor down\` stops it. Log: ${paths.log}`)
  return readState(paths.state)?.state.notApplied === true ? exitCodes.failed : exitCodes.done
}

function isReady(stateFile: string, pid: number | undefined): boolean {
  const found = readState(stateFile)
  return found?.alive === true && found.state.ready && found.state.process.pid === pid
}

/** Removes the background process's hint at Ctrl-C, which is right in its own log, but wrong here. */
function withoutForegroundHints(text: string): string {
  return text.replace(/^ *Ctrl-C stops it;.*\n/m, '').replace(/^( *Try), in another terminal:/m, '$1:')
}

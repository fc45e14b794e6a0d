// Containers by runc: each runs in the foreground of a process of ours, which ends when it ends, with its exit code.
import { spawn } from 'node:child_process'
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { run } from '@selfmonitor/apache'
import type { ExecResult } from '../types.ts'

export interface RunningContainer {
  readonly id: string
  /** Process id of its first process on this machine. */
  readonly pid: number
  /** Its exit code; 128 + signal when one ended it. */
  readonly exited: Promise<number>
}

export interface Runtime {
  /** @throws Error with what runc said when it cannot be made. */
  start(id: string, bundle: string, config: object, logFile: string): Promise<RunningContainer>
  exec(
    id: string,
    args: readonly string[],
    options: { env?: Readonly<Record<string, string>>; stdin?: string; timeoutMs: number },
  ): Promise<ExecResult & { timedOut: boolean }>
  signal(id: string, signal: string): Promise<void>
  remove(id: string): Promise<void>
}

/** @param folder of this run; runc keeps its state in there, so that what a crash left can be found and ended. */
export function createRuntime(folder: string): Runtime {
  const root = join(folder, 'runc')
  let executions = 0
  const runc = (...args: string[]) => run('runc', ['--root', root, ...args], { timeoutMs: 30_000 })
  return {
    async start(id, bundle, config, logFile) {
      await writeFile(join(bundle, 'config.json'), JSON.stringify(config))
      const pidFile = join(bundle, 'pid')
      await rm(pidFile, { force: true })
      const log = await open(logFile, 'a')
      const child = spawn('runc', ['--root', root, 'run', '--bundle', bundle, '--pid-file', pidFile, id], {
        stdio: ['ignore', log.fd, log.fd],
        // A group of its own: Ctrl-C reaches us alone, and we end the pods in order.
        detached: true,
      })
      let ended: number | null = null
      const exited = new Promise<number>((resolve) => {
        child.once('exit', (code, signal) => {
          ended = code ?? (signal === 'SIGKILL' ? 137 : 1)
          resolve(ended)
        })
        child.once('error', () => {
          ended = 127
          resolve(127)
        })
      })
      await log.close()
      for (;;) {
        const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''))
        if (pid > 0) return { id, pid, exited }
        if (ended !== null) {
          const said = await readFile(logFile, 'utf8').catch(() => '')
          throw new Error(`runc could not start ${id} (${ended}): ${said.trim().split('\n').slice(-3).join('\n')}`)
        }
        await delay(5)
      }
    },
    async exec(id, args, options) {
      await mkdir(join(folder, 'exec'), { recursive: true })
      const pidFile = join(folder, 'exec', `${++executions}.pid`)
      let timedOut = false
      const timer = setTimeout(async () => {
        timedOut = true
        const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''))
        if (pid > 0) {
          try {
            process.kill(pid, 'SIGKILL')
          } catch {
            // The process has just ended.
          }
        }
      }, options.timeoutMs)
      const env = Object.entries(options.env ?? {}).flatMap(([name, value]) => ['--env', `${name}=${value}`])
      const result = await run('runc', ['--root', root, 'exec', '--pid-file', pidFile, ...env, id, ...args], {
        stdin: options.stdin,
        // Only if killing the process inside did not end it.
        timeoutMs: options.timeoutMs + 5_000,
      })
      clearTimeout(timer)
      await rm(pidFile, { force: true })
      return { ...result, timedOut }
    },
    async signal(id, signal) {
      await runc('kill', id, signal)
    },
    async remove(id) {
      await runc('delete', '--force', id)
    },
  }
}

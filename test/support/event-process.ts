// Starts `event-service.ts` in a process of its own, so that a test can kill it as a machine would.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { EventStreamHealth, EventStreamOptions } from '@selfmonitor/events'
import { afterEach } from 'vitest'
import { until } from './events.ts'

const script = fileURLToPath(new URL('event-service.ts', import.meta.url))

export interface EventProcess {
  readonly url: string
  /** Its output: its address, then `handled <event id>` for each event. */
  readonly lines: readonly string[]
  readonly process: ChildProcess
  /** SIGKILL. Resolves when it is gone. */
  kill(): Promise<void>
  health(): Promise<EventStreamHealth & { readonly status: number }>
  /** Resolves when it says that it is ready, or rejects after a minute. */
  ready(): Promise<void>
}

/** Declares a hook that kills what is left of a test's processes; the function starts one, which handles a topic. */
export function useEventProcesses(): (topic: string, options: EventStreamOptions) => Promise<EventProcess> {
  const running = new Set<EventProcess>()
  afterEach(async () => {
    for (const service of [...running]) await service.kill()
  })
  return async (topic, options) => {
    const child = spawn(process.execPath, ['--conditions=source', script, JSON.stringify({ topic, ...options })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    const lines: string[] = []
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
    await until('the service listens', () => lines.length > 0 || child.exitCode !== null)
    if (child.exitCode !== null) throw new Error(`the service ended with ${child.exitCode} while it started`)
    const service: EventProcess = {
      url: lines[0]!,
      lines,
      process: child,
      async kill() {
        running.delete(service)
        child.kill('SIGKILL')
        await exited
      },
      async health() {
        const response = await fetch(`${service.url}/ready`)
        return { ...((await response.json()) as EventStreamHealth), status: response.status }
      },
      ready: () => until('the service is ready', async () => (await service.health()).status === 200, 60_000),
    }
    running.add(service)
    return service
  }
}

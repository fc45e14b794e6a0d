// Backups one after the other, each when it is due, until the process is stopped. One run at a time: a run that takes longer than its
// interval is followed by one run, not by those that were missed.
import type { Manifest } from '@selfmonitor/backup'
import { backoffMs, pause } from '@selfmonitor/cluster/backoff'
import { type Due, dueTopics, type Plan } from './due.ts'

export interface ServiceDeps {
  readonly planOf: (topic: string) => Plan
  /** The cluster's topics and its newest backup, read again before each run: another process may have taken one. */
  look(): Promise<{
    readonly topics: readonly { readonly name: string; readonly id: string }[]
    readonly manifest: Manifest | null
  }>
  /** @returns what the process's exit code would be. */
  run(due: Due): Promise<number>
  /** When nothing is due. Called again only when the answer changes. */
  onWait(next: Due['next'], nowMs: number): void
  onFailure(error: unknown, retryInMs: number): void
  readonly signal: AbortSignal
  readonly now?: () => number
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>
}

/** The clock may be stepped, and a topic created: it looks at least so often. */
const longestSleepMs = 60_000
const retry = { firstMs: 5_000, maxMs: 300_000 }

/** @returns the exit code of the last run; 1 when it failed */
export async function serveBackups(deps: ServiceDeps): Promise<number> {
  const { signal, now = Date.now, sleep = pause } = deps
  const tried = new Map<string, number>()
  let code = 0
  let failures = 0
  let said: number | null | undefined
  while (!signal.aborted) {
    try {
      const { topics, manifest } = await deps.look()
      const startedMs = now()
      const due = dueTopics({ topics, manifest, planOf: deps.planOf, tried, nowMs: startedMs })
      if (due.now.length > 0) {
        said = undefined
        const ended = await deps.run(due)
        // A run that ends because the process is stopped says nothing of the service.
        if (signal.aborted) break
        code = ended
        const isDue = new Set(due.now)
        for (const { name, id } of topics) if (isDue.has(name)) tried.set(id, startedMs)
        failures = 0
        continue
      }
      failures = 0
      const at = due.next?.atMs ?? null
      if (at !== said) deps.onWait(due.next, startedMs)
      said = at
      await sleep(Math.min(longestSleepMs, Math.max(1, (at ?? Number.POSITIVE_INFINITY) - startedMs)), signal)
    } catch (error) {
      if (signal.aborted) break
      // The next run may succeed, and takes what this one did not.
      failures++
      code = 1
      said = undefined
      const wait = backoffMs(failures, retry)
      deps.onFailure(error, wait)
      await sleep(wait, signal)
    }
  }
  return code
}

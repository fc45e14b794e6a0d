// Which topics are to be backed up now, and when the next are. Pure.
import type { Manifest } from '@selfmonitor/backup'
import { asOf } from '@selfmonitor/backup/as-of'
import { nextDue, type Schedule } from '@selfmonitor/platform/schedule'

/** A topic's schedule; `with-others`: it has none, and is in every run; null: it is in no run. */
export type Plan = Schedule | 'with-others' | null

export interface Due {
  /** Names of the topics to back up now. */
  readonly now: readonly string[]
  /** When a topic is due that is not due now; null when there is none. */
  readonly next: { readonly atMs: number; readonly topics: readonly string[] } | null
}

export interface DueInput {
  /** The cluster's topics. */
  readonly topics: readonly { readonly name: string; readonly id: string }[]
  /** The newest backup, which says when each topic was read. */
  readonly manifest: Pick<Manifest, 'topics' | 'cutAtMs'> | null
  readonly planOf: (topic: string) => Plan
  /** By topic id, when a run had the topic that could not be backed up: it is not tried again before it is due. */
  readonly tried: ReadonlyMap<string, number>
  readonly nowMs: number
  /** A topic is due already when so much of its interval is left. Default 0. */
  readonly tolerance?: number
}

/** A time that is further ahead is from before the clock was put back: to wait for it would be to stop taking backups. */
const clockSkewMs = 60_000

/**
 * A restart changes nothing: the newest backup says when a topic was read. Runs that were missed are one run, which is due now. A
 * topic that is in no backup is due now.
 */
export function dueTopics({ topics, manifest, planOf, tried, nowMs, tolerance = 0 }: DueInput): Due {
  const readAt = new Map(manifest?.topics.map((topic) => [topic.id, asOf(manifest, topic)]))
  const now: string[] = []
  const later: { readonly name: string; readonly atMs: number }[] = []
  const others: string[] = []
  for (const { name, id } of topics) {
    const plan = planOf(name)
    if (plan === null) continue
    const times = [readAt.get(id), tried.get(id)].flatMap((ms) => (ms == null || ms > nowMs + clockSkewMs ? [] : [ms]))
    const lastMs = times.length === 0 ? null : Math.max(...times)
    if (plan === 'with-others') {
      if (lastMs === null) now.push(name)
      else others.push(name)
      continue
    }
    const early = plan.kind === 'every' ? plan.everyMs * tolerance : 0
    const atMs = nextDue(plan, lastMs) - early
    if (atMs <= nowMs) now.push(name)
    else later.push({ name, atMs })
  }
  const first = Math.min(...later.map(({ atMs }) => atMs))
  const next = later.length === 0 || !Number.isFinite(first) ? null : first
  return {
    now: now.length === 0 ? [] : [...now, ...others],
    next:
      next === null ? null : { atMs: next, topics: later.filter(({ atMs }) => atMs === next).map(({ name }) => name) },
  }
}

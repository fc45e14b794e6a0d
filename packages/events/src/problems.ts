// The problems that a stream has at the moment: one list, which `health()` shows and from which the log lines come. A problem is logged
// when it begins, again at intervals while it lasts, and when it is over; so a log says once a minute what is wrong, however
// many partitions and attempts it concerns. The end is a warning, like the beginning: a log that leaves out what is below
// warnings (the default logger's does) would say otherwise that the problem lasts.
import type { Logger, StreamProblem } from './types.ts'

export interface Problems {
  /**
   * Something did not work.
   * @param resource what is concerned: `broker`, `group billing`, `user.events-3`
   * @param problem `topic` groups the partitions of a topic into one log line; `routine` marks what a leader change or a
   *   restart brings with it, which is logged only when it lasts
   */
  report(resource: string, problem: ReportedProblem): void
  /** It works again. */
  solved(resource: string): void
  /** The stream's problems now, fatal ones first. */
  list(): readonly StreamProblem[]
}

export interface ReportedProblem {
  readonly code: string
  readonly message: string
  /** Needs a manual change: trying again is not enough. */
  readonly fatal: boolean
  readonly routine?: boolean
  readonly topic?: string
}

/** How often a problem that lasts is logged, in milliseconds. */
const intervalMs = 60_000
/** How long something routine may last before it is logged, in milliseconds. */
const routineMs = 10_000

interface Entry {
  readonly problem: ReportedProblem
  readonly sinceMs: number
}

interface Logged {
  /** As it was logged last. */
  readonly problem: ReportedProblem
  readonly sinceMs: number
  readonly lastMs: number
  /** For which it is not over, also where another problem has taken its place since. */
  readonly resources: Set<string>
}

/** @param now milliseconds since the epoch */
export function createProblems(logger: Logger, now: () => number = Date.now): Problems {
  const entries = new Map<string, Entry>()
  /** The logged problems that are not over, by their key in the log. */
  const logged = new Map<string, Logged>()

  const lineOf = (resource: string, { topic, code }: ReportedProblem): string => `${topic ?? resource}|${code}`

  function resourcesOf(line: string): string[] {
    return [...entries].flatMap(([resource, { problem }]) => (lineOf(resource, problem) === line ? [resource] : []))
  }

  return {
    report(resource, problem) {
      const known = entries.get(resource)
      const same = known !== undefined && known.problem.code === problem.code
      const sinceMs = same ? known.sinceMs : now()
      entries.set(resource, { problem, sinceMs })
      const line = lineOf(resource, problem)
      const before = logged.get(line)
      before?.resources.add(resource)
      if (before === undefined ? problem.routine && now() - sinceMs < routineMs : now() - before.lastMs < intervalMs)
        return
      const resources = before?.resources ?? new Set(resourcesOf(line))
      logged.set(line, { problem, sinceMs: before?.sinceMs ?? sinceMs, lastMs: now(), resources })
      const context = { code: problem.code, resources: resourcesOf(line).slice(0, 20), lastsMs: now() - sinceMs }
      if (problem.fatal) logger.error(context, problem.message)
      else logger.warn(context, problem.message)
    },

    solved(resource) {
      entries.delete(resource)
      for (const [line, { problem, sinceMs, resources }] of logged) {
        if (!resources.delete(resource) || resources.size > 0) continue
        logged.delete(line)
        const context = { code: problem.code, resource: problem.topic ?? resource, lastedMs: now() - sinceMs }
        logger.warn(context, `over: ${problem.message}`)
      }
    },

    list() {
      const all = [...entries].map(([resource, { problem, sinceMs }]) => {
        const { code, message, fatal } = problem
        return { resource, code, message, fatal, sinceMs }
      })
      return all.sort((a, b) => Number(b.fatal) - Number(a.fatal) || a.sinceMs - b.sinceMs)
    },
  }
}

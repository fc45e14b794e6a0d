// When something is due that is done again and again: every so often, by a cron expression, or without a pause. Pure: the time is given.
import { Cron } from 'croner'
import { didYouMean } from './suggest.ts'
import { formatDuration, parseDuration } from './units.ts'

/** As `platform.yaml` and options write it: `1h`, `0 2 * * *`, `0 2 * * * Europe/Berlin`, `continuously`. */
export type Schedule =
  | { readonly kind: 'continuously' }
  | { readonly kind: 'every'; readonly everyMs: number }
  /** Five fields: minute, hour, day of the month, month, day of the week; or a nickname such as `@daily`. */
  | { readonly kind: 'cron'; readonly expression: string; readonly zone: string }

const defaultZone = 'UTC'
const shortestMs = 1_000
/** How far apart the beginnings of runs are at least that follow each other without a pause: each writes a manifest. */
const continuousMs = 10_000
const longestMs = 366 * 86_400_000
const forms = 'must be a duration such as 1h, a cron expression such as "0 2 * * * Europe/Berlin", or continuously'

/**
 * @returns the schedule, or what is wrong with the text, as `must be …`
 */
export function parseSchedule(text: string): Schedule | { readonly problem: string } {
  const trimmed = text.trim().replace(/\s+/g, ' ')
  if (trimmed === 'continuously') return { kind: 'continuously' }
  const everyMs = parseDuration(trimmed)
  if (everyMs !== null) {
    if (everyMs >= shortestMs && everyMs <= longestMs) return { kind: 'every', everyMs }
    return { problem: 'must be between 1s and 366d' }
  }
  const words = trimmed.split(' ')
  const fields = trimmed.startsWith('@') ? 1 : 5
  if (words.length !== fields && words.length !== fields + 1) {
    return { problem: `${forms}${didYouMean(trimmed, ['continuously'])}` }
  }
  const [expression, zone = defaultZone] = [words.slice(0, fields).join(' '), words[fields]]
  if (!isZone(zone)) return { problem: `must end with a time zone such as Europe/Berlin, it has ${zone}` }
  const schedule: Schedule = { kind: 'cron', expression, zone }
  try {
    if (cronOf(schedule).nextRun(new Date(0)) !== null) return schedule
  } catch (error) {
    const why = (error as Error).message.replace(/^CronPattern: /, '')
    return { problem: `must be a cron expression: ${why.charAt(0).toLowerCase()}${why.slice(1).replace(/\.$/, '')}` }
  }
  return { problem: 'must be a cron expression with a day that exists' }
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone })
    return true
  } catch {
    return false
  }
}

function cronOf({ expression, zone }: Extract<Schedule, { kind: 'cron' }>): Cron {
  return new Cron(expression, { timezone: zone, mode: '5-part', paused: true })
}

/** The text that `parseSchedule` reads back. */
export function formatSchedule(schedule: Schedule): string {
  switch (schedule.kind) {
    case 'continuously':
      return 'continuously'
    case 'every':
      return formatDuration(schedule.everyMs)
    case 'cron':
      return `${schedule.expression}${schedule.zone === defaultZone ? '' : ` ${schedule.zone}`}`
    default:
      return schedule satisfies never
  }
}

/**
 * When the next run is due, in milliseconds since the epoch. Runs that were missed are one run, which is due in the past.
 *
 * Where clocks are put forward, a time of the day that does not exist is due right after the gap; where they are put back, a time of the
 * day that exists twice is due once, and an expression with `*` or `/` for the hour or the minute in each of the two hours.
 * @param lastMs when the last run started; null: there was none, and the next is due at once
 */
export function nextDue(schedule: Schedule, lastMs: number | null): number {
  if (lastMs === null) return 0
  switch (schedule.kind) {
    case 'continuously':
      return lastMs + continuousMs
    case 'every':
      return lastMs + schedule.everyMs
    case 'cron':
      // An expression of which this is the last run at all has none of the five fields.
      return cronOf(schedule).nextRun(new Date(lastMs))?.getTime() ?? Number.POSITIVE_INFINITY
    default:
      return schedule satisfies never
  }
}

/** How many runs of a cron expression are looked at for its longest pause: each takes about 0.3 ms. */
const runsLookedAt = 500
/** A year with a leap day and both changes of the clock. */
const yearBeginsMs = Date.UTC(2028, 0, 1)
const pauses = new Map<string, number>()

/** The longest time between two runs, in milliseconds. Of a cron expression the first 500 runs of a year are looked at. */
export function longestPauseMs(schedule: Schedule): number {
  if (schedule.kind === 'continuously') return continuousMs
  if (schedule.kind === 'every') return schedule.everyMs
  const text = formatSchedule(schedule)
  let longest = pauses.get(text)
  if (longest === undefined) {
    const runs = cronOf(schedule).nextRuns(runsLookedAt, new Date(yearBeginsMs))
    longest = runs.slice(1).reduce((most, run, at) => Math.max(most, run.getTime() - runs[at]!.getTime()), 0)
    pauses.set(text, longest)
  }
  return longest
}

/** A schedule in words: `every 5m`, `at 02:00, Europe/Berlin`. */
export async function scheduleInWords(schedule: Schedule): Promise<string> {
  if (schedule.kind === 'continuously') return 'continuously'
  if (schedule.kind === 'every') return `every ${formatDuration(schedule.everyMs)}`
  const { default: cronstrue } = await import('cronstrue')
  const words = cronstrue.toString(schedule.expression, { use24HourTimeFormat: true })
  return `${words.charAt(0).toLowerCase()}${words.slice(1)}, ${schedule.zone}`
}

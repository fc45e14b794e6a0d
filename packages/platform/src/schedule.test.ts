import { describe, expect, it } from 'vitest'
import { formatSchedule, longestPauseMs, nextDue, parseSchedule, type Schedule, scheduleInWords } from './schedule.ts'

const schedule = (text: string): Schedule => {
  const parsed = parseSchedule(text)
  if ('problem' in parsed) throw new Error(parsed.problem)
  return parsed
}
const problem = (text: string) => (parseSchedule(text) as { problem?: string }).problem
/** Each run starts when it is due. */
const runs = (text: string, from: string, count: number): string[] => {
  const all: string[] = []
  for (let last = Date.parse(from); all.length < count; ) {
    last = nextDue(schedule(text), last)
    all.push(new Date(last).toISOString().slice(0, 16))
  }
  return all
}

describe('schedules', () => {
  it.each([
    ['1h', { kind: 'every', everyMs: 3_600_000 }],
    ['1d 12h', { kind: 'every', everyMs: 129_600_000 }],
    ['continuously', { kind: 'continuously' }],
    ['0 2 * * *', { kind: 'cron', expression: '0 2 * * *', zone: 'UTC' }],
    [' 0  2 * *  MON-FRI Europe/Berlin ', { kind: 'cron', expression: '0 2 * * MON-FRI', zone: 'Europe/Berlin' }],
    ['@daily America/New_York', { kind: 'cron', expression: '@daily', zone: 'America/New_York' }],
  ])('%s is read', (text, expected) => {
    expect(schedule(text)).toEqual(expected)
    expect(schedule(formatSchedule(schedule(text)))).toEqual(expected)
  })

  it.each([
    ['continously', /did you mean 'continuously'\?$/],
    ['10ms', /^must be between 1s and 366d$/],
    ['forever', /^must be between/],
    ['61 * * * *', /^must be a cron expression: invalid value for minute: 61$/],
    ['*/5 * * * * *', /time zone such as Europe\/Berlin, it has \*$/],
    ['0 2 * * * Europe/Berlinn', /time zone such as Europe\/Berlin, it has Europe\/Berlinn$/],
    ['0 2 30 2 *', /^must be a cron expression with a day that exists$/],
    ['0 2 * *', /^must be a duration such as 1h, a cron expression such as/],
    ['', /^must be a duration/],
    ['@dayly', /^must be a cron expression/],
  ])('%s is refused', (text, expected) => expect(problem(text)).toMatch(expected))

  it('are due once, in the past, however many runs were missed', () => {
    const now = Date.parse('2027-01-10T12:00:00Z')
    for (const text of ['1h', '0 * * * *']) {
      const due = nextDue(schedule(text), Date.parse('2027-01-07T12:00:00Z'))
      expect(due).toBe(Date.parse('2027-01-07T13:00:00Z'))
      expect(nextDue(schedule(text), now)).toBe(now + 3_600_000)
    }
    expect(nextDue(schedule('1h'), null)).toBe(0)
  })

  it('keep the hour of the wall when clocks change, and run a night whose hour is missing or exists twice once', () => {
    // Berlin: 02:00 to 03:00 does not exist on 28 March 2027, and exists twice on 31 October.
    expect(runs('30 2 * * * Europe/Berlin', '2027-03-26T12:00:00Z', 4)).toEqual([
      '2027-03-27T01:30',
      '2027-03-28T01:00',
      '2027-03-29T00:30',
      '2027-03-30T00:30',
    ])
    expect(runs('30 2 * * * Europe/Berlin', '2027-10-29T12:00:00Z', 3)).toEqual([
      '2027-10-30T00:30',
      '2027-10-31T00:30',
      '2027-11-01T01:30',
    ])
  })

  it('with an hour of `*` run in each hour that there is', () => {
    expect(runs('0 * * * * Europe/Berlin', '2027-10-30T23:30:00Z', 4)).toEqual([
      '2027-10-31T00:00',
      '2027-10-31T01:00',
      '2027-10-31T02:00',
      '2027-10-31T03:00',
    ])
    expect(runs('0 * * * * Europe/Berlin', '2027-03-27T23:30:00Z', 3)).toEqual([
      '2027-03-28T00:00',
      '2027-03-28T01:00',
      '2027-03-28T02:00',
    ])
  })

  it('know their longest pause', () => {
    const hours = (text: string) => longestPauseMs(schedule(text)) / 3_600_000
    expect(longestPauseMs(schedule('continuously'))).toBe(10_000)
    expect([hours('90m'), hours('0 * * * *'), hours('0 2 * * *')]).toEqual([1.5, 1, 24])
    // Once a year the day has 25 hours; from Friday to Monday are three days.
    expect([hours('0 2 * * * Europe/Berlin'), hours('0 2 * * MON-FRI')]).toEqual([25, 72])
  })

  it('are said in words', async () => {
    expect(
      await Promise.all(
        ['5m', 'continuously', '0 2 * * * Europe/Berlin'].map((text) => scheduleInWords(schedule(text))),
      ),
    ).toEqual(['every 5m', 'continuously', 'at 02:00, Europe/Berlin'])
  })
})

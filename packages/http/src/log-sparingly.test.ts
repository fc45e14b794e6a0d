import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { logSparingly } from './log-sparingly.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

it('logs a kind at once, then once a minute with the number that was left out; other kinds apart', () => {
  const lines: [unknown, string][] = []
  const log = logSparingly({ warn: (context, message) => lines.push([context, message]) })
  for (let at = 0; at < 5; at++) log('login', { at }, 'refused')
  log('other', {}, 'denied')
  vi.advanceTimersByTime(60_000)
  log('login', { at: 5 }, 'refused')
  expect(lines).toEqual([
    [{ at: 0, leftOut: 0 }, 'refused'],
    [{ leftOut: 0 }, 'denied'],
    [{ at: 5, leftOut: 4 }, 'refused'],
  ])
})

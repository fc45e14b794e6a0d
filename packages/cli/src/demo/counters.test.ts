import { describe, expect, it } from 'vitest'
import { coloursFor } from '../output/colour.ts'
import { createCounters, createProgress } from './counters.ts'

function terminal(isTTY: boolean, rows = 24): { written: () => string; output: Parameters<typeof createProgress>[0] } {
  const parts: string[] = []
  return {
    written: () => parts.join(''),
    output: { write: (text) => void parts.push(text), isTTY, columns: 80, rows },
  }
}

const plain = coloursFor(terminal(false).output, {}, true)

function counted(): ReturnType<typeof createCounters> {
  const counters = createCounters()
  for (let index = 0; index < 1200; index += 1) counters.acknowledged('user.events', 'user_created')
  counters.acknowledged('fraud.alerts', 'fraud_suspected')
  return counters
}

describe('the counters of the demo', () => {
  it('are a line each time where there is no terminal', () => {
    const seen = terminal(false)
    createProgress(seen.output, counted(), plain).show(61_000, 19.66)
    expect(seen.written()).toBe('   1m 1s      1,201 events      19.7/s\n')
  })

  it('are redrawn in place on a terminal, by topic and event type', () => {
    const seen = terminal(true)
    const progress = createProgress(seen.output, counted(), plain)
    progress.show(1000, 1)
    expect(seen.written()).toMatch(
      /^TOPIC +EVENT +ACKNOWLEDGED\nfraud\.alerts +fraud_suspected +1\nuser\.events +user_created +1,200\n\n/,
    )
    progress.show(2000, 1)
    expect(seen.written()).toContain('\r\u001b[5A\u001b[0J')
    expect(seen.written()).toMatch(/Ctrl-C ends it\n$/)
    progress.end(3000, 1)
    expect(seen.written()).toMatch(/1\.0\/s\n$/)
  })

  it('are one line on a terminal that is too low for them', () => {
    const seen = terminal(true, 5)
    const progress = createProgress(seen.output, counted(), plain)
    progress.show(1000, 1)
    progress.show(2000, 1)
    expect(seen.written()).not.toContain('TOPIC')
    expect(seen.written()).toContain('\u001b[1A\u001b[0J')
  })

  it('continue below a line that is printed in between', () => {
    const seen = terminal(true)
    const progress = createProgress(seen.output, counted(), plain)
    progress.show(1000, 1)
    progress.say('Lost the broker.')
    progress.show(2000, 1)
    // Erased once, for the line; what is drawn after it erases nothing.
    const [, afterwards, ...more] = seen.written().split('\u001b[0J')
    expect(afterwards).toMatch(/^Lost the broker\.\nTOPIC/)
    expect(more).toEqual([])
  })

  it('show failures only where there are some', () => {
    const counters = counted()
    counters.failed('user.events', 'user_created')
    const seen = terminal(true)
    createProgress(seen.output, counters, plain).show(1000, 1)
    expect(seen.written()).toMatch(/FAILED\n[\s\S]*1 failed/)
  })
})

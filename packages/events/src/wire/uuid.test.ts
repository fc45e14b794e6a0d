import { describe, expect, it } from 'vitest'
import { createUuidGenerator } from './uuid.ts'

function generatorAt(time: { ms: number }, random = 0xff): () => string {
  return createUuidGenerator({ now: () => time.ms, fillRandom: (target) => target.fill(random) })
}

describe('event ids', () => {
  it('are UUIDs of version 7 with the time in their first 48 bits', () => {
    // The example of RFC 9562, appendix A.6: 2022-02-22 14:22:22.00 GMT-05:00.
    const id = generatorAt({ ms: 0x017f22e279b0 })()
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(id.slice(0, 13)).toBe('017f22e2-79b0')
  })

  it('sort in the order they were made, within a millisecond and when the clock steps back', () => {
    const time = { ms: 1_700_000_000_000 }
    const next = generatorAt(time)
    const ids = [next(), next()]
    time.ms -= 5000
    ids.push(next())
    time.ms += 5001
    ids.push(next())
    expect(ids.toSorted()).toEqual(ids)
    expect(new Set(ids).size).toBe(4)
  })

  it('stay in order when more are made in a millisecond than the counter holds', () => {
    const next = generatorAt({ ms: 1_700_000_000_000 })
    const ids = Array.from({ length: 10_000 }, next)
    expect(ids.toSorted()).toEqual(ids)
    expect(new Set(ids).size).toBe(10_000)
  })
})

import { describe, expect, it } from 'vitest'
import { createBrokerWatch } from './broker-watch.ts'

describe('the demo’s watch on the broker', () => {
  it('says once that it is lost, and once that it answers again', () => {
    const said: string[] = []
    const watch = createBrokerWatch((text) => said.push(text))
    watch.look({ nowMs: 500, connected: true, acknowledged: 5 })
    watch.look({ nowMs: 1400, connected: false, acknowledged: 5 })
    expect(said).toEqual([])
    watch.look({ nowMs: 1500, connected: false, acknowledged: 5 })
    watch.look({ nowMs: 9000, connected: false, acknowledged: 5 })
    expect(said).toEqual(['Lost the broker, waiting for it.'])
    watch.look({ nowMs: 9100, connected: true, acknowledged: 5 })
    watch.look({ nowMs: 9200, connected: true, acknowledged: 6 })
    watch.look({ nowMs: 9300, connected: true, acknowledged: 7 })
    expect(said).toEqual(['Lost the broker, waiting for it.', 'The broker answers again.'])
  })

  it('says nothing of one broker among others that acknowledge, nor of a pause with nothing to send', () => {
    const said: string[] = []
    const watch = createBrokerWatch((text) => said.push(text))
    for (let n = 1; n < 10; n += 1) watch.look({ nowMs: n * 900, connected: false, acknowledged: n })
    watch.look({ nowMs: 60_000, connected: true, acknowledged: 9 })
    expect(said).toEqual([])
  })
})

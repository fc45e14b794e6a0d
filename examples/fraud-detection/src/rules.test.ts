import { describe, expect, it } from 'vitest'
import { assess } from './rules.ts'

const payment = { transaction_id: 't-1', amount: '20.00', currency: 'GBP', method: 'card' } as const
const history = { homeCountry: 'GB', paymentTimesMs: [] }
const now = 1_700_000_000_000

describe('the rules', () => {
  it('let an ordinary payment pass', () => {
    expect(assess(payment, now, history)).toBeNull()
  })

  it('let a small payment abroad pass', () => {
    expect(assess({ ...payment, merchant: { name: 'Café', country: 'FR' } }, now, history)).toBeNull()
  })

  it('ask for more proof when a payment is large', () => {
    expect(assess({ ...payment, amount: '5000.00' }, now, history)).toMatchObject({
      severity: 'medium',
      reasons: ['amount'],
      action: 'step_up',
    })
  })

  it('hold a payment that is large and abroad', () => {
    const suspicion = assess(
      { ...payment, amount: '9000.00', merchant: { name: 'Watches', country: 'FR' } },
      now,
      history,
    )
    expect(suspicion).toMatchObject({ severity: 'high', reasons: ['amount', 'geography'], action: 'hold' })
  })

  it('notice many payments within a minute, and forget older ones', () => {
    const at = (msAgo: number): number => now - msAgo
    const fast = { ...history, paymentTimesMs: [50, 40, 30, 20, 10].map((seconds) => at(seconds * 1000)) }
    expect(assess(payment, now, fast)).toMatchObject({ reasons: ['velocity'] })
    expect(assess(payment, now + 30_000, fast)).toBeNull()
  })
})

import { fileURLToPath } from 'node:url'
import type { EventStream } from '@selfmonitor/events'
import { startTestPlatform, type TestPlatform } from '@selfmonitor/events/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Events, PaymentProcessed } from '../../events.generated.ts'
import { createService } from './service.ts'

const payment = (amount: string, country: string): PaymentProcessed => ({
  transaction_id: `t-${amount}`,
  amount,
  currency: 'GBP',
  method: 'card',
  merchant: { name: 'Shop', country },
})

describe('fraud detection', () => {
  let platform: TestPlatform
  let service: EventStream<Events>
  /** Stands for the services that emit users and payments. */
  let others: EventStream<Events>
  beforeAll(async () => {
    platform = await startTestPlatform({ dir: fileURLToPath(new URL('../../..', import.meta.url)) })
    service = await createService(platform.options)
    others = await platform.connect<Events>({ service: 'others' })
    await service.run()
  })
  afterAll(async () => {
    await service?.close()
    await platform?.close()
  })

  const alertsOf = (userId: string) =>
    platform.emitted.filter((event) => event.topic === 'fraud.alerts' && event.userId === userId)

  it('raises one alert for a payment that is large and abroad', async () => {
    const created = { email: 'ada@example.com', country: 'GB', channel: 'web' } as const
    const user = await others.emit('user.events', 'user_created', created, { userId: 'ada' })
    await platform.waitForHandled(user.eventId)
    const paid = await others.emit('transaction.events', 'payment_processed', payment('9000.00', 'FR'), {
      userId: 'ada',
    })
    await platform.waitForHandled(paid.eventId)

    expect(alertsOf('ada')).toMatchObject([
      {
        eventType: 'fraud_suspected',
        data: {
          alert_id: `alert-${paid.eventId}`,
          transaction_id: 't-9000.00',
          severity: 'high',
          action: 'hold',
          reasons: ['amount', 'geography'],
        },
      },
    ])
  })

  it('stays silent about an ordinary payment', async () => {
    const paid = await others.emit('transaction.events', 'payment_processed', payment('12.50', 'GB'), {
      userId: 'grace',
    })
    await platform.waitForHandled(paid.eventId)
    expect(alertsOf('grace')).toEqual([])
  })
})

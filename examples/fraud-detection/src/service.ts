// Fraud detection: learns where users live, looks at each payment, and raises an alert when one looks wrong.
import { connectEvents, type EventStream, type EventStreamOptions } from '@selfmonitor/events'
import type { Events } from '../../events.generated.ts'
import { assess, type UserHistory } from './rules.ts'

const rememberedPayments = 10

/** Connects and names the handlers; `run()` and `close()` are the caller's. */
export async function createService(options: EventStreamOptions = {}): Promise<EventStream<Events>> {
  const events = await connectEvents<Events>({ service: 'fraud-detection', ...options })
  // In memory, to keep the example short: a real service keeps this where a restart does not lose it.
  const users = new Map<string, UserHistory>()
  const historyOf = (userId: string): UserHistory => users.get(userId) ?? { homeCountry: null, paymentTimesMs: [] }

  events.on('user.events', 'user_created', ({ userId, data }) => {
    users.set(userId, { ...historyOf(userId), homeCountry: data.country })
  })

  events.on('transaction.events', 'payment_processed', async ({ eventId, userId, timestampMs, data }) => {
    const history = historyOf(userId)
    const suspicion = assess(data, timestampMs, history)
    if (suspicion !== null) {
      await events.emit(
        'fraud.alerts',
        'fraud_suspected',
        // Named after the event: if this one is handled twice, its alert is recognisable as the same.
        { alert_id: `alert-${eventId}`, transaction_id: data.transaction_id, ...suspicion },
        { userId },
      )
    }
    // Last, because a handler that throws is run again.
    const paymentTimesMs = [...history.paymentTimesMs, timestampMs].slice(-rememberedPayments)
    users.set(userId, { ...history, paymentTimesMs })
  })

  return events
}

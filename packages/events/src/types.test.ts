import { describe, expect, it } from 'vitest'
import type { AnyEventOf, EventStream, OutgoingEvent } from './types.ts'

/** As `selfmonitor types` writes it. */
type Events = {
  'user.events': { user_created: { email: string }; user_closed: { reason?: string } }
  'fraud.alerts': { fraud_suspected: { score: number } }
}

// Checked by the compiler: what follows is compiled, never called.
function typed(events: EventStream<Events>): void {
  void events.emit('user.events', 'user_created', { email: 'a@b.c' }, { userId: 'u' })
  // @ts-expect-error no such topic
  void events.emit('user.event', 'user_created', { email: 'a@b.c' }, { userId: 'u' })
  // @ts-expect-error an event type of another topic
  void events.emit('user.events', 'fraud_suspected', { score: 1 }, { userId: 'u' })
  // @ts-expect-error not the payload of this event type
  void events.emit('user.events', 'user_created', { score: 1 }, { userId: 'u' })
  // @ts-expect-error whose event it is has to be said
  void events.emit('user.events', 'user_created', { email: 'a@b.c' }, {})

  events.on('user.events', 'user_created', ({ data }) => void data.email.length)
  // @ts-expect-error not in this payload
  events.on('user.events', 'user_created', ({ data }) => void data.score)
  events.on('user.events', '*', (event: AnyEventOf<Events, 'user.events'>) => {
    if (event.eventType === 'user_created') void event.data.email.length
    // @ts-expect-error the other type has no address
    else void event.data.email
  })

  const mixed: OutgoingEvent<Events>[] = [
    { topic: 'user.events', eventType: 'user_closed', data: {}, userId: 'u' },
    { topic: 'fraud.alerts', eventType: 'fraud_suspected', data: { score: 1 }, userId: 'u' },
    // @ts-expect-error the event type belongs to another topic
    { topic: 'fraud.alerts', eventType: 'user_closed', data: {}, userId: 'u' },
  ]
  void events.emitMany(mixed)
}

describe('the types', () => {
  it('know topics, event types and payloads', () => {
    expect(typed).toBeTypeOf('function')
  })
})

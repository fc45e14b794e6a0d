import { describe, expect, it } from 'vitest'
import type { AnyEventOf, CompactedRecordsOf, EventStream, OutgoingEvent, OutgoingRecord, RecordsOf } from './types.ts'

/** As `selfmonitor types` writes it. */
type Events = {
  'user.events': { user_created: { email: string }; user_closed: { reason?: string } }
  'fraud.alerts': { fraud_suspected: { score: number } }
  'shop.orders': RecordsOf<{ order_id: string; note: string | null }, 'note'>
  'shop.carts': CompactedRecordsOf<{ items: string[] }>
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

function typedRecords(events: EventStream<Events>): void {
  void events.emit('shop.orders', { order_id: 'o', note: null }, { key: 'o' })
  void events.emit('shop.orders', { order_id: 'o' }, { key: null })
  // @ts-expect-error the key has to be said, null for none
  void events.emit('shop.orders', { order_id: 'o' }, {})
  // @ts-expect-error the field has no default
  void events.emit('shop.orders', { note: 'n' }, { key: 'o' })
  // @ts-expect-error not a field of it
  void events.emit('shop.orders', { order_id: 'o', not: 'n' }, { key: 'o' })
  // @ts-expect-error the topic is not compacted
  void events.emit('shop.orders', null, { key: 'o' })
  void events.emit('shop.carts', null, { key: 'c' })
  // @ts-expect-error a topic with event types
  void events.emit('user.events', { email: 'a@b.c' }, { key: 'u' })
  // @ts-expect-error a topic without event types
  void events.emit('shop.orders', 'order_placed', { order_id: 'o' }, { userId: 'u' })

  events.on('shop.orders', ({ value, key }) => void [value.order_id.length, value.note?.length, key?.length])
  events.on('shop.carts', ({ value }) => void value?.items.length)
  // @ts-expect-error a tombstone has no items
  events.on('shop.carts', ({ value }) => void value.items)
  // @ts-expect-error a topic with event types
  events.on('user.events', ({ value }) => void value)
  // @ts-expect-error a topic without event types
  events.on('shop.orders', '*', ({ data }) => void data)

  const records: OutgoingRecord<Events>[] = [
    { topic: 'shop.orders', value: { order_id: 'o' }, key: 'o' },
    { topic: 'shop.carts', value: null, key: 'c' },
    // @ts-expect-error the value of another topic
    { topic: 'shop.carts', value: { order_id: 'o' }, key: 'c' },
  ]
  void events.emitMany(records)
}

function untyped(events: EventStream): void {
  void events.emit('user.events', 'user_created', { email: 'a@b.c' }, { userId: 'u' })
  void events.emit('shop.orders', { order_id: 'o' }, { key: 'o' })
  events.on('shop.orders', ({ value }) => void value?.order_id)
  events.on('user.events', '*', ({ data }) => void data)
}

describe('the types', () => {
  it('know topics, event types and payloads', () => {
    expect(typed).toBeTypeOf('function')
  })

  it('know records that have a shape of their own, and which fields have a default', () => {
    expect([typedRecords, untyped].map((body) => typeof body)).toEqual(['function', 'function'])
  })
})

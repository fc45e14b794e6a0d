import { describe, expect, it } from 'vitest'
import { EventValidationError, UnknownEventError } from '../errors.ts'
import { createCatalogue } from './catalogue.ts'

const catalogue = createCatalogue({
  'transaction.events': {
    payment_processed: {
      type: 'object',
      required: ['amount', 'currency'],
      additionalProperties: false,
      properties: {
        amount: { type: 'number', exclusiveMinimum: 0 },
        currency: { enum: ['EUR', 'USD'] },
        at: { type: 'string', format: 'date-time' },
      },
    },
    transfer_completed: { $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' },
  },
})

function failure(act: () => void): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

describe('the catalogue', () => {
  it('lets a payload pass that fits', () => {
    catalogue.validate('transaction.events', 'payment_processed', {
      amount: 5,
      currency: 'EUR',
      at: '2026-01-01T00:00:00Z',
    })
    catalogue.validate('transaction.events', 'transfer_completed', {})
  })

  it('names topic, event type, path and what was expected of a payload that does not fit', () => {
    const error = failure(() =>
      catalogue.validate('transaction.events', 'payment_processed', {
        amount: -3,
        currency: 'GBP',
        at: 'now',
        card: '4111',
      }),
    ) as EventValidationError
    expect(error).toBeInstanceOf(EventValidationError)
    expect(error).toMatchObject({ code: 'EVENT_INVALID', topic: 'transaction.events', eventType: 'payment_processed' })
    expect(error.problems).toEqual([
      { path: '/card', expected: 'is not declared in the JSON Schema of this event type' },
      { path: '/amount', expected: 'must be > 0, it is -3' },
      { path: '/currency', expected: 'must be equal to one of the allowed values: EUR, USD' },
      { path: '/at', expected: 'must match format "date-time"' },
    ])
    expect(error.message).toContain('transaction.events payment_processed: data/card is not declared')
  })

  it('says which type a value has', () => {
    const error = failure(() =>
      catalogue.validate('transaction.events', 'payment_processed', { amount: '5', currency: 'EUR' }),
    )
    expect((error as Error).message).toBe(
      'transaction.events payment_processed: data/amount must be number, it is string',
    )
  })

  it.each([
    [
      'transactions.event',
      'payment_processed',
      'unknown topic "transactions.event", did you mean "transaction.events"?',
    ],
    [
      'transaction.events',
      'payment_procesed',
      'unknown event type "payment_procesed" of topic transaction.events, did you mean "payment_processed"?',
    ],
    [
      'transaction.events',
      'zzz',
      'unknown event type "zzz" of topic transaction.events (a new one needs a JSON Schema beside the others, zzz.json)',
    ],
    ['transaction.events', 'constructor', 'unknown event type "constructor"'],
  ])('%s %s: %s', (topic, eventType, message) => {
    const error = failure(() => catalogue.validate(topic, eventType, {}))
    expect(error).toBeInstanceOf(UnknownEventError)
    expect((error as Error).message).toContain(message)
  })

  it('allows everything in a service without schemas', () => {
    createCatalogue(null).validate('any', 'thing', { at: 'all' })
  })

  it('knows which topics have event types and which have records of a shape of their own', () => {
    const mixed = createCatalogue({
      'shop.orders': '{"type":"record","name":"Order","fields":[]}',
      'user.events': { a: {} },
    })
    mixed.checkRecord('shop.orders')
    expect(mixed.recordSchema('shop.orders')).toContain('Order')
    expect(() => mixed.check('shop.orders', 'a')).toThrow(
      'shop.orders has no event types, its records have a shape of their own: emit(topic, value, { key })',
    )
    expect(() => mixed.checkRecord('user.events')).toThrow('user.events has event types: emit(topic, eventType, data')
    expect(() => mixed.checkRecord('shop.order')).toThrow('did you mean "shop.orders"?')
  })

  it('takes any event type of a topic that has no payload schemas', () => {
    createCatalogue({ 'user.events': {} }).validate('user.events', 'anything', { at: 'all' })
  })

  it('reads a schema without $schema as draft 2020-12, as `selfmonitor validate` does', () => {
    const tuple = { type: 'array', prefixItems: [{ type: 'string' }] }
    const error = failure(() => createCatalogue({ t: { e: tuple } }).validate('t', 'e', [1]))
    expect((error as Error).message).toBe('t e: data/0 must be string, it is number')
  })
})

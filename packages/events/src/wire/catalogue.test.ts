import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { EventValidationError, UnknownEventError } from '../errors.ts'
import { createCatalogue, findSchemasFolder, readSchemasFolder } from './catalogue.ts'

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
      { path: '', expected: 'must NOT have additional properties ("card")' },
      { path: '/amount', expected: 'must be > 0, it is -3' },
      { path: '/currency', expected: 'must be equal to one of the allowed values: EUR, USD' },
      { path: '/at', expected: 'must match format "date-time"' },
    ])
    expect(error.message).toContain('transaction.events payment_processed: data must NOT have')
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
      'unknown event type "zzz" of topic transaction.events (add schemas/transaction.events/zzz.json',
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

  it('finds the schemas of the folder, else those beside the nearest platform.yaml above', () => {
    const root = mkdtempSync(join(tmpdir(), 'monorepo-'))
    try {
      const service = join(root, 'services', 'users')
      mkdirSync(service, { recursive: true })
      mkdirSync(join(root, 'schemas'))
      expect(findSchemasFolder(service)).toBeNull()
      writeFileSync(join(root, 'platform.yaml'), '')
      expect(findSchemasFolder(service)).toBe(join(root, 'schemas'))
      mkdirSync(join(service, 'schemas'))
      expect(findSchemasFolder(service)).toBe(join(service, 'schemas'))
    } finally {
      rmSync(root, { recursive: true })
    }
  })

  it('reads a schemas folder, and says which file is not JSON', () => {
    const folder = mkdtempSync(join(tmpdir(), 'schemas-'))
    try {
      mkdirSync(join(folder, 'user.events'))
      writeFileSync(join(folder, 'user.events.avsc'), '{}')
      writeFileSync(join(folder, 'user.events', 'user_created.json'), '{"type":"object"}')
      expect(readSchemasFolder(folder)).toEqual({ 'user.events': { user_created: { type: 'object' } } })
      writeFileSync(join(folder, 'user.events', 'broken.json'), '{')
      expect(() => readSchemasFolder(folder)).toThrow('broken.json: is not JSON')
      expect(readSchemasFolder(join(folder, 'nothing'))).toBeNull()
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

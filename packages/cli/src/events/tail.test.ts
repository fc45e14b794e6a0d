import type { ReadRecord } from '@selfmonitor/cluster'
import { describe, expect, it } from 'vitest'
import { coloursFor } from '../output/colour.ts'
import { toJsonLine } from '../output/data.ts'
import { tailData, tailLine, tailNames } from './tail.ts'

const plain = coloursFor({ isTTY: false }, {}, true)
const record: ReadRecord = {
  topic: 'user.events',
  partition: 3,
  offset: 9007199254740993n,
  timestampMs: 1_795_352_400_000,
  key: Buffer.from('u1'),
  value: Buffer.from('junk'),
  headers: [{ key: 'trace', value: Buffer.from('t') }],
}
const envelope = {
  event_id: 'e1',
  event_type: 'user_created',
  user_id: 'u1',
  timestamp: 1_795_352_400_123,
  data: '{"a":1}',
}
const event = { record, kind: 'event', envelope, data: { a: 1 } } as const

describe('an event in a tail', () => {
  it('is one line: when, what, who, where, the payload', () => {
    expect(tailLine(event, plain, { showTopic: true })).toBe(
      '2026-11-22 13:00:00.123Z  user_created              u1              user.events[3]@9007199254740993  {"a":1}\n',
    )
  })

  it('is one JSON object, its payload decoded and 64-bit numbers as strings', () => {
    expect(JSON.parse(toJsonLine(tailData(event)))).toEqual({
      event_id: 'e1',
      event_type: 'user_created',
      user_id: 'u1',
      timestamp: 1_795_352_400_123,
      data: { a: 1 },
      record: {
        topic: 'user.events',
        partition: 3,
        offset: '9007199254740993',
        timestamp: 1_795_352_400_000,
        key: 'u1',
        headers: { trace: 't' },
      },
    })
  })

  it('has the version of its payload’s schema where its record names it', () => {
    const payloadSchema = { subject: 'user.events-user_created', version: 2, id: 17 }
    expect(tailLine({ ...event, payloadSchema }, plain, { showTopic: false })).toContain(
      '  user_created v2           u1  ',
    )
    expect(tailData({ ...event, payloadSchema })).toMatchObject({ event_type: 'user_created', schema: payloadSchema })
    const unknown = { ...payloadSchema, version: null }
    expect(tailLine({ ...event, payloadSchema: unknown }, plain, { showTopic: false })).toContain('  user_created    ')
  })

  it('is broken between words on a terminal that is narrower, its payload between fields', () => {
    const data = { name: 'Ann Smith', address: { city: 'Berlin', street: 'x'.repeat(70) }, amount: 12.3 }
    const lines = tailLine({ ...event, data }, plain, { showTopic: true, width: 72 }).split('\n')
    expect(lines).toEqual([
      '2026-11-22 13:00:00.123Z  user_created  u1',
      '    user.events[3]@9007199254740993  { "name": "Ann Smith", "address": {',
      `    "city": "Berlin", "street": "${'x'.repeat(39)}`,
      `    ${'x'.repeat(31)}" }, "amount": 12.3 }`,
      '',
    ])
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(72)
    expect(tailLine(event, plain, { showTopic: true, width: 110 }).split('\n')).toHaveLength(2)
  })

  it('is said to be undecodable, with its key, why, and its bytes', () => {
    const broken = { record, kind: 'undecodable', reason: 'no schema has the id 7' } as const
    expect(tailLine(broken, plain, { showTopic: false })).toBe(
      '2026-11-22 13:00:00.000Z  undecodable               u1              [3]@9007199254740993  no schema has the id 7 (4 bytes: 6a756e6b)\n',
    )
    expect(tailData(broken)).toMatchObject({
      format: 'undecodable',
      reason: 'no schema has the id 7',
      value: 'anVuaw==',
      record: { topic: 'user.events', partition: 3, offset: 9007199254740993n, key: 'u1', headers: { trace: 't' } },
    })
  })
})

describe('a dead letter in a tail', () => {
  const headers = Object.entries({
    trace: 't',
    'dlq.error.class': 'FraudError',
    'dlq.error.message': 'amount is\n\u001b[2J negative',
  }).map(([key, value]) => ({ key, value: Buffer.from(value) }))
  const letter = { ...event, record: { ...record, topic: 'user.events.dlq', headers } }
  const why = '    FraudError: amount is\\u000a\\u001b[2J negative\n'

  it('has the error that it failed with on a line of its own, without what would move the cursor', () => {
    const [, ...below] = tailLine(letter, plain, { showTopic: false }).split(/(?<=\n)/)
    expect(below).toEqual([why])
    const narrow = tailLine(letter, plain, { showTopic: false, width: 40 }).split('\n')
    expect(narrow.slice(-3)).toEqual(['    FraudError: amount', '        is\\u000a\\u001b[2J negative', ''])
  })

  it('has it in JSON beside the headers', () => {
    expect(JSON.parse(toJsonLine(tailData(letter)))).toMatchObject({
      record: {
        error: { class: 'FraudError', message: 'amount is\n\u001b[2J negative' },
        headers: { trace: 't', 'dlq.error.class': 'FraudError' },
      },
    })
  })

  it('is one only in a dead-letter topic, and with the headers of the library', () => {
    const elsewhere = { ...letter, record: { ...letter.record, topic: 'user.events' } }
    expect(tailLine(elsewhere, plain, { showTopic: false })).not.toContain('FraudError')
    const foreign = { ...letter, record: { ...letter.record, headers: headers.slice(0, 1) } }
    expect(tailData(foreign)).not.toHaveProperty('record.error')
  })

  it('shows its headers, and those of any record, when asked to', () => {
    const [, ...below] = tailLine(letter, plain, { showTopic: false, showHeaders: true }).split(/(?<=\n)/)
    expect(below).toEqual([
      why,
      '    trace t\n',
      '    dlq.error.class FraudError\n',
      '    dlq.error.message amount is\\u000a\\u001b[2J negative\n',
    ])
    const nothing = { ...event, record: { ...record, headers: [{ key: 'trace', value: null }] } }
    expect(tailLine(nothing, plain, { showTopic: false, showHeaders: true })).toMatch(/\n {4}trace null\n$/)
  })
})

describe('another record in a tail', () => {
  const value = { id: 2n ** 60n, hash: Buffer.from('ab'), lines: [{ count: 1 }] }
  const cart = { record, kind: 'value', format: 'avro', schema: 'shop.Cart', value } as const

  it('is one line with the name of its type and its key', () => {
    expect(tailLine(cart, plain, { showTopic: false })).toBe(
      '2026-11-22 13:00:00.000Z  Cart                      u1              [3]@9007199254740993  {"id":"1152921504606846976","hash":"YWI=","lines":[{"count":1}]}\n',
    )
    const tombstone = {
      record: { ...record, key: null },
      kind: 'value',
      format: 'tombstone',
      schema: null,
      value: null,
    } as const
    expect(tailLine(tombstone, plain, { showTopic: false })).toMatch(/tombstone +- +\[3\]@9007199254740993 {2}null\n$/)
  })

  it('is one JSON object with its value, bytes in base64', () => {
    expect(JSON.parse(toJsonLine(tailData(cart)))).toMatchObject({
      format: 'avro',
      schema: 'shop.Cart',
      value: { id: '1152921504606846976', hash: 'YWI=', lines: [{ count: 1 }] },
      record: { offset: '9007199254740993', key: 'u1' },
    })
  })

  it('has the names that filters look for', () => {
    expect(tailNames(cart)).toEqual({ types: ['shop.Cart', 'Cart'], user: null, key: 'u1' })
    expect(tailNames(event)).toEqual({ types: ['user_created'], user: 'u1', key: 'u1' })
  })
})

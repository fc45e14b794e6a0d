import { describe, expect, it } from 'vitest'
import { coloursFor } from '../output/colour.ts'
import { toJsonLine } from '../output/data.ts'
import type { RawRecord } from './reader.ts'
import { decodeRecord, tailData, tailLine } from './tail.ts'

const plain = coloursFor({ write: () => {}, isTTY: false, columns: 80, rows: 24 }, {}, true)
const record: RawRecord = {
  topic: 'user.events',
  partition: 3,
  offset: 9007199254740993n,
  timestampMs: 1_795_352_400_000,
  key: Buffer.from('u1'),
  value: Buffer.from('junk'),
  headers: [['trace', Buffer.from('t')]],
}
const envelope = {
  event_id: 'e1',
  event_type: 'user_created',
  user_id: 'u1',
  timestamp: 1_795_352_400_123,
  data: '{"a":1}',
}
const undecodable = Object.assign(new Error('no schema has the id 7'), { code: 'EVENT_UNDECODABLE' })
const isUndecodable = (error: unknown): boolean => error === undecodable

describe('an event in a tail', () => {
  it('is one line: when, what, who, where, the payload', async () => {
    const event = await decodeRecord(record, () => envelope, isUndecodable)
    expect(tailLine(event, plain, true)).toBe(
      '2026-11-22 13:00:00.123Z  user_created              u1              user.events[3]@9007199254740993  {"a":1}\n',
    )
  })

  it('is one JSON object, its payload decoded and 64-bit numbers as strings', async () => {
    const event = await decodeRecord(record, () => envelope, isUndecodable)
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

  it('is said to be undecodable, with why and its bytes, and the tail goes on', async () => {
    const event = await decodeRecord(record, () => Promise.reject(undecodable), isUndecodable)
    expect(tailLine(event, plain, false)).toBe(
      '2026-11-22 13:00:00.000Z  undecodable               [3]@9007199254740993  no schema has the id 7 (4 bytes: 6a756e6b)\n',
    )
    expect(tailData(event)).toMatchObject({ undecodable: 'no schema has the id 7', valueBase64: 'anVuaw==' })
  })

  it('is undecodable too when its data is not JSON', async () => {
    const event = await decodeRecord(record, () => ({ ...envelope, data: '{' }), isUndecodable)
    expect(event).toMatchObject({ undecodable: 'its data is not JSON: {' })
  })

  it('ends the tail when the trouble is the registry’s, not the record’s', async () => {
    await expect(decodeRecord(record, () => Promise.reject(new Error('registry down')), isUndecodable)).rejects.toThrow(
      'registry down',
    )
  })
})

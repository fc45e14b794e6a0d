import { describe, expect, it } from 'vitest'
import { decodeAssignment } from './assignment.ts'

/** version 1, topics `b` [2, 0] and `a` [1], no user data. */
const bytes = Buffer.from(
  '0001' +
    '00000002' +
    '000162' +
    '00000002' +
    '00000002' +
    '00000000' +
    '000161' +
    '00000001' +
    '00000001' +
    'ffffffff',
  'hex',
)

describe('member assignment', () => {
  it('is read by topic, in order', () => {
    expect(decodeAssignment(bytes)).toEqual([
      { topic: 'a', partitions: [1] },
      { topic: 'b', partitions: [0, 2] },
    ])
  })

  it('is empty for a member that has none yet', () => {
    expect(decodeAssignment(Buffer.alloc(0))).toEqual([])
  })

  it('is empty when the bytes are cut short, instead of an invented one', () => {
    for (let length = 0; length < bytes.length - 8; length++) {
      expect(decodeAssignment(bytes.subarray(0, length))).toEqual([])
    }
  })
})

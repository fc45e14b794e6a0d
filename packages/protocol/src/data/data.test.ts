import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeAssignment,
  decodeGroupMetadataValue,
  decodeOffsetCommitValue,
  decodeOffsetsKey,
  decodeSubscription,
  encodeAssignment,
  encodeGroupMetadataValue,
  encodeOffsetCommitValue,
  encodeOffsetsKey,
  encodeSubscription,
} from '../index.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('records of __consumer_offsets', () => {
  it('have keys that begin with their kind', () => {
    expect(encodeOffsetsKey({ kind: 'offset', group: 'g', topic: 't', partition: 3 })).toEqual(
      hex('0001 0001 67 0001 74 00000003'),
    )
    expect(encodeOffsetsKey({ kind: 'group', group: 'g' })).toEqual(hex('0002 0001 67'))
  })

  it('have keys that read back', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.nat(), (group, topic, partition) => {
        const key = { kind: 'offset', group, topic, partition } as const
        expect(decodeOffsetsKey(encodeOffsetsKey(key))).toEqual(key)
        expect(decodeOffsetsKey(encodeOffsetsKey({ kind: 'group', group }))).toEqual({ kind: 'group', group })
      }),
    )
  })

  it('with the key of an ancient broker read like the others, those of newer group protocols keep their type', () => {
    expect(decodeOffsetsKey(hex('0000 0001 67 0001 74 00000003'))).toEqual({
      kind: 'offset',
      group: 'g',
      topic: 't',
      partition: 3,
    })
    expect(decodeOffsetsKey(hex('0005 0001 67'))).toEqual({ kind: 'other', type: 5 })
  })

  it('hold a committed offset in version 3, as Kafka writes it', () => {
    const value = { offset: 42n, leaderEpoch: 7, metadata: 'm', commitTimestamp: 1_700_000_000_000n }
    const bytes = encodeOffsetCommitValue(value)
    expect(bytes).toEqual(hex('0003 000000000000002a 00000007 0001 6d 0000018bcfe56800'))
    expect(decodeOffsetCommitValue(bytes)).toMatchObject(value)
    expect(() => decodeOffsetCommitValue(hex('0063 00'))).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_VERSION' }),
    )
  })

  it('hold a group with its members', () => {
    const member = {
      memberId: 'm-1',
      groupInstanceId: 'static',
      clientId: 'c',
      clientHost: '/127.0.0.1',
      rebalanceTimeout: 300_000,
      sessionTimeout: 45_000,
      subscription: Buffer.from('s'),
      assignment: Buffer.from('a'),
    }
    const group = {
      protocolType: 'consumer',
      generation: 4,
      protocol: 'range',
      leader: 'm-1',
      currentStateTimestamp: 5n,
      members: [member],
    }
    expect(decodeGroupMetadataValue(encodeGroupMetadataValue(group))).toEqual(group)
    expect(
      decodeGroupMetadataValue(encodeGroupMetadataValue({ protocolType: '', protocol: null, leader: null })).leader,
    ).toBeNull()
  })
})

describe('the consumer protocol', () => {
  it('reads back subscriptions and assignments', () => {
    const topics = [{ topic: 't', partitions: [0, 2] }]
    expect(
      decodeSubscription(encodeSubscription({ topics: ['t'], ownedPartitions: topics, generationId: 3 }, 2)),
    ).toEqual({
      version: 2,
      value: { topics: ['t'], userData: null, ownedPartitions: topics, generationId: 3, rackId: null },
    })
    expect(
      decodeAssignment(encodeAssignment({ assignedPartitions: topics, userData: Buffer.from('u') }, 0)).value,
    ).toEqual({
      assignedPartitions: topics,
      userData: Buffer.from('u'),
    })
  })

  it('reads a version of the future as the newest it knows and leaves alone what was appended', () => {
    const future = Buffer.concat([
      encodeAssignment({ assignedPartitions: [{ topic: 't', partitions: [1] }] }, 3),
      Buffer.from('new'),
    ])
    future.writeInt16BE(9, 0)
    expect(decodeAssignment(future)).toMatchObject({
      version: 9,
      value: { assignedPartitions: [{ topic: 't', partitions: [1] }] },
    })
  })
})

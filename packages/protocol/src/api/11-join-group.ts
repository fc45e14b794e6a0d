// JoinGroup: a consumer joins its group and the group agrees on a protocol and a leader.
//
// v1 adds the rebalance timeout. v4 makes a new member join twice, the second time with its id (KIP-394).
// v5 adds static members (KIP-345). v6 is flexible. v7 returns the protocol type (KIP-559). v8 adds a reason (KIP-800).
// v9 lets a leader that returns skip the assignment (KIP-814).
import { array, bool, bytes, int16, int32, message, string } from '../codec/declaration.ts'
import { api } from './api.ts'

export const joinGroupRequest = message(
  'JoinGroupRequest',
  { versions: '0-9', flexible: '6+' },
  {
    groupId: string('0+'),
    sessionTimeoutMs: int32('0+'),
    rebalanceTimeoutMs: int32('1+', { default: -1, ignorable: true }),
    memberId: string('0+'),
    groupInstanceId: string('5+', { nullable: '5+', default: null }),
    protocolType: string('0+'),
    protocols: array('0+', {
      name: string('0+'),
      metadata: bytes('0+'),
    }),
    reason: string('8+', { nullable: '8+', default: null, ignorable: true }),
  },
)

export const joinGroupResponse = message(
  'JoinGroupResponse',
  { versions: '0-9', flexible: '6+' },
  {
    throttleTimeMs: int32('2+', { ignorable: true }),
    errorCode: int16('0+'),
    generationId: int32('0+', { default: -1 }),
    protocolType: string('7+', { nullable: '7+', default: null, ignorable: true }),
    protocolName: string('0+', { nullable: '7+' }),
    leader: string('0+'),
    skipAssignment: bool('9+'),
    memberId: string('0+'),
    members: array('0+', {
      memberId: string('0+'),
      groupInstanceId: string('5+', { nullable: '5+', default: null, ignorable: true }),
      metadata: bytes('0+'),
    }),
  },
)

export const joinGroup = api(11, 'JoinGroup', joinGroupRequest, joinGroupResponse)

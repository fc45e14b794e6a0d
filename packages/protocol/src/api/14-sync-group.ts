// SyncGroup: the leader hands out the assignment and every member collects its own.
//
// v3 adds static members (KIP-345). v4 is flexible. v5 repeats protocol type and name, to be checked (KIP-559).
import { array, bytes, int16, int32, message, string } from '../codec/declaration.ts'
import { api } from './api.ts'

export const syncGroupRequest = message(
  'SyncGroupRequest',
  { versions: '0-5', flexible: '4+' },
  {
    groupId: string('0+'),
    generationId: int32('0+'),
    memberId: string('0+'),
    groupInstanceId: string('3+', { nullable: '3+', default: null }),
    protocolType: string('5+', { nullable: '5+', default: null, ignorable: true }),
    protocolName: string('5+', { nullable: '5+', default: null, ignorable: true }),
    assignments: array('0+', {
      memberId: string('0+'),
      assignment: bytes('0+'),
    }),
  },
)

export const syncGroupResponse = message(
  'SyncGroupResponse',
  { versions: '0-5', flexible: '4+' },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    protocolType: string('5+', { nullable: '5+', default: null, ignorable: true }),
    protocolName: string('5+', { nullable: '5+', default: null, ignorable: true }),
    assignment: bytes('0+'),
  },
)

export const syncGroup = api(14, 'SyncGroup', syncGroupRequest, syncGroupResponse)

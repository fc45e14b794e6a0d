// LeaveGroup: members leave their group.
//
// v3 takes several members and static ones (KIP-345). v4 is flexible. v5 adds a reason (KIP-800).
import { array, int16, int32, message, string } from '../codec/declaration.ts'
import { api } from './api.ts'

export const leaveGroupRequest = message(
  'LeaveGroupRequest',
  { versions: '0-5', flexible: '4+' },
  {
    groupId: string('0+'),
    memberId: string('0-2'),
    members: array('3+', {
      memberId: string('3+'),
      groupInstanceId: string('3+', { nullable: '3+', default: null }),
      reason: string('5+', { nullable: '5+', default: null, ignorable: true }),
    }),
  },
)

export const leaveGroupResponse = message(
  'LeaveGroupResponse',
  { versions: '0-5', flexible: '4+' },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    members: array('3+', {
      memberId: string('3+'),
      groupInstanceId: string('3+', { nullable: '3+' }),
      errorCode: int16('3+'),
    }),
  },
)

export const leaveGroup = api(13, 'LeaveGroup', leaveGroupRequest, leaveGroupResponse)

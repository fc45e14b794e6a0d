// DeleteGroups: deletes empty groups and their offsets (KIP-229).
//
// v2 is flexible. v3 adds an error message.
import { array, int16, int32, message, string } from '../codec/declaration.ts'
import { api } from './api.ts'

export const deleteGroupsRequest = message(
  'DeleteGroupsRequest',
  { versions: '0-3', flexible: '2+' },
  {
    groupsNames: array('0+', 'string'),
  },
)

export const deleteGroupsResponse = message(
  'DeleteGroupsResponse',
  { versions: '0-3', flexible: '2+' },
  {
    throttleTimeMs: int32('0+'),
    results: array('0+', {
      groupId: string('0+'),
      errorCode: int16('0+'),
      errorMessage: string('3+', { nullable: '3+', default: null, ignorable: true }),
    }),
  },
)

export const deleteGroups = api(42, 'DeleteGroups', deleteGroupsRequest, deleteGroupsResponse, {
  // New in Kafka 4.4. Not offered while the Apache Kafka beside us is 4.3: both engines serve the same versions.
  advertisedMax: 2,
})

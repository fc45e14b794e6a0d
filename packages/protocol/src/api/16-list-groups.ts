// ListGroups: the groups that this broker coordinates.
//
// v3 is flexible. v4 filters by state (KIP-518). v5 filters by type (KIP-848).
import { array, int16, int32, message, string } from '../codec/declaration.ts'
import { api } from './api.ts'

export const listGroupsRequest = message(
  'ListGroupsRequest',
  { versions: '0-5', flexible: '3+' },
  {
    statesFilter: array('4+', 'string'),
    typesFilter: array('5+', 'string'),
  },
)

export const listGroupsResponse = message(
  'ListGroupsResponse',
  { versions: '0-5', flexible: '3+' },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    groups: array('0+', {
      groupId: string('0+'),
      protocolType: string('0+'),
      groupState: string('4+', { ignorable: true }),
      groupType: string('5+', { ignorable: true }),
    }),
  },
)

export const listGroups = api(16, 'ListGroups', listGroupsRequest, listGroupsResponse)

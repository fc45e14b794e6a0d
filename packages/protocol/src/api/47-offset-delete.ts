// OffsetDelete: deletes committed offsets of a group for topics that it does not read (KIP-496).
import { array, int16, int32, message, string } from '../codec/declaration.ts'
import { api } from './api.ts'

export const offsetDeleteRequest = message(
  'OffsetDeleteRequest',
  { versions: '0', flexible: 'none' },
  {
    groupId: string('0+'),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
      }),
    }),
  },
)

export const offsetDeleteResponse = message(
  'OffsetDeleteResponse',
  { versions: '0', flexible: 'none' },
  {
    errorCode: int16('0+'),
    throttleTimeMs: int32('0+', { ignorable: true }),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
      }),
    }),
  },
)

export const offsetDelete = api(47, 'OffsetDelete', offsetDeleteRequest, offsetDeleteResponse)

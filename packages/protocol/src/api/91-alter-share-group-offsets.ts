// AlterShareGroupOffsets: sets where share groups without members begin in each partition (KIP-932).
import { array, int16, int32, int64, message, string, uuid } from '../codec/declaration.ts'
import { api } from './api.ts'

export const alterShareGroupOffsetsRequest = message(
  'AlterShareGroupOffsetsRequest',
  { versions: '0', flexible: '0+' },
  {
    groupId: string('0+'),
    topics: array('0+', {
      topicName: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        startOffset: int64('0+'),
      }),
    }),
  },
)

export const alterShareGroupOffsetsResponse = message(
  'AlterShareGroupOffsetsResponse',
  { versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    responses: array('0+', {
      topicName: string('0+'),
      topicId: uuid('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
      }),
    }),
  },
)

export const alterShareGroupOffsets = api(
  91,
  'AlterShareGroupOffsets',
  alterShareGroupOffsetsRequest,
  alterShareGroupOffsetsResponse,
)

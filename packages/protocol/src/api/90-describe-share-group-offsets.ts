// DescribeShareGroupOffsets: where share groups begin in each partition (KIP-932).
//
// v1 adds the lag (KIP-1226).
import { array, int16, int32, int64, message, string, uuid } from '../codec/declaration.ts'
import { api } from './api.ts'

export const describeShareGroupOffsetsRequest = message(
  'DescribeShareGroupOffsetsRequest',
  { versions: '0-1', flexible: '0+' },
  {
    groups: array('0+', {
      groupId: string('0+'),
      topics: array(
        '0+',
        {
          topicName: string('0+'),
          partitions: array('0+', 'int32'),
        },
        { nullable: '0+' },
      ),
    }),
  },
)

export const describeShareGroupOffsetsResponse = message(
  'DescribeShareGroupOffsetsResponse',
  { versions: '0-1', flexible: '0+' },
  {
    throttleTimeMs: int32('0+'),
    groups: array('0+', {
      groupId: string('0+'),
      topics: array('0+', {
        topicName: string('0+'),
        topicId: uuid('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          startOffset: int64('0+'),
          leaderEpoch: int32('0+'),
          lag: int64('1+', { default: -1n, ignorable: true }),
          errorCode: int16('0+'),
          errorMessage: string('0+', { nullable: '0+', default: null }),
        }),
      }),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+', default: null }),
    }),
  },
)

export const describeShareGroupOffsets = api(
  90,
  'DescribeShareGroupOffsets',
  describeShareGroupOffsetsRequest,
  describeShareGroupOffsetsResponse,
)

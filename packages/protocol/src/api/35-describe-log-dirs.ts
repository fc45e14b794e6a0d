// DescribeLogDirs: the data directories of a broker and the size of each partition in them (KIP-113).
//
// v2 is flexible. v3 adds an error code. v4 adds the sizes of the volume (KIP-827). v5 says whether a directory is cordoned.
import { array, bool, int16, int32, int64, message, string } from '../codec/declaration.ts'
import { api } from './api.ts'

export const describeLogDirsRequest = message(
  'DescribeLogDirsRequest',
  { versions: '1-5', flexible: '2+' },
  {
    topics: array(
      '0+',
      {
        topic: string('0+'),
        partitions: array('0+', 'int32'),
      },
      { nullable: '0+' },
    ),
  },
)

export const describeLogDirsResponse = message(
  'DescribeLogDirsResponse',
  { versions: '1-5', flexible: '2+' },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('3+', { ignorable: true }),
    results: array('0+', {
      errorCode: int16('0+'),
      logDir: string('0+'),
      topics: array('0+', {
        name: string('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          partitionSize: int64('0+'),
          offsetLag: int64('0+'),
          isFutureKey: bool('0+'),
        }),
      }),
      totalBytes: int64('4+', { default: -1n, ignorable: true }),
      usableBytes: int64('4+', { default: -1n, ignorable: true }),
      isCordoned: bool('5+', { ignorable: true }),
    }),
  },
)

export const describeLogDirs = api(35, 'DescribeLogDirs', describeLogDirsRequest, describeLogDirsResponse)

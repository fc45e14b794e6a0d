// ListOffsets: finds offsets by timestamp, or the ends of a partition.
//
// v1 returns one offset with its timestamp. v2 adds the isolation level. v4 adds leader epochs. v6 is flexible.
// Special timestamps: -1 latest, -2 earliest, -3 largest timestamp (v7, KIP-734), -4 earliest local (v8, KIP-405),
// -5 latest tiered (v9, KIP-1005), -6 earliest not yet uploaded (v11, KIP-1023). v10 adds a timeout (KIP-1075).
import { array, int8, int16, int32, int64, message, string } from '../codec/declaration.ts'
import { api } from './api.ts'

export const listOffsetsRequest = message(
  'ListOffsetsRequest',
  { versions: '1-11', flexible: '6+' },
  {
    replicaId: int32('0+'),
    isolationLevel: int8('2+'),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        currentLeaderEpoch: int32('4+', { default: -1, ignorable: true }),
        timestamp: int64('0+'),
      }),
    }),
    timeoutMs: int32('10+', { ignorable: true }),
  },
)

export const listOffsetsResponse = message(
  'ListOffsetsResponse',
  { versions: '1-11', flexible: '6+' },
  {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        timestamp: int64('1+', { default: -1n }),
        offset: int64('1+', { default: -1n }),
        leaderEpoch: int32('4+', { default: -1 }),
      }),
    }),
  },
)

export const listOffsets = api(2, 'ListOffsets', listOffsetsRequest, listOffsetsResponse)

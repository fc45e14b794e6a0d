// OffsetForLeaderEpoch: where a leader epoch ends, so that a reader can detect truncation (KIP-320).
//
// v2 fences by the current leader epoch. v3 adds the replica id. v4 is flexible.
import { array, int16, int32, int64, message, string } from '../codec/declaration.ts'
import { api } from './api.ts'

export const offsetForLeaderEpochRequest = message(
  'OffsetForLeaderEpochRequest',
  { versions: '2-4', flexible: '4+' },
  {
    replicaId: int32('3+', { default: -2, ignorable: true }),
    topics: array('0+', {
      topic: string('0+'),
      partitions: array('0+', {
        partition: int32('0+'),
        currentLeaderEpoch: int32('2+', { default: -1, ignorable: true }),
        leaderEpoch: int32('0+'),
      }),
    }),
  },
)

export const offsetForLeaderEpochResponse = message(
  'OffsetForLeaderEpochResponse',
  { versions: '2-4', flexible: '4+' },
  {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: array('0+', {
      topic: string('0+'),
      partitions: array('0+', {
        errorCode: int16('0+'),
        partition: int32('0+'),
        leaderEpoch: int32('1+', { default: -1, ignorable: true }),
        endOffset: int64('0+', { default: -1n }),
      }),
    }),
  },
)

export const offsetForLeaderEpoch = api(
  23,
  'OffsetForLeaderEpoch',
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
)

// OffsetCommit: a group stores how far it has read.
//
// v2 to v4 carry a retention time. v6 adds the leader epoch. v7 adds static members (KIP-345). v8 is flexible.
// v9 serves the new group protocol (KIP-848). v10 names topics by id.
import { array, int16, int32, int64, message, string, uuid } from '../codec/declaration.ts'
import { api } from './api.ts'

export const offsetCommitRequest = message(
  'OffsetCommitRequest',
  { versions: '2-10', flexible: '8+' },
  {
    groupId: string('0+'),
    generationIdOrMemberEpoch: int32('1+', { default: -1, ignorable: true }),
    memberId: string('1+', { ignorable: true }),
    groupInstanceId: string('7+', { nullable: '7+', default: null }),
    retentionTimeMs: int64('2-4', { default: -1n, ignorable: true }),
    topics: array('0+', {
      name: string('0-9', { ignorable: true }),
      topicId: uuid('10+', { ignorable: true }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        committedOffset: int64('0+'),
        committedLeaderEpoch: int32('6+', { default: -1, ignorable: true }),
        committedMetadata: string('0+', { nullable: '0+' }),
      }),
    }),
  },
)

export const offsetCommitResponse = message(
  'OffsetCommitResponse',
  { versions: '2-10', flexible: '8+' },
  {
    throttleTimeMs: int32('3+', { ignorable: true }),
    topics: array('0+', {
      name: string('0-9', { ignorable: true }),
      topicId: uuid('10+', { ignorable: true }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
      }),
    }),
  },
)

export const offsetCommit = api(8, 'OffsetCommit', offsetCommitRequest, offsetCommitResponse)

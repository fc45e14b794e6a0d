// DeleteTopics: deletes topics.
//
// v3 may answer TOPIC_DELETION_DISABLED. v4 is flexible. v5 adds an error message (KIP-599).
// v6 names topics by name or by id (KIP-516).
import { array, int16, int32, message, string, uuid } from '../codec/declaration.ts'
import { api } from './api.ts'

export const deleteTopicsRequest = message(
  'DeleteTopicsRequest',
  { versions: '1-6', flexible: '4+' },
  {
    topics: array('6+', {
      name: string('6+', { nullable: '6+', default: null }),
      topicId: uuid('6+'),
    }),
    topicNames: array('0-5', 'string', { ignorable: true }),
    timeoutMs: int32('0+'),
  },
)

export const deleteTopicsResponse = message(
  'DeleteTopicsResponse',
  { versions: '1-6', flexible: '4+' },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    responses: array('0+', {
      name: string('0+', { nullable: '6+' }),
      topicId: uuid('6+', { ignorable: true }),
      errorCode: int16('0+'),
      errorMessage: string('5+', { nullable: '5+', default: null, ignorable: true }),
    }),
  },
)

export const deleteTopics = api(20, 'DeleteTopics', deleteTopicsRequest, deleteTopicsResponse)

// Produce: a producer appends record batches to partitions.
//
// v3 takes record batches of magic 2 only. v5 returns the log start offset. v7 allows zstd (KIP-110).
// v8 says which records of a batch were refused (KIP-467). v9 is flexible. v10 returns the current leader (KIP-951).
// v12 adds partitions to a transaction implicitly (KIP-890). v13 names topics by id (KIP-516).
// v0 to v2 are advertised but refused: librdkafka compresses only where it sees them (KAFKA-18659).
import { array, int16, int32, int64, message, records, string, struct, uuid } from '../codec/declaration.ts'
import { api } from './api.ts'

export const produceRequest = message(
  'ProduceRequest',
  { versions: '3-13', flexible: '9+' },
  {
    transactionalId: string('3+', { nullable: '3+', default: null }),
    acks: int16('0+'),
    timeoutMs: int32('0+'),
    topicData: array('0+', {
      name: string('0-12', { ignorable: true }),
      topicId: uuid('13+', { ignorable: true }),
      partitionData: array('0+', {
        index: int32('0+'),
        records: records('0+', { nullable: '0+' }),
      }),
    }),
  },
)

export const produceResponse = message(
  'ProduceResponse',
  { versions: '3-13', flexible: '9+' },
  {
    responses: array('0+', {
      name: string('0-12', { ignorable: true }),
      topicId: uuid('13+', { ignorable: true }),
      partitionResponses: array('0+', {
        index: int32('0+'),
        errorCode: int16('0+'),
        baseOffset: int64('0+'),
        logAppendTimeMs: int64('2+', { default: -1n, ignorable: true }),
        logStartOffset: int64('5+', { default: -1n, ignorable: true }),
        recordErrors: array(
          '8+',
          {
            batchIndex: int32('8+'),
            batchIndexErrorMessage: string('8+', { nullable: '8+', default: null }),
          },
          { ignorable: true },
        ),
        errorMessage: string('8+', { nullable: '8+', default: null, ignorable: true }),
        currentLeader: struct(
          '10+',
          {
            leaderId: int32('10+', { default: -1 }),
            leaderEpoch: int32('10+', { default: -1 }),
          },
          { tag: 0 },
        ),
      }),
    }),
    throttleTimeMs: int32('1+', { ignorable: true }),
    nodeEndpoints: array(
      '10+',
      {
        nodeId: int32('10+'),
        host: string('10+'),
        port: int32('10+'),
        rack: string('10+', { nullable: '10+', default: null }),
      },
      { tag: 0 },
    ),
  },
)

export const produce = api(0, 'Produce', produceRequest, produceResponse, { advertisedMin: 0 })

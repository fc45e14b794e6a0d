// InitProducerId: gives an idempotent or transactional producer its id and epoch (KIP-98).
//
// v2 is flexible. v3 lets a producer bump its epoch (KIP-360). v4 may answer PRODUCER_FENCED (KIP-588).
// v5 may answer TRANSACTION_ABORTABLE (KIP-890). v6, two-phase commit (KIP-939), is not final and not advertised.
import { bool, int16, int32, int64, message, string } from '../codec/declaration.ts'
import { api } from './api.ts'

export const initProducerIdRequest = message(
  'InitProducerIdRequest',
  { versions: '0-6', flexible: '2+' },
  {
    transactionalId: string('0+', { nullable: '0+' }),
    transactionTimeoutMs: int32('0+'),
    producerId: int64('3+', { default: -1n }),
    producerEpoch: int16('3+', { default: -1 }),
    enable2Pc: bool('6+'),
    keepPreparedTxn: bool('6+'),
  },
)

export const initProducerIdResponse = message(
  'InitProducerIdResponse',
  { versions: '0-6', flexible: '2+' },
  {
    throttleTimeMs: int32('0+', { ignorable: true }),
    errorCode: int16('0+'),
    producerId: int64('0+', { default: -1n }),
    producerEpoch: int16('0+'),
    ongoingTxnProducerId: int64('6+', { default: -1n }),
    ongoingTxnProducerEpoch: int16('6+', { default: -1 }),
  },
)

export const initProducerId = api(22, 'InitProducerId', initProducerIdRequest, initProducerIdResponse, {
  advertisedMax: 5,
})

// FindCoordinator: which broker coordinates a group, a transaction or a share partition.
//
// v1 adds the key type: 0 group, 1 transaction, 2 share partition (v6, KIP-932). v3 is flexible.
// v4 asks for several keys at once (KIP-699). v5 may answer TRANSACTION_ABORTABLE (KIP-890).
import { array, int8, int16, int32, message, string } from '../codec/declaration.ts'
import { api } from './api.ts'

export const findCoordinatorRequest = message(
  'FindCoordinatorRequest',
  { versions: '0-6', flexible: '3+' },
  {
    key: string('0-3'),
    keyType: int8('1+'),
    coordinatorKeys: array('4+', 'string'),
  },
)

export const findCoordinatorResponse = message(
  'FindCoordinatorResponse',
  { versions: '0-6', flexible: '3+' },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0-3'),
    errorMessage: string('1-3', { nullable: '1-3', ignorable: true }),
    nodeId: int32('0-3'),
    host: string('0-3'),
    port: int32('0-3'),
    coordinators: array('4+', {
      key: string('4+'),
      nodeId: int32('4+'),
      host: string('4+'),
      port: int32('4+'),
      errorCode: int16('4+'),
      errorMessage: string('4+', { nullable: '4+', ignorable: true }),
    }),
  },
)

export const findCoordinator = api(10, 'FindCoordinator', findCoordinatorRequest, findCoordinatorResponse)

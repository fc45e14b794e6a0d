// ListConfigResources: the names of everything that has settings (KIP-1142).
//
// v0 was ListClientMetricsResources and lists client metrics subscriptions alone (KIP-714).
import { array, int8, int16, int32, message, string } from '../codec/declaration.ts'
import { api } from './api.ts'

export const listConfigResourcesRequest = message(
  'ListConfigResourcesRequest',
  { versions: '0-1', flexible: '0+' },
  {
    resourceTypes: array('1+', 'int8'),
  },
)

export const listConfigResourcesResponse = message(
  'ListConfigResourcesResponse',
  { versions: '0-1', flexible: '0+' },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    configResources: array('0+', {
      resourceName: string('0+'),
      resourceType: int8('1+', { default: 16, ignorable: true }),
    }),
  },
)

export const listConfigResources = api(
  74,
  'ListConfigResources',
  listConfigResourcesRequest,
  listConfigResourcesResponse,
)

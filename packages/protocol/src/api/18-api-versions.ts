// ApiVersions: which APIs and versions this broker speaks; the first request of nearly every client.
//
// v3 is flexible and names the client software (KIP-511); the response header stays at v0 so that any client can read it.
// An unknown version is answered at v0 with UNSUPPORTED_VERSION and the supported range.
// v4 allows a minimum feature version of 0 (KAFKA-17011). v5 checks cluster and node id (KIP-1242).
import { array, bool, int16, int32, int64, message, string } from '../codec/declaration.ts'
import { api } from './api.ts'

export const apiVersionsRequest = message(
  'ApiVersionsRequest',
  { versions: '0-5', flexible: '3+' },
  {
    clientSoftwareName: string('3+', { ignorable: true }),
    clientSoftwareVersion: string('3+', { ignorable: true }),
    clusterId: string('5+', { nullable: '5+', default: null, ignorable: true }),
    nodeId: int32('5+', { default: -1, ignorable: true }),
  },
)

export const apiVersionsResponse = message(
  'ApiVersionsResponse',
  { versions: '0-5', flexible: '3+' },
  {
    errorCode: int16('0+'),
    apiKeys: array('0+', {
      apiKey: int16('0+'),
      minVersion: int16('0+'),
      maxVersion: int16('0+'),
    }),
    throttleTimeMs: int32('1+', { ignorable: true }),
    supportedFeatures: array(
      '3+',
      {
        name: string('3+'),
        minVersion: int16('3+'),
        maxVersion: int16('3+'),
      },
      { tag: 0, ignorable: true },
    ),
    finalizedFeaturesEpoch: int64('3+', { tag: 1, default: -1n, ignorable: true }),
    finalizedFeatures: array(
      '3+',
      {
        name: string('3+'),
        maxVersionLevel: int16('3+'),
        minVersionLevel: int16('3+'),
      },
      { tag: 2, ignorable: true },
    ),
    zkMigrationReady: bool('3+', { tag: 3, ignorable: true }),
  },
)

export const apiVersions = api(18, 'ApiVersions', apiVersionsRequest, apiVersionsResponse, {
  // New in Kafka 4.4. Not offered while the Apache Kafka beside us is 4.3: both engines serve the same versions.
  advertisedMax: 4,
})

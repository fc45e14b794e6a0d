// ApiVersions: which APIs and versions this broker has; the first request of nearly every client.
//
// Behaviour: an unknown version is answered at v0 with UNSUPPORTED_VERSION and the range of this one API (the server does that,
// KIP-511). Features are those of Apache Kafka 4.x that this broker has: no share or streams groups.
//
// Versions: from v3 on the request has the client's name and version, and the response has features (KIP-584); up to v3 a feature whose lowest version is 0 is
// left out (KAFKA-17011). In v5 a request may have the id of the cluster and of the node that the client expects (KIP-1242).
import { type ApiName, apis, errorCodes } from '@selfmonitor/protocol'
import { metadataVersions } from '../kafka-release.ts'
import type { ApiHandler } from '../request/handler.ts'
import { advertisedVersions, type HandlerTable } from '../request/handler-table.ts'

/** The names and versions that a client may give itself (KIP-511). */
const softwarePattern = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

/** The features of a 4.x cluster in KRaft mode with classic groups. */
const features = [
  {
    name: 'metadata.version',
    minVersion: metadataVersions.min,
    maxVersion: metadataVersions.max,
    finalized: metadataVersions.max,
  },
] as const

export function makeHandleApiVersions(table: () => HandlerTable): ApiHandler<'ApiVersions'> {
  return (request, { apiVersion, connection, broker, brokerId }) => {
    if (apiVersion >= 3) {
      const names = [request.clientSoftwareName, request.clientSoftwareVersion]
      if (!names.every((name) => softwarePattern.test(name))) return { errorCode: errorCodes.INVALID_REQUEST }
      connection.clientSoftwareName = request.clientSoftwareName
      connection.clientSoftwareVersion = request.clientSoftwareVersion
    }
    if (apiVersion >= 5) {
      const { clusterId, nodeId } = request
      // KIP-1242 defines no check with only one of the two.
      if ((clusterId === null) !== (nodeId === -1)) return { errorCode: errorCodes.INVALID_REQUEST }
      const meant = clusterId === null || (clusterId === broker.clusterId && nodeId === brokerId)
      if (!meant) return { errorCode: errorCodes.REBOOTSTRAP_REQUIRED }
    }
    const rows = Object.entries(table()) as [ApiName, NonNullable<HandlerTable[ApiName]>][]
    const apiKeys = rows
      .map(([name, row]) => {
        const { min, max } = advertisedVersions(apis[name], row)
        return { apiKey: apis[name].key, minVersion: min, maxVersion: max }
      })
      .sort((a, b) => a.apiKey - b.apiKey)
    if (apiVersion < 3) return { apiKeys }
    return {
      apiKeys,
      supportedFeatures: features.map(({ name, minVersion, maxVersion }) => ({ name, minVersion, maxVersion })),
      finalizedFeaturesEpoch: 0n,
      finalizedFeatures: features.map(({ name, finalized }) => ({
        name,
        maxVersionLevel: finalized,
        minVersionLevel: finalized,
      })),
    }
  }
}

// DescribeCluster: the brokers, the controller and the cluster id (KIP-700).
//
// Versions: v1 asks for brokers or controllers (KIP-919); a broker's port only answers for brokers. v2 also lists fenced
// brokers; this broker never has any.
import { errorCodes } from '@selfmonitor/protocol'
import { allClusterOperations } from '../request/authorized-operations.ts'
import type { ApiHandler } from '../request/handler.ts'

const endpointType = { broker: 1, controller: 2 } as const

export const handleDescribeCluster: ApiHandler<'DescribeCluster'> = (request, { broker }) => {
  if (request.endpointType === endpointType.controller) {
    return {
      errorCode: errorCodes.MISMATCHED_ENDPOINT_TYPE,
      errorMessage: 'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER',
    }
  }
  if (request.endpointType !== endpointType.broker) {
    return {
      errorCode: errorCodes.UNSUPPORTED_ENDPOINT_TYPE,
      errorMessage: `Unsupported endpoint type ${request.endpointType}`,
    }
  }
  const rack = broker.config.optionalString('broker.rack')
  return {
    endpointType: endpointType.broker,
    clusterId: broker.clusterId,
    controllerId: broker.brokers[0]!.brokerId,
    brokers: broker.brokers.map(({ brokerId, host, port }) => ({ brokerId, host, port, rack })),
    ...(request.includeClusterAuthorizedOperations && { clusterAuthorizedOperations: allClusterOperations }),
  }
}

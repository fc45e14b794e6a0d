// The bit fields that answer "what may I do": without an authorizer everything that the kind of resource knows (KIP-430).
import { everyOperationOn } from '@selfmonitor/protocol'

/** The answer when the request did not ask. */
export const operationsNotAsked = -2147483648

export const allTopicOperations = everyOperationOn('topic')
export const allClusterOperations = everyOperationOn('cluster')
export const allGroupOperations = everyOperationOn('group')

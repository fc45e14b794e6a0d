// Every message at every version, for tests that must leave none out.
import {
  apis,
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  groupMetadataKey,
  groupMetadataValue,
  type Message,
  offsetCommitKey,
  offsetCommitValue,
  parseVersions,
} from '../src/index.ts'

export const allMessages: readonly Message[] = [
  ...Object.values(apis).flatMap((api): Message[] => [api.request, api.response]),
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  offsetCommitKey,
  offsetCommitValue,
  groupMetadataKey,
  groupMetadataValue,
]

export const everyVersion: readonly { readonly message: Message; readonly version: number }[] = allMessages.flatMap(
  (message) => {
    const { min, max } = parseVersions(message.versions)
    return Array.from({ length: max - min + 1 }, (_, index) => ({ message, version: min + index }))
  },
)

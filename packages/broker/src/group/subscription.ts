// Which topics a consumer group reads, according to its members' metadata.
import { type ClassicGroup, metadataFor } from './classic-group.ts'

/** The protocol type of consumers; other types (`connect`) put something else into their metadata. */
export const consumerProtocolType = 'consumer'

/** @returns the topics of all members; undefined when they are not known */
export function subscribedTopicsOf(group: ClassicGroup): ReadonlySet<string> | undefined {
  if (group.protocolType !== consumerProtocolType) return undefined
  if (group.members.size === 0) return new Set()
  if (group.protocolName === undefined) return undefined
  const topics = new Set<string>()
  for (const member of group.members.values()) {
    const subscription = readSubscribedTopics(metadataFor(member, group.protocolName))
    if (!subscription) return undefined
    for (const topic of subscription) topics.add(topic)
  }
  return topics
}

/** Whether the group reads the topic. A consumer group whose subscription is unknown may read any, as in Kafka. */
export function isSubscribed(group: ClassicGroup, topic: string): boolean {
  return group.subscribedTopics ? group.subscribedTopics.has(topic) : group.protocolType === consumerProtocolType
}

/**
 * Reads the topics of a ConsumerProtocolSubscription. Every version of it begins as version 0 does:
 *
 *   version => INT16    topics => [STRING]
 *
 * @returns undefined when the bytes are not a subscription
 */
export function readSubscribedTopics(metadata: Buffer): readonly string[] | undefined {
  if (metadata.length < 6 || metadata.readInt16BE(0) < 0) return undefined
  const count = metadata.readInt32BE(2)
  const topics: string[] = []
  let at = 6
  for (let i = 0; i < count; i++) {
    if (at + 2 > metadata.length) return undefined
    const length = metadata.readInt16BE(at)
    at += 2
    if (length < 0 || at + length > metadata.length) return undefined
    topics.push(metadata.toString('utf8', at, at + length))
    at += length
  }
  return topics
}

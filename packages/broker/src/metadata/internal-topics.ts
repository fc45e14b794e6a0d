// The topics that Kafka keeps its own data in, and how they are created when they are first needed.
import type { BrokerConfig } from '../config/index.ts'
import { placeReplicas } from './placement.ts'
import type { NewTopic } from './types.ts'

export type InternalTopicName = '__consumer_offsets' | '__transaction_state'

export const internalTopicNames: ReadonlySet<string> = new Set<InternalTopicName>([
  '__consumer_offsets',
  '__transaction_state',
])

/** The topic with the settings that Kafka gives it. @param brokerIds node ids of the presented brokers */
export function newInternalTopic(
  name: InternalTopicName,
  config: BrokerConfig,
  brokerIds: readonly number[],
): NewTopic {
  const { prefix, own } = settingsOf(name, config)
  const partitions = config.number(`${prefix}.num.partitions`)
  const replicationFactor = Math.min(config.number(`${prefix}.replication.factor`), brokerIds.length)
  return {
    name,
    assignments: placeReplicas(name, 0, partitions, replicationFactor, brokerIds),
    configs: new Map([
      ['cleanup.policy', 'compact'],
      ['segment.bytes', String(config.number(`${prefix}.segment.bytes`))],
      ...Object.entries(own),
    ]),
  }
}

/** @returns how the broker settings about the topic begin, and the topic settings that only it has */
function settingsOf(
  name: InternalTopicName,
  config: BrokerConfig,
): { readonly prefix: string; readonly own: Readonly<Record<string, string>> } {
  switch (name) {
    case '__consumer_offsets':
      return { prefix: 'offsets.topic', own: { 'compression.type': 'producer' } }
    case '__transaction_state':
      return {
        prefix: 'transaction.state.log',
        own: {
          'compression.type': 'uncompressed',
          'min.insync.replicas': String(config.number('transaction.state.log.min.isr')),
          'unclean.leader.election.enable': 'false',
        },
      }
  }
}

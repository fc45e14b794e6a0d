// What protects topics from a slip: those that are not for events, and the name to type in production.
import type { TopicInfo } from '@selfmonitor/cluster'
import { usageError } from '../framework/errors.ts'
import { flag } from '../framework/verb.ts'

interface InternalTopic {
  readonly owner: string
  readonly holds: string
  /** The reason why the topic must keep its number of partitions. */
  readonly fixedPartitions: string
}

/** Topics that are not for events: those of Kafka and of the Schema Registry. */
export const internalTopics: Readonly<Record<string, InternalTopic>> = {
  __consumer_offsets: {
    owner: 'Kafka',
    holds: 'the committed offsets of every group',
    fixedPartitions: 'groups would look for their offsets in other partitions, and not find them',
  },
  __transaction_state: {
    owner: 'Kafka',
    holds: 'the transactions of every producer',
    fixedPartitions: 'producers would look for their transactions in other partitions, and not find them',
  },
  __share_group_state: {
    owner: 'Kafka',
    holds: 'the progress of every share group',
    fixedPartitions: 'share groups would look for their state in other partitions, and not find it',
  },
  '_selfmonitor-dead-letters': {
    owner: 'selfmonitor dlq',
    holds: 'which dead letters were sent again or discarded',
    fixedPartitions: 'it would look for them in other partitions, and send them again',
  },
  _schemas: {
    owner: 'the Schema Registry',
    holds: 'every schema, without which no event can be decoded',
    fixedPartitions: 'the registry needs all schemas in one order',
  },
}

export const internalFlag = flag('--internal', 'also a topic of Kafka or of the Schema Registry')

/** @throws CliError USAGE of an internal topic that was not asked for with `--internal` */
export function checkInternal({ name, internal }: Pick<TopicInfo, 'name' | 'internal'>, allowed: boolean): void {
  const known = internalTopics[name]
  if (allowed || (!internal && known === undefined)) return
  const what = known === undefined ? 'is an internal topic' : `belongs to ${known.owner} and holds ${known.holds}`
  throw usageError(`${name} ${what}.`, 'Pass --internal to do it anyway.')
}

/** The text to type in production: the name of the resource, or of the environment if there are several resources. */
export function typedName(environment: string, names: readonly string[]): string {
  return names.length === 1 ? names[0]! : environment
}

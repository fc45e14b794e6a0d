// Which partition: the pair that every part of this library passes on.

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** Kafka's own way to write it, `user.events-3`: for log lines, health and keys of maps. */
export const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`

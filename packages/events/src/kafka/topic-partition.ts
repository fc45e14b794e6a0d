// Partitions and positions in them, as all parts of this library pass them.

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** Kafka's own way to write it, `user.events-3`: for log lines, health and keys of maps. */
export const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`

/** The next offset to read, and the epoch of the leader that wrote the record before it (KIP-320); -1 when it is not known. */
export interface Position {
  readonly offset: bigint
  readonly leaderEpoch: number
}

// The types of `Cluster.appendBatches`.

/** An idempotent producer (KIP-98). */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/**
 * Appends finished record batches. The batches of a partition are appended in the order of the calls, each once: they carry a
 * producer id and sequence numbers, by which the broker knows a batch that is sent again.
 */
export interface BatchAppender {
  /**
   * @param batch magic 2, with producer id, epoch and base sequence; not to be changed before the promise settles
   * @returns once all in-sync replicas have it (acks=all): the offset of its first record; null when the broker has had it already
   *   and does not say where
   * @throws ClusterError what the broker refused (`MESSAGE_TOO_LARGE`, `TOPIC_AUTHORIZATION_FAILED`, `OUT_OF_ORDER_SEQUENCE_NUMBER`, …),
   *   or TIMEOUT when it could not be appended within two minutes. Batches of the partition behind it fail with it. `isUnwritten` says
   *   that the batch is certainly not in the log.
   */
  append(topic: string, partition: number, batch: Buffer): Promise<bigint | null>
  close(): Promise<void>
}

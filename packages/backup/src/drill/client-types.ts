// What a drill wants of a client. Apart from client-reader.ts, whose types are those of @platformatic/kafka: programs that compile against
// this package need not have them.
import type { ClusterOptions } from '@selfmonitor/cluster'
import type { DigestedRecord } from '../restore/compare.ts'

export type ClientConnection = Pick<ClusterOptions, 'bootstrapServers' | 'sasl' | 'tls' | 'timeoutMs'>

export interface ClientRecord extends DigestedRecord {
  readonly offset: bigint
}

export interface ClientReader {
  /** Number of partitions. @throws when the topic does not exist */
  partitions(topic: string): Promise<number>
  /** All records of a partition, in the order of their offsets. */
  records(topic: string, partition: number): AsyncGenerator<ClientRecord, void, undefined>
  /** What a group has committed for a partition; null for nothing. */
  committed(groupId: string, topic: string, partition: number): Promise<bigint | null>
  close(): Promise<void>
}

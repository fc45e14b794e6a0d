// Records of topics, for tests: written in batches of their own, and read back without offsets.
import type { Cluster, ReadRecord } from '@selfmonitor/cluster'
import { encodeBatch, type RecordInput } from '@selfmonitor/protocol/records'

/** Appends each list as a batch. */
export async function produceBatches(
  cluster: Cluster,
  topic: string,
  partition: number,
  ...batches: readonly (readonly RecordInput[])[]
): Promise<void> {
  const identity = await cluster.initProducer()
  const appender = await cluster.appendBatches()
  let baseSequence = 0
  for (const records of batches) {
    await appender.append(topic, partition, encodeBatch(records, { ...identity, baseSequence }))
    baseSequence += records.length
  }
  await appender.close()
}

export async function readRecords(
  cluster: Cluster,
  topic: string,
  partition: number,
): Promise<Omit<ReadRecord, 'offset' | 'topic'>[]> {
  const place = [{ topic, partition }]
  const [first] = await cluster.listOffsets(place, 'earliest')
  const [end] = await cluster.listOffsets(place, 'latest')
  const records: ReadRecord[] = []
  for await (const event of cluster.read([{ topic, partition, next: first!.offset!, end: end!.offset! }])) {
    if (event.kind === 'records') records.push(...event.records)
  }
  return records.map(({ offset: _, topic: __, ...record }) => record)
}

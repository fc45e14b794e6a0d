// Whether a restored partition is what the source has: both are read, and their records hashed in the same form.
import { createHash, type Hash } from 'node:crypto'
import type { Cluster, ReadBatch, ReadRecord } from '@selfmonitor/cluster'
import { maxDecompressedBytes, recordsBetween } from '../format/trim.ts'

export interface PartitionDigest {
  readonly records: bigint
  /** SHA-256 over the records' times, keys, values and headers, in their order. */
  readonly sha256: string
}

export interface Digest {
  readonly hash: Hash
  records: bigint
}

/** What of a record is compared: not its offset, which is another in the target. */
export type DigestedRecord = Pick<ReadRecord, 'timestampMs' | 'key' | 'value' | 'headers'>

export const newDigest = (): Digest => ({ hash: createHash('sha256'), records: 0n })

const lengths = Buffer.alloc(8)

export function addRecord(digest: Digest, { timestampMs, key, value, headers }: DigestedRecord): void {
  const { hash } = digest
  digest.records++
  lengths.writeDoubleBE(timestampMs)
  hash.update(lengths)
  addBytes(hash, key)
  addBytes(hash, value)
  for (const header of headers) {
    addBytes(hash, header.keyBytes ?? Buffer.from(header.key))
    addBytes(hash, header.value)
  }
  lengths.writeInt32BE(headers.length)
  hash.update(lengths.subarray(0, 4))
}

function addBytes(hash: Hash, bytes: Buffer | null): void {
  lengths.writeInt32BE(bytes?.length ?? -1)
  hash.update(lengths.subarray(0, 4))
  if (bytes !== null) hash.update(bytes)
}

export const finish = ({ hash, records }: Digest): PartitionDigest => ({ records, sha256: hash.digest('hex') })

/** @param limit only so many records */
export async function digestOfBatches(
  batches: AsyncIterable<ReadBatch>,
  limit: bigint | null,
): Promise<PartitionDigest> {
  const digest = newDigest()
  for await (const batch of batches) {
    const { baseOffset, lastOffsetDelta } = batch.header
    for (const record of await recordsBetween(batch, baseOffset, baseOffset + BigInt(lastOffsetDelta) + 1n)) {
      if (limit !== null && digest.records >= limit) return finish(digest)
      addRecord(digest, record)
    }
  }
  return finish(digest)
}

/** Of all that the partition holds. */
export async function digestOfPartition(cluster: Cluster, topic: string, partition: number): Promise<PartitionDigest> {
  const place = [{ topic, partition }]
  const [first] = await cluster.listOffsets(place, 'earliest')
  const [end] = await cluster.listOffsets(place, 'latest')
  const digest = newDigest()
  const range = { topic, partition, next: first!.offset ?? 0n, end: end!.offset ?? 0n }
  for await (const event of cluster.read([range], { maxDecompressedBytes })) {
    if (event.kind === 'records') for (const record of event.records) addRecord(digest, record)
  }
  return finish(digest)
}

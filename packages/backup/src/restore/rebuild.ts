// Turns a batch of a log into one that a producer sends: the same records, with sequence numbers.
import type { ProducerIdentity, ReadBatch } from '@selfmonitor/cluster'
import { encodeBatch, patchProducer } from '@selfmonitor/protocol/records'
import { recordsBetween } from '../format/trim.ts'

const sequences = 2n ** 31n

/** The sequence number of the record with this number, from 0: after 2^31 - 1 comes 0. */
export function sequenceOf(number: bigint): number {
  return Number(number % sequences)
}

/**
 * @param number how many records of the partition this producer sends before it
 * @throws ProtocolError
 */
export async function producerBatch(batch: ReadBatch, identity: ProducerIdentity, number: bigint): Promise<Buffer> {
  const { header, bytes } = batch
  const stamp = { ...identity, baseSequence: sequenceOf(number) }
  // Brokers take records whose offsets have no gaps, which compaction leaves, and whose time is the producer's.
  if (header.recordsCount === header.lastOffsetDelta + 1 && header.timestampType === 'CreateTime') {
    const own = Buffer.from(bytes)
    patchProducer(own, stamp)
    return own
  }
  const end = header.baseOffset + BigInt(header.lastOffsetDelta) + 1n
  const records = (await recordsBetween(batch, header.baseOffset, end)).map(({ timestampMs, key, value, headers }) => ({
    timestamp: BigInt(timestampMs),
    key,
    value,
    headers,
  }))
  return encodeBatch(records, { ...stamp, compression: header.compression })
}

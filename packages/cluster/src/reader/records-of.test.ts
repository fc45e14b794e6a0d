import { batchHeaderBytes, encodeBatch, patchTimestamp, type RecordInput } from '@selfmonitor/protocol/records'
import { describe, expect, it } from 'vitest'
import { batchesOf, type Fetched, payloadOf, recordsOf } from './records-of.ts'

type Options = Parameters<typeof encodeBatch>[1]

const values = (...texts: string[]): RecordInput[] =>
  texts.map((text, index) => ({ value: Buffer.from(text), timestamp: BigInt(1000 + index) }))
const batch = (baseOffset: bigint, texts: string[], options: Options = {}): Buffer =>
  encodeBatch(values(...texts), { baseOffset, ...options })
const transactional = { isTransactional: true, producerEpoch: 0, baseSequence: 0 } as const
const marker = (baseOffset: bigint, producerId: bigint): Buffer =>
  // An abort marker: version 0, type 0. https://kafka.apache.org/documentation/#controlbatch
  encodeBatch([{ key: Buffer.from('00000000', 'hex'), value: Buffer.alloc(6), timestamp: 0n }], {
    baseOffset,
    producerId,
    producerEpoch: 0,
    isTransactional: true,
    isControl: true,
  })

function fetched(parts: readonly Buffer[], more: Partial<Fetched> = {}): Fetched {
  return {
    bytes: Buffer.concat(parts),
    from: 0n,
    end: null,
    isolation: 'read_uncommitted',
    abortedTransactions: [],
    ...more,
  }
}

async function read(what: Fetched): Promise<{ seen: string[]; next: bigint; damage: string | null }> {
  const { batches, next, damage } = batchesOf(what)
  const seen: string[] = []
  for (const one of batches) {
    const range = { topic: 't', partition: 0, from: what.from, end: what.end }
    for (const record of recordsOf(one.header, await payloadOf(one), range)) {
      seen.push(`${record.offset}:${record.value}`)
    }
  }
  return { seen, next, damage: damage?.code ?? null }
}

describe('the records of a fetched partition', () => {
  it('begin at the position, which may lie within a batch, and end at the range’s end', async () => {
    const parts = [batch(0n, ['a', 'b', 'c']), batch(3n, ['d', 'e', 'f'])]
    expect(await read(fetched(parts, { from: 1n }))).toEqual({
      seen: ['1:b', '2:c', '3:d', '4:e', '5:f'],
      next: 6n,
      damage: null,
    })
    expect(await read(fetched(parts, { from: 1n, end: 4n }))).toMatchObject({ seen: ['1:b', '2:c', '3:d'], next: 4n })
    expect(await read(fetched(parts, { end: 3n }))).toMatchObject({ seen: ['0:a', '1:b', '2:c'], next: 3n })
    expect(await read(fetched(parts, { from: 2n, end: 2n }))).toMatchObject({ seen: [], next: 2n })
  })

  it('have the producer’s time, or with LogAppendTime that of the batch for all of them', () => {
    const times = (bytes: Buffer): number[] => {
      const { header, bytes: whole } = batchesOf(fetched([bytes])).batches[0]!
      return recordsOf(header, whole.subarray(batchHeaderBytes), { topic: 't', partition: 0, from: 0n, end: null }).map(
        (r) => r.timestampMs,
      )
    }
    const created = batch(0n, ['a', 'b'])
    expect(times(created)).toEqual([1000, 1001])
    const appended = Buffer.from(created)
    patchTimestamp(appended, 'LogAppendTime', 5000n)
    expect(times(appended)).toEqual([5000, 5000])
  })

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'are decompressed from %s, small and large',
    async (compression) => {
      const large = Array.from({ length: 2000 }, (_, index) => `${index}-${Math.sin(index)}-${Math.cos(index)}`)
      const { seen } = await read(fetched([batch(0n, ['a'], { compression }), batch(1n, large, { compression })]))
      expect(seen).toHaveLength(2001)
      expect(seen.at(-1)).toBe(`2000:${large.at(-1)}`)
    },
  )

  it('have no control records among them, and the position goes past those', async () => {
    const parts = [batch(0n, ['a'], { producerId: 7n, ...transactional }), marker(1n, 7n)]
    expect(await read(fetched(parts))).toMatchObject({ seen: ['0:a'], next: 2n })
  })

  it('are, with read_committed, without those of aborted transactions, each up to its marker', async () => {
    const parts = [
      batch(0n, ['aborted'], { producerId: 7n, ...transactional }),
      batch(1n, ['other producer'], { producerId: 8n, ...transactional }),
      batch(2n, ['aborted too'], { producerId: 7n, ...transactional }),
      marker(3n, 7n),
      batch(4n, ['next transaction'], { producerId: 7n, ...transactional }),
      batch(5n, ['plain']),
    ]
    const abortedTransactions = [{ producerId: 7n, firstOffset: 0n }]
    const committed = await read(fetched(parts, { isolation: 'read_committed', abortedTransactions }))
    expect(committed).toMatchObject({ seen: ['1:other producer', '4:next transaction', '5:plain'], next: 6n })
    const all = await read(fetched(parts, { abortedTransactions }))
    expect(all.seen).toHaveLength(5)
  })

  it('know of a transaction that began before the position', async () => {
    const parts = [batch(5n, ['aborted'], { producerId: 7n, ...transactional }), marker(6n, 7n), batch(7n, ['a'])]
    const abortedTransactions = [{ producerId: 7n, firstOffset: 2n }]
    expect(await read(fetched(parts, { from: 5n, isolation: 'read_committed', abortedTransactions }))).toMatchObject({
      seen: ['7:a'],
      next: 8n,
    })
  })

  it('end before a batch that is cut off, which comes again', async () => {
    const whole = batch(0n, ['a'])
    const cut = batch(1n, ['b']).subarray(0, 50)
    expect(await read(fetched([whole, cut]))).toEqual({ seen: ['0:a'], next: 1n, damage: null })
  })

  it('end before a batch whose checksum is wrong, with the reason', async () => {
    const wrong = batch(1n, ['b'])
    wrong[wrong.length - 1]! ^= 1
    expect(await read(fetched([batch(0n, ['a']), wrong, batch(2n, ['c'])]))).toEqual({
      seen: ['0:a'],
      next: 1n,
      damage: 'CORRUPT',
    })
  })

  it('are none in a batch that compaction has emptied, and the position goes past it', async () => {
    const kept = batch(0n, ['a', 'b', 'c', 'd'])
    // As Kafka keeps the last batch of a producer: its offsets, no records.
    const emptied = encodeBatch(values('x'), { baseOffset: 4n, lastOffset: 9n })
    expect(await read(fetched([kept, emptied]))).toMatchObject({ next: 10n })
  })
})

// What compaction leaves and what a broker's clock writes: offsets with gaps, and times that no producer may set.
import type { ReadBatch } from '@selfmonitor/cluster'
import {
  decodeRecords,
  encodeBatch,
  patchTimestamp,
  readBatchHeader,
  verifyBatchCrc,
} from '@selfmonitor/protocol/records'
import { describe, expect, it } from 'vitest'
import { addBatch, collect, writeSegment } from '../format/segments.ts'
import { memoryStore } from '../test-support/memory-store.ts'
import { digestOfBatches } from './compare.ts'
import { producerBatch } from './rebuild.ts'
import { recordsBefore, recordsBeforeEach, type Selection, selectedBatches } from './source.ts'

const identity = { producerId: 9n, producerEpoch: 2 }

/** A batch of which compaction has left the records at these offsets; it goes on to `lastOffset`. */
function compacted(offsets: readonly number[], lastOffset: number): ReadBatch {
  const records = offsets.map((offset) => ({
    offset: BigInt(offset),
    key: Buffer.from(`k${offset}`),
    value: offset % 2 === 0 ? Buffer.from(`v${offset}`) : null,
    headers: [{ key: 'h', value: null }],
    timestamp: BigInt(1_000 + offset),
  }))
  const options = { baseOffset: BigInt(offsets[0]! - 1), lastOffset: BigInt(lastOffset), compression: 'zstd' } as const
  const bytes = encodeBatch(records, options)
  return { header: readBatchHeader(bytes), bytes }
}

const shown = (bytes: Buffer): string[] =>
  [...decodeRecords(bytes, 0, { sequentialOffsets: true })].map(
    ({ offset, timestamp, key, value }) => `${offset} ${timestamp} ${key} ${value}`,
  )

async function selectionOf(batches: readonly ReadBatch[], from: bigint, cut: bigint) {
  const store = memoryStore()
  const collected = collect(from)
  for (const batch of batches) addBatch(collected, batch)
  collected.next = cut
  const segment = await writeSegment(
    store,
    { topic: 't', topicId: 'id', partition: 0, key: 'c/topics/t/id/0/0.log.zst' },
    collected,
  )
  const selection: Selection = { topic: 't', partition: 0, segments: [segment], from, cut, excluded: [] }
  return { store, selection, segment }
}

describe('a compacted log', () => {
  const batches = [compacted([11, 14], 16), compacted([21], 24)]

  it('is sent with offsets that have no gaps, and with its records otherwise as they are', async () => {
    const bytes = await producerBatch(batches[0]!, identity, 5n)
    const header = readBatchHeader(bytes)
    expect(header).toMatchObject({
      ...identity,
      baseSequence: 5,
      recordsCount: 2,
      lastOffsetDelta: 1,
      compression: 'zstd',
    })
    verifyBatchCrc(bytes, header)
    expect(shown(bytes)).toEqual(['0 1011 k11 null', '1 1014 k14 v14'])
  })

  it('gives a group the next record that is there', async () => {
    const { store, selection, segment } = await selectionOf(batches, 10n, 30n)
    expect(segment.without).toEqual({ aborted: 0, absent: 17 })
    const places = await Promise.all(
      [10n, 11n, 12n, 14n, 15n, 20n, 21n, 22n, 30n, 99n].map((at) => recordsBefore(store, selection, at)),
    )
    expect(places).toEqual([0n, 0n, 1n, 1n, 2n, 2n, 2n, 3n, 3n, 3n])
  })

  it('has the places of many groups counted with each segment read once', async () => {
    const { store, selection } = await selectionOf(batches, 10n, 30n)
    let reads = 0
    const counting = { ...store, get: (key: string, max: number) => store.get(key, max).finally(() => reads++) }
    const offsets = [99n, 12n, 14n, 12n, 21n, 22n]
    const counts = await recordsBeforeEach(counting, selection, offsets)
    expect([...counts]).toEqual([
      [99n, 3n],
      [12n, 1n],
      [14n, 1n],
      [21n, 2n],
      [22n, 3n],
    ])
    expect(reads).toBe(1)
  })

  it('is cut within a batch', async () => {
    const { store, selection } = await selectionOf(batches, 10n, 30n)
    const cut = { ...selection, from: 12n, cut: 21n }
    const found: string[] = []
    for await (const batch of selectedBatches(store, cut))
      found.push(...shown(await producerBatch(batch, identity, 0n)))
    expect(found).toEqual(['0 1014 k14 v14'])
    expect(await recordsBefore(store, cut, 99n)).toBe(1n)
  })
})

describe('records whose time the broker set', () => {
  it('are sent with that time', async () => {
    const bytes = encodeBatch([1, 2].map((at) => ({ value: Buffer.from(`${at}`), timestamp: BigInt(at) })))
    patchTimestamp(bytes, 'LogAppendTime', 5_000n)
    const sent = await producerBatch({ header: readBatchHeader(bytes), bytes }, identity, 0n)
    expect(readBatchHeader(sent).timestampType).toBe('CreateTime')
    expect(shown(sent)).toEqual(['0 5000 null 1', '1 5000 null 2'])
  })
})

describe('header names that are not UTF-8', () => {
  it('stay the bytes that they are when a batch is encoded again', async () => {
    const names = [Buffer.from([0xff, 0x61]), Buffer.from([0xfe, 0x61]), Buffer.from('ü'), Buffer.from('\ufffd')]
    const headers = names.map((keyBytes) => ({ key: keyBytes.toString('utf8'), keyBytes, value: null }))
    const records = [10, 20].map((at) => ({ offset: BigInt(at), value: Buffer.from(`${at}`), timestamp: 1n, headers }))
    const bytes = encodeBatch(records, { baseOffset: 10n })
    const sent = await producerBatch({ header: readBatchHeader(bytes), bytes }, identity, 0n)
    for (const record of decodeRecords(sent)) {
      expect(record.headers.map(({ key, keyBytes = Buffer.from(key) }) => keyBytes)).toEqual(names)
    }
    const other = encodeBatch(
      records.map((one) => ({ ...one, headers: [headers[1]!, ...headers.slice(1)] })),
      {
        baseOffset: 10n,
      },
    )
    const digests = await Promise.all(
      [bytes, other].map((one) =>
        digestOfBatches(
          (async function* () {
            yield { header: readBatchHeader(one), bytes: one }
          })(),
          null,
        ),
      ),
    )
    expect(digests[0]).not.toEqual(digests[1])
  })
})

describe('sequence numbers', () => {
  it('begin again behind 2^31 - 1, as a producer’s do', async () => {
    const bytes = encodeBatch([{ value: Buffer.from('a'), timestamp: 1n }])
    const batch = { header: readBatchHeader(bytes), bytes }
    expect(readBatchHeader(await producerBatch(batch, identity, 2n ** 31n - 1n)).baseSequence).toBe(2 ** 31 - 1)
    expect(readBatchHeader(await producerBatch(batch, identity, 2n ** 31n)).baseSequence).toBe(0)
  })
})

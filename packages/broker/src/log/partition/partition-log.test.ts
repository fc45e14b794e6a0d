import { computeBatchCrc, encodeBatch, readBatchHeader } from '@selfmonitor/protocol'
import { describe, expect, it } from 'vitest'
import { batch, readAll, recordsOf, startLogs, startMs } from '../test-support/logs.ts'

/** A batch with a changed header field and a checksum that fits. */
function withField(bytes: Buffer, change: (bytes: Buffer) => void): Buffer {
  change(bytes)
  bytes.writeUInt32BE(computeBatchCrc(bytes, readBatchHeader(bytes)), 17)
  return bytes
}

const whole = { maxBytes: 1024 * 1024, minOneBatch: true }

describe('appending', () => {
  it('gives consecutive offsets and keeps the bytes but for base offset and leader epoch', async () => {
    const broker = await startLogs()
    const log = await broker.log()
    const first = await log.append(batch(['a', 'b']))
    const sent = batch(['c'])
    const copy = Buffer.from(sent)
    const second = await log.append(sent)

    expect(first).toMatchObject({ baseOffset: 0n, lastOffset: 1n, logAppendTimeMs: -1n, duplicate: false })
    expect(second).toMatchObject({ baseOffset: 2n, lastOffset: 2n })
    const stored = Buffer.concat((await log.read(2n, whole)).records)
    copy.writeBigInt64BE(2n, 0)
    copy.writeInt32BE(0, 12)
    expect(stored).toEqual(copy)
    expect(log.highWatermark).toBe(3n)
  })

  it('keeps the order of calls when many wait for one write', async () => {
    const log = await (await startLogs()).log()
    const results = await Promise.all(Array.from({ length: 3000 }, (_, i) => log.append(batch([`v${i}`]))))
    expect(results.map(({ baseOffset }) => Number(baseOffset))).toEqual(Array.from({ length: 3000 }, (_, i) => i))
    expect((await readAll(log)).map(([, value]) => value)).toEqual(Array.from({ length: 3000 }, (_, i) => `v${i}`))
  })

  it('refuses what Kafka refuses, without affecting other batches', async () => {
    const broker = await startLogs({ maxMessageBytes: 500, segmentBytes: 2000 })
    const log = await broker.log()
    const damaged = batch(['damaged'])
    damaged[damaged.length - 1]! ^= 1
    const control = batch(['x'], { isControl: true })
    const wrongCount = withField(batch(['x', 'y']), (b) => b.writeInt32BE(5, 57))
    // Counts that agree with each other, but not with the bytes.
    const lie = withField(batch(['x', '']), (b) => {
      b.writeInt32BE(1000, 57)
      b.writeInt32BE(999, 23)
    })
    const old = batch(['x'])
    old.writeInt8(1, 16)
    const cases: [Buffer, string][] = [
      [Buffer.alloc(0), 'INVALID_RECORD'],
      [Buffer.alloc(20, 2), 'CORRUPT_MESSAGE'],
      [damaged, 'CORRUPT_MESSAGE'],
      [old, 'INVALID_RECORD'],
      [batch(['x'.repeat(1000)]), 'MESSAGE_TOO_LARGE'],
      [Buffer.concat([batch(['x']), batch(['y'])]), 'INVALID_RECORD'],
      [batch(['x'.repeat(100)]).subarray(0, 80), 'CORRUPT_MESSAGE'],
      [wrongCount, 'INVALID_RECORD'],
      [lie, 'INVALID_RECORD'],
      [control, 'INVALID_RECORD'],
      [batch(['x'], { isTransactional: true, producerId: 1n, producerEpoch: 0, baseSequence: 0 }), 'INVALID_TXN_STATE'],
      [batch(['x'], { timestamps: [BigInt(startMs + 3_600_001)] }), 'INVALID_TIMESTAMP'],
    ]
    const good = log.append(batch(['before']))
    for (const [bytes, code] of cases) {
      await expect(log.append(bytes), code).rejects.toMatchObject({ name: 'LogError', code })
    }
    await good
    await log.append(batch(['after']))
    expect(await readAll(log)).toEqual([
      [0n, 'before'],
      [1n, 'after'],
    ])
  })

  it('refuses timestamps further back than message.timestamp.before.max.ms', async () => {
    const log = await (await startLogs({ timestampBeforeMaxMs: 1000 })).log()
    await expect(log.append(batch(['x'], { timestamps: [BigInt(startMs - 1001)] }))).rejects.toMatchObject({
      code: 'INVALID_TIMESTAMP',
    })
    await log.append(batch(['x'], { timestamps: [BigInt(startMs - 1000)] }))
  })

  it('names the records without a key on a compacted topic', async () => {
    const log = await (await startLogs({ compact: true })).log()
    const keyless = encodeBatch(
      [
        { key: Buffer.from('k'), value: null, timestamp: 1n },
        { key: null, value: Buffer.from('v'), timestamp: 1n },
      ],
      { compression: 'gzip' },
    )
    await expect(log.append(keyless)).rejects.toMatchObject({
      code: 'INVALID_RECORD',
      recordErrors: [{ batchIndex: 1 }],
    })
    await log.append(batch(['x']))
  })

  it("stamps batches with the broker's time when the topic is configured so", async () => {
    const broker = await startLogs({ timestampType: 'LogAppendTime' })
    const log = await broker.log()
    broker.clock.advance(5000)
    const { logAppendTimeMs } = await log.append(batch(['x'], { timestamps: [17n] }))
    expect(logAppendTimeMs).toBe(BigInt(startMs + 5000))
    const stored = Buffer.concat((await log.read(0n, whole)).records)
    expect(readBatchHeader(stored)).toMatchObject({ timestampType: 'LogAppendTime', maxTimestamp: logAppendTimeMs })
    await broker.crash()
    expect(await readAll(await broker.log())).toEqual([[0n, 'x']])
  })

  it('does not let a producer claim the stamp of the broker', async () => {
    const log = await (await startLogs()).log()
    await log.append(batch(['x'], { timestampType: 'LogAppendTime' }))
    const stored = Buffer.concat((await log.read(0n, whole)).records)
    expect(readBatchHeader(stored).timestampType).toBe('CreateTime')
  })
})

describe('reading', () => {
  // Once from memory, once from disk.
  for (const tailCacheBytes of [1024 * 1024, 0]) {
    const from = tailCacheBytes === 0 ? 'disk' : 'memory'

    it(`returns whole batches from the one that contains the offset [${from}]`, async () => {
      const log = await (await startLogs({}, { tailCacheBytes })).log()
      await log.append(batch(['a', 'b', 'c']))
      await log.append(batch(['d', 'e']))
      const { records, highWatermark, lastStableOffset } = await log.read(1n, whole)
      expect(recordsOf(records).map(([offset]) => offset)).toEqual([0n, 1n, 2n, 3n, 4n])
      expect([highWatermark, lastStableOffset]).toEqual([5n, 5n])
      expect(recordsOf((await log.read(4n, whole)).records).map(([offset]) => offset)).toEqual([3n, 4n])
    })

    it(`stays within maxBytes except for the first batch where at least one is asked for [${from}]`, async () => {
      const log = await (await startLogs({}, { tailCacheBytes })).log()
      const size = batch(['x'.repeat(1000)]).length
      for (let i = 0; i < 5; i++) await log.append(batch(['x'.repeat(1000)]))
      const read = async (maxBytes: number, minOneBatch: boolean) =>
        recordsOf((await log.read(1n, { maxBytes, minOneBatch })).records).map(([offset]) => Number(offset))
      expect(await read(size * 2, true)).toEqual([1, 2])
      expect(await read(size * 3 - 1, false)).toEqual([1, 2])
      expect(await read(size - 1, true)).toEqual([1])
      expect(await read(0, true)).toEqual([1])
      expect(await read(size - 1, false)).toEqual([])
    })

    it(`reads on across segments, and nothing at the end [${from}]`, async () => {
      const log = await (await startLogs({ segmentBytes: 300 }, { tailCacheBytes })).log()
      for (let i = 0; i < 50; i++) await log.append(batch([`value ${i}`]))
      expect((await readAll(log, 3n)).map(([, value]) => value)).toEqual(
        Array.from({ length: 47 }, (_, i) => `value ${i + 3}`),
      )
      expect((await log.read(50n, whole)).records).toEqual([])
    })

    it(`refuses offsets before the start and after the end [${from}]`, async () => {
      const log = await (await startLogs({}, { tailCacheBytes })).log()
      for (let i = 0; i < 10; i++) await log.append(batch(['x']))
      expect(await log.deleteRecordsBefore(4n)).toBe(4n)
      await expect(log.read(3n, whole)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
      await expect(log.read(11n, whole)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
      expect((await readAll(log)).length).toBe(6)
    })
  }

  it('tells listeners when records can be read, and no longer after they left', async () => {
    const log = await (await startLogs()).log()
    const seen: bigint[] = []
    const stop = log.onAdvance(() => seen.push(log.highWatermark))
    await log.append(batch(['a', 'b']))
    stop()
    await log.append(batch(['c']))
    expect(seen).toEqual([2n])
  })

  it('reads batches larger than the pieces that it reads a file in', async () => {
    const broker = await startLogs({ maxMessageBytes: 30_000_000 }, { tailCacheBytes: 0 })
    const log = await broker.log()
    await log.append(batch(['small']))
    await log.append(batch(['x'.repeat(10_000_000)]))
    await log.append(batch(['end']))
    const { sizeBytes } = await log.read(1n, { maxBytes: 1000, minOneBatch: true })
    expect(sizeBytes).toBeGreaterThan(10_000_000)
    await broker.crash()
    expect((await readAll(await broker.log())).map(([, value]) => value.length)).toEqual([5, 10_000_000, 3])
  })
})

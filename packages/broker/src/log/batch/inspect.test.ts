import { compress, computeBatchCrc, encodeBatch, readBatchHeader } from '@selfmonitor/protocol'
import pLimit from 'p-limit'
import { describe, expect, it } from 'vitest'
import { batch, defaultConfig, readAll, startLogs, startMs } from '../test-support/logs.ts'
import { inspectRecords } from './inspect.ts'

const hour = 3_600_000

/** A batch that says its greatest timestamp is `maxTimestamp`. */
function claiming(bytes: Buffer, maxTimestamp: bigint): Buffer {
  bytes.writeBigInt64BE(maxTimestamp, 35)
  bytes.writeUInt32BE(computeBatchCrc(bytes, readBatchHeader(bytes)), 17)
  return bytes
}

const inspect = (bytes: Buffer, turns = pLimit(1)) =>
  inspectRecords(bytes, readBatchHeader(bytes), defaultConfig, startMs, turns)

describe('the greatest timestamp of a batch', () => {
  it.each(['none', 'zstd'] as const)('comes from its records, not from its producer [%s]', async (compression) => {
    const broker = await startLogs({ retentionMs: 2 * hour, segmentBytes: 600 })
    const log = await broker.log()
    // One record from five hours ago and one of now, of which the header tells only the former.
    const timestamps = [BigInt(startMs - 5 * hour), BigInt(startMs)]
    await log.append(claiming(batch(['old', 'new'], { timestamps, compression }), timestamps[0]!))
    await log.append(batch(['x'.repeat(250)]))
    await broker.manager.runRetentionRound()
    expect((await readAll(log)).map(([offset]) => offset)).toEqual([0n, 1n, 2n])
    expect(await log.offsetForTimestamp(BigInt(startMs))).toMatchObject({ offset: 1n })

    broker.clock.advance(2 * hour + 1)
    await broker.manager.runRetentionRound()
    expect(log.logStartOffset).toBe(3n)
  })

  it('needs no new checksum when the timestamp of the producer is right', () => {
    const sent = batch(['a', 'b'], { timestamps: [7n, 5n] })
    const header = readBatchHeader(sent)
    expect(inspectRecords(sent, header, defaultConfig, startMs, pLimit(1))).toBe(header)
  })
})

describe('a large batch', () => {
  const large = (compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd', records = 30_000) =>
    encodeBatch(
      Array.from({ length: records }, (_, index) => ({
        timestamp: BigInt(startMs + (index % 1000)),
        value: Buffer.from('some value'),
      })),
      { compression },
    )

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'is inspected beside the event loop, and the batches behind it wait for it [%s]',
    async (compression) => {
      const log = await (await startLogs()).log()
      const bytes = claiming(large(compression), 3n)
      expect(inspect(Buffer.from(bytes))).toBeInstanceOf(Promise)
      const done: string[] = []
      const note = (what: string) => () => void done.push(what)
      await Promise.all([
        log.append(batch(['first'])).then(note('first')),
        log.append(bytes).then(note('large')),
        log.append(batch(['last'])).then(note('last')),
      ])
      expect(done).toEqual(['first', 'large', 'last'])
      expect(log.highWatermark).toBe(30_002n)
      expect(await log.offsetOfMaxTimestamp()).toMatchObject({ offset: 1000n, timestamp: BigInt(startMs + 999) })
    },
  )

  it('that fails does not affect the others', async () => {
    const log = await (await startLogs()).log()
    const lie = large('zstd')
    lie.writeInt32BE(30_001, 57)
    lie.writeInt32BE(30_000, 23)
    const results = await Promise.allSettled([
      log.append(batch(['before'])),
      log.append(claiming(lie, 1n)),
      log.append(large('zstd')),
      log.append(batch(['after'])),
    ])
    expect(results.map((r) => (r.status === 'fulfilled' ? Number(r.value.baseOffset) : r.reason.code))).toEqual([
      0,
      'INVALID_RECORD',
      1,
      30_001,
    ])
    await log.append(batch(['alone']))
  })

  it('that decompresses to more than 128 MiB fails', async () => {
    const payload = compress('zstd', Buffer.alloc(128 * 1024 * 1024 + 1))
    const bytes = Buffer.concat([encodeBatch([{ timestamp: 1n }], { compression: 'zstd' }).subarray(0, 61), payload])
    bytes.writeInt32BE(bytes.length - 12, 8)
    await expect(inspect(bytes)).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' })
  })

  it('takes its turn: only one is in memory at a time', async () => {
    const turns = pLimit(1)
    const events: string[] = []
    const job = (name: string, fails = false) =>
      turns(async () => {
        events.push(`${name} begins`)
        await new Promise((resolve) => setImmediate(resolve))
        events.push(`${name} ends`)
        if (fails) throw new Error(name)
      })
    await Promise.allSettled([job('a'), job('b', true), job('c')])
    expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  })
})

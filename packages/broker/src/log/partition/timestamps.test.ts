import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batch, startLogs } from '../test-support/logs.ts'

describe('offsets by timestamp', () => {
  it('are exact: the first record with that timestamp or a later one, in any order, compression and segment', async () => {
    const record = fc.integer({ min: 1, max: 500 }).map(BigInt)
    const batches = fc.array(fc.array(record, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 40 })
    const compression = fc.constantFrom('none', 'gzip', 'snappy', 'lz4', 'zstd')
    await fc.assert(
      fc.asyncProperty(batches, compression, fc.nat(60), async (sent, compression, deleted) => {
        const broker = await startLogs({ segmentBytes: 1500, indexIntervalBytes: 150 })
        let log = await broker.log()
        for (const timestamps of sent) {
          const values = timestamps.map(() => 'x'.repeat(20))
          await log.append(batch(values, { timestamps, compression }))
        }
        const all = sent.flat()
        const start = Math.min(deleted, all.length)
        await log.deleteRecordsBefore(BigInt(start))
        for (const round of ['running', 'restarted']) {
          for (const timestamp of [-1n, 1n, 77n, 250n, 499n, 500n, 501n]) {
            const index = all.findIndex((t, offset) => offset >= start && t >= timestamp)
            const expected = index < 0 ? undefined : { offset: BigInt(index), timestamp: all[index], leaderEpoch: 0 }
            expect(await log.offsetForTimestamp(timestamp), `${timestamp} ${round}`).toEqual(expected)
          }
          await broker.restart()
          log = await broker.log()
        }
        await broker.manager.close()
      }),
      { numRuns: 40 },
    )
  }, 60_000)

  it('give the record with the greatest timestamp, the first one where several have it', async () => {
    const log = await (await startLogs({ segmentBytes: 300, indexIntervalBytes: 1 })).log()
    expect(await log.offsetOfMaxTimestamp()).toBeUndefined()
    for (const timestamps of [[5n], [9n, 70n, 70n], [3n], [70n], [12n]]) {
      await log.append(batch(timestamps.map(String), { timestamps }))
    }
    expect(await log.offsetOfMaxTimestamp()).toEqual({ offset: 2n, timestamp: 70n, leaderEpoch: 0 })
  })
})

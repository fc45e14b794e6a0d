// The list of a log's segments: who may change it, when a new one begins, and what is said and served where one is missing.
import { readdir, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createFaultyFs } from '../test-support/faulty-fs.ts'
import { batch, readAll, recordsOf, startLogs, startMs, type TestBroker } from '../test-support/logs.ts'
import { addSegment, removeOldestSegment } from './segment-list.ts'
import type { LogState } from './state.ts'
import { createWriteQueue, type Turn } from './write-queue.ts'

const fileName = (offset: number, extension = 'log') => `${String(offset).padStart(20, '0')}.${extension}`
const logFiles = async (folder: string) => (await readdir(folder)).filter((name) => name.endsWith('.log')).sort()
const anyTime = { timestampAfterMaxMs: Number.MAX_VALUE }
const atHour = (hour: number) => ({ timestamps: [BigInt(startMs + hour * 3_600_000)] })

describe('retention passes', () => {
  it('do not overlap when the clock jumps over many of them, and appends continue', async () => {
    const broker = await startLogs({ segmentBytes: 150, retentionMs: 3_600_000, ...anyTime })
    const log = await broker.log()
    for (let i = 0; i < 40; i++) await log.append(batch([`v${i}`], atHour(i < 20 ? 0 : 2)))
    broker.clock.advance(90 * 60_000)
    const appended = log.append(batch(['meanwhile'], atHour(2)))
    const passes = [broker.manager.runRetentionRound(), broker.manager.runRetentionRound()]
    expect((await appended).baseOffset).toBe(40n)
    await Promise.all(passes)
    expect(log.logStartOffset).toBe(20n)
    expect((await log.append(batch(['after'], atHour(2)))).baseOffset).toBe(41n)
    expect((await readAll(log)).map(([offset]) => Number(offset))).toEqual(Array.from({ length: 22 }, (_, i) => i + 20))
    expect(broker.logger.lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('continues when an index file of an old segment is missing', async () => {
    const broker = await startLogs({ segmentBytes: 150, retentionMs: 1000 })
    const log = await broker.log()
    for (let i = 0; i < 4; i++) await log.append(batch([`v${i}`]))
    await log.flush()
    await rm(join(broker.dir, 'events-0', fileName(0, 'index')))
    broker.clock.advance(2000)
    await broker.manager.runRetentionRound()
    expect(log.logStartOffset).toBe(4n)
  })
})

describe('the segment list', () => {
  it('can be changed only in the turn of the queue', async () => {
    const queue = createWriteQueue<never>(async () => {})
    let kept: Turn | undefined
    await queue.exclusive(async (turn) => {
      turn.check('now')
      kept = turn
    })
    const state = { dir: 'events-0', segments: [{ baseOffset: 0n }, { baseOffset: 5n }] } as unknown as LogState
    expect(() => removeOldestSegment(state, kept!)).toThrow(/removing the oldest segment outside the turn/)
    expect(state.segments.length).toBe(2)
    await queue.exclusive(async (turn) => {
      expect(() => addSegment(state, turn, { baseOffset: 5n } as never)).toThrow(/does not follow/)
      removeOldestSegment(state, turn)
      expect(() => removeOldestSegment(state, turn)).toThrow(/left without a segment/)
    })
  })
})

describe('a new segment', () => {
  it('begins also behind a repeated batch at the head of a group', async () => {
    const broker = await startLogs({ segmentBytes: 250 })
    const log = await broker.log()
    const numbered = (sequence: number, sizeBytes: number) =>
      batch(['x'.repeat(sizeBytes)], { producerId: 7n, producerEpoch: 0, baseSequence: sequence })
    await log.append(numbered(0, 1))
    const [repeated] = await Promise.all([log.append(numbered(0, 1)), log.append(numbered(1, 60))])
    expect(repeated.duplicate).toBe(true)
    await log.flush()
    for (const name of await logFiles(join(broker.dir, 'events-0'))) {
      expect((await stat(join(broker.dir, 'events-0', name))).size).toBeLessThanOrEqual(250)
    }
    expect((await readAll(log)).length).toBe(2)
  })

  it('has its index written anew after writing it failed half way', async () => {
    const { fs, faults } = createFaultyFs()
    const broker = await startLogs({ segmentBytes: 4000, indexIntervalBytes: 1 }, { fs, tailCacheBytes: 0 })
    const log = await broker.log()
    for (let i = 0; i < 30; i++) await log.append(batch([`v${i}`], { timestamps: [BigInt(startMs + i)] }))
    faults.failOnce(/\.timeindex$/, 5)
    for (let i = 30; i < 80; i++) await log.append(batch([`v${i}`], { timestamps: [BigInt(startMs + i)] }))
    await log.flush()
    await broker.restart()
    const reopened = await broker.log()
    for (const i of [0, 17, 44, 79]) {
      expect(await reopened.offsetForTimestamp(BigInt(startMs + i))).toMatchObject({ offset: BigInt(i) })
    }
    expect(broker.logger.lines.filter(({ message }) => message.includes('rebuilding'))).toEqual([])
  })
})

describe('a segment that is not as it was', () => {
  /** Three segments of ten records each, closed properly. */
  async function threeSegments(options: Parameters<typeof startLogs>[0] = {}): Promise<TestBroker> {
    const size = batch(['v00'], atHour(0)).length
    const broker = await startLogs(
      { segmentBytes: size * 10, indexIntervalBytes: 1, ...anyTime, ...options },
      { tailCacheBytes: 0 },
    )
    const log = await broker.log()
    for (let i = 0; i < 30; i++) await log.append(batch([`v${String(i).padStart(2, '0')}`], atHour(i)))
    await log.flush()
    await broker.manager.close()
    return broker
  }
  const holes = (broker: TestBroker) =>
    broker.logger.lines.filter(({ message }) => message.includes('offsets are missing')).map(({ context }) => context)

  it.each(['removed', 'emptied'])(
    '%s: the hole is reported, and a fetch in it begins with the next record',
    async (how) => {
      const broker = await threeSegments()
      const file = join(broker.dir, 'events-0', fileName(10))
      if (how === 'removed') await rm(file)
      else await truncate(file, 0)
      await broker.restart()
      const log = await broker.log()
      expect(holes(broker)).toMatchObject([{ partition: 'events-0', from: '10', to: '19' }])
      const { records } = await log.read(12n, { maxBytes: 100, minOneBatch: true })
      expect(recordsOf(records)[0]).toEqual([20n, 'v20'])
      expect((await readAll(log)).map(([offset]) => Number(offset))).toEqual([
        ...Array.from({ length: 10 }, (_, i) => i),
        ...Array.from({ length: 10 }, (_, i) => i + 20),
      ])
      expect((await log.append(batch(['next']))).baseOffset).toBe(30n)
    },
  )

  it('is reported after a crash as well', async () => {
    const broker = await threeSegments()
    await rm(join(broker.dir, 'events-0', fileName(10)))
    await rm(join(broker.dir, 'clean-shutdown'))
    await broker.restart()
    await broker.log()
    expect(holes(broker)).toMatchObject([{ from: '10', to: '19' }])
  })

  it('has its time index rebuilt when its end is missing: it would look older than it is', async () => {
    const broker = await threeSegments({ retentionMs: 25 * 3_600_000 })
    await truncate(join(broker.dir, 'events-0', fileName(10, 'timeindex')), 12)
    broker.clock.advance(41 * 3_600_000)
    await broker.restart()
    await broker.manager.runRetentionRound()
    expect((await broker.log()).logStartOffset).toBe(10n)
  })
})

import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeFs } from '../disk/fs.ts'
import { batch, readAll, startLogs, startMs, topicId } from '../test-support/logs.ts'

const otherId = 'AAAAAAAAAAAAAAAAAAAAAg'
const values = (records: [bigint, string][]) => records.map(([, value]) => value)
const logFiles = async (folder: string) => (await readdir(folder)).filter((name) => name.endsWith('.log')).sort()

describe('retention', () => {
  it('by time deletes segments whose newest record is too old, and keeps the offsets', async () => {
    const broker = await startLogs({ segmentBytes: 300, retentionMs: 10_000 })
    const log = await broker.log()
    for (let i = 0; i < 6; i++) {
      await log.append(batch([`${i}`.repeat(100)], { timestamps: [BigInt(startMs + i * 1000)] }))
    }
    broker.clock.advance(12_500)
    await broker.manager.runRetentionRound()
    expect([log.logStartOffset, log.highWatermark]).toEqual([3n, 6n])
    await expect(log.read(2n, { maxBytes: 100, minOneBatch: true })).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
    })
    // Or the timer's own pass would delete the rest.
    broker.config = { ...broker.config, retentionMs: Number.POSITIVE_INFINITY }
    broker.manager.configChanged('events')
    broker.clock.advance(60_000)
    await expect.poll(() => logFiles(join(broker.dir, 'events-0'))).toHaveLength(3)
  })

  it('by time empties a log altogether, and the next record gets the next offset, also after restarts', async () => {
    const broker = await startLogs({ retentionMs: 1000 })
    const log = await broker.log()
    for (let i = 0; i < 4; i++) await log.append(batch([`${i}`]))
    broker.clock.advance(2000)
    await broker.manager.runRetentionRound()
    expect([log.logStartOffset, log.highWatermark, log.sizeBytes]).toEqual([4n, 4n, 0])
    await broker.crash()
    expect((await broker.log()).highWatermark).toBe(4n)
    await broker.restart()
    expect(await (await broker.log()).append(batch(['next']))).toMatchObject({ baseOffset: 4n })
  })

  it('by size keeps at least retention.bytes', async () => {
    const size = batch(['x'.repeat(100)]).length
    const broker = await startLogs({ segmentBytes: size, retentionBytes: size * 3 })
    const log = await broker.log()
    for (let i = 0; i < 10; i++) await log.append(batch(['x'.repeat(100)]))
    await broker.manager.runRetentionRound()
    expect(log.logStartOffset).toBe(7n)
    expect(log.sizeBytes).toBe(size * 3)
  })

  it('leaves a compacted topic alone', async () => {
    const broker = await startLogs({
      segmentBytes: 300,
      retentionMs: 1,
      retentionBytes: 1,
      delete: false,
      compact: true,
    })
    const log = await broker.log()
    for (let i = 0; i < 5; i++) await log.append(batch(['x'.repeat(100)]))
    broker.clock.advance(10_000)
    await broker.manager.runRetentionRound()
    expect(log.logStartOffset).toBe(0n)
  })

  it('runs on a timer, also for logs that have not been opened', async () => {
    const broker = await startLogs({ retentionMs: 1000 })
    await (await broker.log()).append(batch(['old']))
    await broker.restart()
    broker.clock.advance(30_000)
    await expect.poll(async () => (await broker.log()).logStartOffset).toBe(1n)
  })
})

describe('segments', () => {
  it('roll by size and by the time of the records', async () => {
    const broker = await startLogs({ segmentMs: 5000 })
    const log = await broker.log()
    for (const ms of [0, 5000, 5001, 6000, 10_002]) {
      await log.append(batch(['x'], { timestamps: [BigInt(startMs + ms)] }))
    }
    expect(await logFiles(join(broker.dir, 'events-0'))).toEqual(
      [0, 2, 4].map((n) => `${String(n).padStart(20, '0')}.log`),
    )
  })

  it('are found with only a few files open at a time', async () => {
    const broker = await startLogs({ segmentBytes: 150 }, { maxOpenFiles: 4, tailCacheBytes: 0, indexCacheBytes: 0 })
    const logs = await Promise.all([0, 1, 2, 3, 4, 5].map((partition) => broker.log({ partition })))
    for (let i = 0; i < 20; i++) await Promise.all(logs.map((log) => log.append(batch([`value ${i}`]))))
    const all = await Promise.all(logs.map((log) => readAll(log)))
    for (const records of all) expect(values(records)).toEqual(Array.from({ length: 20 }, (_, i) => `value ${i}`))
  })
})

describe('deleting records', () => {
  it('is durable at once, moves to the end with -1, and refuses what is past the end', async () => {
    const broker = await startLogs({ segmentBytes: 150 })
    const log = await broker.log()
    for (let i = 0; i < 6; i++) await log.append(batch([`v${i}`]))
    expect(await log.deleteRecordsBefore(2n)).toBe(2n)
    expect(await log.deleteRecordsBefore(1n)).toBe(2n)
    await expect(log.deleteRecordsBefore(7n)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
    await broker.crash()
    const reopened = await broker.log()
    expect(values(await readAll(reopened))).toEqual(['v2', 'v3', 'v4', 'v5'])
    expect(await reopened.deleteRecordsBefore(-1n)).toBe(6n)
    await broker.crash()
    const last = await broker.log()
    expect([last.logStartOffset, last.highWatermark]).toEqual([6n, 6n])
  })

  it('frees the disk at the next retention run, also on a compacted topic', async () => {
    const broker = await startLogs({ segmentBytes: 150, delete: false, compact: true })
    const log = await broker.log()
    for (let i = 0; i < 6; i++) await log.append(batch([`value ${i}`]))
    const before = log.sizeBytes
    await log.deleteRecordsBefore(3n)
    await broker.manager.runRetentionRound()
    expect(log.sizeBytes).toBe(before / 2)
  })
})

describe('topics', () => {
  it('that are deleted cannot be used, lose their folder, and a new one of the same name starts at 0', async () => {
    const broker = await startLogs()
    const log = await broker.log()
    await log.append(batch(['old']))
    await log.deleteRecordsBefore(1n)
    let woken = 0
    log.onAdvance(() => woken++)
    await broker.manager.deleteTopic('events', log.topicId)
    expect(woken).toBe(1)
    await expect(log.append(batch(['x']))).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' })
    expect(() => log.readCached(1n, { maxBytes: 1, minOneBatch: true })).toThrow(/was deleted/)
    await expect.poll(() => readdir(broker.dir)).not.toContainEqual(expect.stringContaining('events'))
    const recreated = await broker.log({ topicId: otherId })
    expect(await recreated.append(batch(['new']))).toMatchObject({ baseOffset: 0n, logStartOffset: 0n })
  })

  it('that were deleted while their folder was not, are recognised by their id', async () => {
    const broker = await startLogs(
      {},
      { ownerOf: (topic, id) => (topic === 'events' && id === topicId ? 'deleted' : 'current') },
    )
    for (const partition of [0, 1]) await (await broker.log({ partition })).append(batch(['old']))
    await (await broker.log({ topic: 'other' })).append(batch(['kept']))
    await broker.crash()
    const recreated = await broker.log({ topicId: otherId })
    expect(recreated.highWatermark).toBe(0n)
    await broker.manager.checkFolders()
    await expect.poll(() => readdir(broker.dir)).not.toContain('events-1')
    expect(values(await readAll(await broker.log({ topic: 'other' })))).toEqual(['kept'])
  })

  it('with dashes and dots in their names are distinguished', async () => {
    const broker = await startLogs()
    await (await broker.log({ topic: 'a-1', partition: 2 })).append(batch(['x']))
    await (await broker.log({ topic: 'a', partition: 1 })).append(batch(['y']))
    await broker.restart()
    expect((await broker.manager.describe()).map(({ topic, partition }) => `${topic}/${partition}`).sort()).toEqual([
      'a-1/2',
      'a/1',
    ])
    expect(values(await readAll(await broker.log({ topic: 'a-1', partition: 2 })))).toEqual(['x'])
  })
})

describe('the manager', () => {
  it('checks every log at the start after a crash, and reports the torn ones', async () => {
    const broker = await startLogs()
    for (let partition = 0; partition < 20; partition++)
      await (await broker.log({ partition })).append(batch(['a', 'b']))
    const file = join(broker.dir, 'events-13', `${'0'.repeat(20)}.log`)
    await writeFile(file, Buffer.concat([await readFile(file), Buffer.alloc(10)]))
    await broker.crash()
    await broker.manager.checkFolders()
    const torn = broker.logger.lines.filter(({ message }) => message.includes('torn'))
    expect(torn.map(({ context }) => context.partition)).toEqual(['events-13'])
  })

  it('opens the same log once for callers at the same time', async () => {
    const broker = await startLogs()
    const [a, b] = await Promise.all([broker.log(), broker.log()])
    expect(a).toBe(b)
    expect(broker.manager.getOpen('events', a.topicId, 0)).toBe(a)
    expect(broker.manager.getOpen('events', otherId, 0)).toBeUndefined()
  })

  it('leaves no trace of partitions without records', async () => {
    const broker = await startLogs()
    await broker.log({ partition: 7 })
    await broker.restart()
    expect((await readdir(broker.dir)).filter((name) => name.startsWith('events'))).toEqual([])
  })

  it('refuses a checkpoint of a newer version by name', async () => {
    const broker = await startLogs()
    await broker.manager.close()
    await writeFile(join(broker.dir, 'log-start-offset-checkpoint'), '7\n0\n')
    await expect(broker.restart()).rejects.toThrow(/log-start-offset-checkpoint has format 7/)
  })

  it('keeps a sequence of appends in order through the first opening of a log', async () => {
    const broker = await startLogs()
    await (await broker.log()).append(batch(['0']))
    await broker.restart()
    const appended = Array.from({ length: 20 }, (_, i) => broker.log().then((log) => log.append(batch([`${i + 1}`]))))
    expect((await Promise.all(appended)).map(({ baseOffset }) => Number(baseOffset))).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1),
    )
  })

  it('reads the free space of the volume', async () => {
    const { totalBytes, usableBytes } = await (await startLogs({}, { fs: nodeFs })).manager.volume()
    expect(totalBytes >= usableBytes && usableBytes > 0n).toBe(true)
  })
})

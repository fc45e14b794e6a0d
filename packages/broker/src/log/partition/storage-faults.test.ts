import { describe, expect, it } from 'vitest'
import { createFaultyFs } from '../test-support/faulty-fs.ts'
import { batch, readAll, startLogs } from '../test-support/logs.ts'

describe('a disk that fails', () => {
  it('fails the appends of a failed write, leaves nothing of them, and continues when there is room again', async () => {
    const { fs, faults } = createFaultyFs()
    const broker = await startLogs({}, { fs })
    const log = await broker.log()
    await log.append(batch(['kept']))
    faults.freeBytes = 100
    const results = await Promise.allSettled([log.append(batch(['lost 1'])), log.append(batch(['lost 2']))])
    expect(results.map((result) => result.status === 'rejected' && result.reason.code)).toEqual([
      'KAFKA_STORAGE_ERROR',
      'KAFKA_STORAGE_ERROR',
    ])
    expect(log.highWatermark).toBe(1n)
    faults.freeBytes = Number.POSITIVE_INFINITY
    expect(await log.append(batch(['after']))).toMatchObject({ baseOffset: 1n })
    await broker.crash()
    expect(await readAll(await broker.log())).toEqual([
      [0n, 'kept'],
      [1n, 'after'],
    ])
    expect(broker.logger.lines.filter(({ message }) => message.includes('torn'))).toEqual([])
  })

  it('notices at the next sync that closing a file had failed, and writes its records again', async () => {
    const { fs, faults } = createFaultyFs()
    const broker = await startLogs({}, { fs, maxOpenFiles: 1 })
    const log = await broker.log()
    await log.append(batch(['a']))
    faults.failClose = true
    // Its file takes the place of the other's.
    await (await broker.log({ partition: 1 })).append(batch(['b']))
    faults.failClose = false
    await expect(log.flush()).rejects.toMatchObject({ code: 'EIO' })
    await log.flush()
    expect(await readAll(log)).toEqual([[0n, 'a']])
  })

  it('takes a write that is accepted a few bytes at a time', async () => {
    const { fs, faults } = createFaultyFs()
    const broker = await startLogs({}, { fs })
    const log = await broker.log()
    faults.maxWriteBytes = 7
    await Promise.all(['a', 'b', 'c'].map((value) => log.append(batch([value]))))
    await broker.crash()
    expect((await readAll(await broker.log())).map(([, value]) => value)).toEqual(['a', 'b', 'c'])
  })

  it('takes no records behind a failed write that it could not cut off, until it can', async () => {
    const { fs, faults } = createFaultyFs()
    const broker = await startLogs({}, { fs })
    const log = await broker.log()
    await log.append(batch(['a']))
    faults.freeBytes = 50
    faults.failTruncate = true
    await expect(log.append(batch(['b']))).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' })
    faults.freeBytes = Number.POSITIVE_INFINITY
    await expect(log.append(batch(['c']))).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' })
    faults.failTruncate = false
    await log.append(batch(['d']))
    await broker.crash()
    expect((await readAll(await broker.log())).map(([, value]) => value)).toEqual(['a', 'd'])
  })

  it('keeps the sequence of an idempotent producer where it was when its write failed', async () => {
    const { fs, faults } = createFaultyFs()
    const log = await (await startLogs({}, { fs })).log()
    const numbered = (baseSequence: number) => batch(['x'], { producerId: 7n, producerEpoch: 0, baseSequence })
    await log.append(numbered(0))
    faults.freeBytes = 0
    await expect(log.append(numbered(1))).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' })
    faults.freeBytes = Number.POSITIVE_INFINITY
    expect(await log.append(numbered(1))).toMatchObject({ baseOffset: 1n, duplicate: false })
  })

  it('acknowledges nothing that flush.messages wants synced and the disk did not sync', async () => {
    const { fs, faults } = createFaultyFs()
    const log = await (await startLogs({ flushMessages: 1 }, { fs })).log()
    await log.append(batch(['a']))
    faults.failSync = true
    await expect(log.append(batch(['b']))).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' })
    expect(log.highWatermark).toBe(1n)
    faults.failSync = false
    expect(await log.append(batch(['c']))).toMatchObject({ baseOffset: 1n })
  })

  it('refuses appends while no segment can be created, and creates it later', async () => {
    const { fs, faults } = createFaultyFs()
    const log = await (await startLogs({}, { fs })).log()
    faults.failOpen = true
    await expect(log.append(batch(['a']))).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' })
    faults.failOpen = false
    expect(await log.append(batch(['b']))).toMatchObject({ baseOffset: 0n })
  })
})

describe('syncing', () => {
  it('happens before the acknowledgement with flush.messages, and in time with flush.ms', async () => {
    const { fs } = createFaultyFs()
    let syncs = 0
    const counting = {
      ...fs,
      sync(fd: number) {
        syncs++
        return fs.sync(fd)
      },
    }
    const broker = await startLogs({ flushMessages: 2 }, { fs: counting })
    const log = await broker.log()
    await log.append(batch(['a']))
    expect(syncs).toBe(0)
    await log.append(batch(['b']))
    const before = syncs
    expect(before).toBeGreaterThan(0)

    broker.config = { ...broker.config, flushMessages: Number.MAX_VALUE, flushMs: 1000 }
    broker.manager.configChanged('events')
    await log.append(batch(['c']))
    broker.clock.advance(999)
    expect(syncs).toBe(before)
    broker.clock.advance(1)
    await expect.poll(() => syncs).toBe(before + 1)
  })
})

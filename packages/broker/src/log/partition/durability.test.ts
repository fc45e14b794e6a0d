// What a loss of power leaves, after syncs that failed in all places.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../../../test/support/random.ts'
import { batch, readAll, startLogs, startMs } from '../test-support/logs.ts'
import { createPowerFs, type PowerFs } from '../test-support/power-fs.ts'

const values = (count: number) => Array.from({ length: count }, (_, i) => `v${i}`)
const firstLog = `${'0'.repeat(20)}.log`

/** Fails the next `count` syncs of paths that match. */
function failNext(power: PowerFs, pattern: RegExp, count = 1): void {
  let left = count
  power.failSync = (path) => pattern.test(path) && left-- > 0
}

async function recoveryPoint(dir: string): Promise<number> {
  const text = await readFile(join(dir, 'recovery-point-offset-checkpoint'), 'utf8').catch(() => '')
  return Number(/^events 0 (\d+)$/m.exec(text)?.[1] ?? 0)
}

describe('after a sync that failed', () => {
  it('the next one that succeeds has everything on the disk, and what the first one lost as well', async () => {
    const power = createPowerFs()
    const broker = await startLogs({}, { fs: power.fs })
    const log = await broker.log()
    for (const value of values(3)) await log.append(batch([value]))
    failNext(power, /\.log$/)
    await expect(log.flush()).rejects.toMatchObject({ code: 'EIO' })
    await log.flush()
    await broker.crash(() => power.losePower())
    expect((await readAll(await broker.log())).map(([, value]) => value)).toEqual(values(3))
    expect(broker.logger.lines.filter(({ message }) => /torn|middle|had been synced/.test(message))).toEqual([])
  })

  it('no records are taken until everything is written and synced again', async () => {
    const power = createPowerFs()
    const broker = await startLogs({ flushMessages: 1 }, { fs: power.fs })
    const log = await broker.log()
    await log.append(batch(['v0']))
    power.failSync = (path) => path.endsWith('.log')
    for (let i = 0; i < 3; i++) {
      await expect(log.append(batch(['refused']))).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' })
    }
    expect(broker.logger.lines.filter(({ message }) => message.includes('takes no records'))).toHaveLength(1)
    expect((await readAll(log)).length).toBe(1)
    power.failSync = () => false
    await log.append(batch(['v1']))
    await broker.crash(() => power.losePower())
    expect((await readAll(await broker.log())).map(([, value]) => value)).toEqual(values(2))
  })

  it('the recovery point does not pass the segment that could not be synced, however many are finished after it', async () => {
    const power = createPowerFs()
    const broker = await startLogs({ segmentBytes: 150 }, { fs: power.fs })
    const log = await broker.log()
    // The first segment cannot be synced when it is finished; the ones after it can.
    failNext(power, new RegExp(firstLog))
    await Promise.all(values(6).map((value) => log.append(batch([value]))))
    const checkpointed = () => {
      broker.clock.advance(1000)
      return recoveryPoint(broker.dir)
    }
    await expect.poll(checkpointed).toBeGreaterThanOrEqual(5)
    await broker.crash(() => power.losePower())
    const kept = (await readAll(await broker.log())).map(([, value]) => value)
    expect(kept).toEqual(values(6).slice(0, kept.length))
    expect(kept.length).toBeGreaterThanOrEqual(5)
  })

  it('leaves no clean-shutdown marker when it fails again at the end', async () => {
    const power = createPowerFs()
    const broker = await startLogs({}, { fs: power.fs })
    await (await broker.log()).append(batch(['v0']))
    power.failSync = (path) => path.endsWith('.log')
    await broker.manager.close()
    expect(await readdir(broker.dir)).not.toContain('clean-shutdown')
  })

  it('of a folder, its files are there all the same once a later sync has succeeded', async () => {
    const power = createPowerFs()
    const broker = await startLogs({}, { fs: power.fs })
    const log = await broker.log()
    await log.append(batch(['v0']))
    failNext(power, /events-0$/)
    await expect(log.flush()).rejects.toMatchObject({ code: 'EIO' })
    await log.flush()
    await broker.crash(() => power.losePower())
    expect((await readAll(await broker.log())).map(([, value]) => value)).toEqual(['v0'])
  })

  it('what the recovery point covers is there, whichever syncs fail', async () => {
    for (let seed = 1; seed <= 25; seed++) {
      const random = seededRandom(seed)
      const power = createPowerFs()
      const broker = await startLogs({ segmentBytes: 400 }, { fs: power.fs })
      const log = await broker.log()
      power.failSync = () => random() < 0.3
      for (const value of values(30)) {
        await log.append(batch([value])).catch(() => {})
        if (random() < 0.2) await log.flush().catch(() => {})
      }
      const all = (await readAll(log)).map(([, value]) => value)
      broker.clock.advance(120_000)
      let synced = 0
      await broker.crash(async () => {
        synced = await recoveryPoint(broker.dir)
        power.failSync = () => false
        power.losePower()
      })
      const kept = (await readAll(await broker.log())).map(([, value]) => value)
      expect(kept.length, `seed ${seed}`).toBeGreaterThanOrEqual(synced)
      expect(kept, `seed ${seed}`).toEqual(all.slice(0, kept.length))
      await broker.manager.close()
    }
  })
})

describe('the indexes of a finished segment', () => {
  it('are on the disk before the recovery point passes it, so that retention judges it by its newest record', async () => {
    const power = createPowerFs()
    const broker = await startLogs(
      { segmentBytes: 3000, indexIntervalBytes: 1, retentionMs: 3_600_000 },
      { fs: power.fs },
    )
    const log = await broker.log()
    for (let i = 0; i < 60; i++) {
      await log.append(batch([`v${i}`], { timestamps: [BigInt(startMs + i * 1000)] }))
    }
    await log.flush()
    await broker.manager.runRetentionRound()
    const checkpointed = () => {
      broker.clock.advance(1000)
      return recoveryPoint(broker.dir)
    }
    await expect.poll(checkpointed).toBe(60)
    await broker.crash(() => power.losePower())
    await broker.manager.runRetentionRound()
    expect((await broker.log()).logStartOffset).toBe(0n)
    expect(broker.logger.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([])
  })
})

import { appendFile, copyFile, cp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batch, legacySnapshot, readAll, startLogs, type TestBroker, temporaryDir } from '../test-support/logs.ts'

const logName = `${'0'.repeat(20)}.log`
const torn = (broker: TestBroker) => broker.logger.lines.filter(({ message }) => message.includes('torn tail'))
const damaged = (broker: TestBroker) => broker.logger.lines.filter(({ message }) => message.includes('in the middle'))

/** A folder as a crash leaves it, with three batches of two records each. */
async function crashedFolder(): Promise<{ dir: string; sizes: number[] }> {
  const broker = await startLogs()
  const log = await broker.log()
  const sizes: number[] = []
  for (let i = 0; i < 3; i++) {
    await log.append(batch([`a${i}`, `b${i}`], { producerId: 5n, producerEpoch: 0, baseSequence: i * 2 }))
    sizes.push(log.sizeBytes)
  }
  const dir = await temporaryDir()
  await cp(broker.dir, dir, { recursive: true })
  return { dir, sizes }
}

describe('after a crash', () => {
  it('serves exactly the whole batches, wherever the last ones were torn', async () => {
    const { dir, sizes } = await crashedFolder()
    const file = join(dir, 'events-0', logName)
    const original = await readFile(file)
    const [first, , end] = sizes as [number, number, number]
    for (let length = first; length <= end; length++) {
      await writeFile(file, original.subarray(0, length))
      await rm(join(dir, 'recovery-point-offset-checkpoint'), { force: true })
      await rm(join(dir, 'clean-shutdown'), { force: true })
      const broker = await startLogs({}, { dir })
      const log = await broker.log()
      const whole = sizes.filter((size) => size <= length).length
      expect(log.highWatermark, `file of ${length} bytes`).toBe(BigInt(whole * 2))
      expect((await stat(file)).size).toBe(sizes[whole - 1])
      expect(torn(broker).length).toBe(sizes.includes(length) ? 0 : 1)
      if (!sizes.includes(length)) {
        expect(torn(broker)[0]!.context).toMatchObject({
          partition: 'events-0',
          offset: String(whole * 2),
          cutBytes: length - sizes[whole - 1]!,
        })
      }
      expect((await readAll(log)).length).toBe(whole * 2)
      expect(log.producers()[0]!.lastSequence).toBe(whole * 2 - 1)
      await broker.manager.close()
    }
  }, 120_000)

  it('never serves a batch of which any byte is wrong', async () => {
    const { dir, sizes } = await crashedFolder()
    const file = join(dir, 'events-0', logName)
    const original = await readFile(file)
    const [first, second, end] = sizes as [number, number, number]
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: second, max: end - 1 }), fc.integer({ min: 1, max: 255 }), async (at, xor) => {
        // The leader epoch is not covered by the checksum, as in Kafka.
        fc.pre(at < second + 12 || at >= second + 16)
        const bytes = Buffer.from(original)
        bytes[at]! ^= xor
        await writeFile(file, bytes)
        await rm(join(dir, 'recovery-point-offset-checkpoint'), { force: true })
        await rm(join(dir, 'clean-shutdown'), { force: true })
        const broker = await startLogs({}, { dir })
        const values = (await readAll(await broker.log())).map(([, value]) => value)
        await broker.manager.close()
        // A changed base offset cannot be distinguished from a gap that compaction left; everything else ends the log there.
        if (at < second + 8) expect(values.slice(0, 4)).toEqual(['a0', 'b0', 'a1', 'b1'])
        else expect(values).toEqual(['a0', 'b0', 'a1', 'b1'])
      }),
      { numRuns: 60 },
    )
    expect(first).toBeLessThan(second)
  })

  it('ends the log before damage in the middle, logs this, and keeps the rest', async () => {
    const { dir, sizes } = await crashedFolder()
    const file = join(dir, 'events-0', logName)
    const bytes = await readFile(file)
    bytes[sizes[0]! + 70]! ^= 0xff
    await writeFile(file, bytes)
    const broker = await startLogs({}, { dir })
    const log = await broker.log()
    expect(log.highWatermark).toBe(2n)
    expect(torn(broker)).toEqual([])
    expect(damaged(broker)[0]).toMatchObject({
      level: 'error',
      context: { offset: '2', position: sizes[0], goodBatchAt: sizes[1] },
    })
    expect(await readFile(`${file}.cut-${sizes[0]}`)).toEqual(bytes.subarray(sizes[0]))
    expect(await log.append(batch(['next']))).toMatchObject({ baseOffset: 2n })
  })

  it('loses nothing acknowledged and keeps the producers, without any tidying up', async () => {
    const broker = await startLogs({ segmentBytes: 2000 })
    let log = await broker.log()
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 7; i++) {
        const sequence = round * 7 + i
        await log.append(batch([`${sequence}`], { producerId: 9n, producerEpoch: 1, baseSequence: sequence }))
      }
      await broker.crash()
      log = await broker.log()
      // All of the last five batches are recognised.
      for (let i = 2; i < 7; i++) {
        const sequence = round * 7 + i
        const again = batch([`${sequence}`], { producerId: 9n, producerEpoch: 1, baseSequence: sequence })
        expect(await log.append(again)).toMatchObject({ duplicate: true, baseOffset: BigInt(sequence) })
      }
    }
    expect((await readAll(log)).map(([, value]) => Number(value))).toEqual(Array.from({ length: 70 }, (_, i) => i))
  })

  it('scans only from the recovery point on', async () => {
    const broker = await startLogs({ segmentBytes: 1000 })
    const log = await broker.log()
    for (let i = 0; i < 30; i++) await log.append(batch([`value ${i}`]))
    await log.flush()
    await broker.restart()
    await broker.log()
    await broker.crash()
    // A checksum that is wrong in a segment that was synced long ago is not what a recovery looks for.
    const file = join(broker.dir, 'events-0', logName)
    const bytes = await readFile(file)
    bytes[bytes.length - 1]! ^= 1
    await writeFile(file, bytes)
    expect((await broker.log()).highWatermark).toBe(30n)
    expect(damaged(broker)).toEqual([])
  })
})

describe('after a proper shutdown', () => {
  it('continues where it was, with the producers, and does not scan', async () => {
    const broker = await startLogs({ segmentBytes: 3000 })
    const log = await broker.log()
    for (let i = 0; i < 100; i++) {
      await log.append(batch([`v${i}`], { producerId: 3n, producerEpoch: 0, baseSequence: i }))
    }
    await broker.restart()
    const reopened = await broker.log()
    expect(reopened.highWatermark).toBe(100n)
    expect((await readAll(reopened)).length).toBe(100)
    for (let i = 95; i < 100; i++) {
      const again = batch([`v${i}`], { producerId: 3n, producerEpoch: 0, baseSequence: i })
      expect(await reopened.append(again)).toMatchObject({ duplicate: true, baseOffset: BigInt(i) })
    }
    expect(broker.logger.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([])
  })

  it('rebuilds index files that are missing, damaged or of another length, and finds everything', async () => {
    for (const harm of ['remove', 'garbage', 'odd length'] as const) {
      const broker = await startLogs({ segmentBytes: 20_000, indexIntervalBytes: 200 }, { tailCacheBytes: 0 })
      const log = await broker.log()
      for (let i = 0; i < 300; i++) await log.append(batch([`v${i}`], { timestamps: [BigInt(1000 + i)] }))
      await broker.manager.close()
      const folder = join(broker.dir, 'events-0')
      for (const name of await readdir(folder)) {
        if (!/index$/.test(name)) continue
        if (harm === 'remove') await rm(join(folder, name))
        else if (harm === 'garbage') await writeFile(join(folder, name), Buffer.alloc(48, 0xab))
        else await truncate(join(folder, name), 7)
      }
      await broker.restart()
      const reopened = await broker.log()
      expect((await readAll(reopened)).length, harm).toBe(300)
      expect(await reopened.offsetForTimestamp(1123n), harm).toMatchObject({ offset: 123n, timestamp: 1123n })
    }
  })

  it('cuts what was appended to the file while the broker was down', async () => {
    const broker = await startLogs()
    await (await broker.log()).append(batch(['a']))
    await broker.manager.close()
    await appendFile(join(broker.dir, 'events-0', logName), Buffer.alloc(100, 1))
    await broker.restart()
    expect(await readAll(await broker.log())).toEqual([[0n, 'a']])
    expect(torn(broker).length).toBe(1)
  })

  it("takes over the producers that an earlier development version wrote down, and leaves Kafka's format", async () => {
    const broker = await startLogs()
    const log = await broker.log()
    for (let n = 0; n < 8; n++) {
      await log.append(batch(['a', 'b'], { producerId: 5n, producerEpoch: 2, baseSequence: n * 2 }))
    }
    const folder = join(broker.dir, 'events-0')
    await broker.manager.close()
    await rm(join(folder, '00000000000000000016.snapshot'))
    // Of producer 5, last seen at 1234 ms: long ago, unlike in the log itself.
    await writeFile(join(folder, '00000000000000000016.producers'), Buffer.from(legacySnapshot, 'hex'))
    await broker.restart()
    expect((await broker.log()).producers()).toMatchObject([{ producerId: 5n, lastSequence: 15 }])
    await broker.manager.runRetentionRound()
    expect((await broker.log()).producers()).toEqual([])
    await (await broker.log()).append(batch(['c']))
    await broker.manager.close()
    const left = (await readdir(folder)).filter((name) => /producers|snapshot/.test(name))
    expect(left).toEqual(['00000000000000000017.snapshot'])
  })

  it('reads the producers from the log when their snapshot is damaged', async () => {
    const broker = await startLogs()
    await (await broker.log()).append(batch(['a', 'b'], { producerId: 3n, producerEpoch: 0, baseSequence: 0 }))
    await broker.manager.close()
    const folder = join(broker.dir, 'events-0')
    for (const name of await readdir(folder)) {
      if (name.endsWith('.snapshot')) await writeFile(join(folder, name), 'rubbish')
    }
    await broker.restart()
    expect((await broker.log()).producers()).toMatchObject([{ producerId: 3n, lastSequence: 1 }])
  })

  it('refuses a folder that a newer version wrote', async () => {
    const broker = await startLogs()
    await (await broker.log()).append(batch(['a']))
    await broker.manager.close()
    const file = join(broker.dir, 'events-0', 'partition.metadata')
    await copyFile(file, `${file}.kept`)
    await writeFile(file, (await readFile(file, 'utf8')).replace('version: 0', 'version: 1'))
    await broker.restart()
    await expect(broker.log()).rejects.toThrow(/log format 1; this version reads format 0/)
    await copyFile(`${file}.kept`, file)
    expect((await broker.log()).highWatermark).toBe(1n)
  })
})

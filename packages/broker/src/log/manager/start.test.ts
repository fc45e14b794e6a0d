// Starting with very many partitions, or very large ones: no request waits for a log that it does not need.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type LogFs, nodeFs } from '../disk/fs.ts'
import { createWorkLimit } from '../scheduling/work-limit.ts'
import { batch, readAll, startLogs, type TestBroker, topicId } from '../test-support/logs.ts'

/** A file system on which one partition's log cannot be read before `open` is called. */
function createGatedFs(partition: string): { readonly fs: LogFs; hold(): void; open(): void; readonly held: number } {
  const files = new Map<number, string>()
  let gate: Promise<void> | undefined
  let release: () => void = () => {}
  let held = 0
  const fs: LogFs = {
    ...nodeFs,
    async open(path, create) {
      const fd = await nodeFs.open(path, create)
      files.set(fd, path)
      return fd
    },
    async read(fd, ...rest) {
      if (gate !== undefined && files.get(fd)!.includes(`/${partition}/`)) {
        held++
        await gate
      }
      return nodeFs.read(fd, ...rest)
    },
  }
  return {
    fs,
    hold() {
      gate = new Promise((resolve) => {
        release = resolve
      })
    },
    open() {
      gate = undefined
      release()
    },
    get held() {
      return held
    },
  }
}

async function withPartitions(count: number, fs: LogFs = nodeFs): Promise<TestBroker> {
  const broker = await startLogs({}, { fs })
  for (let partition = 0; partition < count; partition++) {
    await (await broker.log({ partition })).append(batch([`v${partition}`]))
  }
  return broker
}

describe('after a crash', () => {
  it('a log that takes long to check is answered NOT_LEADER_OR_FOLLOWER meanwhile, and holds up no other', async () => {
    const gated = createGatedFs('events-0')
    const broker = await withPartitions(20, gated.fs)
    await broker.crash(() => gated.hold())
    const checked = broker.manager.checkFolders()
    const asked = broker.log({ partition: 0 })
    await expect.poll(() => gated.held).toBeGreaterThan(0)
    broker.clock.advance(2000)
    await expect(asked).rejects.toMatchObject({
      code: 'NOT_LEADER_OR_FOLLOWER',
      message: expect.stringContaining('events-0 is being checked'),
    })
    const other = await broker.log({ partition: 7 })
    expect(await other.append(batch(['meanwhile']))).toMatchObject({ baseOffset: 1n })
    gated.open()
    expect(await checked).toBe(true)
    expect((await readAll(await broker.log({ partition: 0 }))).map(([, value]) => value)).toEqual(['v0'])
  })

  it('reports the progress of the check, and leaves no log open that was not requested', async () => {
    const broker = await withPartitions(30)
    await broker.crash()
    const progress: string[] = []
    await broker.manager.checkFolders(({ done, total }) => progress.push(`${done}/${total}`))
    expect(progress).toEqual(Array.from({ length: 30 }, (_, i) => `${i + 1}/30`))
    for (let partition = 0; partition < 30; partition++) {
      expect(broker.manager.getOpen('events', topicId, partition)).toBeUndefined()
    }
    await broker.restart()
    expect((await broker.log({ partition: 29 })).highWatermark).toBe(1n)
  })

  it('and a proper stop, what was never synced is still checked before it is served', async () => {
    const broker = await startLogs()
    const log = await broker.log()
    for (const value of ['a', 'b', 'c']) await log.append(batch([value]))
    await broker.crash()
    await broker.log()
    await broker.manager.close()
    // As a loss of power may leave it.
    const file = join(broker.dir, 'events-0', `${'0'.repeat(20)}.log`)
    const bytes = await readFile(file)
    bytes.fill(0, bytes.length / 3 + 61, bytes.length / 3 + 70)
    await writeFile(file, bytes)
    await broker.restart()
    expect((await readAll(await broker.log())).map(([, value]) => value)).toEqual(['a'])
    expect(broker.logger.lines.filter(({ message }) => message.includes('damaged in the middle'))).toHaveLength(1)
  })
})

describe('a log that was closed because nothing used it', () => {
  it('is opened again, and a request that waits long for this gets an error that is true', async () => {
    const gated = createGatedFs('events-0')
    const broker = await withPartitions(1, gated.fs)
    const isOpen = () => broker.manager.getOpen('events', topicId, 0) !== undefined
    broker.clock.advance(300_000)
    await expect.poll(isOpen).toBe(true)
    broker.clock.advance(300_000)
    await expect.poll(isOpen).toBe(false)
    gated.hold()
    const asked = broker.log()
    await expect.poll(() => gated.held).toBeGreaterThan(0)
    broker.clock.advance(2000)
    await expect(asked).rejects.toMatchObject({
      code: 'NOT_LEADER_OR_FOLLOWER',
      message: 'events-0 is still being opened; try again',
    })
    gated.open()
    expect((await readAll(await broker.log())).map(([, value]) => value)).toEqual(['v0'])
  })
})

describe('deleting topics', () => {
  it('writes the checkpoints once for many, and a topic of the same name can be used at once', async () => {
    let writes = 0
    const fs: LogFs = {
      ...nodeFs,
      replaceFile(path, content) {
        writes++
        return nodeFs.replaceFile(path, content)
      },
    }
    const ids = (topic: number, generation: number) => `${generation}${String(topic).padStart(21, 'A')}`
    const broker = await startLogs({}, { fs, ownerOf: (_topic, id) => (id.startsWith('1') ? 'deleted' : 'current') })
    for (let topic = 0; topic < 20; topic++) {
      const log = await broker.log({ topic: `t${topic}`, topicId: ids(topic, 1) })
      await log.append(batch(['old', 'old']))
      await log.deleteRecordsBefore(1n)
      await log.flush()
    }
    writes = 0
    const deleted = Array.from({ length: 20 }, (_, topic) => broker.manager.deleteTopic(`t${topic}`, ids(topic, 1)))
    // Not waited for: the new topic's log waits for its own folder alone.
    const log = await broker.log({ topic: 't3', topicId: ids(3, 2) })
    expect(await log.append(batch(['new']))).toMatchObject({ baseOffset: 0n, logStartOffset: 0n })
    await Promise.all(deleted)
    broker.clock.advance(1000)
    expect(writes).toBeLessThanOrEqual(6)
    expect(await broker.manager.describe()).toEqual([{ topic: 't3', partition: 0, sizeBytes: log.sizeBytes }])
  })
})

describe('a turnstile', () => {
  it('runs a bounded number of pieces at a time, in order, and yields to the event loop between them', async () => {
    const pass = createWorkLimit(3)
    const order: number[] = []
    let underWay = 0
    let most = 0
    let startedBeforeTimer = 0
    const work = (n: number) =>
      pass(async () => {
        most = Math.max(most, ++underWay)
        order.push(n)
        if (n === 0) setTimeout(() => (startedBeforeTimer = order.length), 0)
        for (const end = performance.now() + 1; performance.now() < end; );
        await undefined
        underWay--
        return n
      })
    const all = Promise.all(Array.from({ length: 60 }, (_, n) => work(n)))
    expect(await all).toEqual(Array.from({ length: 60 }, (_, n) => n))
    expect(order).toEqual(Array.from({ length: 60 }, (_, n) => n))
    expect(most).toBeLessThanOrEqual(3)
    expect(startedBeforeTimer).toBeGreaterThan(0)
    expect(startedBeforeTimer).toBeLessThan(60)
    await expect(pass(() => Promise.reject(new Error('said')))).rejects.toThrow('said')
  })
})

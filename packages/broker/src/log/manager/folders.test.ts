// Data is deleted only where the metadata says that its topic was deleted; and what a damaged folder or checkpoint does.
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { batch, readAll, startLogs, type TestBroker, topicId } from '../test-support/logs.ts'
import type { FolderOwner } from '../types.ts'

const otherId = 'AAAAAAAAAAAAAAAAAAAAAg'
const values = (records: [bigint, string][]) => records.map(([, value]) => value)
const folders = async (broker: TestBroker) => (await readdir(broker.dir)).filter((name) => name.startsWith('events'))
const said = (broker: TestBroker, text: string) => broker.logger.lines.filter(({ message }) => message.includes(text))

/** One record in `events-0`, closed properly. */
async function withRecords(owner: (id: string) => FolderOwner): Promise<TestBroker> {
  const broker = await startLogs({}, { ownerOf: (_topic, id) => owner(id) })
  await (await broker.log()).append(batch(['kept']))
  await broker.manager.close()
  return broker
}

describe('a folder of a topic that the metadata does not know', () => {
  it('is set aside, with its records, and logged', async () => {
    const broker = await withRecords(() => 'unknown')
    await broker.restart()
    await broker.manager.checkFolders()
    const [aside, ...others] = await folders(broker)
    expect([aside, others]).toEqual([expect.stringMatching(/^events-0\.[0-9a-f]{32}-stray$/), []])
    expect(await readFile(join(broker.dir, aside!, `${'0'.repeat(20)}.log`), 'latin1')).toContain('kept')
    expect(said(broker, 'set aside the records')).toMatchObject([
      { level: 'warn', context: { partition: 'events-0', topicId, folder: join(broker.dir, aside!) } },
    ])
    await broker.restart()
    expect(said(broker, 'still exist')).toMatchObject([{ context: { strays: [aside] } }])
    expect(await folders(broker)).toEqual([aside])
  })

  it('is removed when the topic was deleted', async () => {
    const broker = await withRecords(() => 'deleted')
    await broker.restart()
    await broker.manager.checkFolders()
    await expect.poll(() => folders(broker)).toEqual([])
  })

  it('keeps its partition from being used when a topic of that name has another id: nothing is deleted or mixed', async () => {
    const broker = await withRecords((id) => (id === otherId ? 'current' : 'unknown'))
    await broker.restart()
    await expect(broker.log({ topicId: otherId })).rejects.toMatchObject({
      code: 'KAFKA_STORAGE_ERROR',
      message: expect.stringMatching(
        /events-0 belongs to a topic with id A+Q, which was never deleted.*"topic_id: A+g"/,
      ),
    })
    expect(await folders(broker)).toEqual(['events-0'])
  })

  it.each(['topic_id: \n', 'versiom: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ\n'])(
    'is left where it is when its partition.metadata is damaged (%j)',
    async (content) => {
      const broker = await withRecords(() => 'unknown')
      const file = join(broker.dir, 'events-0', 'partition.metadata')
      const before = await readFile(file)
      await writeFile(file, content)
      await broker.restart()
      await broker.manager.checkFolders()
      await expect(broker.log()).rejects.toThrow(/partition.metadata is damaged.*restore the file from a backup/)
      expect(await folders(broker)).toEqual(['events-0'])
      await writeFile(file, before)
      expect(values(await readAll(await broker.log()))).toEqual(['kept'])
    },
  )

  it.each(['topic_id: \n', 'version: 1\n'])(
    'is set aside when its name is that of a deleted topic and its partition.metadata cannot be read (%j)',
    async (content) => {
      const broker = await withRecords(() => 'unknown')
      await writeFile(join(broker.dir, 'events-0', 'partition.metadata'), content)
      await broker.restart()
      await broker.manager.deleteTopic('events', topicId)
      const [aside, ...others] = await folders(broker)
      expect([aside, others]).toEqual([expect.stringMatching(/^events-0\.[0-9a-f]{32}-stray$/), []])
      expect(await readFile(join(broker.dir, aside!, `${'0'.repeat(20)}.log`), 'latin1')).toContain('kept')
      expect(said(broker, 'whose topic was deleted')).toMatchObject([
        { level: 'warn', context: { partition: 'events-0', err: { code: 'KAFKA_STORAGE_ERROR' } } },
      ])
    },
  )

  it('does not get the log of its successor: a late request for a deleted topic fails', async () => {
    const broker = await startLogs({}, { ownerOf: (_topic, id) => (id === otherId ? 'current' : 'deleted') })
    const log = await broker.log({ topicId: otherId })
    await log.append(batch(['kept']))
    await expect(broker.log()).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' })
    expect(values(await readAll(log))).toEqual(['kept'])
  })
})

describe('a checkpoint', () => {
  it.each(['', 'rubbish', '0\n2\nevents 0 1\n', '0\n1\nevents 0\n'])(
    'of recovery points that is damaged (%j) is made anew',
    async (content) => {
      const broker = await withRecords(() => 'current')
      const file = join(broker.dir, 'recovery-point-offset-checkpoint')
      await writeFile(file, content)
      await rm(join(broker.dir, 'clean-shutdown'))
      await broker.restart()
      const log = await broker.log()
      await log.append(batch(['more']))
      await log.flush()
      expect(said(broker, 'a checkpoint is damaged')).toHaveLength(1)
      expect(await readFile(`${file}.damaged`, 'utf8')).toBe(content)
      await broker.restart()
      expect(values(await readAll(await broker.log()))).toEqual(['kept', 'more'])
      expect(await readFile(file, 'utf8')).toBe('0\n1\nevents 0 2\n')
    },
  )

  it('does not make a new topic begin where a deleted one of its name was', async () => {
    const broker = await startLogs({}, { ownerOf: (_topic, id) => (id === otherId ? 'current' : 'deleted') })
    const log = await broker.log()
    for (const value of ['a', 'b', 'c']) await log.append(batch([value]))
    await log.deleteRecordsBefore(2n)
    await log.flush()
    await broker.manager.deleteTopic('events', topicId)
    await (await broker.log({ topicId: otherId })).append(batch(['new']))
    await broker.crash()
    const recreated = await broker.log({ topicId: otherId })
    expect([recreated.logStartOffset, recreated.highWatermark]).toEqual([0n, 1n])
    expect(values(await readAll(recreated))).toEqual(['new'])
  })
})

describe('a log that is not used', () => {
  it('is closed after a while, keeps what was written through a crash, and is opened again for the next request', async () => {
    const broker = await startLogs()
    const log = await broker.log()
    await log.append(batch(['a'], { producerId: 3n, producerEpoch: 0, baseSequence: 0 }))
    const tick = () => {
      broker.clock.advance(300_000)
      return broker.manager.getOpen('events', topicId, 0)
    }
    await expect.poll(tick).toBeUndefined()
    expect(await broker.manager.describe()).toEqual([{ topic: 'events', partition: 0, sizeBytes: log.sizeBytes }])
    await expect(log.append(batch(['x']))).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' })
    const again = await broker.log()
    expect(again.producers()).toMatchObject([{ producerId: 3n, lastSequence: 0 }])
    expect(await again.append(batch(['b']))).toMatchObject({ baseOffset: 1n })
    await broker.crash()
    expect(values(await readAll(await broker.log()))).toEqual(['a', 'b'])
  })

  it('stays open while a request waits for it to grow', async () => {
    const broker = await startLogs()
    const log = await broker.log()
    await log.append(batch(['a']))
    const stop = log.onAdvance(() => {})
    for (let pass = 0; pass < 5; pass++) broker.clock.advance(300_000)
    await broker.manager.runRetentionRound()
    expect(broker.manager.getOpen('events', topicId, 0)).toBe(log)
    stop()
  })

  it('loses its old segments all the same, without being opened when there is nothing to delete', async () => {
    const broker = await startLogs({ segmentBytes: 150, retentionMs: 3_600_000 })
    const log = await broker.log()
    for (let i = 0; i < 4; i++) await log.append(batch([`v${i}`]))
    await broker.restart()
    await broker.manager.runRetentionRound()
    expect(broker.manager.getOpen('events', topicId, 0)).toBeUndefined()
    broker.clock.advance(2 * 3_600_000)
    await broker.manager.runRetentionRound()
    expect((await broker.log()).logStartOffset).toBe(4n)
  })
})

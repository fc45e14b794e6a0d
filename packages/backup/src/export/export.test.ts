// Exported files, read by pyarrow, fastavro and Python.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import { encodeBatch, type RecordInput } from '@selfmonitor/protocol/records'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { pythonWith } from '../../../../test/support/python.ts'
import { openStore } from '../store/open-store.ts'
import { takeBackup } from '../take/take.ts'
import { memoryStore } from '../test-support/memory-store.ts'
import { type ExportRequest, exportBackup } from './export.ts'

const python = await pythonWith('archive-files')
const script = new URL('../../../../test/support/archive/read_export.py', import.meta.url).pathname

describeEngines('an export of a backup', (engine) => {
  const topic = `export-${Date.now().toString(36)}`
  const store = memoryStore()
  const odd: RecordInput[] = [
    { key: null, value: null, timestamp: 1_000n },
    { key: Buffer.alloc(0), value: Buffer.alloc(0), timestamp: 2_000n },
    {
      key: Buffer.from([0, 255, 1]),
      value: Buffer.from('ü'),
      timestamp: 1_796_036_775_159n,
      headers: [
        { key: 'a', value: Buffer.from('1') },
        { key: '', value: null },
        { key: 'a', value: Buffer.alloc(0) },
        { key: '\ufffd', keyBytes: Buffer.from([0xff]), value: Buffer.from([0xff]) },
      ],
    },
    { key: null, value: Buffer.alloc(600_000, 7), timestamp: 1_796_036_775_160n },
  ]
  const many: RecordInput[][] = Array.from({ length: 400 }, (_, at) =>
    Array.from({ length: 50 }, (__, index) => ({
      key: Buffer.from(`${at * 50 + index}`),
      value: Buffer.alloc(100, at),
      timestamp: 1_796_036_775_200n + BigInt(at),
    })),
  )
  let cluster: Cluster
  let clusterId: string
  let folder: string

  beforeAll(async () => {
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
    clusterId = (await cluster.info()).clusterId
    const config = { 'retention.ms': '-1' }
    await cluster.createTopics([{ name: topic, partitions: 2, replicationFactor: 1, config }])
    await append(0, odd)
    await append(1, ...many)
    await take()
  }, 60_000)
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'export-'))
    return () => rmSync(folder, { recursive: true, force: true })
  })
  afterAll(async () => {
    await cluster?.deleteTopics([topic])
    await cluster?.close()
  })

  async function append(partition: number, ...batches: RecordInput[][]): Promise<void> {
    const appender = await cluster.appendBatches()
    const identity = await cluster.initProducer()
    let baseSequence = 0
    for (const records of batches) {
      await appender.append(topic, partition, encodeBatch(records, { ...identity, baseSequence }))
      baseSequence += records.length
    }
    await appender.close()
  }
  const take = () =>
    takeBackup(cluster, store, { tool: 'test', include: (name) => name === topic, segmentBytes: 1_000_000 })

  async function exported(given: Partial<ExportRequest> = {}) {
    const target = await openStore(folder)
    const request = {
      format: 'json',
      point: { kind: 'latest' },
      include: () => true,
      fromMs: null,
      untilMs: null,
    } as const
    const result = await exportBackup(store, clusterId, target, { ...request, ...given })
    await target.close()
    return result
  }
  const files = () =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.(parquet|avro|json)$/.test(path))
      .sort()
      .map((path) => join(folder, path))

  describe.skipIf('missing' in python)('read by pyarrow, fastavro and Python', () => {
    it.each(['parquet', 'avro', 'json'] as const)('has every field: %s', { timeout: 120_000 }, async (format) => {
      if ('missing' in python) throw new Error(python.missing)
      const { records } = await exported({ format })
      expect(records).toBe(20_004n)
      const rows = JSON.parse(await python.value.run(script, files())) as Record<string, unknown>[]
      const hex = (bytes: Buffer | null | undefined): string | null => bytes?.toString('hex') ?? null
      const wanted = [odd, many.flat()].flatMap((own, partition) =>
        own.map(({ key, value, timestamp, headers = [] }, offset) => ({
          topic,
          partition,
          offset: String(offset),
          timestamp: Number(timestamp),
          timestamp_type: 'CreateTime',
          key: hex(key),
          value: hex(value),
          headers: headers.map((header) => [header.key, hex(header.keyBytes), hex(header.value)]),
        })),
      )
      expect(rows.length).toBe(wanted.length)
      for (const [at, row] of rows.entries()) expect(row).toEqual(wanted[at])
    })
  })

  it('goes on with what is new, and makes the same bytes again', async () => {
    for (const format of ['parquet', 'avro', 'json'] as const) {
      const first = await exported({ format })
      expect(first.files).toBeGreaterThan(2)
      const paths = files().filter((path) => path.endsWith(format))
      const before = paths.map((path) => readFileSync(path))
      rmSync(paths[1]!)
      expect(await exported({ format })).toMatchObject({ files: 1, skipped: first.files - 1 })
      for (const [at, path] of paths.entries()) expect(readFileSync(path).equals(before[at]!), path).toBe(true)
    }
  })

  it('of a window has its records only, under names of its own', async () => {
    const window = { fromMs: 2_000, untilMs: 1_796_036_775_200 }
    expect(await exported(window)).toMatchObject({ records: 53n })
    expect(await exported({ fromMs: 2_000 })).toMatchObject({ skipped: 0, records: 20_003n })
    expect(await exported({ untilMs: 500 })).toMatchObject({ files: 0, records: 0n })
  })

  it('refuses a topic that the backup does not have', async () => {
    await expect(exported({ include: (name) => name === 'other' })).rejects.toMatchObject({ code: 'NO_BACKUP' })
    // Also beside one that it has; nothing is written.
    await expect(exported({ named: [topic, 'other'] })).rejects.toMatchObject({
      code: 'NO_BACKUP',
      message: expect.stringContaining('has no topic other'),
    })
    expect(files()).toEqual([])
  })

  it('writes what a later backup has in addition', async () => {
    const { files: before } = await exported()
    await append(0, [{ key: null, value: Buffer.from('later'), timestamp: 5_000n }])
    await take()
    expect(await exported()).toMatchObject({ files: 1, records: 1n, skipped: before })
  })
})

// Archives of a sink connector, restored into both engines and read back.
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type Cluster, connectCluster, type ReadRecord } from '@selfmonitor/cluster'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { pythonWith } from '../../../../test/support/python.ts'
import { runRestore } from '../restore/run.ts'
import { type ArchiveRequest, archiveTarget, planArchive, registerSchemas } from './index.ts'
import { findArchive } from './source.ts'
import type { TimeSource } from './times.ts'

const python = await pythonWith('archive-files')
const script = new URL('../../../../test/support/archive/make_archive.py', import.meta.url).pathname

describeEngines('a restore of a sink’s archive', (engine) => {
  let cluster: Cluster
  let folder: string
  let count = 0
  beforeAll(() => {
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
  })
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'archive-'))
    return () => rmSync(folder, { recursive: true, force: true })
  })
  afterAll(() => cluster?.close())

  function write(key: string, content: string | Buffer, modified = '2026-11-01T00:00Z'): void {
    const path = join(folder, key)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    utimesSync(path, new Date(modified), new Date(modified))
  }
  const lines = (...values: unknown[]): string => values.map((value) => `${JSON.stringify(value)}\n`).join('')

  interface Restoring extends Partial<ArchiveRequest> {
    readonly address?: string
    readonly times?: TimeSource
    readonly separator?: Buffer
    readonly to?: string
    readonly signal?: AbortSignal
    readonly register?: (subject: string, schema: string) => number
  }

  /** Plans and restores. */
  async function restore(given: Restoring = {}) {
    const { to = `archive-${Date.now().toString(36)}-${count++}`, register } = given
    const { reader, listing } = (await findArchive(given.address ?? folder))!
    const reading = {
      reader,
      times: given.times ?? ({ kind: 'path' } as const),
      toInstant: (wallMs: number) => wallMs,
      separator: given.separator ?? Buffer.from('\n'),
    }
    const request = { pointMs: null, nameOf: () => to, resume: false, accepts: [], ...given }
    const plan = await planArchive(reading, listing, cluster, request, Date.parse('2026-11-02T00:00Z'))
    const registry =
      register === undefined
        ? null
        : { register: async (subject: string, { schema }: { schema: string }) => ({ id: register(subject, schema) }) }
    const ids = await registerSchemas(plan, registry)
    const target = archiveTarget(reading, plan, (topic) => ids.get(topic.to)!)
    const restored = await runRestore(cluster, target, { signal: given.signal })
    return { to, plan, restored }
  }

  async function recordsOf(topic: string, partition = 0): Promise<ReadRecord[]> {
    const [end] = await cluster.listOffsets([{ topic, partition }], 'latest')
    const records: ReadRecord[] = []
    for await (const event of cluster.read([{ topic, partition, next: 0n, end: end!.offset! }])) {
      if (event.kind === 'records') records.push(...event.records)
    }
    return records
  }
  const textsOf = async (topic: string, partition = 0) =>
    (await recordsOf(topic, partition)).map(({ value }) => value?.toString() ?? null)

  it('brings JSON, its keys and its headers back, as it is in the files', async () => {
    write('topics/t/partition=0/t+0+0000000000.json', '{"a": 1.50}\n{"a":12345678901234567890}\n')
    write('topics/t/partition=0/t+0+0000000000.keys.json', lines('k1', { id: 2 }))
    write(
      'topics/t/partition=0/t+0+0000000000.headers.json',
      lines(
        [
          { key: 'h', value: 'x' },
          { key: 'h', value: null },
        ],
        [],
      ),
    )
    write('topics/t/partition=0/t+0+0000000002.json.gz', gzipSync(lines('text', null)))
    write('topics/t/partition=2/t+2+0000000000.json', lines({ last: true }))
    const { to, restored, plan } = await restore({ address: join(folder, 't'), accepts: ['gaps'] })
    expect(restored).toMatchObject({ isComplete: true, held: [] })
    const records = await recordsOf(to)
    expect(records.map(({ key, value }) => [key?.toString() ?? null, value!.toString()])).toEqual([
      ['k1', '{"a": 1.50}'],
      ['{"id":2}', '{"a":12345678901234567890}'],
      [null, '"text"'],
      [null, 'null'],
    ])
    expect(records[0]!.headers.map(({ key, value }) => [key, value?.toString() ?? null])).toEqual([
      ['h', 'x'],
      ['h', null],
    ])
    expect(await textsOf(to, 2)).toEqual(['{"last":true}'])
    expect(plan.warnings).toEqual([
      't: the archive has no file of partition 1',
      expect.stringMatching(/^t partition 0: \S+\+0000000002\.json\.gz has no file of keys, and other files have/),
    ])
  })

  it('is not complete where the keys of a file are lost, and refuses a topic that the archive does not have', async () => {
    write('topics/t/partition=0/t+0+0000000000.json', lines(1))
    write('topics/t/partition=0/t+0+0000000000.keys.json', lines('k'))
    write('topics/t/partition=0/t+0+0000000001.json', lines(2))
    const { plan, restored } = await restore()
    expect(plan.missing).toEqual([expect.stringContaining('t+0+0000000001.json has no file of keys')])
    expect(restored.isComplete).toBe(false)
    await expect(restore({ named: ['t', 'absent'] })).rejects.toMatchObject({
      code: 'NO_BACKUP',
      message: expect.stringContaining('has no topic absent'),
    })
  })

  it('brings bytes back, and tombstones that have keys only', async () => {
    write('topics/t/partition=0/t+0+0000000000.bin', Buffer.from('a\0b;;second;'))
    write('topics/t/tombstone/t+0+0000000003.keys.json', lines('gone'))
    const { to, restored } = await restore({ separator: Buffer.from(';') })
    const records = await recordsOf(to)
    expect(records.map(({ key, value }) => [key?.toString() ?? null, value?.toString() ?? null])).toEqual([
      [null, 'a\0b'],
      [null, ''],
      [null, 'second'],
      ['gone', null],
    ])
    expect(restored.isComplete).toBe(true)
  })

  it('takes times from the path, from the file or from a field, and keeps what retention would delete', async () => {
    const value = { at: '2026-10-01T10:00:00Z', ms: 1_790_000_000_000, s: 1_790_000_000 }
    write('topics/t/year=2026/month=10/day=02/hour=13/t+0+0000000000.json', lines(value), '2026-10-02T14:05Z')
    const times = async (source: TimeSource) => {
      const { to, restored } = await restore({ times: source })
      expect(restored.held).toEqual([to])
      return new Date((await recordsOf(to))[0]!.timestampMs).toISOString()
    }
    expect(await times({ kind: 'path' })).toBe('2026-10-02T13:00:00.000Z')
    expect(await times({ kind: 'modified' })).toBe('2026-10-02T14:05:00.000Z')
    expect(await times({ kind: 'field', field: 'at' })).toBe('2026-10-01T10:00:00.000Z')
    expect(await times({ kind: 'field', field: 's' })).toBe(new Date(1_790_000_000_000).toISOString())
    await expect(times({ kind: 'field', field: 'nowhere' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('t+0+0000000000.json: a record has no time in field nowhere'),
    })
  })

  it('restores what was stored up to a point', async () => {
    write('topics/t/dt=2026-10-01/t+0+0000000000.json', lines(0, 1), '2026-11-01T00:00Z')
    write('topics/t/dt=2026-10-02/t+0+0000000002.json', lines(2), '2026-11-01T00:00Z')
    write('topics/t/dt=2026-10-03/t+0+0000000003.json', lines(3), '2026-10-03T08:00Z')
    const at = async (time: string) => {
      const { to, plan } = await restore({ pointMs: Date.parse(time) })
      return { texts: await textsOf(to), younger: plan.topics[0]!.partitions[0]!.youngerFiles, missing: plan.missing }
    }
    expect(await at('2026-10-02T00:00Z')).toEqual({ texts: ['0', '1'], younger: 2, missing: [] })
    expect(await at('2026-10-02T23:59:59.999Z')).toEqual({ texts: ['0', '1', '2'], younger: 1, missing: [] })
    // A day that is not over, with a file that was written before the point.
    expect(await at('2026-10-03T09:00Z')).toEqual({ texts: ['0', '1', '2', '3'], younger: 0, missing: [] })
    await expect(at('2026-09-30T00:00Z')).rejects.toMatchObject({ code: 'NO_BACKUP' })
  })

  it('cuts at the first record that is younger, where a field has the time', async () => {
    const at = (second: number) => ({ at: `2026-10-01T00:00:0${second}Z` })
    write('topics/t/partition=0/t+0+0000000000.json', lines(at(1), at(2), at(5), at(3)))
    write('topics/t/partition=0/t+0+0000000004.json', lines(at(4)))
    const { plan } = await restore({
      times: { kind: 'field', field: 'at' },
      pointMs: Date.parse('2026-10-01T00:00:04Z'),
    })
    expect(plan.topics[0]!.partitions[0]).toMatchObject({ records: 2n, youngerFiles: 1 })
  })

  it('says what is missing, and what is there twice', async () => {
    write('topics/t/partition=0/t+0+0000000005.json', lines(5, 6, 7))
    write('topics/t/partition=0/t+0+0000000007.json', lines(7, 8))
    write('topics/t/partition=0/t+0+0000000012.json', lines(12))
    write('topics/t/partition=0/t+0+0000000020.keys.json', lines('k'))
    const { to, plan, restored } = await restore()
    expect(await textsOf(to)).toEqual(['5', '6', '7', '8', '12'])
    expect(restored.isComplete).toBe(false)
    expect(plan.missing).toEqual([
      'topics/t/partition=0/t+0+0000000020.keys.json: no file has the values of its records',
      expect.stringContaining('t partition 0: no record of offsets 9 to 11: a file is missing, or'),
    ])
    expect(plan.warnings).toEqual([
      't partition 0 begins with offset 5: the archive has none of the records before it',
      't partition 0: the first 1 records of topics/t/partition=0/t+0+0000000007.json are copies, and are left out',
    ])
    rmSync(join(folder, 'topics/t/partition=0/t+0+0000000020.keys.json'))
    expect((await restore({ accepts: ['gaps'] })).restored.isComplete).toBe(true)
  })

  it('says when the order of records is not known', async () => {
    write('topics/t/country=de/t+0+0000000000.json', lines(0, 2))
    write('topics/t/country=fr/t+0+0000000001.json', lines(1))
    const { to, plan, restored } = await restore()
    expect(await textsOf(to)).toEqual(['0', '2', '1'])
    expect(plan.missing).toEqual([expect.stringContaining('the order of their records is not known')])
    expect(restored.isComplete).toBe(false)
  })

  it('goes on where it was interrupted, without a record twice', async () => {
    for (const first of [0, 3_000]) {
      const values = Array.from({ length: 3_000 }, (_, at) => ({ number: first + at, text: 'x'.repeat(200) }))
      write(`topics/t/partition=0/t+0+000000${String(first).padStart(4, '0')}.json`, lines(...values))
    }
    const to = `archive-resumed-${Date.now().toString(36)}`
    // An interrupted restore is the same batches, and fewer of them.
    const { reader, listing } = (await findArchive(folder))!
    const reading = {
      reader,
      times: { kind: 'path' },
      toInstant: (ms: number) => ms,
      separator: Buffer.from('\n'),
    } as const
    const request = { pointMs: null, nameOf: () => to, resume: false, accepts: [] }
    const plan = await planArchive(reading, listing, cluster, request, Date.now())
    const target = archiveTarget(reading, plan, () => ({ keys: new Map(), values: new Map() }))
    const abort = new AbortController()
    const stopped = runRestore(cluster, target, {
      signal: abort.signal,
      onProgress: ({ done }) => {
        if (done >= 1_000n) abort.abort()
      },
    })
    await expect(stopped).rejects.toThrow('aborted')
    const before = (await recordsOf(to)).length
    expect(before).toBeGreaterThan(0)
    await expect(restore({ to })).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' })
    const { restored } = await restore({ to, resume: true })
    // A batch that was on its way may have arrived after the count.
    expect(restored.partitions[0]!.resumedAt).toBeGreaterThanOrEqual(BigInt(before))
    expect(restored.partitions[0]).toMatchObject({ records: 6_000n, isEqual: true })
    expect((await recordsOf(to)).map(({ value }) => JSON.parse(value!.toString()).number)).toEqual(
      Array.from({ length: 6_000 }, (_, at) => at),
    )
  })

  it.each([
    ['t+0+0000000000.json', '{"a": 1}\n{"a": ', 'line 2 is not JSON'],
    ['t+0+0000000000.bin', 'whole\ncut', 'its last 3 bytes are cut off'],
    ['t+0+0000000000.json.gz', gzipSync('{"a": 1}\n').subarray(0, -9), 'unexpected end of file'],
    ['t+0+0000000000.avro', Buffer.from('Obj\x01\x02'), 'it ends after 5 bytes'],
    ['t+0+0000000000.parquet', Buffer.from('PAR1PAR1'), 'parquet'],
  ])('does not begin with a file that is not whole: %s', async (name, content, message) => {
    write(`topics/t/partition=0/${name}`, content)
    const to = `archive-damaged-${Date.now().toString(36)}`
    await expect(restore({ to })).rejects.toMatchObject({
      code: 'DAMAGED',
      message: expect.stringMatching(new RegExp(`${name.replaceAll('+', '\\+')} cannot be read: .*${message}`)),
    })
    expect((await cluster.listTopics()).map((topic) => topic.name)).not.toContain(to)
  })

  describe.skipIf('missing' in python)('made by fastavro and pyarrow', () => {
    interface Written {
      readonly 'user.events': readonly Record<string, unknown>[]
      readonly parquet: readonly Record<string, unknown>[]
    }
    const make = async (): Promise<Written> => {
      if ('missing' in python) throw new Error(python.missing)
      return JSON.parse(await python.value.run(script, [folder])) as Written
    }
    const schemas: { subject: string; schema: string }[] = []
    const register = (subject: string, schema: string): number => {
      schemas.push({ subject, schema })
      return 100 + schemas.length
    }
    /** Decoded by the schema whose id the frame has. */
    async function decoded(to: string): Promise<unknown[]> {
      const { avroType } = await import('../format/avro-types.ts')
      return (await recordsOf(to)).map(({ value }) => {
        expect(value![0]).toBe(0)
        const type = avroType(schemas[value!.readInt32BE(1) - 101]!.schema)
        const one = type.fromBuffer(value!.subarray(5)) as Record<string, unknown>
        return {
          ...one,
          scores: { ...(one.scores as object) },
          id: String(one.id),
          raw: (one.raw as Buffer).toString('hex'),
        }
      })
    }

    it('has Avro values framed with their schemas, text keys, and headers', { timeout: 120_000 }, async () => {
      const written = await make()
      schemas.length = 0
      const { to, restored } = await restore({ address: join(folder, 'user.events'), register })
      expect(restored.isComplete).toBe(true)
      expect(schemas.map(({ subject }) => subject)).toEqual([`${restored.partitions[0]!.topic}-value`, `${to}-value`])
      expect(await decoded(to)).toEqual(written['user.events'])
      const records = await recordsOf(to)
      expect(records.map(({ key }) => key!.toString())).toEqual(written['user.events'].map(({ id }) => `key ${id}`))
      expect(records[3]!.headers).toEqual([
        { key: 'n', value: Buffer.from('3') },
        { key: 'n', value: null },
      ])
    })

    it('has Parquet as Avro with the schema of its footer, else as JSON', { timeout: 120_000 }, async () => {
      const written = await make()
      schemas.length = 0
      const avro = await restore({ address: join(folder, 'parquet.avro'), register })
      expect(avro.restored.isComplete).toBe(true)
      expect(await decoded(avro.to)).toEqual(written.parquet)
      for (const name of ['parquet.plain', 'parquet.zstd']) {
        const plain = await restore({ address: join(folder, name) })
        const texts = await textsOf(plain.to)
        expect(texts).toHaveLength(1_000)
        expect(texts[0]).toContain('"id":1152921504606846976')
        expect(JSON.parse(texts[1]!)).toEqual({
          id: 1,
          name: 'näme 1',
          tags: ['t0'],
          scores: { a: 0.25 },
          raw: Buffer.from([1, 0, 255]).toString('base64'),
          kind: 'B',
          at: '2024-01-01T00:00:01.000Z',
        })
      }
    })

    it('is not taken for whole when a file was cut off at any place', { timeout: 120_000 }, async () => {
      await make()
      const { readFileSync } = await import('node:fs')
      const { readAvroFile } = await import('./read-avro.ts')
      const path = join(folder, 'topics/user.events/partition=0/user.events+0+0000000050.avro')
      const bytes = readFileSync(path)
      const count = async (length: number): Promise<number> => {
        let records = 0
        const parts = (async function* () {
          yield bytes.subarray(0, length)
        })()
        for await (const some of readAvroFile(parts)) records += some.length
        return records
      }
      expect(await count(bytes.length)).toBe(50)
      const whole: number[] = []
      for (let length = 0; length < bytes.length; length++)
        await count(length).then(
          (some) => whole.push(some),
          () => {},
        )
      // Only where a block ends nothing can be seen: there are as many as there are blocks before the last.
      expect(whole.length).toBeLessThan(20)
    })
  })
})

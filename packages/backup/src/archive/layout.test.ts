import { describe, expect, it } from 'vitest'
import { readListing, timeOfPath } from './layout.ts'

const object = (key: string, modifiedMs = 1_000) => ({ key, sizeBytes: 1, modifiedMs })
const listing = (...keys: string[]) => readListing(keys.map((key) => object(key)))

describe('the names of a sink’s objects', () => {
  it('say topic, partition, first offset and form, wherever topics.dir puts them', () => {
    const { files } = listing(
      'topics/user.events/partition=3/user.events+3+0000000100.avro',
      'a/b/user.events/partition=3/user.events+3+0000000007.snappy.parquet',
      'user.events+0+12345678901.json.gz',
      'user.events/partition=0/user.events+0+0000000000.bin',
    )
    expect(
      files.map(({ topic, partition, firstOffset, folder, values }) => [
        topic,
        partition,
        firstOffset,
        folder,
        values!.format,
        values!.isGzipped,
      ]),
    ).toEqual([
      ['user.events', 0, 0n, 'partition=0', 'bytes', false],
      ['user.events', 0, 12_345_678_901n, '', 'json', true],
      ['user.events', 3, 7n, 'partition=3', 'parquet', false],
      ['user.events', 3, 100n, 'partition=3', 'avro', false],
    ])
  })

  it('are told from those of others', () => {
    const others = ['user.events-0-1.gz', 'a+b+c.avro', 'user.events+0+1.csv', 'user+events+0+1.avro', 'manifest.json']
    expect(listing(...others)).toEqual({ files: [], unusable: [] })
  })

  it('put values, keys and headers together', () => {
    const [file, ...others] = listing(
      'topics/t/partition=0/t+0+5.keys.avro',
      'topics/t/partition=0/t+0+5.json',
      'topics/t/partition=0/t+0+5.headers.json',
    ).files
    expect(others).toEqual([])
    expect([file!.values, file!.keys, file!.headers].map((part) => part!.format)).toEqual(['json', 'avro', 'json'])
  })

  it('keys alone are tombstones only in the folder of tombstones', () => {
    const { files, unusable } = listing('topics/t/tombstone/t+0+5.keys.avro', 'topics/t/partition=0/t+0+9.keys.avro')
    expect(files.map(({ firstOffset, values }) => [firstOffset, values])).toEqual([[5n, null]])
    expect(unusable).toEqual([
      { key: 'topics/t/partition=0/t+0+9.keys.avro', why: 'no file has the values of its records' },
    ])
  })

  it('the same records in two forms are restored once', () => {
    const { files, unusable } = listing('t/partition=0/t+0+5.avro', 't/partition=0/t+0+5.json')
    expect(files.map(({ values }) => values!.key)).toEqual(['t/partition=0/t+0+5.avro'])
    expect(unusable.map(({ key }) => key)).toEqual(['t/partition=0/t+0+5.json'])
  })
})

describe('the time of a path', () => {
  it.each([
    ['year=2024/month=01/day=31/hour=13', '2024-01-31T13:00Z', 3_600_000],
    ['country=DE/year=2024/month=1/day=3', '2024-01-03T00:00Z', 86_400_000],
    ['year=2024/month=01/day=31/hour=13/minute=30', '2024-01-31T13:30Z', 60_000],
    ['dt=2024-02-29', '2024-02-29T00:00Z', 86_400_000],
    ['2024/02/29/07', '2024-02-29T07:00Z', 3_600_000],
  ])('%s', (folder, from, lengthMs) => {
    const fromMs = Date.parse(from)
    expect(timeOfPath(folder)).toEqual({ fromMs, toMs: fromMs + lengthMs })
  })

  it.each(['partition=0', 'country=DE', 'year=2024/month=01', 'year=2024/month=02/day=30', 'dt=2024-13-01', ''])(
    'is not in %j',
    (folder) => {
      expect(timeOfPath(folder)).toBeNull()
    },
  )
})

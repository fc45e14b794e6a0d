// `node --conditions=source bench/event-bytes.ts`: how many bytes an event takes, with and without compression. Bytes,
// not times: the result is the same on every machine. The figures of the sizing table and the tuning guide come from here.
//
// The events are those of `selfmonitor demo`, through the library into the embedded broker, and counted in its log files. Then
// the same records are put into batches of fixed sizes, which in production depend on rate, partitions and linger.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startTestPlatform } from '@selfmonitor/events/testing'
import {
  batchHeaderBytes,
  type CompressionType,
  decodeRecords,
  encodeBatch,
  iterateBatches,
  type RecordInput,
} from '@selfmonitor/protocol'
import { createStory, type StoryEvent, storyTopics } from '../packages/cli/src/demo/story.ts'
import { seededRandom } from '../test/support/random.ts'
import { printTable } from './support.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const events = 100_000
const eventsPerSecond = 1000
const partitions = 4
const codecs: readonly CompressionType[] = ['gzip', 'snappy', 'lz4', 'zstd']
/** 16 KiB is `batch.size` of Java's producer, 256 KiB the library's own limit. */
const batchKiBs = [1, 4, 16, 64, 256]

const byTopic = await recordsOfStory()
const all = [...byTopic.values()].flat()

printTable(
  ['topic', 'events', 'key', 'value', 'record', 'in batches of 16 KiB'],
  [...byTopic, ['all', all] as const].map(([topic, logs]) => {
    const records = logs.flat()
    const mean = (sizeOf: (record: RecordInput) => number): string =>
      (records.reduce((sum, record) => sum + sizeOf(record), 0) / records.length).toFixed(0)
    const alone = (record: RecordInput): number => encodeBatch([record]).length - batchHeaderBytes
    const batched = logs.flatMap((log) => batchesOf(log, 16)).reduce((sum, batch) => sum + encodeBatch(batch).length, 0)
    return [
      topic,
      String(records.length),
      mean(({ key }) => key!.length),
      mean(({ value }) => value!.length),
      mean(alone),
      (batched / records.length).toFixed(0),
    ]
  }),
)

console.log('\nBytes without compression divided by bytes with it, batch headers included:\n')
printTable(
  ['batches of', 'events in one', ...codecs],
  batchKiBs.map((kib) => {
    const batches = all.flatMap((log) => batchesOf(log, kib))
    const bytes = (compression: CompressionType): number =>
      batches.reduce((sum, batch) => sum + encodeBatch(batch, { compression }).length, 0)
    const plain = bytes('none')
    return [
      `${kib} KiB`,
      (all.flat().length / batches.length).toFixed(0),
      ...codecs.map((codec) => `${(plain / bytes(codec)).toFixed(2)} ×`),
    ]
  }),
)

/** The records of each topic, a list for each partition, as they are in the broker's files. */
async function recordsOfStory(): Promise<Map<string, RecordInput[][]>> {
  let time = Date.UTC(2026, 0, 1)
  const story = createStory({ random: seededRandom(1), now: () => time })
  const platform = await startTestPlatform({ dir: root, partitions })
  try {
    const stream = await platform.connect({ service: 'event-bytes' })
    for (let done = 0; done < events; done += eventsPerSecond) {
      const emit = ({ topic, eventType, data, userId }: StoryEvent): Promise<unknown> =>
        stream.emit(topic, eventType, data as object, { userId })
      await Promise.all(Array.from({ length: eventsPerSecond }, () => emit(story())))
      time += 1000
    }
    return new Map(
      storyTopics.map((topic) => [
        topic,
        Array.from({ length: partitions }, (_, index) =>
          recordsIn(join(platform.broker.dataDir, 'logs', `${topic}-${index}`)),
        ),
      ]),
    )
  } finally {
    await platform.close()
  }
}

function recordsIn(folder: string): RecordInput[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .sort()
    .flatMap((name) => {
      const log = readFileSync(join(folder, name))
      return [...iterateBatches(log)].flatMap(({ position }) => [...decodeRecords(log, position)])
    })
    .map(({ key, value, headers }, index) => ({
      key: Buffer.from(key!),
      value: Buffer.from(value!),
      headers,
      timestamp: BigInt(Date.UTC(2026, 0, 1) + index),
    }))
}

/** Records one after the other, a new batch before one would become larger than `kib` KiB. */
function batchesOf(records: readonly RecordInput[], kib: number): RecordInput[][] {
  const batches: RecordInput[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const record of records) {
    const size = record.key!.length + record.value!.length + 8
    if (bytes + size > kib * 1024) {
      batches.push([])
      bytes = batchHeaderBytes
    }
    batches.at(-1)!.push(record)
    bytes += size
  }
  return batches
}

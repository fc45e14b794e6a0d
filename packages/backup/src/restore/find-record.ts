// Finds the record that a person names: by its offset, or by the id of its event.
import type { ReadRecord } from '@selfmonitor/cluster'
import { BackupError } from '../format/backup-error.ts'
import type { BackupStore } from '../format/sealing.ts'
import { readSegment } from '../format/segments.ts'
import { recordsBetween } from '../format/trim.ts'
import { openSource, type RecordPlace, type RestoreSource } from './source.ts'

/** @throws BackupError NO_BACKUP when the newest backup does not have the record */
export async function recordAt(
  store: BackupStore,
  clusterId: string,
  { topic, partition, offset }: Pick<RecordPlace, 'topic' | 'partition' | 'offset'>,
): Promise<RecordPlace> {
  const source = await openSource(store, clusterId, { kind: 'latest' })
  for await (const place of recordsIn(
    store,
    source,
    (name, number) => name === topic && number === partition,
    offset,
  )) {
    if (place.record.offset === offset) return placeOf(place)
  }
  throw new BackupError(
    'NO_BACKUP',
    `backup ${source.manifest.number} has no record at offset ${offset} of topic ${topic} partition ${partition}`,
    {
      hint: 'Aborted and compacted records, and transaction markers, have offsets too. Name the next one, or a time with --at.',
    },
  )
}

/**
 * Finds an event by its id, which a record has as Avro's text, as JSON's, or as a header's value. All of the newest backup is
 * read: a topic that is not restored may have the event, and one that is only a record that refers to it.
 * @returns every record that has it, the oldest first: the event, then copies and those that refer to it
 * @throws BackupError NO_BACKUP when there is none, INVALID_ARGUMENT for an empty id
 */
export async function findEvent(
  store: BackupStore,
  clusterId: string,
  eventId: string,
): Promise<readonly RecordPlace[]> {
  if (eventId === '') throw new BackupError('INVALID_ARGUMENT', 'the id of an event is empty')
  const source = await openSource(store, clusterId, { kind: 'latest' })
  const has = idMatcher(eventId)
  const found: RecordPlace[] = []
  for await (const one of recordsIn(store, source, () => true, 0n)) if (has(one.record)) found.push(placeOf(one))
  if (found.length > 0) return found.sort((a, b) => a.timestampMs - b.timestampMs)
  throw new BackupError('NO_BACKUP', `backup ${source.manifest.number} has no event with the id ${eventId}`, {
    hint: 'It is looked for in the newest backup. Take one now if the cluster still has the event.',
  })
}

/** The id alone, not as a part of a longer text. */
function idMatcher(eventId: string): (record: ReadRecord) => boolean {
  const id = Buffer.from(eventId)
  const inAvro = Buffer.concat([avroLength(id.length), id])
  const inJson = Buffer.from(JSON.stringify(eventId))
  return ({ value, headers }) =>
    headers.some((header) => header.value?.equals(id)) ||
    (value !== null && (value.includes(inAvro) || value.includes(inJson)))
}

/** Avro's variable-length, zig-zag number. */
function avroLength(length: number): Buffer {
  const bytes: number[] = []
  for (let rest = length * 2; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) | 128)
  }
}

interface Found {
  readonly topicId: string
  readonly topic: string
  readonly partition: number
  readonly record: ReadRecord
}

const placeOf = ({ topic, topicId, partition, record: { offset, timestampMs } }: Found): RecordPlace => ({
  topic,
  topicId,
  partition,
  offset,
  timestampMs,
})

/** @param from leaves out segments that end before it */
async function* recordsIn(
  store: BackupStore,
  { selections }: RestoreSource,
  include: (topic: string, partition: number) => boolean,
  from: bigint,
): AsyncGenerator<Found, void> {
  for (const [topicId, own] of selections) {
    for (const { topic, partition, segments, from: start, cut } of own) {
      if (!include(topic, partition)) continue
      for (const segment of segments) {
        if (segment.next <= from || segment.records === 0) continue
        for (const batch of await readSegment(store, segment)) {
          if (batch.header.isControl) continue
          for (const record of await recordsBetween(batch, start, cut)) yield { topicId, topic, partition, record }
        }
      }
    }
  }
}

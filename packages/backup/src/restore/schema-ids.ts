// Ids of schemas in records: in the five bytes before the data (a zero, then the id), or in a header, where Confluent's newer serializers
// can put them. https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
import type { ReadBatch, ReadRecord } from '@selfmonitor/cluster'
import { decodeFrame, isFrame, payloadSchemaHeader, payloadSchemaIdIn } from '@selfmonitor/registry/frame'
import { BackupError } from '../format/backup-error.ts'
import { encodeAgain, recordsBetween } from '../format/trim.ts'

/** The parts of a record that may begin with an id. */
export type FramedPart = 'key' | 'value'
export const parts: readonly FramedPart[] = ['key', 'value']

/** `payload`: what is inside the envelope of an event, whose schema a header names. */
export type Part = FramedPart | 'payload'

/** Which id each id gets. */
export type IdMap = ReadonlyMap<number, number>

/** null: that part of the topic's records is left as it is. */
export type TopicIds = Readonly<Record<FramedPart, IdMap | null>> & { readonly payload?: IdMap | null }

const headerOf = { key: '__key_schema_id', value: '__value_schema_id' } as const

/**
 * The id that a record carries. A header comes first, as deserializers read it; one with a GUID (first byte 1) carries no id, and needs
 * none: the GUID is made of the schema itself, and so the same in every registry.
 * @returns null for a record without: no data, or data in another form
 */
export function idIn(part: Part, record: Pick<ReadRecord, FramedPart | 'headers'>): number | null {
  if (part === 'payload') return payloadSchemaIdIn(record.headers)
  const header = record.headers.findLast(({ key, value }) => key === headerOf[part] && value !== null)
  const bytes = header === undefined ? record[part] : header.value
  if (bytes === null || !isFrame(bytes) || bytes[1]! >= 0x80) return null
  return decodeFrame(bytes).id
}

/** The same batches, with other ids in their records. */
export async function* batchesWithIds(
  batches: AsyncIterable<ReadBatch>,
  topic: string,
  ids: TopicIds,
): AsyncGenerator<ReadBatch, void> {
  for await (const batch of batches) yield await withIds(batch, topic, ids)
}

/**
 * A batch with other ids in its records: everything else is as it was, offsets and times included.
 * @returns the same batch when none of its records gets another id
 * @throws BackupError SCHEMA_UNMAPPED for an id that the map does not have
 */
export async function withIds(batch: ReadBatch, topic: string, ids: TopicIds): Promise<ReadBatch> {
  const { baseOffset, lastOffsetDelta } = batch.header
  const next = baseOffset + BigInt(lastOffsetDelta) + 1n
  const records = await recordsBetween(batch, baseOffset, next)
  const changed = records.map((record) => withOtherIds(record, topic, ids))
  return changed.every((record, at) => record === records[at]) ? batch : encodeAgain(batch.header, changed, next - 1n)
}

function withOtherIds(record: ReadRecord, topic: string, ids: TopicIds): ReadRecord {
  let changed = record
  for (const part of parts) {
    const map = ids[part]
    const id = map === null ? null : idIn(part, record)
    if (id === null) continue
    const to = map!.get(id)
    if (to === undefined) throw unmapped(topic, part, id, record.offset)
    if (to === id) continue
    const isInHeader = record.headers.some(({ key, value }) => key === headerOf[part] && value !== null)
    changed = isInHeader
      ? { ...changed, headers: changed.headers.map((header) => withHeaderId(header, headerOf[part], ids[part]!)) }
      : { ...changed, [part]: framed(record[part]!, to) }
  }
  const id = ids.payload == null ? null : idIn('payload', record)
  // The header only says something about the event: one with an id that the backup does not have stays as it is.
  const to = id === null ? undefined : ids.payload!.get(id)
  return to === undefined || to === id
    ? changed
    : { ...changed, headers: changed.headers.map((header) => withPayloadId(header, to)) }
}

function withPayloadId(header: Header, id: number): Header {
  return header.key === payloadSchemaHeader && header.value !== null
    ? { ...header, value: Buffer.from(String(id)) }
    : header
}

type Header = ReadRecord['headers'][number]

function withHeaderId(header: Header, name: string, map: IdMap): Header {
  const { key, value } = header
  if (key !== name || value === null || !isFrame(value) || value[1]! >= 0x80) return header
  const to = map.get(decodeFrame(value).id)
  return to === undefined ? header : { key, value: framed(value, to) }
}

function framed(bytes: Buffer, id: number): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeInt32BE(id, 1)
  return copy
}

export function unmapped(topic: string, part: Part, id: number, offset: bigint): BackupError {
  return new BackupError(
    'SCHEMA_UNMAPPED',
    `the ${part} at offset ${offset} of topic ${topic} has the id ${id} of a schema that the backup does not have`,
    { hint: 'In the target that id may be another schema. --schemas skip restores the records as they are.' },
  )
}

// Which offsets a tail reads, and how one record looks: decoded where it can be, said to be undecodable where not.
import type { Cluster, ReadRange, ReadRecord, TopicInfo } from '@selfmonitor/cluster'
import type { Colours } from '../output/colour.ts'
import { time } from '../output/format.ts'
import { padEnd } from '../output/width.ts'
import type { Decoded, Decoder } from './decode.ts'
import { type EventNames, type Place, readPlace } from './filter.ts'

/** A record with what could be read of it. */
export type TailedEvent = { readonly record: ReadRecord } & Decoded

export interface Window {
  /** undefined: the last `last` offsets of each partition. */
  readonly from: Place | undefined
  readonly until: Place | undefined
  readonly last: number
  readonly follow: boolean
  readonly nowMs: number
}

/** The offsets of every partition that the window names, nothing to read where `next` has reached `end`. */
export async function tailRanges(
  cluster: Cluster,
  topics: readonly TopicInfo[],
  { from, until, last, follow, nowMs }: Window,
): Promise<ReadRange[]> {
  const { readRanges } = await import('@selfmonitor/cluster')
  const end = until === undefined ? ({ kind: 'latest' } as const) : readPlace(until, nowMs)
  return readRanges(cluster, topics, {
    from: from === undefined ? { kind: 'last', offsets: last } : readPlace(from, nowMs),
    until: follow ? null : end,
  })
}

const typeWidth = 24
const userWidth = 14
const maxShownBytes = 24

/** One line: when, what, who (the user of an event, else the record's key), where, the payload. */
export function tailLine(event: TailedEvent, colours: Colours, showTopic: boolean): string {
  const { record } = event
  const where = colours.aside(`${showTopic ? record.topic : ''}[${record.partition}]@${record.offset}`)
  switch (event.kind) {
    case 'undecodable': {
      const bytes = record.value ?? Buffer.alloc(0)
      const start = bytes.subarray(0, maxShownBytes).toString('hex')
      const shown = bytes.length > maxShownBytes ? `${start}…` : start
      return `${colours.aside(time(record.timestampMs))}  ${colours.bad(padEnd('undecodable', typeWidth))}  ${where}  ${event.reason} (${bytes.length} bytes${shown === '' ? '' : `: ${shown}`})\n`
    }
    case 'value': {
      const name = event.schema?.split('.').at(-1) ?? event.format
      const what = colours.word(padEnd(name, typeWidth), name)
      return `${colours.aside(time(record.timestampMs))}  ${what}  ${padEnd(keyText(record) ?? '-', userWidth)}  ${where}  ${JSON.stringify(event.value, printable)}\n`
    }
    case 'event': {
      const { envelope, data } = event
      const type = colours.word(padEnd(envelope.event_type, typeWidth), envelope.event_type)
      return `${colours.aside(time(envelope.timestamp))}  ${type}  ${padEnd(envelope.user_id, userWidth)}  ${where}  ${JSON.stringify(data)}\n`
    }
    default:
      return event satisfies never
  }
}

/** One object: the envelope's fields and the payload, or the value; and its place. */
export function tailData(event: TailedEvent): object {
  const { record } = event
  const place = {
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    timestamp: record.timestampMs,
    key: keyText(record),
    headers: Object.fromEntries(record.headers.map((header) => [header.key, header.value?.toString('utf8') ?? null])),
  }
  switch (event.kind) {
    case 'undecodable':
      return { ...place, undecodable: event.reason, valueBase64: record.value?.toString('base64') ?? null }
    case 'value': {
      const { format, schema, value } = event
      return { format, ...(schema === null ? {} : { schema }), value: plainValue(value), record: place }
    }
    case 'event':
      return { ...event.envelope, data: event.data, record: place }
    default:
      return event satisfies never
  }
}

/** What a filter looks at. */
export function tailNames(event: TailedEvent): EventNames {
  const key = keyText(event.record)
  switch (event.kind) {
    case 'undecodable':
      return { types: [], user: null, key }
    case 'value':
      return {
        types: event.schema === null ? [event.format] : [event.schema, event.schema.split('.').at(-1)!],
        user: null,
        key,
      }
    case 'event':
      return { types: [event.envelope.event_type], user: event.envelope.user_id, key }
    default:
      return event satisfies never
  }
}

function keyText({ key }: ReadRecord): string | null {
  return key?.toString('utf8') ?? null
}

/** Avro values as JSON has them: bytes in base64, 64-bit numbers as text where a number could not hold them. */
function printable(this: unknown, name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  // A Buffer has made itself an object of numbers before it comes here.
  const original = (this as Record<string, unknown>)[name]
  return original instanceof Uint8Array ? Buffer.from(original).toString('base64') : value
}

function plainValue(value: unknown): unknown {
  const json = JSON.stringify(value, printable)
  return json === undefined ? null : (JSON.parse(json) as unknown)
}

/** Decodes one record; whatever is wrong with it is part of the result. */
export async function decodeRecord(record: ReadRecord, decoder: Decoder): Promise<TailedEvent> {
  return { record, ...(await decoder.decode(record.value)) }
}

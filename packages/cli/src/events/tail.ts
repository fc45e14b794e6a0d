// The offsets that a tail reads, and the output of one record: decoded, or marked as undecodable.
import type { Cluster, ReadRange, ReadRecord, TopicInfo } from '@selfmonitor/cluster'
import type { EventSchema } from '@selfmonitor/events'
import { deadLetterHeaders, isDeadLetterTopic } from '@selfmonitor/events/dead-letters'
import { parseExact } from '@selfmonitor/events/exact-json'
import type { Colours } from '../output/colour.ts'
import { time } from '../output/format.ts'
import { visible } from '../output/visible.ts'
import { padEnd, textWidth } from '../output/width.ts'
import { wrapHanging } from '../output/wrap.ts'
import type { Decoded, Decoder } from './decode.ts'
import { type EventNames, type Place, readPlace } from './filter.ts'

/** A record and the result of decoding it. */
export type TailedEvent = {
  readonly record: ReadRecord
  /** Of an event's payload, where its record names it. */
  readonly payloadSchema?: EventSchema
} & Decoded

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
const whoWidth = 14
const maxShownBytes = 24
/** Further lines of a record that is longer than the terminal is wide. */
const indent = 4

export interface LineOptions {
  readonly showTopic: boolean
  /** Each header on a line of its own. */
  readonly showHeaders?: boolean
  /** Columns of the terminal: a longer line is broken between words, a payload between its fields. undefined: never broken. */
  readonly width?: number
}

/**
 * When, what, who (the user of an event, else the record's key), where, and what is in it: one line where that fits. Then why a dead
 * letter is one, and the headers if they are asked for.
 */
export function tailLine(event: TailedEvent, colours: Colours, options: LineOptions): string {
  const { record } = event
  const error = errorOf(record)
  const below = [
    ...(error === undefined ? [] : [colours.bad(`${visible(error.class)}: ${visible(error.message)}`)]),
    ...(options.showHeaders === true
      ? record.headers.map(({ key, value }) => `${colours.aside(visible(key))} ${visible(headerText(value) ?? 'null')}`)
      : []),
  ]
  const margin = ' '.repeat(indent)
  const { width } = options
  const lines = below.map((line) => (width === undefined ? line : wrapHanging(line, width, indent * 2)))
  return [recordLine(event, colours, options), ...lines.map((line) => `${margin}${line}\n`)].join('')
}

function recordLine(event: TailedEvent, colours: Colours, { showTopic, width }: LineOptions): string {
  const { record } = event
  const { timestampMs, colour, payload, ...parts } = lineParts(event, colours)
  const [type, who] = [visible(parts.type), visible(parts.who)]
  const when = colours.aside(time(timestampMs))
  const where = colours.aside(`${showTopic ? record.topic : ''}[${record.partition}]@${record.offset}`)
  const columns = [when, colour(padEnd(type, typeWidth)), padEnd(who, whoWidth), where, visible(payload.compact)]
  const line = columns.join('  ')
  if (width === undefined || textWidth(line) <= width) return `${line}\n`
  return `${wrapHanging([when, colour(type), who, where, visible(payload.spaced)].join('  '), width, indent)}\n`
}

/** Why the library wrote a dead letter; undefined for other records. */
function errorOf({ topic, headers }: ReadRecord): { readonly class: string; readonly message: string } | undefined {
  if (!isDeadLetterTopic(topic)) return undefined
  const text = (name: string): string | undefined => headerText(headers.findLast(({ key }) => key === name)?.value)
  const [errorClass, message] = [text(deadLetterHeaders.errorClass), text(deadLetterHeaders.errorMessage)]
  return errorClass === undefined || message === undefined ? undefined : { class: errorClass, message }
}

export function headerText(value: Buffer | null | undefined): string | undefined {
  return value?.toString('utf8')
}

interface LineParts {
  readonly timestampMs: number
  readonly type: string
  readonly colour: (text: string) => string
  readonly who: string
  readonly payload: { readonly compact: string; readonly spaced: string }
}

function lineParts(event: TailedEvent, colours: Colours): LineParts {
  const { record } = event
  const { timestampMs } = record
  const who = keyText(record) ?? '-'
  switch (event.kind) {
    case 'undecodable': {
      const bytes = record.value ?? Buffer.alloc(0)
      const start = bytes.subarray(0, maxShownBytes).toString('hex')
      const shown = `${start === '' ? '' : ': '}${start}${bytes.length > maxShownBytes ? '…' : ''}`
      const text = `${event.reason} (${bytes.length} bytes${shown})`
      return { timestampMs, type: event.kind, colour: colours.bad, who, payload: { compact: text, spaced: text } }
    }
    case 'value': {
      const type = event.schema?.split('.').at(-1) ?? event.format
      return { timestampMs, type, colour: (text) => colours.word(text, type), who, payload: jsonTexts(event.value) }
    }
    case 'event': {
      const { event_type: type, user_id: user, timestamp } = event.envelope
      const colour = (text: string): string => colours.word(text, type)
      const version = event.payloadSchema?.version ?? null
      const shown = version === null ? type : `${type} v${version}`
      return { timestampMs: timestamp, type: shown, colour, who: user, payload: jsonTexts(event.data) }
    }
    default:
      return event satisfies never
  }
}

/** JSON without spaces, and with one wherever a line may be broken. */
function jsonTexts(value: unknown): LineParts['payload'] {
  return {
    compact: JSON.stringify(value, printable),
    // Line feeds in texts are escaped, so the remaining ones come from the formatting.
    get spaced() {
      return JSON.stringify(value, printable, 1).replace(/\n */g, ' ')
    },
  }
}

/** One object: the envelope's fields and the payload, or the format and the value (in base64 where it cannot be decoded); and its place. */
export function tailData(event: TailedEvent): object {
  const { record } = event
  const error = errorOf(record)
  const place = {
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    timestamp: record.timestampMs,
    key: keyText(record),
    headers: Object.fromEntries(record.headers.map(({ key, value }) => [key, headerText(value) ?? null])),
    ...(error === undefined ? {} : { error }),
  }
  switch (event.kind) {
    case 'undecodable':
      return {
        format: event.kind,
        reason: event.reason,
        value: record.value?.toString('base64') ?? null,
        record: place,
      }
    case 'value': {
      const { format, schema, value } = event
      return { format, ...(schema === null ? {} : { schema }), value: plainValue(value), record: place }
    }
    case 'event':
      return {
        ...event.envelope,
        data: event.data,
        ...(event.payloadSchema === undefined ? {} : { schema: event.payloadSchema }),
        record: place,
      }
    default:
      return event satisfies never
  }
}

/** The fields that a filter compares. */
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
  return json === undefined ? null : parseExact(json)
}

/** Decodes one record; a problem with it is part of the result. */
export async function decodeRecord(record: ReadRecord, decoder: Decoder): Promise<TailedEvent> {
  const decoded = await decoder.decode(record.value)
  const schema = decoded.kind === 'event' ? await decoder.payloadSchema(record, decoded.envelope.event_type) : null
  return { record, ...(schema === null ? {} : { payloadSchema: schema }), ...decoded }
}

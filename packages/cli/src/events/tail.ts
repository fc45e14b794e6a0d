// Which offsets a tail reads, and how one event looks: decoded where it can be, said to be undecodable where not.
import type { Cluster, TopicInfo } from '@selfmonitor/cluster'
import type { Envelope } from '@selfmonitor/events'
import type { Colours } from '../output/colour.ts'
import { time } from '../output/format.ts'
import { padEnd } from '../output/width.ts'
import { type Place, placeTime } from './filter.ts'
import type { Range, RawRecord } from './reader.ts'

/** A record with what could be read of it. */
export type TailedEvent =
  | { readonly record: RawRecord; readonly envelope: Envelope; readonly data: unknown }
  | { readonly record: RawRecord; readonly undecodable: string }

export interface Window {
  /** undefined: the last `last` offsets of each partition. */
  readonly from: Place | undefined
  readonly until: Place | undefined
  readonly last: number
  readonly follow: boolean
  readonly nowMs: number
}

/**
 * The offsets of every partition that the window names, nothing to read where `next` has reached `end`. A partition
 * without a leader cannot be read and is left out.
 */
export async function tailRanges(cluster: Cluster, topics: readonly TopicInfo[], window: Window): Promise<Range[]> {
  const partitions = topics.flatMap(({ name, partitions: all }) =>
    all.filter(({ leader }) => leader >= 0).map(({ partition }) => ({ topic: name, partition })),
  )
  const ask = async (where: Place): Promise<(bigint | null)[]> => {
    if (where.kind === 'offset') return partitions.map(() => where.offset)
    const found = await cluster.listOffsets(partitions, placeTime(where, window.nowMs))
    const byPartition = new Map(found.map(({ topic, partition, offset }) => [`${partition}:${topic}`, offset]))
    return partitions.map(({ topic, partition }) => byPartition.get(`${partition}:${topic}`) ?? null)
  }
  const [earliest, latest, from, until] = await Promise.all([
    ask({ kind: 'earliest' }),
    ask({ kind: 'latest' }),
    window.from === undefined ? undefined : ask(window.from),
    window.until === undefined ? undefined : ask(window.until),
  ])
  return partitions.map((of, index) => {
    const first = earliest[index] ?? 0n
    const behind = latest[index] ?? 0n
    // No record at or after that time: the end of the log.
    const wanted = from === undefined ? behind - BigInt(window.last) : (from[index] ?? behind)
    const next = wanted < first ? first : wanted
    const stop = until?.[index] ?? behind
    // An offset that is not written yet would never be reached.
    const end = window.follow ? null : stop < behind ? stop : behind
    return { ...of, next, end }
  })
}

const typeWidth = 24
const userWidth = 14
const maxShownBytes = 24

/** One line: when, what, who, where, the payload. */
export function tailLine(event: TailedEvent, colours: Colours, showTopic: boolean): string {
  const { record } = event
  const where = `${showTopic ? record.topic : ''}[${record.partition}]@${record.offset}`
  if ('undecodable' in event) {
    const bytes = record.value ?? Buffer.alloc(0)
    const start = bytes.subarray(0, maxShownBytes).toString('hex')
    const shown = bytes.length > maxShownBytes ? `${start}…` : start
    return `${colours.aside(time(record.timestampMs))}  ${colours.bad(padEnd('undecodable', typeWidth))}  ${colours.aside(where)}  ${event.undecodable} (${bytes.length} bytes${shown === '' ? '' : `: ${shown}`})\n`
  }
  const { envelope } = event
  const type = colours.word(padEnd(envelope.event_type, typeWidth), envelope.event_type)
  return `${colours.aside(time(envelope.timestamp))}  ${type}  ${padEnd(envelope.user_id, userWidth)}  ${colours.aside(where)}  ${JSON.stringify(event.data)}\n`
}

/** One object: the envelope's fields, the payload decoded, and where it stands. */
export function tailData(event: TailedEvent): object {
  const { record } = event
  const place = {
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    timestamp: record.timestampMs,
    key: record.key?.toString('utf8') ?? null,
    headers: Object.fromEntries(record.headers.map(([name, header]) => [name, header?.toString('utf8') ?? null])),
  }
  if ('undecodable' in event) {
    return { ...place, undecodable: event.undecodable, valueBase64: record.value?.toString('base64') ?? null }
  }
  return { ...event.envelope, data: event.data, record: place }
}

/** Decodes one record; whatever is wrong with it is part of the result. */
export async function decodeRecord(
  record: RawRecord,
  decode: (value: Buffer | null) => Envelope | Promise<Envelope>,
  isUndecodable: (error: unknown) => boolean,
): Promise<TailedEvent> {
  let envelope: Envelope
  try {
    envelope = await decode(record.value)
  } catch (error) {
    if (isUndecodable(error)) return { record, undecodable: (error as Error).message }
    throw error
  }
  try {
    return { record, envelope, data: JSON.parse(envelope.data) }
  } catch {
    return { record, undecodable: `its data is not JSON: ${envelope.data.slice(0, 60)}` }
  }
}

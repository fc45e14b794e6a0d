// `selfmonitor events tail`: shows decoded records.

import type { Cluster, ReadRange, TopicInfo } from '@selfmonitor/cluster'
import { isDeadLetterTopic } from '@selfmonitor/events/dead-letters'
import type { Decoder } from '../events/decode.ts'
import { type EventFilter, matches, type Place, place } from '../events/filter.ts'
import { openDecoder, readRecords } from '../events/reading.ts'
import {
  decodeRecord,
  type LineOptions,
  type TailedEvent,
  tailData,
  tailLine,
  tailNames,
  tailRanges,
} from '../events/tail.ts'
import type { Context } from '../framework/context.ts'
import { CliError, usageError } from '../framework/errors.ts'
import { collect, integer } from '../framework/parse.ts'
import { didYouMean } from '../framework/suggest.ts'
import { defineVerb, flag, rest, value } from '../framework/verb.ts'
import { toJsonLine } from '../output/data.ts'
import { requireTopics } from './topic-view.ts'

const defaultLast = 10
/** With a filter, this many past records are searched for the last matches. */
const filteredWindow = 1000
const noneFits = 'No events there match the filter.'
/** Names and ends of partitions that a message lists. */
const shownAtMost = 10

export const tail = defineVerb({
  name: 'tail',
  summary: 'show events and other records, decoded',
  details:
    'Shows the last 10, or with --from everything since; with --follow until Ctrl-C. It commits nothing and joins no group, so\n' +
    'it disturbs no consumer. Events have type, user and payload; other Avro values, JSON and text their key and the name of\n' +
    'their type; a value that cannot be decoded its first bytes; a dead letter also the error\n' +
    'that it failed with. -o json prints one object a line, with all headers.',
  examples: [
    'selfmonitor events tail user.events --follow',
    'selfmonitor events tail --from 10m --type fraud_suspected --type payment_processed',
    'selfmonitor events tail audit.events --from 2026-11-22T09:00:00Z --until 2026-11-22T10:00:00Z -o json | jq .data',
  ],
  args: { topic: rest('topics (default: all but internal ones and dead letters)', 'topics') },
  options: {
    type: {
      ...value('--type <event type>', 'only this event type, or Avro type; repeatable', collect),
      complete: 'event-types',
    },
    user: value('--user <id>', 'only events of this user; repeatable', collect),
    key: value('--key <key>', 'only records with this key; repeatable', collect),
    from: value('--from <place>', 'earliest, latest, 10m (ago), a time, or an offset', place),
    until: value('--until <place>', 'where to stop, exclusive; the same forms', place),
    last: value('--last <n>', 'without --from: how many past events (default 10)', integer(0)),
    limit: value('-n, --limit <n>', 'stop after this many', integer(1)),
    follow: flag('--follow', 'wait for new events'),
    headers: flag('--headers', 'show the headers of each record, too'),
  },
  output: ['text', 'json'],
  async run(context, { args, options }) {
    const { from, until, follow } = options
    if (from !== undefined && options.last !== undefined) throw usageError('--from and --last cannot be used together.')
    if (follow && until !== undefined) throw usageError('--follow and --until cannot be used together.')
    const filter: EventFilter = { types: options.type ?? [], users: options.user ?? [], keys: options.key ?? [] }
    const filtered = Object.values(filter).some((wanted) => wanted.length > 0)
    const last = options.last ?? defaultLast
    const cluster = await context.cluster()
    const topics = args.topic.length > 0 ? await requireTopics(cluster, args.topic) : await allEventTopics(cluster)
    if (filter.types.length > 0) await warnOfUnknownTypes(context, filter.types, topics)

    const printer = createPrinter(context, {
      limit: options.limit,
      showTopic: topics.length > 1,
      showHeaders: options.headers,
    })
    const reading: Reading = { context, cluster, decoder: await openDecoder(context), filter, printer }
    const window = { from, until, last: filtered ? Math.max(last, filteredWindow) : last, nowMs: Date.now() }
    const past = await tailRanges(cluster, topics, { ...window, follow: from !== undefined && follow })
    if (from !== undefined) {
      await read(reading, past, printer.show)
      if (printer.shown() === 0) context.note(nothingFrom(past, from, filtered))
      return
    }
    await showLast(reading, past, last)
    if (printer.shown() === 0 && !follow) context.note(filtered ? noneFits : 'No events there.')
    if (!follow || printer.isFull() || context.io.signal.aborted) return
    const onwards = past.map(({ end, ...range }) => ({ ...range, next: end ?? range.next, end: null }))
    await read(reading, onwards, printer.show)
  },
})

/** Why nothing was shown: an offset beyond the end is not an error, because other partitions may have it. */
export function nothingFrom(ranges: readonly ReadRange[], from: Place, filtered: boolean): string {
  if (from.kind !== 'offset' || !ranges.every(({ next, end }) => end !== null && next > end)) {
    return filtered ? noneFits : 'No events there.'
  }
  const ends = ranges.map(({ topic, partition, end }) => `${topic}-${partition} ends at ${end}`)
  return `No events there: offset ${from.offset} is past the end (${firstOf(ends)}).`
}

function firstOf(names: readonly string[]): string {
  const more = names.length - shownAtMost
  return `${names.slice(0, shownAtMost).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

interface Reading {
  readonly context: Context
  readonly cluster: Cluster
  readonly decoder: Decoder
  readonly filter: EventFilter
  readonly printer: Printer
}

/** Writes events, up to a limit. */
interface Printer {
  readonly show: (event: TailedEvent) => void
  shown(): number
  isFull(): boolean
}

function createPrinter(
  context: Context,
  { limit = Number.POSITIVE_INFINITY, ...lines }: { readonly limit: number | undefined } & Omit<LineOptions, 'width'>,
): Printer {
  let shown = 0
  const { stdout } = context.io
  return {
    shown: () => shown,
    isFull: () => shown >= limit,
    show(event) {
      shown += 1
      // The terminal may have got another width meanwhile.
      const width = stdout.isTTY ? stdout.columns : undefined
      context.out(
        context.format === 'json'
          ? toJsonLine(tailData(event))
          : tailLine(event, context.colours.stdout, { ...lines, width }),
      )
    },
  }
}

/** Decodes records and passes on those that match the filter, until the ranges end, the signal, or the printer's limit. */
async function read(reading: Reading, ranges: readonly ReadRange[], take: (event: TailedEvent) => void): Promise<void> {
  const { context, cluster, decoder, filter, printer } = reading
  for await (const records of readRecords(context, cluster, ranges, 'read_uncommitted')) {
    for (const record of records) {
      const event = await decodeRecord(record, decoder)
      if (matches(filter, tailNames(event))) take(event)
      if (printer.isFull()) return
    }
  }
}

/** All partitions' ends are read, and the newest of them shown, before anything newer. */
async function showLast(reading: Reading, ranges: readonly ReadRange[], last: number): Promise<void> {
  let newest: TailedEvent[] = []
  await read(reading, ranges, (event) => {
    newest.push(event)
    if (newest.length > last * 2 + 100) newest = lastOf(newest, last)
  })
  for (const event of lastOf(newest, last)) if (!reading.printer.isFull()) reading.printer.show(event)
}

function lastOf(events: readonly TailedEvent[], amount: number): TailedEvent[] {
  const sorted = events.toSorted((a, b) => a.record.timestampMs - b.record.timestampMs)
  return amount === 0 ? [] : sorted.slice(-amount)
}

/** A topic may hold types that no file here declares, so a mistyped one is not an error, but it would never match. */
async function warnOfUnknownTypes(
  context: Context,
  wanted: readonly string[],
  topics: readonly TopicInfo[],
): Promise<void> {
  const { findShapes } = await import('@selfmonitor/platform/shapes')
  const { environment } = context.settings
  // A file with mistakes is for the commands that need it: here it only helps with a mistyped name.
  const shapes =
    (await findShapes(context.io.cwd, { environment: environment.value, env: context.io.env }).catch(() => null)) ?? {}
  const known = topics.flatMap(({ name }) => typesOf(shapes[name]))
  for (const type of wanted.filter((name) => !known.includes(name))) {
    // Without a shape, nothing is known of the topics' types.
    if (known.length === 0) return
    const where = topics.length === 1 ? ` of ${topics[0]!.name}` : ''
    const suggestion = didYouMean(type, known)
    const text =
      suggestion === undefined
        ? `No file here declares "${type}"${where}: they declare ${firstOf(known)}.`
        : `"${type}" is not an event type${where}. ${suggestion}`
    context.note(context.colours.stderr.careful(text))
  }
}

/** The names that `--type` can select in a topic: event types, or the Avro record's name with and without its namespace. */
function typesOf(shape: Readonly<Record<string, object>> | string | undefined): string[] {
  if (shape === undefined) return []
  if (typeof shape !== 'string') return Object.keys(shape)
  const { name, namespace } = JSON.parse(shape) as { name?: unknown; namespace?: unknown }
  if (typeof name !== 'string') return []
  return typeof namespace === 'string' ? [name, `${namespace}.${name}`] : [name]
}

async function allEventTopics(cluster: Cluster): Promise<TopicInfo[]> {
  const topics = (await cluster.listTopics()).filter(({ name }) => !name.startsWith('_') && !isDeadLetterTopic(name))
  if (topics.length > 0) return topics
  throw new CliError('NO_TOPICS', `There are no topics on ${cluster.bootstrapServers}.`, {
    hint: '`selfmonitor setup` creates those of platform.yaml.',
  })
}

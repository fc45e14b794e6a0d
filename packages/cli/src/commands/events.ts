// `selfmonitor events`: emit one, or watch them decoded as they pass.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Cluster, TopicInfo } from '@selfmonitor/cluster'
import type { Logger, RecordResult } from '@selfmonitor/events'
import { type EventFilter, matches, place } from '../events/filter.ts'
import { decodeRecord, type TailedEvent, tailData, tailLine, tailNames, tailRanges } from '../events/tail.ts'
import type { Context } from '../framework/context.ts'
import { CliError, usageError } from '../framework/errors.ts'
import { collect, integer, keyValue } from '../framework/parse.ts'
import { isProduction } from '../framework/settings.ts'
import { defineVerb, flag, type Noun, optional, required, rest, text, value } from '../framework/verb.ts'
import { toJsonLine } from '../output/data.ts'
import { renderFields } from '../output/table.ts'
import { openStream } from './event-stream.ts'
import { demandTopics } from './topic-view.ts'

const emit = defineVerb({
  name: 'emit',
  summary: 'emit one event or record, validated and encoded as a service would',
  details:
    'With an event type: an event of that type, of the user that --user names. Without: a record of the shape that the\n' +
    'topic’s Avro schema has, with the key that --key names; --data null deletes that key in a compacted topic.',
  examples: [
    `selfmonitor events emit user.events user_logged_in --user u-1 --data '{"method":"password","mfa":false,"session_id":"s-1"}'`,
    'selfmonitor events emit user.events user_created --user u-1 --data @user.json',
    'jq .payload order.json | selfmonitor events emit transaction.events payment_processed --user u-1 --data -',
    `selfmonitor events emit shop.carts --key cart-7 --data '{"items":["apple"]}'`,
  ],
  args: {
    topic: required('the topic', 'topics'),
    type: optional('the event type, for a topic that has some', 'event-types'),
  },
  options: {
    user: text('--user <id>', 'user_id of the event (required for an event)'),
    data: text('--data <json>', 'the payload: JSON, @file, or - for standard input (default {})'),
    key: text('--key <key>', 'record key (default: the user of an event; none for a record)'),
    header: value('--header <key=value>', 'a record header; repeatable', keyValue),
    file: text('-f, --file <file>', 'platform file whose payload schemas apply (default: the nearest platform.yaml)'),
  },
  output: ['table', 'json', 'yaml', 'name'],
  mutates: true,
  async run(context, { args, options }) {
    const { topic, type } = args
    if (type === undefined && options.user !== undefined) {
      throw usageError(
        'Which event type was not said.',
        'A user belongs to an event: selfmonitor events emit <topic> <type> --user <id>',
      )
    }
    if (type !== undefined && options.user === undefined) {
      throw usageError('Whose event it is was not said.', 'Pass --user <id>')
    }
    const data = await readPayload(context, options.data ?? '{}')
    if (isProduction(context.settings.environment.value)) {
      await context.confirm({ what: `Emit ${type ?? 'a record'} to ${topic}`, typedName: topic })
    }
    const stream = await openStream(context, {
      file: options.file,
      topic,
      service: 'selfmonitor-cli',
      // The one record's failure is this command's own error.
      ...(context.settings.verbose ? {} : { logger: quiet }),
    })
    const { key, header: headers } = options
    const sending: Promise<RecordResult & { eventId?: string }> =
      type === undefined
        ? stream.emit(topic, data as Record<string, unknown>, { key: key ?? null, headers })
        : stream.emit(topic, type, data, { userId: options.user!, key, headers })
    const result = await sending.catch((error: Error & { field?: unknown }) => {
      // The library names its own calls; here it is another command line.
      if (error.field !== 'topic') throw error
      throw type === undefined
        ? usageError(`${topic} has event types.`, `Name one: selfmonitor events emit ${topic} <type> --user <id>`)
        : usageError(`${topic} has no event types.`, `Leave the type out: selfmonitor events emit ${topic} --key <key>`)
    })
    const { eventId, partition, offset } = result
    await context.printThing(result, {
      name: eventId ?? `${topic}-${partition}@${offset}`,
      table: () =>
        renderFields(
          [
            ...(eventId === undefined ? [] : [['event', eventId] as const]),
            ['topic', topic],
            ['partition', partition],
            ['offset', offset],
          ],
          context.colours.stdout,
        ),
    })
  },
})

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

async function readPayload(context: Context, given: string): Promise<unknown> {
  let json = given
  if (given === '-') json = await context.io.readStdin()
  else if (given.startsWith('@')) {
    try {
      json = readFileSync(resolve(context.io.cwd, given.slice(1)), 'utf8')
    } catch (error) {
      throw usageError(`--data: cannot read ${given.slice(1)}: ${(error as Error).message}`)
    }
  }
  try {
    return JSON.parse(json)
  } catch (error) {
    throw usageError(
      `--data is not JSON: ${(error as Error).message}`,
      'Quote it for the shell: --data \'{"amount":12}\'',
    )
  }
}

const defaultLast = 10
/** With a filter, more of the past is looked through for the last few that match. */
const filteredWindow = 1000

const tail = defineVerb({
  name: 'tail',
  summary: 'events and other records, decoded, as they pass',
  details:
    'Shows the last 10, or with --from everything since; with --follow it goes on until Ctrl-C. Nothing is committed and no\n' +
    'group joined: a tail disturbs nobody. Events are shown with type, user and payload; other Avro values, JSON and text with\n' +
    'the name of their type and their key. What cannot be decoded is shown in bytes. -o json prints one object a line.',
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
    last: value('--last <n>', 'without --from: how many of the past (default 10)', integer(0)),
    limit: value('-n, --limit <n>', 'stop after so many', integer(1)),
    follow: flag('--follow', 'wait for more'),
  },
  output: ['text', 'json'],
  async run(context, { args, options }) {
    if (options.from !== undefined && options.last !== undefined)
      throw usageError('--from and --last exclude each other.')
    if (options.follow && options.until !== undefined) throw usageError('--follow and --until exclude each other.')
    const filter: EventFilter = { types: options.type ?? [], users: options.user ?? [], keys: options.key ?? [] }
    const filtered = Object.values(filter).some((wanted) => wanted.length > 0)
    const last = options.last ?? defaultLast
    const cluster = await context.cluster()
    const topics = args.topic.length > 0 ? await demandTopics(cluster, args.topic) : await allEventTopics(cluster)
    const [{ createCodec }, { createDecoder }, { noticeText }, registry] = await Promise.all([
      // Not the whole library: a tail has no producer and joins no group.
      import('@selfmonitor/events/codec'),
      import('../events/decode.ts'),
      import('@selfmonitor/cluster'),
      context.registry(),
    ])
    const decoder = createDecoder(createCodec(registry), registry)

    const window = {
      from: options.from,
      until: options.until,
      last: filtered ? Math.max(last, filteredWindow) : last,
      nowMs: Date.now(),
    }
    const past = await tailRanges(cluster, topics, { ...window, follow: options.from !== undefined && options.follow })
    let left = options.limit ?? Number.POSITIVE_INFINITY
    let shown = 0
    const show = (event: TailedEvent): void => {
      left -= 1
      shown += 1
      context.out(
        context.format === 'json'
          ? toJsonLine(tailData(event))
          : tailLine(event, context.colours.stdout, topics.length > 1),
      )
    }
    const read = async (ranges: typeof past, take: (event: TailedEvent) => void): Promise<void> => {
      const following = ranges.some(({ end }) => end === null)
      const patience = following ? {} : { unavailableMs: context.settings.timeoutMs }
      for await (const read of cluster.read(ranges, { order: 'time', signal: context.io.signal, policy: patience })) {
        if (read.kind === 'notice') {
          context.note(context.colours.stderr.careful(noticeText(read.notice)))
          continue
        }
        for (const record of read.records) {
          const event = await decodeRecord(record, decoder)
          if (matches(filter, tailNames(event))) take(event)
          if (left <= 0) return
        }
      }
    }

    if (options.from !== undefined) {
      await read(past, show)
      if (shown === 0) context.note('No events there.')
      return
    }
    // The last few: all partitions' ends are read, and the newest of them shown, before anything newer.
    let newest: TailedEvent[] = []
    await read(past, (event) => {
      newest.push(event)
      if (newest.length > last * 2 + 100) newest = lastOf(newest, last)
    })
    for (const event of lastOf(newest, last)) if (left > 0) show(event)
    if (shown === 0 && !options.follow) context.note('No events there.')
    if (!options.follow || left <= 0 || context.io.signal.aborted) return
    await read(
      past.map(({ end, ...range }) => ({ ...range, next: end ?? range.next, end: null })),
      show,
    )
  },
})

function lastOf(events: readonly TailedEvent[], amount: number): TailedEvent[] {
  const sorted = events.toSorted((a, b) => a.record.timestampMs - b.record.timestampMs)
  return amount === 0 ? [] : sorted.slice(-amount)
}

async function allEventTopics(cluster: Cluster): Promise<TopicInfo[]> {
  const topics = (await cluster.listTopics()).filter(({ name }) => !name.startsWith('_') && !name.endsWith('.dlq'))
  if (topics.length > 0) return topics
  throw new CliError('NO_TOPICS', `There are no topics on ${cluster.bootstrapServers}.`, {
    hint: '`selfmonitor setup` creates those of platform.yaml.',
  })
}

export const events: Noun = { name: 'events', summary: 'emit events, and watch them decoded', verbs: [emit, tail] }

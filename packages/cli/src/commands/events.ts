// `selfmonitor events`: emit one event, or show decoded events.
import type { ConfigEntry } from '@selfmonitor/cluster'
import type { Logger, RecordResult } from '@selfmonitor/events'
import { parseExact, withBigInts } from '@selfmonitor/events/exact-json'
import type { Context } from '../framework/context.ts'
import { usageError } from '../framework/errors.ts'
import { readGivenFile } from '../framework/given-file.ts'
import { keyValue } from '../framework/parse.ts'
import { isProduction } from '../framework/settings.ts'
import { defineVerb, type Noun, optional, required, text, value } from '../framework/verb.ts'
import { renderFields } from '../output/table.ts'
import { openStream } from './event-stream.ts'
import { tail } from './events-tail.ts'

const emit = defineVerb({
  name: 'emit',
  summary: 'emit one event or record, validated and encoded as by a service',
  details:
    'With an event type, emits an event of that type for the user in --user. Without one, emits a record that matches the\n' +
    'topic’s Avro schema, with the key in --key; --data null deletes that key, in a compacted topic only.',
  examples: [
    `selfmonitor events emit user.events user_logged_in --user u-1 --data '{"method":"password","mfa":false,"session_id":"s-1"}'`,
    'selfmonitor events emit user.events user_created --user u-1 --data @user.json',
    'jq .payload order.json | selfmonitor events emit transaction.events payment_processed --user u-1 --data -',
    `selfmonitor events emit shop.carts --key cart-7 --data '{"items":["apple"]}'`,
  ],
  args: {
    topic: required('the topic', 'topics'),
    type: optional('the event type, for a topic with event types', 'event-types'),
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
        'The event type is missing.',
        '--user needs an event type: selfmonitor events emit <topic> <type> --user <id>',
      )
    }
    if (type !== undefined && options.user === undefined) {
      throw usageError('The user of the event is missing.', 'Pass --user <id>')
    }
    const data = await readPayload(context, options.data ?? '{}')
    if (type === undefined && data === null) await refuseNullUnlessCompacted(context, topic)
    if (isProduction(context.settings.environment.value) || context.isDefaultAddress('cluster')) {
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
    const send = (): Promise<RecordResult & { eventId?: string }> =>
      type === undefined
        ? stream.emit(topic, withBigInts(data) as Record<string, unknown>, { key: key ?? null, headers })
        : stream.emit(topic, type, data, { userId: options.user!, key, headers })
    // The payload may be about a person: the trail has its place only.
    const recorded = context.audited(
      { action: 'events.emit', resources: [{ type: 'topic', name: topic }], after: { type: type ?? null } },
      async (report) => {
        const sent = await send()
        report.after({ type: type ?? null, partition: sent.partition, offset: sent.offset, eventId: sent.eventId })
        return sent
      },
    )
    const result = await recorded.catch((error: Error & { field?: unknown }) => {
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

/** Handlers of a topic that is not compacted expect a value in every record. If the topic cannot be described, the brokers decide. */
async function refuseNullUnlessCompacted(context: Context, topic: string): Promise<void> {
  const cluster = await context.cluster()
  const configs = await cluster.topicConfigs([topic]).catch(() => new Map<string, ConfigEntry[]>())
  const policy = configs.get(topic)?.find(({ name }) => name === 'cleanup.policy')?.value ?? null
  if (policy === null || policy.split(',').some((part) => part.trim() === 'compact')) return
  throw usageError(
    `--data null deletes a key, and ${topic} is not compacted (cleanup.policy=${policy}): no key is deleted there.`,
    'Pass a record of the topic’s schema with --data.',
  )
}

/** Numbers keep every digit. */
async function readPayload(context: Context, given: string): Promise<unknown> {
  let json = given
  if (given === '-') json = await context.io.readStdin()
  else if (given.startsWith('@')) json = readGivenFile(context.io, given.slice(1), '--data')
  try {
    return parseExact(json)
  } catch (error) {
    throw usageError(
      `--data is not JSON: ${(error as Error).message}`,
      'Quote it for the shell: --data \'{"amount":12}\'',
    )
  }
}

export const events: Noun = { name: 'events', summary: 'emit events, and watch them decoded', verbs: [emit, tail] }

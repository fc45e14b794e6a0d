// `selfmonitor topics produce`: writes records that a file or standard input has, one on each line.
import { lineFormats } from '../events/formats.ts'
import { interrupted, requireUninterrupted, usageError } from '../framework/errors.ts'
import { integer, keyValue, perSecond, timestamp } from '../framework/parse.ts'
import { isProduction } from '../framework/settings.ts'
import { choice, defineVerb, flag, required, text, value } from '../framework/verb.ts'
import { count, counted } from '../output/format.ts'
import { renderFields } from '../output/table.ts'
import { checkInternal, internalFlag } from './topic-guard.ts'
import { requireTopics } from './topic-view.ts'

function partitionRule(given: string): number | 'key' {
  return given === 'key' ? 'key' : integer(0)(given)
}

function timestampRule(given: string): number | 'now' {
  return given === 'now' ? 'now' : timestamp(given)
}

export const produce = defineVerb({
  name: 'produce',
  summary: 'write records from a file or standard input, one on each line',
  details:
    'With --format auto a line is a JSON object as `topics consume -o json` prints it, at least {"value": …}; its key, headers,\n' +
    'partition, timestamp and schemaId are taken. With avro or json a line is the value, with raw the text as it is. Avro is encoded\n' +
    'with the line’s schemaId, or --value-schema, or the latest of <topic>-value. Without a partition a key decides, as in Kafka’s\n' +
    'producers. A file is checked in full before its first record is sent; standard input is sent as it comes, up to a bad line.',
  examples: [
    `echo '{"key":"o-1","value":{"amount":12}}' | selfmonitor topics produce orders`,
    'selfmonitor topics produce orders --file orders.jsonl --rate 100/s',
    'selfmonitor topics produce orders --format avro --value-schema orders-value:3 --file values.jsonl',
  ],
  args: { topic: required('name of the topic', 'topics') },
  options: {
    file: text('-f, --file <file>', 'the lines (default: standard input)'),
    format: choice('--format <format>', 'what a line is', lineFormats, 'auto'),
    valueSchema: {
      ...text('--value-schema <id|subject[:version]>', 'the schema of values that do not name one'),
      complete: 'subjects' as const,
    },
    key: text('--key <key>', 'the key of records that have none'),
    header: value('--header <key=value>', 'a header of every record, behind its own; repeatable', keyValue),
    partition: value(
      '--partition <n|key>',
      'every record to this one; key: by its key, whatever the line says',
      partitionRule,
    ),
    timestamp: value('--timestamp <time|now>', 'of every record (default: the line’s, else now)', timestampRule),
    rate: value('--rate <n/s>', 'records per second (default: as fast as they are taken)', perSecond),
    checkOnly: flag('--check-only', 'encode every line and send nothing'),
    internal: internalFlag,
  },
  output: ['table', 'json', 'yaml'],
  mutates: true,
  async run(context, { args, options }) {
    const { checkAll, checkPartition, encoderFor, fileChunks, noteOld, sendAll } = await import('../events/produce.ts')
    const { splitLines } = await import('../events/lines.ts')
    const cluster = await context.cluster()
    const [topic] = await requireTopics(cluster, [args.topic])
    checkInternal(topic!, options.internal)
    const partitions = topic!.partitions.length
    if (typeof options.partition === 'number') checkPartition(options.partition, args.topic, partitions)
    const encoder = await encoderFor(context, args.topic, options)
    const source = (): AsyncIterable<Buffer> =>
      splitLines(options.file === undefined ? context.io.stdinChunks() : fileChunks(context.io.cwd, options.file))
    const input = { ...options, topic: args.topic, partitions, encoder, source }

    let checked: Awaited<ReturnType<typeof checkAll>> | null = null
    if (options.file !== undefined || options.checkOnly) {
      checked = await checkAll(input)
      if (checked.records === 0) throw usageError(`${options.file ?? 'Standard input'} has no records.`)
      await noteOld(context, args.topic, checked)
    }
    if (options.checkOnly) {
      context.note(`${counted(checked!.records, 'record')} would be sent to ${args.topic}: nothing was sent.`)
      return
    }
    if (isProduction(context.settings.environment.value) || context.isDefaultAddress('cluster')) {
      const what = checked === null ? 'the records of standard input' : counted(checked.records, 'record')
      await context.confirm({ what: `Send ${what} to ${args.topic}`, typedName: args.topic })
    }
    const sent = await context.audited(
      {
        action: 'topics.produce',
        resources: [{ type: 'topic', name: args.topic }],
        after: { records: checked?.records ?? null, file: options.file ?? null },
      },
      async (report) => {
        const { createRecordWriter } = await import('@selfmonitor/cluster/record-writer')
        const writer = await createRecordWriter(cluster)
        try {
          const done = await sendAll(context, input, writer, (records) => report.after({ records }))
          if (context.io.signal.aborted) report.failed(interrupted(interruptedText))
          return done
        } finally {
          await writer.close()
        }
      },
    )
    await context.printThing(sent, {
      table: () =>
        renderFields(
          [
            ['topic', args.topic],
            ['records', sent.records],
            ...sent.partitions.map(
              ({ partition, first, last }) => [`partition ${partition}`, `${count(first)} – ${count(last)}`] as const,
            ),
          ],
          context.colours.stdout,
        ),
    })
    requireUninterrupted(context, interruptedText)
  },
})

const interruptedText = 'Interrupted: records that are not counted here were not sent.'

// `selfmonitor topics consume`: the records of a topic, as they are, for people and for other programs.
import type { ReadPlace, ReadRecord } from '@selfmonitor/cluster'
import { place, readPlace } from '../events/filter.ts'
import { type ValueFormat, valueFormats } from '../events/formats.ts'
import { requireUninterrupted, usageError } from '../framework/errors.ts'
import { collect, integer } from '../framework/parse.ts'
import { choice, defineVerb, flag, required, text, value } from '../framework/verb.ts'
import { toJsonLine } from '../output/data.ts'
import { requireTopics } from './topic-view.ts'

/** Collects a repeatable partition number. */
export function partitions(given: string, previous: readonly number[] = []): number[] {
  return [...previous, integer(0)(given)]
}

export const consume = defineVerb({
  name: 'consume',
  summary: 'print the records of a topic, without joining a group',
  details:
    'From the beginning to the end of the topic, or with --follow from now on until Ctrl-C. It commits nothing. With -o json each\n' +
    'record is a line that `topics produce` reads: headers in their order, bytes that are not text as {"base64": "…"}, Avro with\n' +
    'the id of its schema. --format raw gives values that are produced again byte for byte. `events tail` merges topics for reading.',
  examples: [
    'selfmonitor topics consume orders --from 10m --where \'value.amount > 100 && headers.tenant == "acme"\'',
    'selfmonitor topics consume orders --partition 3 --from offset:17 --max 1 -o json',
    'selfmonitor topics consume orders -o json --format raw > orders.jsonl',
  ],
  args: { topic: required('name of the topic', 'topics') },
  options: {
    from: value('--from <place>', 'earliest, latest, 10m (ago), a time, or an offset', place),
    until: value('--until <place>', 'where to stop, exclusive; the same forms', place),
    last: value('--last <n>', 'the last offsets of each partition', integer(1)),
    partition: value('--partition <n>', 'only this partition; repeatable', partitions),
    key: value('--key <key>', 'only records with this key; repeatable', collect),
    where: text(
      '--where <cel>',
      'only records for which this CEL expression is true: topic, partition, offset, timestamp, key, value, headers, size',
    ),
    format: choice('--format <format>', 'how values are printed; auto decodes what it can', valueFormats, 'auto'),
    max: value('-n, --max <n>', 'stop after this many', integer(1)),
    follow: flag('--follow', 'wait for new records'),
    headers: flag('--headers', 'show the headers of each record, too'),
    isolation: choice(
      '--isolation <level>',
      'whether records of open and aborted transactions are left out',
      ['read_committed', 'read_uncommitted'],
      'read_committed',
    ),
  },
  output: ['text', 'json'],
  async run(context, { args, options }) {
    const { follow, isolation, last, max = Number.POSITIVE_INFINITY } = options
    if (options.from !== undefined && last !== undefined) throw usageError('--from and --last cannot be used together.')
    if (follow && options.until !== undefined) throw usageError('--follow and --until cannot be used together.')
    const nowMs = Date.now()
    const from: ReadPlace =
      last !== undefined
        ? { kind: 'last', offsets: last }
        : options.from !== undefined
          ? readPlace(options.from, nowMs)
          : { kind: follow ? 'latest' : 'earliest' }
    const until = follow
      ? null
      : options.until === undefined
        ? ({ kind: 'latest' } as const)
        : readPlace(options.until, nowMs)

    const { openDecoder, readRecords } = await import('../events/reading.ts')
    const decoder = await openDecoder(context)
    const { createWhere } = await import('../events/where.ts')
    const where = options.where === undefined ? null : createWhere(options.where, 'record', decoder)
    if (where !== null) context.onEnd(() => where.close())
    const cluster = await context.cluster()
    const [topic] = await requireTopics(cluster, [args.topic])
    const wanted = options.partition ?? topic!.partitions.map(({ partition }) => partition)
    const missing = wanted.find((partition) => partition >= topic!.partitions.length)
    if (missing !== undefined) {
      throw usageError(`${args.topic} does not have partition ${missing}: it has ${topic!.partitions.length}, from 0.`)
    }
    const { readRanges } = await import('@selfmonitor/cluster')
    const read = topic!.partitions.filter(({ partition }) => wanted.includes(partition))
    const ranges = await readRanges(cluster, [{ name: args.topic, partitions: read }], { from, until, isolation })
    const line = await linesOf(options.format, options.headers)
    const keys = options.key?.map((key) => Buffer.from(key))
    let shown = 0
    for await (const records of readRecords(context, cluster, ranges, isolation)) {
      const keyed = keys === undefined ? records : records.filter(({ key }) => keys.some((one) => key?.equals(one)))
      const fits = where === null ? null : await where.matches(keyed.map((record) => ({ record })))
      for (const [at, record] of keyed.entries()) {
        if (fits !== null && !fits[at]) continue
        context.out(await line(record))
        if (++shown >= max) break
      }
      if (shown >= max) break
    }
    const problem = where?.problem()
    if (problem !== undefined) context.note(context.colours.stderr.careful(problem))
    // Waiting for new records ends with Ctrl-C; the records that are there do not.
    if (!follow && shown < max) requireUninterrupted(context, 'Interrupted: not all records were read.')
    if (shown === 0 && !follow) context.note('No records there.')

    async function linesOf(
      format: ValueFormat,
      showHeaders: boolean,
    ): Promise<(record: ReadRecord) => Promise<string>> {
      const { recordLine } = await import('../events/record-lines.ts')
      if (context.format === 'json') return async (record) => toJsonLine(await recordLine(record, format, decoder))
      // The value alone, as kafka-console-consumer prints it.
      if (format === 'raw') return async ({ value: bytes }) => `${bytes?.toString('utf8') ?? 'null'}\n`
      if (format === 'hex') return async ({ value: bytes }) => `${bytes?.toString('hex') ?? 'null'}\n`
      const { decodeRecord, tailLine } = await import('../events/tail.ts')
      return async (record) => {
        // The terminal may have got another width meanwhile.
        const width = context.io.stdout.isTTY ? context.io.stdout.columns : undefined
        const event = await decodeRecord(record, decoder)
        return tailLine(event, context.colours.stdout, { showTopic: false, showHeaders, width })
      }
    }
  },
})

// Writes the records that lines give: checks them, encodes them, sends them at a rate.
import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { pause } from '@selfmonitor/cluster/backoff'
import { fileProblem } from '@selfmonitor/cluster/file-problem'
import type { RecordWriter } from '@selfmonitor/cluster/record-writer'
import { createCodec } from '@selfmonitor/events/codec'
import { partitionForKey } from '@selfmonitor/protocol/partitioner'
import type { Context } from '../framework/context.ts'
import { CliError, usageError } from '../framework/errors.ts'
import { counted, span } from '../output/format.ts'
import type { LineFormat } from './formats.ts'
import {
  encodeWith,
  type LineEncoder,
  LineError,
  type ParsedRecord,
  parseJson,
  parseRecordLine,
} from './record-lines.ts'

export interface Input {
  readonly topic: string
  readonly partitions: number
  readonly format: LineFormat
  readonly key: string | undefined
  readonly header: Readonly<Record<string, string>> | undefined
  readonly partition: number | 'key' | undefined
  readonly timestamp: number | 'now' | undefined
  readonly rate: number | undefined
  readonly encoder: LineEncoder
  readonly source: () => AsyncIterable<Buffer>
}

export function checkPartition(partition: number, topic: string, partitions: number): void {
  if (partition >= partitions)
    throw usageError(`${topic} does not have partition ${partition}: it has ${partitions}, from 0.`)
}

export async function encoderFor(
  context: Context,
  topic: string,
  { format, valueSchema }: { readonly format: Input['format']; readonly valueSchema: string | undefined },
): Promise<LineEncoder> {
  if (valueSchema !== undefined && (format === 'raw' || format === 'json')) {
    throw usageError(`--value-schema encodes values, and --format ${format} does not.`)
  }
  const registry = await context.registry()
  const codec = createCodec(registry)
  const wanted = valueSchema ?? (format === 'avro' ? `${topic}-value` : undefined)
  if (wanted === undefined) return { codec, registry, valueSchemaId: null }
  if (/^\d{1,10}$/.test(wanted)) return { codec, registry, valueSchemaId: Number(wanted) }
  const [, subject, version = 'latest'] = /^(.+?)(?::(\d+|latest))?$/.exec(wanted)!
  const found = await registry.getVersion(subject!, version === 'latest' ? 'latest' : Number(version))
  if (found === null) {
    throw new CliError(
      'UNKNOWN_SUBJECT',
      `${subject} ${version === 'latest' ? '' : `version ${version} `}is not registered at ${registry.url}.`,
      {
        hint: 'Name a schema with --value-schema <id|subject[:version]>, or pass --format raw.',
      },
    )
  }
  return { codec, registry, valueSchemaId: found.id }
}

export async function* fileChunks(cwd: string, file: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(resolve(cwd, file)) as AsyncIterable<Buffer>
  } catch (error) {
    throw usageError(`--file ${file}: ${fileProblem(error)}.`)
  }
}

/** A record and the number of its line, from 1. */
interface Numbered {
  readonly line: number
  readonly record: ParsedRecord
}

/** @throws CliError BAD_LINE naming the line */
async function* records(input: Input): AsyncGenerator<Numbered> {
  let line = 0
  for await (const bytes of input.source()) {
    line++
    if (input.format !== 'raw' && bytes.toString().trim() === '') continue
    try {
      const record = await parse(bytes, input)
      if (record.partition !== null && input.partition === undefined && record.partition >= input.partitions) {
        throw new LineError(
          `${input.topic} does not have partition ${record.partition}: it has ${input.partitions} (--partition key goes by the key)`,
        )
      }
      yield { line, record }
    } catch (error) {
      if (!(error instanceof LineError)) throw error
      throw new CliError('BAD_LINE', `line ${line}: ${error.message}.`, { cause: error })
    }
  }
}

async function parse(bytes: Buffer, { format, encoder, key, header }: Input): Promise<ParsedRecord> {
  const given = key === undefined ? null : Buffer.from(key)
  const added = Object.entries(header ?? {}).map(([name, of]) => ({ key: name, value: Buffer.from(of) }))
  if (format === 'auto') {
    const record = await parseRecordLine(bytes.toString('utf8'), encoder)
    return { ...record, key: record.key ?? given, headers: [...record.headers, ...added] }
  }
  return {
    partition: null,
    key: given,
    value: await valueBytes(bytes, format, encoder),
    headers: added,
    timestampMs: null,
  }
}

async function valueBytes(bytes: Buffer, format: 'avro' | 'json' | 'raw', encoder: LineEncoder): Promise<Buffer> {
  if (format === 'raw') return bytes
  const json = parseJson(bytes.toString('utf8'))
  return format === 'json' ? bytes : encodeWith(encoder.valueSchemaId!, json, encoder, 'value')
}

export interface Checked {
  readonly records: number
  /** null when no record has a time of its own. */
  readonly oldestMs: number | null
}

export async function checkAll(input: Input): Promise<Checked> {
  let found = 0
  let oldestMs: number | null = null
  for await (const { record } of records(input)) {
    found++
    const own = input.timestamp ?? record.timestampMs
    if (typeof own === 'number') oldestMs = Math.min(oldestMs ?? own, own)
  }
  return { records: found, oldestMs }
}

export async function noteOld(context: Context, topic: string, { oldestMs }: Checked): Promise<void> {
  if (oldestMs === null) return
  const configs = await (await context.cluster()).topicConfigs([topic])
  const entries = new Map((configs.get(topic) ?? []).map((entry) => [entry.name, entry.value]))
  const retentionMs = Number(entries.get('retention.ms') ?? -1)
  if (retentionMs < 0 || entries.get('cleanup.policy')?.includes('delete') === false) return
  if (oldestMs >= Date.now() - retentionMs) return
  context.note(
    context.colours.stderr.careful(
      `! The oldest record is older than what ${topic} keeps (${span(retentionMs)}): Kafka deletes such records, maybe before they are read. --timestamp now gives them the time of now.`,
    ),
  )
}

export interface Sent {
  readonly topic: string
  readonly records: number
  /** Offsets, where the brokers said them. */
  readonly partitions: readonly { readonly partition: number; readonly first: bigint; readonly last: bigint }[]
}

/** Records without a key go to one partition for so many, and then to the next. */
const keylessRun = 100

export async function sendAll(
  context: Context,
  input: Input,
  writer: RecordWriter,
  report: (records: number) => void,
): Promise<Sent> {
  const offsets = new Map<number, { first: bigint; last: bigint }>()
  let acknowledged = 0
  let sent = 0
  let failure: { readonly line: number; readonly error: unknown } | undefined
  let dueMs = performance.now()
  const write = (partition: number, { line, record }: Numbered): void => {
    const timestampMs = input.timestamp === 'now' ? Date.now() : (input.timestamp ?? record.timestampMs ?? Date.now())
    writer.write({ ...record, topic: input.topic, partition, timestampMs }).then(
      (offset) => {
        acknowledged++
        if (offset === null) return
        const known = offsets.get(partition) ?? { first: offset, last: offset }
        offsets.set(partition, { first: known.first, last: offset })
      },
      (error: unknown) => {
        if (failure === undefined || line < failure.line) failure = { line, error }
      },
    )
  }
  let badLine: unknown
  try {
    for await (const numbered of records(input)) {
      if (context.io.signal.aborted || failure !== undefined) break
      if (input.rate !== undefined) {
        dueMs = Math.max(dueMs, performance.now() - 1_000) + 1_000 / input.rate
        await pause(Math.max(0, dueMs - performance.now()), context.io.signal)
      }
      write(partitionOf(numbered.record, input, sent), numbered)
      sent++
      await writer.ready()
    }
  } catch (error) {
    badLine = error
  }
  await writer.flush()
  report(acknowledged)
  const before = `The ${counted(sent, 'record')} before it ${sent === 1 ? 'was' : 'were'} written`
  if (failure !== undefined) {
    const { code = 'PRODUCE_FAILED', message = '' } = failure.error as { code?: string; message?: string }
    throw new CliError(
      code,
      `line ${failure.line}: ${message.replace(/\.$/, '')}. Written: ${counted(acknowledged, 'record')}.`,
      {
        cause: failure.error,
      },
    )
  }
  if (badLine instanceof CliError && badLine.code === 'BAD_LINE') {
    throw new CliError('BAD_LINE', `${badLine.message} ${before}; nothing of it and of the lines behind it was.`, {
      cause: badLine,
    })
  }
  if (badLine !== undefined) throw badLine
  const partitions = [...offsets]
    .map(([partition, range]) => ({ partition, ...range }))
    .sort((a, b) => a.partition - b.partition)
  return { topic: input.topic, records: acknowledged, partitions }
}

function partitionOf({ partition, key }: ParsedRecord, { partition: rule, partitions }: Input, sent: number): number {
  if (typeof rule === 'number') return rule
  if (rule === undefined && partition !== null) return partition
  return key === null ? Math.floor(sent / keylessRun) % partitions : partitionForKey(key, partitions)
}

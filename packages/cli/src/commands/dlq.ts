// `selfmonitor dlq`: dead letters listed, grouped by cause, shown. What changes something is in dlq-changes.ts.
import type { LetterFacts } from '@selfmonitor/events/dead-letters'
import { type CauseRow, type LetterTopicRow, noLetter, stepText } from '../events/letters.ts'
import { headerText } from '../events/tail.ts'
import { requireUninterrupted } from '../framework/errors.ts'
import { defineVerb, type Noun, required, rest } from '../framework/verb.ts'
import { count, counted, time } from '../output/format.ts'
import { type Column, renderFields, renderTable } from '../output/table.ts'
import { visible } from '../output/visible.ts'
import { discard, edit, replay } from './dlq-changes.ts'
import { recordPlace } from './event-place.ts'
import { requireTopics } from './topic-view.ts'

const list = defineVerb({
  name: 'list',
  summary: 'list topics of dead letters, with how many wait',
  details:
    'Topics whose names say that they hold dead letters (orders.dlq, orders-dlt, dlq-sink); name others. Letters that were sent\n' +
    'again or discarded stay in their topic until its retention removes them. A topic with more than 20,000 offsets is not read in\n' +
    'full: its counts have a ≤, because markers of transactions have offsets, too, and FAILED BY is of its newest letters.',
  examples: ['selfmonitor dlq list', 'selfmonitor dlq list connect-errors'],
  args: { topic: rest('topics (default: all that are named as dead letter topics)', 'topics') },
  output: ['table', 'json', 'yaml', 'name'],
  async run(context, { args }) {
    const cluster = await context.cluster()
    const { deadLetterTopics, letterTopicRow } = await import('../events/letters.ts')
    const { openJournal } = await import('@selfmonitor/events/dead-letters/replay')
    const topics = args.topic.length > 0 ? await requireTopics(cluster, args.topic) : await deadLetterTopics(cluster)
    const journal = await openJournal(cluster, 'read')
    const rows: LetterTopicRow[] = []
    for (const topic of topics) rows.push(await letterTopicRow(cluster, topic, journal.state))
    const isoTime = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())
    await context.printRows(rows, {
      columns: topicColumns,
      name: ({ topic }) => topic,
      data: (row) => ({ ...row, oldest: isoTime(row.oldest), newest: isoTime(row.newest) }),
      empty: 'No topics of dead letters.',
    })
  },
})

const shortTime = (ms: number | null): string | null => (ms === null || ms < 0 ? null : time(ms).slice(0, 19))

const atMost = (letters: bigint, isCounted: boolean): string => `${isCounted ? '' : '≤ '}${count(letters)}`

const topicColumns: readonly Column<LetterTopicRow>[] = [
  { header: 'TOPIC', value: ({ topic }) => topic },
  { header: 'LETTERS', align: 'right', value: ({ letters, isCounted }) => atMost(letters, isCounted) },
  {
    header: 'WAITING',
    align: 'right',
    value: ({ waiting, isCounted }) => atMost(waiting, isCounted),
    colour: (text, { waiting }, colours) => (waiting > 0n ? colours.careful(text) : colours.good(text)),
  },
  { header: 'SENT AGAIN', value: ({ replayed }) => replayed },
  { header: 'DISCARDED', value: ({ discarded }) => discarded },
  { header: 'OLDEST (UTC)', value: ({ oldest }) => shortTime(oldest) },
  { header: 'NEWEST (UTC)', value: ({ newest }) => shortTime(newest) },
  { header: 'FAILED BY', value: ({ by }) => by.join(', ') || null },
]

const causeColumns: readonly Column<CauseRow>[] = [
  { header: 'CAUSE', value: ({ cause }) => cause, colour: (text, { cause }, colours) => colours.word(text, cause) },
  { header: 'LETTERS', value: ({ letters }) => letters },
  {
    header: 'WAITING',
    value: ({ waiting }) => waiting,
    colour: (text, { waiting }, colours) => (waiting > 0 ? colours.careful(text) : colours.good(text)),
  },
  { header: 'FIRST (UTC)', value: ({ first }) => shortTime(first) },
  { header: 'LAST (UTC)', value: ({ last }) => shortTime(last) },
  { header: 'EXAMPLE', value: ({ example }) => `${example.partition}:${example.offset}` },
  { header: 'FAILED BY', value: ({ by }) => by.join(', ') || null },
  { header: 'ERROR', value: ({ error, message }) => causeText(error, message) },
]

function causeText(error: string | null, message: string | null): string {
  const text = [error, message].filter((part) => part !== null && part !== '').join(': ')
  return text === '' ? '(its headers do not say)' : text
}

const causes = defineVerb({
  name: 'causes',
  summary: 'group the letters of a topic by what they failed with',
  details:
    'A cause is the type of the error, and its message without numbers, ids and quoted texts; of a letter of Spring or Kafka\n' +
    'Connect with a stack trace, the first frame that is not of a framework.',
  examples: ['selfmonitor dlq causes orders.dlq'],
  args: { topic: required('topic of dead letters', 'topics') },
  output: ['table', 'json', 'yaml', 'name'],
  async run(context, { args }) {
    const cluster = await context.cluster()
    const { causeRows, groupByCause } = await import('../events/letters.ts')
    const { letterRanges, openJournal, readLetters, stepOf } = await import('@selfmonitor/events/dead-letters/replay')
    const [topic] = await requireTopics(cluster, [args.topic])
    const journal = await openJournal(cluster, 'read')
    const groups = new Map<string, CauseRow>()
    for await (const letters of readLetters(cluster, await letterRanges(cluster, topic!), context.io.signal)) {
      groupByCause(groups, letters, ({ record }) => stepOf(journal.state, topic!.id, record) === undefined)
    }
    requireUninterrupted(context, 'Interrupted: not all letters were read.')
    await context.printRows(causeRows(groups), {
      columns: causeColumns,
      name: ({ cause }) => cause,
      data: (row) => ({ ...row, first: new Date(row.first).toISOString(), last: new Date(row.last).toISOString() }),
      empty: `No letters in ${args.topic}.`,
    })
  },
})

/** Bytes of a value that the table shows; `-o json` has all. */
const shownBytes = 256

const show = defineVerb({
  name: 'show',
  summary: 'show a letter: why it is one, its headers, its value decoded and as bytes',
  examples: [
    'selfmonitor dlq show orders.dlq 3 17',
    'selfmonitor dlq show orders.dlq[3]@17 -o json | jq .bytes.base64',
  ],
  args: { place: rest('topic, partition and offset', 'topics') },
  output: ['table', 'json', 'yaml'],
  async run(context, { args }) {
    const { topic: name, partition, offset } = recordPlace(args.place)
    const cluster = await context.cluster()
    const { openDecoder } = await import('../events/reading.ts')
    const { bytesJson, valueLine } = await import('../events/record-lines.ts')
    const { openJournal, readLetter, stepOf } = await import('@selfmonitor/events/dead-letters/replay')
    const [topic] = await requireTopics(cluster, [name])
    const letter = await readLetter(cluster, name, partition, offset)
    if (letter === undefined) throw noLetter(name, partition, offset)
    const { record, facts } = letter
    const step = stepOf((await openJournal(cluster, 'read')).state, topic!.id, record)
    const value = await valueLine(record.value, 'auto', await openDecoder(context))
    const thing = {
      topic: name,
      partition,
      offset,
      timestamp: record.timestampMs,
      state: stepText(step?.entry),
      step: step?.entry ?? null,
      ...facts,
      key: bytesJson(record.key),
      headers: record.headers.map(({ key, value: bytes }) => [key, bytesJson(bytes)]),
      value,
      bytes:
        record.value === null ? null : { base64: record.value.toString('base64'), hex: record.value.toString('hex') },
    }
    const colours = context.colours.stdout
    const heading = (text: string): string => `\n${colours.strong(text)}\n`
    await context.printThing(thing, {
      table: () =>
        [
          renderFields(
            [
              ['letter', `${name}[${partition}]@${offset}`],
              ['state', stateText(step?.entry)],
              ...causeFields(facts),
              ['time', record.timestampMs < 0 ? null : time(record.timestampMs)],
              ['key', record.key === null ? null : record.key.toString('utf8')],
            ],
            colours,
          ),
          ...(facts.stack === null ? [] : [heading('stack'), `${stackLines(facts.stack)}\n`]),
          ...(record.headers.length === 0
            ? []
            : [
                heading('headers'),
                renderTable(
                  record.headers.filter(({ key }) => !/stacktrace$/.test(key)),
                  [
                    { header: 'NAME', value: ({ key }) => key },
                    { header: 'VALUE', value: ({ value: bytes }) => headerText(bytes) ?? 'null' },
                  ],
                  colours,
                  context.io.stdout.isTTY ? context.io.stdout.columns : undefined,
                ),
              ]),
          heading(`value (${value.format}${value.schemaId === undefined ? '' : `, schema ${value.schemaId}`})`),
          value.problem === undefined ? `${JSON.stringify(value.value, null, 2)}\n` : `${colours.bad(value.problem)}\n`,
          ...(record.value === null
            ? []
            : [
                heading(`bytes (${count(record.value.length)})`),
                hexDump(record.value.subarray(0, shownBytes)),
                moreBytes(record.value.length),
              ]),
        ].join(''),
    })
  },
})

function stateText(entry: import('@selfmonitor/events/dead-letters/replay').HoldingEntry | undefined): string {
  if (entry === undefined) return 'waiting'
  const who = `by ${entry.by}, ${time(Date.parse(entry.at))}`
  switch (entry.step) {
    case 'sending':
      return `being sent to ${entry.to.topic}[${entry.to.partition}] ${who}`
    case 'replayed':
      return `${entry.edited ? 'edited and sent' : 'sent again'} to ${entry.to.topic}[${entry.to.partition}] ${who}`
    case 'discarded':
      return `discarded ${who}${entry.reason === null ? '' : `: ${entry.reason}`}`
    default:
      return entry satisfies never
  }
}

function causeFields(facts: LetterFacts): [string, string | number | null][] {
  const { origin } = facts
  const fields: [string, string | number | null][] = [
    ['origin', origin === null ? null : `${origin.topic}[${origin.partition ?? '?'}]@${origin.offset ?? '?'}`],
    ['cause', facts.fingerprint],
    ['error', facts.errorClass],
    ['message', facts.errorMessage],
    ['attempts', facts.attempts],
    ['failed by', facts.by],
    ['failed at', facts.failedAt],
  ]
  if (facts.stage !== null) fields.push(['stage', facts.stage])
  if (facts.replayedTimes > 0) fields.push(['sent before', counted(facts.replayedTimes, 'time')])
  return fields
}

/** As `hexdump -C`. */
export function hexDump(bytes: Buffer): string {
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += 16) {
    const part = bytes.subarray(at, at + 16)
    const pairs = [...part].map((byte) => byte.toString(16).padStart(2, '0'))
    const text = [...part].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    const hex = `${pairs.slice(0, 8).join(' ')}  ${pairs.slice(8).join(' ')}`
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex.padEnd(48)}  |${text}|\n`)
  }
  return lines.join('')
}

function moreBytes(length: number): string {
  return length <= shownBytes ? '' : `… ${counted(length - shownBytes, 'more byte')}: -o json has all of them\n`
}

function stackLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => `  ${visible(line.replaceAll('\t', '    '))}`)
    .join('\n')
    .trimEnd()
}

export const dlq: Noun = {
  name: 'dlq',
  summary: 'dead letters: list, causes, show, replay, edit, discard',
  verbs: [list, causes, show, replay, edit, discard],
}

// `selfmonitor dlq replay | edit | discard`.
import type { Cluster, ReadRange, TopicInfo } from '@selfmonitor/cluster'
import type { Letter, OpenJournal, Replayed } from '@selfmonitor/events/dead-letters/replay'
import { moment } from '../events/filter.ts'
import type { CauseRow, Selection } from '../events/letters.ts'
import { letterPlaces, noLetter } from '../events/letters.ts'
import { whereVariables } from '../events/where.ts'
import { actor } from '../framework/actor.ts'
import type { Context } from '../framework/context.ts'
import { CliError, exitCodes, interrupted, requireUninterrupted, usageError } from '../framework/errors.ts'
import { readGivenFile } from '../framework/given-file.ts'
import { collect, perSecond } from '../framework/parse.ts'
import { choice, defineVerb, flag, required, rest, text, value } from '../framework/verb.ts'
import { counted, span } from '../output/format.ts'
import { progressLine } from '../output/progress-line.ts'
import { renderFields, renderTable } from '../output/table.ts'
import { recordPlace } from './event-place.ts'
import { internalTopics } from './topic-guard.ts'
import { requireTopics } from './topic-view.ts'

/** Nothing would select everything, as of a shell variable that is not set. */
function causes(word: string, previous?: never): readonly string[] {
  if (!/^\S{4,}$/.test(word)) {
    throw new Error(`"${word}" is not the beginning of a cause, four characters of it at least`)
  }
  return collect(word, previous)
}

const selectionOptions = {
  cause: value('--cause <fingerprint>', 'only letters of this cause, or one that begins so; repeatable', causes),
  offset: value('--offset <partition:offset>', 'only this letter; repeatable', letterPlaces),
  where: text('--where <cel>', `only letters for which this CEL expression is true: ${whereVariables.letter}`),
} as const

interface SelectionOptions {
  readonly cause: readonly string[] | undefined
  readonly offset: readonly { readonly partition: number; readonly offset: bigint }[] | undefined
  readonly where: string | undefined
}

/** What a change is about: read once for the preview, and again, up to the same ends, for the change. */
interface Selected {
  readonly cluster: Cluster
  readonly journal: OpenJournal
  readonly topic: TopicInfo
  readonly by: string
  readonly letters: () => AsyncGenerator<Letter[], void, undefined>
  readonly causes: readonly CauseRow[]
  readonly waiting: number
  readonly handled: number
  /** By target topic; `''` for letters that do not say where they came from. */
  readonly origins: ReadonlyMap<string, { letters: number; oldestMs: number }>
}

/** Which letters that were handled before are selected nevertheless. */
interface Again {
  readonly again: boolean
  readonly againBeforeMs?: number
}

async function select(context: Context, name: string, options: SelectionOptions, again: Again): Promise<Selected> {
  const cluster = await context.cluster()
  const { causeRows, groupByCause, selectLetters } = await import('../events/letters.ts')
  const { isOpenAgain, letterRanges, openJournal, stepOf } = await import('@selfmonitor/events/dead-letters/replay')
  const [topic] = await requireTopics(cluster, [name])
  const selection = await selectionOf(context, options)
  const ranges: ReadRange[] = await letterRanges(cluster, topic!)
  // Reading changes nothing: the journal is created when the change is confirmed.
  const journal = await openJournal(cluster, 'read')
  const letters = () => selectLetters(cluster, ranges, selection, context.io.signal)
  const groups = new Map<string, CauseRow>()
  const origins = new Map<string, { letters: number; oldestMs: number }>()
  let waiting = 0
  let handled = 0
  const isOpen = ({ record }: Letter): boolean => {
    const step = stepOf(journal.state, topic!.id, record)
    return step === undefined || isOpenAgain(step.entry, again)
  }
  for await (const some of letters()) {
    const open = some.filter(isOpen)
    handled += some.length - open.length
    waiting += open.length
    groupByCause(groups, open, () => true)
    for (const { facts, record } of open) {
      const key = facts.origin?.topic ?? ''
      const known = origins.get(key) ?? { letters: 0, oldestMs: Number.POSITIVE_INFINITY }
      const originalMs = facts.origin?.timestampMs ?? record.timestampMs
      origins.set(key, {
        letters: known.letters + 1,
        oldestMs: originalMs < 0 ? known.oldestMs : Math.min(known.oldestMs, originalMs),
      })
    }
  }
  requireUninterrupted(context, 'Interrupted while the letters were read: nothing was changed.')
  const problem = selection.where?.problem()
  if (problem !== undefined) context.note(context.colours.stderr.careful(problem))
  return {
    cluster,
    journal,
    topic: topic!,
    by: actor(context.settings),
    letters,
    causes: causeRows(groups),
    waiting,
    handled,
    origins,
  }
}

async function selectionOf(context: Context, { cause, offset, where }: SelectionOptions): Promise<Selection> {
  const selection = { causes: cause ?? [], places: offset ?? [] }
  if (where === undefined) return { ...selection, where: null }
  const [{ createWhere }, { openDecoder }] = await Promise.all([
    import('../events/where.ts'),
    import('../events/reading.ts'),
  ])
  const filter = createWhere(where, 'letter', await openDecoder(context))
  context.onEnd(() => filter.close())
  return { ...selection, where: filter }
}

function notePreview(context: Context, { causes, handled }: Selected): void {
  if (causes.length > 0) {
    const table = renderTable(
      causes.slice(0, shownCauses),
      [
        { header: 'CAUSE', value: ({ cause }) => cause },
        { header: 'LETTERS', value: ({ letters }) => letters },
        { header: 'ERROR', value: ({ error, message }) => [error, message].filter(Boolean).join(': ') || '–' },
      ],
      context.colours.stderr,
      context.io.stderr.isTTY ? context.io.stderr.columns : undefined,
    )
    context.note(table.trimEnd())
    if (causes.length > shownCauses) context.note(`and ${counted(causes.length - shownCauses, 'more cause')}`)
  }
  if (handled > 0) {
    context.note(
      context.colours.stderr.aside(
        `${counted(handled, 'letter')} were sent again or discarded before, and stay as they are.`,
      ),
    )
  }
}

const shownCauses = 10

const targetOptions = {
  to: text('--to <topic>', 'send to this topic (default: each letter to the one that it came from)', {
    complete: 'topics',
  }),
  timestamp: choice('--timestamp <which>', 'the records’ timestamps', ['original', 'now'], 'original'),
  uncertain: choice(
    '--uncertain <how>',
    'letters of an interrupted run of which it cannot be told whether they were sent (default: stop, and name them)',
    ['resend', 'assume-sent'],
  ),
} as const

const rules =
  'The record has the key, value, headers and timestamp of the original; the headers about the failure are replaced by\n' +
  'dlq.replayed.* (from where, when, by whom, how often). Each letter is sent once: what was sent is kept in the topic\n' +
  '_selfmonitor-dead-letters, and a run that was interrupted is finished by the next.'

export const replay = defineVerb({
  name: 'replay',
  summary: 'send letters again, each once',
  details: `${rules} Without a selection, all that wait.`,
  examples: [
    'selfmonitor dlq replay orders.dlq --cause 4f2a --yes',
    'selfmonitor dlq replay orders.dlq --where \'value.amount < 1000 && error == "TimeoutError"\' --rate 50/s',
    'selfmonitor dlq replay orders.dlq --offset 3:17 --to orders.repair',
  ],
  args: { topic: required('topic of dead letters', 'topics') },
  options: {
    ...selectionOptions,
    ...targetOptions,
    rate: value('--rate <n/s>', 'letters per second (default: as fast as they are taken)', perSecond),
    again: flag('--again', 'also letters that were sent again or discarded before'),
    againBefore: value(
      '--again-before <time>',
      'as --again, of letters whose last step was before this time: continues an interrupted --again, which says when it began',
      moment,
    ),
  },
  output: ['table', 'json', 'yaml'],
  mutates: true,
  async run(context, { args, options }) {
    const againBeforeMs = options.againBefore
    const again = { again: options.again || againBeforeMs !== undefined, againBeforeMs }
    const beganAtMs = againBeforeMs ?? Date.now()
    const selected = await select(context, args.topic, options, again)
    const { unsettled } = await import('@selfmonitor/events/dead-letters/replay')
    const interrupted = unsettled(selected.journal.state, selected.topic.id)
    if (selected.waiting === 0 && interrupted.length === 0) {
      notePreview(context, selected)
      context.note('No letters wait to be sent.')
      return
    }
    await checkTargets(context, selected, options)
    notePreview(context, selected)
    for (const { batch } of interrupted) {
      context.note(
        `  a run of ${batch.by} was interrupted at ${batch.at}: ${counted(batch.letters.length, 'letter')} to ${batch.to.topic} are looked for there, and sent if they are missing`,
      )
    }
    noteTargets(context, selected, options.to)
    await context.confirm({
      what: `Send ${counted(selected.waiting, 'letter')} of ${args.topic} again`,
      typedName: args.topic,
    })
    if (again.again) {
      // Said before the first letter is sent: a run that is killed says nothing at its end.
      context.note(
        `If this is interrupted, continue with --again-before ${new Date(beganAtMs).toISOString()} in place of --again.`,
      )
    }
    const rate = options.rate ?? null
    await printReplayed(context, await runReplay(context, selected, { ...options, ...again, rate }), args.topic)
  },
})

function noteTargets(context: Context, { origins, waiting }: Selected, to: string | undefined): void {
  if (waiting === 0) return
  const targets =
    to === undefined
      ? [...origins].map(([topic, { letters }]) => ({ topic, letters }))
      : [{ topic: to, letters: waiting }]
  for (const { topic, letters } of targets) context.note(`  → ${topic}: ${counted(letters, 'letter')}`)
}

/** @throws CliError of letters without an origin, of a target that is missing or is the topic itself */
async function checkTargets(
  context: Context,
  { cluster, topic, origins, waiting }: Selected,
  { to, timestamp }: { readonly to: string | undefined; readonly timestamp: 'original' | 'now' },
): Promise<void> {
  if (to === topic.name) throw usageError('--to names the topic that the letters are in.')
  const homeless = origins.get('')
  if (to === undefined && homeless !== undefined) {
    throw usageError(
      `${counted(homeless.letters, 'letter')} of ${topic.name} do not say which topic they came from.`,
      'Select others, or pass --to <topic>.',
    )
  }
  const names = to === undefined ? [...origins.keys()] : waiting > 0 ? [to] : []
  for (const target of await requireTopics(cluster, names)) {
    // A letter's headers are its writer's: they must not choose a topic that the writer may not write to and the operator may.
    const isInternal = target.internal || target.name in internalTopics
    if (!isInternal && target.name !== topic.name) continue
    const what = isInternal ? 'an internal topic' : 'the topic that the letters are in'
    throw usageError(`${target.name} is ${what}: letters are not sent there.`, 'Select others, or pass --to <topic>.')
  }
  if (timestamp === 'now' || names.length === 0) return
  const configs = await cluster.topicConfigs(names)
  for (const name of names) {
    const entries = new Map((configs.get(name) ?? []).map((entry) => [entry.name, entry.value]))
    const retentionMs = Number(entries.get('retention.ms') ?? -1)
    const oldestMs = Math.min(
      ...(to === undefined ? [origins.get(name)!] : [...origins.values()]).map((one) => one.oldestMs),
    )
    const isDeleted = entries.get('cleanup.policy')?.includes('delete') !== false && retentionMs >= 0
    if (isDeleted && oldestMs < Date.now() - retentionMs) {
      context.note(
        context.colours.stderr.careful(
          `! The oldest letter is older than what ${name} keeps (${span(retentionMs)}): Kafka deletes such records, maybe before they are read. --timestamp now gives them the time of now.`,
        ),
      )
    }
  }
}

interface RunOptions {
  readonly to: string | undefined
  readonly timestamp: 'original' | 'now'
  readonly uncertain: 'resend' | 'assume-sent' | undefined
  readonly again: boolean
  readonly againBeforeMs?: number
  readonly rate: number | null
}

async function runReplay(
  context: Context,
  selected: Selected,
  options: RunOptions,
  edited?: Buffer | null,
): Promise<Replayed> {
  const { cluster, topic, by, letters, waiting, causes, origins } = selected
  const { forgetGone, letterRanges, openJournal, replayLetters } = await import(
    '@selfmonitor/events/dead-letters/replay'
  )
  const targets = options.to === undefined ? [...origins.keys()] : [options.to]
  const progress = progressLine(context.io.stderr, context.colours.stderr)
  return await context.audited(
    {
      action: edited === undefined ? 'dlq.replay' : 'dlq.edit',
      resources: [topic.name, ...targets].map((name) => ({ type: 'topic', name })),
      before: {
        letters: waiting,
        causes: causes.map(({ cause, letters: of, error }) => ({ cause, letters: of, error })),
      },
      after: { to: targets, timestamps: options.timestamp, again: options.again },
    },
    async (report) => {
      const journal = await openJournal(cluster, 'write')
      try {
        await forgetGone(journal, topic, await letterRanges(cluster, topic))
        const done = await replayLetters(
          {
            cluster,
            journal,
            from: topic,
            to: options.to ?? null,
            by,
            rate: options.rate,
            again: options.again,
            againBeforeMs: options.againBeforeMs,
            timestamps: options.timestamp,
            uncertain: options.uncertain ?? 'fail',
            signal: context.io.signal,
            onProgress: ({ sent }) =>
              progress.show('sending', { done: sent, total: waiting, unit: 'letters', bytes: 0 }),
          },
          letters(),
          edited,
        )
        report.after({ to: targets, ...done })
        if (context.io.signal.aborted) report.failed(interrupted(replayInterrupted))
        return done
      } catch (error) {
        throw withRemedy(error)
      } finally {
        progress.end()
        await journal.close()
      }
    },
  )
}

const remedies: Readonly<Record<string, string>> = {
  REPLAY_UNCERTAIN: '--uncertain resend sends them, maybe twice; --uncertain assume-sent leaves them.',
  REPLAY_NOT_ALLOWED:
    'Grant the account Write on the topic, or select other letters (`--where \'origin != "…"\'`), or pass --to <topic>. What was sent before stays sent.',
  REPLAY_UNSETTLED: 'Grant the account Read on the topic and run the command again.',
}

function withRemedy(error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: string }
  const hint = typeof code === 'string' ? remedies[code] : undefined
  if (hint === undefined) return error
  const exitCode = code === 'REPLAY_UNCERTAIN' ? exitCodes.failed : exitCodes.cannotConnect
  return new CliError(code as string, `${message!.replace(/\.$/, '')}.`, { hint, cause: error, exitCode })
}

const replayInterrupted = 'Interrupted: the same command sends the rest.'

/** @throws CliError INTERRUPTED, after it was printed what was sent */
async function printReplayed(context: Context, done: Replayed, topic: string): Promise<void> {
  await context.printThing(done, {
    table: () =>
      renderFields(
        [
          ['topic', topic],
          ['sent', done.sent + done.settled.sent],
          ...(done.settled.found > 0 ? [['sent by an interrupted run', done.settled.found] as const] : []),
          ['left alone', done.skipped],
        ],
        context.colours.stdout,
      ),
  })
  requireUninterrupted(context, replayInterrupted)
}

export const discard = defineVerb({
  name: 'discard',
  summary: 'mark letters as not to be sent again',
  details:
    'The letters stay in their topic until its retention removes them, because a log cannot lose single records; `list` and\n' +
    '`causes` no longer count them as waiting, and replays leave them alone. Name what to discard.',
  examples: ['selfmonitor dlq discard orders.dlq --cause 4f2a --reason "test data" --yes'],
  args: { topic: required('topic of dead letters', 'topics') },
  options: { ...selectionOptions, reason: text('--reason <text>', 'why, for the record') },
  output: ['table', 'json', 'yaml'],
  mutates: true,
  async run(context, { args, options }) {
    if (options.cause === undefined && options.offset === undefined && options.where === undefined) {
      throw usageError('No letters are selected.', "Pass --cause, --offset or --where (all: --where 'true').")
    }
    const selected = await select(context, args.topic, options, { again: false })
    notePreview(context, selected)
    if (selected.waiting === 0) {
      context.note('No letters wait that could be discarded.')
      return
    }
    const { cluster, topic, by, letters, waiting, causes } = selected
    await context.confirm({ what: `Discard ${counted(waiting, 'letter')} of ${args.topic}`, typedName: args.topic })
    const { discardLetters, openJournal } = await import('@selfmonitor/events/dead-letters/replay')
    const reason = options.reason ?? null
    const done = await context.audited(
      {
        action: 'dlq.discard',
        resources: [{ type: 'topic', name: topic.name }],
        before: { letters: waiting, causes: causes.map(({ cause, letters: of }) => ({ cause, letters: of })) },
        after: { reason },
      },
      async (report) => {
        const journal = await openJournal(cluster, 'write')
        try {
          const result = await discardLetters({ journal, from: topic, by, reason }, letters())
          report.after({ reason, ...result })
          if (context.io.signal.aborted) report.failed(interrupted(discardInterrupted))
          return result
        } finally {
          await journal.close()
        }
      },
    )
    await context.printThing(done, {
      table: () =>
        renderFields(
          [
            ['topic', args.topic],
            ['discarded', done.discarded],
            ['left alone', done.skipped],
          ],
          context.colours.stdout,
        ),
    })
    requireUninterrupted(context, discardInterrupted)
  },
})

const discardInterrupted = 'Interrupted: the same command discards the rest.'

export const edit = defineVerb({
  name: 'edit',
  summary: 'change the value of a letter and send it',
  details:
    'Opens the decoded value in $VISUAL or $EDITOR, or takes --value-file. The value is encoded with the schema of the letter, or\n' +
    `the one of --schema-id, and refused if it does not fit. ${rules}`,
  examples: [
    'selfmonitor dlq edit orders.dlq 3 17',
    'selfmonitor dlq edit orders.dlq[3]@17 --value-file order.json --yes',
  ],
  args: { place: rest('topic, partition and offset', 'topics') },
  options: {
    valueFile: text('--value-file <file>', 'the new value as JSON, as the editor would have it; - for standard input'),
    schemaId: text('--schema-id <id>', 'encode with this schema (default: the one of the letter)'),
    ...targetOptions,
    again: flag('--again', 'also a letter that was sent again or discarded before'),
  },
  output: ['table', 'json', 'yaml'],
  mutates: true,
  async run(context, { args, options }) {
    const place = recordPlace(args.place)
    if (options.schemaId !== undefined && !/^\d{1,10}$/.test(options.schemaId))
      throw usageError(`--schema-id ${options.schemaId} is not a schema id.`)
    const selection = { cause: undefined, offset: [place], where: undefined }
    const selected = await select(context, place.topic, selection, options)
    if (selected.waiting === 0) {
      if (selected.handled === 0) throw noLetter(place.topic, place.partition, place.offset)
      throw new CliError(
        'LETTER_HANDLED',
        `The letter at ${place.topic}[${place.partition}]@${place.offset} was sent again or discarded before.`,
        {
          hint: 'Pass --again to send it once more.',
        },
      )
    }
    await checkTargets(context, selected, options)
    const { editValue } = await import('../events/edit-value.ts')
    const { readLetter } = await import('@selfmonitor/events/dead-letters/replay')
    const letter = await readLetter(selected.cluster, place.topic, place.partition, place.offset)
    if (letter === undefined) throw noLetter(place.topic, place.partition, place.offset)
    const { valueFile } = options
    const given =
      valueFile === undefined
        ? undefined
        : valueFile === '-'
          ? await context.io.readStdin()
          : readGivenFile(context.io, valueFile, '--value-file')
    const schemaId = options.schemaId === undefined ? null : Number(options.schemaId)
    const edited = await editValue(context, letter.record.value, { given, schemaId })
    if (edited.isSame) {
      context.note('The value is the same: nothing was sent. `dlq replay` sends a letter as it is.')
      return
    }
    noteTargets(context, selected, options.to)
    await context.confirm({
      what: `Send the letter ${place.partition}:${place.offset} of ${place.topic} with its new value`,
      typedName: place.topic,
    })
    const done = await runReplay(context, selected, { ...options, rate: null }, edited.bytes)
    await printReplayed(context, done, place.topic)
  },
})

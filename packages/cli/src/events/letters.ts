// Dead letters as the commands select, group and show them.
import type { Cluster, ReadRange, TopicInfo } from '@selfmonitor/cluster'
import { isDeadLetterName } from '@selfmonitor/events/dead-letters'
import {
  type HoldingEntry,
  type Journal,
  type Letter,
  letterRanges,
  readLetters,
  stepOf,
} from '@selfmonitor/events/dead-letters/replay'
import { CliError, usageError } from '../framework/errors.ts'
import type { Where } from './where.ts'

export interface Selection {
  /** Beginnings of fingerprints; empty: all causes. */
  readonly causes: readonly string[]
  /** Empty: all letters. */
  readonly places: readonly LetterPlace[]
  readonly where: Where | null
}

export interface LetterPlace {
  readonly partition: number
  readonly offset: bigint
}

/** Collects a repeatable `partition:offset`. */
export function letterPlaces(text: string, previous: readonly LetterPlace[] = []): LetterPlace[] {
  const match = /^(\d{1,10})[:@](\d{1,19})$/.exec(text)
  if (match === null) throw usageError(`"${text}" is not a letter`, 'Write its partition and offset: 3:17')
  return [...previous, { partition: Number(match[1]), offset: BigInt(match[2]!) }]
}

/** The selected letters, in runs. @param ranges of the whole topic */
export async function* selectLetters(
  cluster: Cluster,
  ranges: readonly ReadRange[],
  { causes, places, where }: Selection,
  signal?: AbortSignal,
): AsyncGenerator<Letter[], void, undefined> {
  const wanted = places.length === 0 ? ranges : placesIn(ranges, places)
  for await (const letters of readLetters(cluster, wanted, signal)) {
    const caused = letters.filter(
      ({ facts }) => causes.length === 0 || causes.some((cause) => facts.fingerprint.startsWith(cause)),
    )
    if (caused.length === 0) continue
    const fits = where === null ? null : await where.matches(caused)
    const selected = fits === null ? caused : caused.filter((_, at) => fits[at])
    if (selected.length > 0) yield selected
  }
}

/** One range for each place, in the order of a partition's offsets. @throws CliError USAGE when a place is not in the topic */
function placesIn(ranges: readonly ReadRange[], places: readonly LetterPlace[]): ReadRange[] {
  const byPartition = new Map(ranges.map((range) => [range.partition, range]))
  const found = new Map<string, ReadRange>()
  for (const { partition, offset } of places) {
    const range = byPartition.get(partition)
    if (range === undefined || offset < range.next || offset >= range.end!) {
      throw usageError(
        `There is no letter ${partition}:${offset}: ${range === undefined ? 'the topic does not have the partition' : `partition ${partition} has the offsets ${range.next} to ${range.end! - 1n}`}.`,
      )
    }
    found.set(`${partition}:${offset}`, { ...range, next: offset, end: offset + 1n })
  }
  return [...found.values()].sort((a, b) => a.partition - b.partition || Number(a.next - b.next))
}

/** When a letter failed, in milliseconds since the epoch: as its headers say, else the record's own time. */
export function failedAtMs({ record, facts }: Letter): number {
  const said = facts.failedAt === null ? Number.NaN : Date.parse(facts.failedAt)
  return Number.isNaN(said) ? record.timestampMs : said
}

export interface CauseRow {
  readonly cause: string
  readonly error: string | null
  /** Of the last letter. */
  readonly message: string | null
  readonly letters: number
  /** Those that were neither sent nor discarded. */
  waiting: number
  first: number
  last: number
  readonly by: readonly string[]
  readonly example: { readonly partition: number; readonly offset: bigint }
}

export type CauseGroups = Map<string, CauseRow>

/** Adds letters to their causes. */
export function groupByCause(
  groups: CauseGroups,
  letters: readonly Letter[],
  isOpen: (letter: Letter) => boolean,
): void {
  for (const letter of letters) {
    const { facts, record } = letter
    const known = groups.get(facts.fingerprint)
    const at = failedAtMs(letter)
    const by = known?.by ?? []
    groups.set(facts.fingerprint, {
      cause: facts.fingerprint,
      error: facts.errorClass,
      message: facts.errorMessage,
      letters: (known?.letters ?? 0) + 1,
      waiting: (known?.waiting ?? 0) + (isOpen(letter) ? 1 : 0),
      first: Math.min(known?.first ?? at, at),
      last: Math.max(known?.last ?? at, at),
      by: facts.by === null || by.includes(facts.by) ? by : [...by, facts.by],
      example: { partition: record.partition, offset: record.offset },
    })
  }
}

/** The most frequent first. */
export function causeRows(groups: CauseGroups): CauseRow[] {
  return [...groups.values()].sort((a, b) => b.letters - a.letters || (a.cause < b.cause ? -1 : 1))
}

/** What has become of a letter, in a word or two. */
export function stepText(entry: HoldingEntry | undefined): string {
  switch (entry?.step) {
    case undefined:
      return 'waiting'
    case 'sending':
      return 'being sent'
    case 'replayed':
      return entry.edited ? 'edited and sent' : 'sent again'
    case 'discarded':
      return 'discarded'
    default:
      return entry satisfies undefined
  }
}

export interface LetterTopicRow {
  readonly topic: string
  readonly letters: bigint
  readonly waiting: bigint
  /** Letters were counted. Of a large topic its offsets are, which markers of transactions and compacted records have, too. */
  readonly isCounted: boolean
  readonly replayed: number
  readonly discarded: number
  /** Of the oldest and the newest letter; null for none. */
  readonly oldest: number | null
  readonly newest: number | null
  /** Groups, services and connectors that failed, by the letters that were looked at. */
  readonly by: readonly string[]
  readonly origins: readonly string[]
}

/** Topics with at most so many offsets are read in full. */
const countedOffsets = 20_000n
/** The newest letters of each partition that are looked at for `by` in larger topics. */
const lookedAt = 50n

/** @param countedAtMost topics with at most so many offsets are read in full; of others the oldest and newest letters are */
export async function letterTopicRow(
  cluster: Cluster,
  topic: TopicInfo,
  journal: Journal,
  countedAtMost = countedOffsets,
): Promise<LetterTopicRow> {
  const ranges = (await letterRanges(cluster, topic)).filter(({ next, end }) => end! > next)
  const offsets = ranges.reduce((sum, { next, end }) => sum + end! - next, 0n)
  const isCounted = offsets <= countedAtMost
  const seen = { letters: 0n, waiting: 0n }
  const times: number[] = []
  const by = new Set<string>()
  const origins = new Set<string>()
  for await (const some of readLetters(cluster, isCounted ? ranges : ranges.flatMap(endsOf))) {
    for (const letter of some) {
      seen.letters++
      if (stepOf(journal, topic.id, letter.record) === undefined) seen.waiting++
      times.push(failedAtMs(letter))
      if (letter.facts.by !== null) by.add(letter.facts.by)
      if (letter.facts.origin !== null) origins.add(letter.facts.origin.topic)
    }
  }
  const steps = stepsOf(journal, topic.id, ranges)
  return {
    topic: topic.name,
    letters: isCounted ? seen.letters : offsets,
    waiting: isCounted ? seen.waiting : offsets - BigInt(steps.sending + steps.replayed + steps.discarded),
    isCounted,
    replayed: steps.replayed,
    discarded: steps.discarded,
    oldest: times.length === 0 ? null : times.reduce((a, b) => Math.min(a, b)),
    newest: times.length === 0 ? null : times.reduce((a, b) => Math.max(a, b)),
    by: [...by].sort(),
    origins: [...origins].sort(),
  }
}

/** The first offset of a range, and its last ones. */
function endsOf({ next, end, ...place }: ReadRange): ReadRange[] {
  const from = end! - next > lookedAt ? end! - lookedAt : next
  return [...(from > next ? [{ ...place, next, end: next + 1n }] : []), { ...place, next: from, end }]
}

/** How many letters that are in the topic still are in which step. */
function stepsOf(
  journal: Journal,
  topicId: string,
  ranges: readonly ReadRange[],
): Record<HoldingEntry['step'], number> {
  const steps = { sending: 0, replayed: 0, discarded: 0 }
  const starts = new Map(ranges.map(({ partition, next }) => [partition, next]))
  for (const batch of journal.batches.values()) {
    if (batch.topicId !== topicId) continue
    for (const { partition, offset } of batch.letters) {
      const start = starts.get(partition)
      const isLast = stepOf(journal, topicId, { partition, offset: BigInt(offset) })?.entry === batch
      if (start !== undefined && BigInt(offset) >= start && isLast) steps[batch.step]++
    }
  }
  return steps
}

export async function deadLetterTopics(cluster: Cluster): Promise<TopicInfo[]> {
  return (await cluster.listTopics())
    .filter(({ name }) => isDeadLetterName(name) && !name.startsWith('_'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

export function noLetter(topic: string, partition: number, offset: bigint): CliError {
  return new CliError('NO_SUCH_LETTER', `There is no letter at ${topic}[${partition}]@${offset}.`, {
    hint: `\`selfmonitor dlq causes ${topic}\` has an example of each cause.`,
  })
}

// Reasons in the group's progress: it is stuck, has sent the record to a dead letter topic, has not reached it yet, or is past it.
import { stuckAfterMs, stuckLeastObservedMs } from '../thresholds.ts'
import type { Evidence } from '../types.ts'
import { count, counted, evidence, several, shellWord, span } from '../words.ts'
import type { EventEvidence, Letter, Reason } from './types.ts'
import { committedFact, describeGroup, type Rule, reason, type View } from './view.ts'

/** For how long the committed offset has not moved, as far as is known; null when it moves. */
function unmovedMs(view: View): number | null {
  if (view.moved > 0n) return null
  return Math.max(view.observedMs, view.watched?.movedAtMs ? view.atMs - view.watched.movedAtMs : 0)
}

/** The group makes no progress in the partition, although it has a member and there are records to read. */
function standsStill(view: View): { readonly ms: number; readonly waitedMs: number | null } | null {
  const ms = unmovedMs(view)
  if (view.passed || view.committed === null || view.owner === undefined || view.group?.state !== 'Stable') return null
  if (ms === null || ms < stuckLeastObservedMs || view.committed >= view.lastStable) return null
  const waitedMs = view.record.kind === 'there' ? view.atMs - view.record.timestampMs : null
  return { ms, waitedMs }
}

const stillFacts = (view: View, ms: number): Evidence[] => [
  evidence('unmovedMs', ms, `no commit for ${span(ms)}${view.watched === null ? ', as long as was watched' : ''}`),
  committedFact(view),
  evidence('owner', view.owner!.clientId, `assigned to ${view.owner!.clientId} on ${view.owner!.host}`),
  ...(view.movedElsewhere > 0n
    ? [
        evidence(
          'movedElsewhere',
          view.movedElsewhere,
          `in other partitions it advanced by ${counted(view.movedElsewhere, 'offset')} meanwhile`,
        ),
      ]
    : []),
]

export const stuck: Rule = (view) => {
  const still = standsStill(view)
  if (still === null || view.committed === view.offset) return null
  // Too short for a slow handler to have committed: the record must have waited as well.
  if (still.ms < stuckAfterMs && (still.waitedMs ?? 0) < stuckAfterMs) return null
  return reason(
    'STUCK',
    still.ms >= stuckAfterMs ? 'certain' : 'likely',
    `${view.groupId} is stuck ${counted(view.offset - view.committed!, 'offset')} before ${view.place}, and commits nothing`,
    stillFacts(view, still.ms),
    {
      text: 'Look at the record at which it is stuck, and at the log of that member.',
      command: `selfmonitor why ${shellWord(view.topic)} ${view.partition} ${view.committed} --group ${shellWord(view.groupId)}`,
    },
  )
}

export const poison: Rule = (view) => {
  const still = standsStill(view)
  if (still === null || view.committed !== view.offset) return null
  if (still.ms < stuckAfterMs && (still.waitedMs ?? 0) < stuckAfterMs) return null
  return reason(
    'POISON',
    'likely',
    `${view.groupId} is stuck at ${view.place}: its handler hangs on it, fails on it again and again, or never commits`,
    [
      ...stillFacts(view, still.ms),
      ...(view.record.kind === 'there'
        ? [evidence('sizeBytes', view.record.sizeBytes, `the record has ${count(view.record.sizeBytes)} bytes`)]
        : []),
    ],
    {
      text: 'Look at the record and at the log of the member. If it can never be handled, save it in a dead letter topic, then move the group past it.',
      command: `selfmonitor events tail ${shellWord(view.topic)} --from ${view.offset} --limit 1`,
    },
  )
}

const letterFacts = (letter: Letter): Evidence[] => [
  evidence(
    'letter',
    letter.offset,
    `${letter.topic}[${letter.partition}]@${letter.offset}, ${new Date(letter.timestampMs).toISOString()}`,
  ),
  ...(letter.attempts === null
    ? []
    : [evidence('attempts', letter.attempts, `after ${letter.attempts} attempt${letter.attempts === '1' ? '' : 's'}`)]),
  ...(letter.error === null ? [] : [evidence('error', letter.error, letter.error)]),
  ...(letter.by === null ? [] : [evidence('by', letter.by, `put there by ${letter.by}`)]),
]

/** A letter of another group says nothing of this one. */
const isOf = ({ groupId, members }: View, { by }: Letter): boolean =>
  by === null || by === groupId || members.some(({ clientId }) => clientId === by)

export const inRetry: Rule = (view) => {
  const copy = view.letters.found.filter(({ kind }) => kind === 'retry').at(-1)
  if (copy !== undefined) {
    return reason(
      'IN_RETRY',
      isOf(view, copy) ? 'certain' : 'likely',
      `${view.place} waits in ${copy.topic} to be tried again`,
      letterFacts(copy),
      {
        text: 'It failed, and the service will retry it from that topic.',
        command: `selfmonitor events tail ${shellWord(copy.topic)} --from ${copy.offset} --limit 1`,
      },
    )
  }
  const still = standsStill(view)
  if (still === null || view.committed !== view.offset) return null
  if (still.ms >= stuckAfterMs || (still.waitedMs ?? 0) >= stuckAfterMs) return null
  return reason(
    'IN_RETRY',
    'likely',
    `${view.groupId} is at ${view.place} now: its handler is working on it, or waits before a retry`,
    stillFacts(view, still.ms),
    { text: 'Look again in a minute: a record that fails permanently becomes a dead letter.', command: null },
  )
}

export const deadLettered: Rule = (view) => {
  const letter = view.letters.found.filter(({ kind }) => kind === 'dead letter').at(-1)
  if (letter === undefined) return null
  return reason(
    'DEAD_LETTERED',
    isOf(view, letter) ? 'certain' : 'likely',
    isOf(view, letter)
      ? `${view.place} failed and was sent to ${letter.topic}`
      : `${view.place} is in ${letter.topic}, where ${letter.by} put it`,
    letterFacts(letter),
    {
      text: 'Fix the cause, then send the record again.',
      command: `selfmonitor events tail ${shellWord(letter.topic)} --from ${letter.offset} --limit 1 -o json`,
    },
  )
}

export function notYet(view: View): Reason {
  const { committed, moved, observedMs } = view
  const left = committed === null ? null : view.offset - committed + 1n
  const perSecond = observedMs > 0 ? (Number(moved) * 1000) / observedMs : 0
  const etaMs = left === null || perSecond <= 0 ? null : (Number(left) / perSecond) * 1000
  return reason(
    'NOT_YET',
    moved > 0n ? 'certain' : 'likely',
    etaMs === null
      ? `${view.groupId} has not reached ${view.place} yet`
      : `${view.groupId} will reach ${view.place} in about ${span(Math.max(1000, etaMs))}`,
    [
      committedFact(view),
      ...(left === null ? [] : [evidence('left', left, `${counted(left, 'offset')} to go`)]),
      evidence(
        'perSecond',
        perSecond,
        moved > 0n
          ? `${count(Math.max(1, Math.round(perSecond)))} a second, over ${span(observedMs)}`
          : `no commit within ${span(observedMs)}`,
      ),
      ...(etaMs === null
        ? []
        : [
            evidence(
              'etaMs',
              Math.round(etaMs),
              `caught up with it at ${new Date(view.atMs + etaMs).toISOString().slice(11, 19)} UTC`,
            ),
          ]),
    ],
    {
      text:
        moved > 0n ? 'Wait, or add members, up to the number of partitions.' : 'Look again, for longer (--watch 1m).',
      command: describeGroup(view),
    },
  )
}

export const waits: Rule = (view) => {
  if (view.passed || !view.exists || view.owner === undefined || view.committed === null) return null
  return view.moved > 0n ? notYet(view) : null
}

export const consumed: Rule = (view) =>
  !view.passed
    ? null
    : reason(
        'CONSUMED',
        'certain',
        `${view.groupId} has committed past ${view.place}`,
        [
          committedFact(view),
          evidence(
            'processed',
            null,
            'committed is not processed: a handler may have ignored it, and a group that starts at latest or is reset jumps over records',
          ),
          ...(view.letters.searched.length === 0
            ? []
            : [
                evidence(
                  'letters',
                  view.letters.found.length,
                  view.letters.found.length > 0
                    ? `see ${several(view.letters.searched)}`
                    : view.letters.problem === null
                      ? `it is not in ${several(view.letters.searched)}`
                      : `${several(view.letters.searched)} could not be searched: ${view.letters.problem.message}`,
                ),
              ]),
        ],
        {
          text: 'Look for the record’s key in the log of the service. To have it handled again, stop the group and reset it to this offset.',
          command: `selfmonitor groups reset-offsets ${shellWord(view.groupId)} --topic ${shellWord(`${view.topic}:${view.partition}`)} --to-offset ${view.offset}`,
        },
        'reset-a-groups-offsets',
      )

export function notThereYet({ topic, partition, offset, end }: EventEvidence): Reason {
  return reason(
    'NOT_THERE_YET',
    'certain',
    `there is no ${topic}[${partition}]@${offset} yet: the partition ends at ${end}`,
    [evidence('end', end, `the next record gets offset ${end}`)],
    {
      text: 'Check the offset, the partition and the cluster. If a producer was told this offset, the topic was created again or the log was cut.',
      command: `selfmonitor topics describe ${shellWord(topic)}`,
    },
  )
}

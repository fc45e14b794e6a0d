// The state of one partition that is read, and what changes it. Pure: a transition takes a state and an event and returns the
// next state with what the reader of the records has to know. Its tests are transcripts.
//
//                 sent            received
//     lost ──▶ ready ──▶ fetching ──▶ ready … ──▶ done
//       ▲                   │ refused, unreachable
//       └───────────────────┘                 ──▶ failed
import { errorCodes } from '@selfmonitor/protocol/errors'
import { backoffMs } from '../backoff.ts'
import { brokerError, ClusterError } from '../errors.ts'
import { partitionErrorKind } from '../partition-errors.ts'
import type { ReadNotice, ReadPolicy, ReadRange } from '../read-types.ts'

export type Phase =
  /** Its leader, and for `out of range` and `short` also the ends of its log, are looked up after `retryAtMs`. */
  | { readonly kind: 'lost'; readonly why: Lost; readonly retryAtMs: number }
  /** `askAtMs`: a broker whose quota is used up is not asked before. */
  | { readonly kind: 'ready'; readonly leader: number; readonly askAtMs?: number }
  | { readonly kind: 'fetching'; readonly leader: number }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly error: ClusterError }

export type Lost =
  | 'not located yet'
  | 'moved'
  | 'out of range'
  /** The log seems to end before the range does. */
  | 'short'
  /** The log lost what lies before the position: another leader took over without it (KIP-320). */
  | 'diverged'

export interface PartitionReading {
  readonly topic: string
  readonly partition: number
  /** As Kafka prints it; null until it is located. */
  readonly topicId: string | null
  /** The offset to ask for. */
  readonly next: bigint
  /** Exclusive; null to follow. */
  readonly end: bigint | null
  /** Of the leader that wrote the record before `next`, by which a broker sees that its log is another one; -1 while not known. */
  readonly leaderEpoch: number
  /** Where the partition ended at the last answer: last stable offset or high watermark; null before the first. */
  readonly limit: bigint | null
  readonly phase: Phase
  /** Failures since the last answer, and the time of the first of them in milliseconds. */
  readonly failures: number
  readonly failingSinceMs: number | null
  /** The problem, once it lasts long enough to be reported; null when there is none. */
  readonly trouble: { readonly code: string; readonly message: string } | null
}

export interface Step {
  readonly reading: PartitionReading
  readonly notices: readonly ReadNotice[]
}

/** An answer to a fetch, in which this partition has no error. */
export interface Received {
  /** Behind the last whole batch. */
  readonly next: bigint
  /** Of the last batch; -1 when there was none. */
  readonly leaderEpoch: number
  readonly highWatermark: bigint
  /** How far records are given out: the last stable offset with `read_committed`, else the high watermark. */
  readonly limit: bigint
  /**
   * There is no record between the position and the limit: a broker that has one gives it to the first partition of a request,
   * and this was the first, or none got anything. It happens where compaction has removed the end of a log.
   */
  readonly nothingThere: boolean
}

/** The current state of a partition in the cluster. */
export interface Located {
  readonly topicId: string
  /** -1 when it has none. */
  readonly leader: number
  /** The ends of its log; null where they were not asked for, or are not known. */
  readonly earliest: bigint | null
  readonly latest: bigint | null
}

export function startReading({ topic, partition, next, end, leaderEpoch = -1 }: ReadRange): PartitionReading {
  const phase: Phase =
    end !== null && next >= end ? { kind: 'done' } : { kind: 'lost', why: 'not located yet', retryAtMs: 0 }
  return {
    topic,
    partition,
    topicId: null,
    next,
    end,
    leaderEpoch,
    limit: null,
    phase,
    failures: 0,
    failingSinceMs: null,
    trouble: null,
  }
}

/** A fetch is under way. */
export function sent(reading: PartitionReading, leader: number): PartitionReading {
  return { ...reading, phase: { kind: 'fetching', leader } }
}

/** The quota of this client is used up: there is no failure, the same is asked later. @param askAtMs as `nowMs` of `refused` */
export function throttled(reading: PartitionReading, leader: number, askAtMs: number): PartitionReading {
  return { ...reading, failures: 0, failingSinceMs: null, trouble: null, phase: { kind: 'ready', leader, askAtMs } }
}

export function received(reading: PartitionReading, leader: number, answer: Received): PartitionReading {
  const { end } = reading
  // Only within a range that was there before it was asked for: where reading follows, records may have come meanwhile.
  const reached = end !== null && answer.nothingThere && answer.limit > answer.next ? answer.limit : answer.next
  const next = end !== null && reached > end ? end : reached
  const leaderEpoch = answer.leaderEpoch >= 0 ? answer.leaderEpoch : reading.leaderEpoch
  const moved = { ...reading, next, leaderEpoch, limit: answer.limit, failures: 0, failingSinceMs: null, trouble: null }
  if (end === null || answer.highWatermark > next)
    return { ...moved, phase: arrived(next, end) ?? { kind: 'ready', leader } }
  // The log ends before the range, or the leader is behind: its ends are looked up before that is believed.
  return { ...moved, phase: arrived(next, end) ?? { kind: 'lost', why: 'short', retryAtMs: 0 } }
}

function arrived(next: bigint, end: bigint | null): Phase | null {
  return end !== null && next >= end ? { kind: 'done' } : null
}

/**
 * The leader's log differs from the log that was read; the common part ends at `end`.
 */
export function diverged(reading: PartitionReading, leader: number, end: bigint, policy: ReadPolicy): Step {
  if (policy.outOfRange === 'fail') return { reading: failed(reading, outOfRange(reading)), notices: [] }
  if (policy.outOfRange === 'restart') {
    return { reading: { ...reading, phase: { kind: 'lost', why: 'diverged', retryAtMs: 0 } }, notices: [] }
  }
  const next = end < reading.next ? end : reading.next
  const notice: ReadNotice = { kind: 'cut', ...at(reading), to: next, follows: true }
  return { reading: { ...reading, next, leaderEpoch: -1, phase: { kind: 'ready', leader } }, notices: [notice] }
}

/** The broker answered with an error about the partition. @param nowMs any clock that only goes forward */
export function refused(reading: PartitionReading, code: string, policy: ReadPolicy, nowMs: number): PartitionReading {
  if (partitionErrorKind(code) === 'out of range') {
    return policy.outOfRange === 'fail'
      ? failed(reading, outOfRange(reading))
      : { ...reading, phase: { kind: 'lost', why: 'out of range', retryAtMs: 0 } }
  }
  return retried(reading, code, errorOf(reading, code), policy, nowMs)
}

/** No answer came, or none that can be read. */
export function unreachable(
  reading: PartitionReading,
  error: ClusterError,
  policy: ReadPolicy,
  nowMs: number,
): PartitionReading {
  return retried(reading, error.code, error, policy, nowMs)
}

function retried(
  reading: PartitionReading,
  code: string,
  error: ClusterError,
  policy: ReadPolicy,
  nowMs: number,
): PartitionReading {
  const kind = error.reason === 'not-allowed' ? 'denied' : partitionErrorKind(code)
  const failures = reading.failures + 1
  const failingSinceMs = reading.failingSinceMs ?? nowMs
  const patienceMs = code === 'UNKNOWN_TOPIC_OR_PARTITION' ? policy.missingMs : policy.unavailableMs
  const isFinal =
    kind === 'fatal' ||
    kind === 'damaged' ||
    (kind === 'denied' ? policy.denied === 'fail' : nowMs - failingSinceMs >= patienceMs)
  if (isFinal) return failed(reading, error)
  // A leader change is routine and reported only if it takes long.
  const trouble = kind === 'stale metadata' && failures < 5 ? reading.trouble : { code, message: error.message }
  const retryAtMs = nowMs + backoffMs(failures)
  return { ...reading, failures, failingSinceMs, trouble, phase: { kind: 'lost', why: whyLost(reading), retryAtMs } }
}

/** The look-up failed and must be repeated. */
function whyLost({ phase }: PartitionReading): Lost {
  return phase.kind === 'lost' ? phase.why : 'moved'
}

/** Which ends of the log must be looked up before `located` can decide where to continue. */
export function needsLogEnds({ phase, topicId }: PartitionReading, topicIdNow: string): boolean {
  return (
    phase.kind === 'lost' && (['out of range', 'short', 'diverged'].includes(phase.why) || isOther(topicId, topicIdNow))
  )
}

function isOther(topicId: string | null, now: string): boolean {
  return topicId !== null && topicId !== now
}

/**
 * Goes to what is left of its log: past records that were deleted, back from an end that was cut off, to the beginning of a
 * topic that was created again. A range never grows.
 */
export function located(reading: PartitionReading, found: Located, policy: ReadPolicy, nowMs: number): Step {
  if (reading.phase.kind !== 'lost') return { reading, notices: [] }
  const wanted = needsLogEnds(reading, found.topicId)
  if (found.leader < 0 || (wanted && (found.earliest === null || found.latest === null))) {
    return { reading: refused(reading, 'LEADER_NOT_AVAILABLE', policy, nowMs), notices: [] }
  }
  const { why } = reading.phase
  const ready: PartitionReading = { ...reading, topicId: found.topicId, phase: { kind: 'ready', leader: found.leader } }
  if (isOther(reading.topicId, found.topicId)) return recreated(ready, found.earliest!, policy)
  if (why === 'out of range') return outside(ready, found.earliest!, found.latest!, policy)
  if (why === 'diverged') return restarted(ready, found.earliest!, 'out of range')
  if (why === 'short') return tooShort(ready, found.latest!)
  return { reading: ready, notices: [] }
}

const at = ({ topic, partition }: PartitionReading) => ({ topic, partition })

function recreated(reading: PartitionReading, earliest: bigint, policy: ReadPolicy): Step {
  const { topic, partition, next } = reading
  if (policy.recreated === 'fail') {
    const text = `topic ${topic} was deleted and created again while partition ${partition} was read at offset ${next}`
    return {
      reading: failed(reading, new ClusterError('TOPIC_RECREATED', text, { resource: `topic ${topic}` })),
      notices: [],
    }
  }
  if (policy.recreated === 'end') {
    const notice: ReadNotice = { kind: 'ended', ...at(reading), at: next }
    return { reading: { ...reading, end: next, phase: { kind: 'done' } }, notices: [notice] }
  }
  return restarted(reading, earliest, 'recreated')
}

function restarted(reading: PartitionReading, next: bigint, why: 'recreated' | 'out of range'): Step {
  const phase = arrived(next, reading.end) ?? reading.phase
  return {
    reading: { ...reading, next, leaderEpoch: -1, limit: null, phase },
    notices: [{ kind: 'restarted', ...at(reading), why, next }],
  }
}

function outside(reading: PartitionReading, earliest: bigint, latest: bigint, policy: ReadPolicy): Step {
  const { next, end } = reading
  const isWithin = next >= earliest && next <= latest
  if (isWithin && reading.leaderEpoch < 0) return { reading, notices: [] }
  if (policy.outOfRange === 'restart') return restarted(reading, earliest, 'out of range')
  if (isWithin) {
    // Then it is the epoch that the leader does not know, not even as one of the past: its log is another one.
    const notice: ReadNotice = { kind: 'cut', ...at(reading), to: next, follows: true }
    return { reading: { ...reading, leaderEpoch: -1 }, notices: [notice] }
  }
  if (next < earliest) {
    const phase = arrived(earliest, end) ?? reading.phase
    return {
      reading: { ...reading, next: earliest, leaderEpoch: -1, phase },
      notices: [{ kind: 'deleted', ...at(reading), from: next, to: earliest }],
    }
  }
  const follows = end === null
  const notice: ReadNotice = { kind: 'cut', ...at(reading), to: latest, follows }
  return follows
    ? { reading: { ...reading, next: latest, leaderEpoch: -1 }, notices: [notice] }
    : { reading: { ...reading, end: next, phase: { kind: 'done' } }, notices: [notice] }
}

function tooShort(reading: PartitionReading, latest: bigint): Step {
  const { next, end } = reading
  if (end === null || end <= latest) return { reading, notices: [] }
  const cut = latest > next ? latest : next
  return {
    reading: { ...reading, end: cut, phase: arrived(next, cut) ?? reading.phase },
    notices: [{ kind: 'cut', ...at(reading), to: latest, follows: false }],
  }
}

/** Whether there are, or may be, more records than those read so far. */
export function mayHaveMore({ phase, next, limit }: PartitionReading): boolean {
  return phase.kind !== 'done' && phase.kind !== 'failed' && (limit === null || next < limit)
}

/** Reading of this partition has ended: it cannot continue. */
export function failed(reading: PartitionReading, error: ClusterError): PartitionReading {
  return { ...reading, phase: { kind: 'failed', error } }
}

function resourceOf({ topic, partition }: PartitionReading): string {
  return `topic ${topic} partition ${partition}`
}

function outOfRange(reading: PartitionReading): ClusterError {
  const detail = `offset ${reading.next} is not in the log any more, or not yet`
  return brokerError(errorCodes.OFFSET_OUT_OF_RANGE, resourceOf(reading), detail)
}

function errorOf(reading: PartitionReading, code: string): ClusterError {
  const number = (errorCodes as Readonly<Record<string, number | undefined>>)[code]
  return number === undefined
    ? new ClusterError(code, `${resourceOf(reading)}: ${code}`, { resource: resourceOf(reading) })
    : brokerError(number, resourceOf(reading))
}

/** The bytes at the position are not a record batch that can be read, or its records are not. */
export function damaged(
  reading: Pick<PartitionReading, 'topic' | 'partition'>,
  offset: bigint,
  reason: string,
): ClusterError {
  const { topic, partition } = reading
  return new ClusterError(
    'CORRUPT_MESSAGE',
    `topic ${topic} partition ${partition}: the batch at offset ${offset} cannot be read: ${reason}`,
    {
      resource: `topic ${topic} partition ${partition}`,
      hint: "The log is damaged at this offset: see the brokers' log, and continue after it.",
      kafkaError: { name: 'CORRUPT_MESSAGE', code: errorCodes.CORRUPT_MESSAGE },
    },
  )
}

// Incremental fetch sessions (KIP-227): a client lists once the partitions that it follows, then only what changes, and the
// answers have only the partitions that changed since the last one. Pure: no I/O, time passed in.
import { type Uuid, zeroUuid } from '@selfmonitor/protocol'

/** A client's request for one partition. */
export interface FetchedPartition {
  readonly topic: string
  readonly topicId: Uuid
  readonly partition: number
  readonly currentLeaderEpoch: number
  readonly fetchOffset: bigint
  readonly lastFetchedEpoch: number
  readonly partitionMaxBytes: number
}

/** A partition that a client no longer follows. */
export type ForgottenPartition = Pick<FetchedPartition, 'topic' | 'topicId' | 'partition'>

export interface FetchMetadata {
  readonly sessionId: number
  /** 0: open a session. -1: none (and close the one named). Else: the next request of a session. */
  readonly sessionEpoch: number
}

/** The answer about a partition, as far as it decides whether the client has to get it. */
export interface AnsweredPartition {
  readonly errorCode: number
  readonly highWatermark: bigint
  readonly logStartOffset: bigint
  readonly sizeBytes: number
  /** The answer has a diverging epoch, which the client must see. */
  readonly diverged: boolean
}

export type FetchError = 'FETCH_SESSION_ID_NOT_FOUND' | 'INVALID_FETCH_SESSION_EPOCH' | 'FETCH_SESSION_TOPIC_ID_ERROR'

/** How to answer one request. */
export interface FetchPlan {
  readonly error: undefined
  /** In the order in which to read them. */
  readonly partitions: readonly FetchedPartition[]
  /** Whether the answer about number `at` of `partitions` belongs in the response. To be called once for each. */
  include(at: number, answer: AnsweredPartition): boolean
  /** To be called when all answers are known. @returns the session id for the response; 0: no session */
  finish(nowMs: number): number
}

export interface FetchSessionOptions {
  /** `max.incremental.fetch.session.cache.slots` */
  readonly maxSessions: number
  /** A session id that may be in use. */
  randomId(): number
}

/** A session unused for this long can be evicted by any other one; Kafka's constant. */
export const evictableAfterMs = 120_000

interface Followed {
  wanted: FetchedPartition
  highWatermark: bigint
  logStartOffset: bigint
}

interface Session {
  readonly id: number
  readonly byTopicId: boolean
  readonly createdMs: number
  /** Read in this order. A partition that gave records goes to the end, so that each gets its turn. */
  readonly partitions: Map<string, Followed>
  /** The epoch that the next request must have. */
  epoch: number
  lastUsedMs: number
}

const keyOf = ({ topic, topicId, partition }: ForgottenPartition) =>
  `${topicId === zeroUuid ? topic : topicId}/${partition}`

export function createFetchSessions(options: FetchSessionOptions): FetchSessions {
  return new FetchSessions(options)
}

/** The sessions of one presented broker. */
export class FetchSessions {
  private readonly options: FetchSessionOptions
  /** In the order of last use. */
  private readonly sessions = new Map<number, Session>()

  constructor(options: FetchSessionOptions) {
    this.options = options
  }

  get size(): number {
    return this.sessions.size
  }

  /** Decides how one request is answered. */
  begin(
    { sessionId, sessionEpoch }: FetchMetadata,
    partitions: readonly FetchedPartition[],
    forgotten: readonly ForgottenPartition[],
    byTopicId: boolean,
    nowMs: number,
  ): FetchPlan | { readonly error: FetchError } {
    if (sessionEpoch === 0 || sessionEpoch === -1) {
      this.sessions.delete(sessionId)
      return sessionEpoch === 0 ? this.planFull(partitions, byTopicId) : withoutSession(partitions)
    }
    const session = this.sessions.get(sessionId)
    if (session === undefined) return { error: 'FETCH_SESSION_ID_NOT_FOUND' }
    if (session.epoch !== sessionEpoch) return { error: 'INVALID_FETCH_SESSION_EPOCH' }
    if (session.byTopicId !== byTopicId) return { error: 'FETCH_SESSION_TOPIC_ID_ERROR' }
    return this.planIncremental(session, partitions, forgotten, nowMs)
  }

  /** The first request of a session: all its partitions are answered. */
  private planFull(partitions: readonly FetchedPartition[], byTopicId: boolean): FetchPlan {
    const followed = partitions.map((wanted): Followed => ({ wanted, highWatermark: -1n, logStartOffset: -1n }))
    return {
      error: undefined,
      partitions,
      include(at, answer) {
        remember(followed[at]!, answer)
        return true
      },
      finish: (nowMs) => this.open(followed, byTopicId, nowMs),
    }
  }

  /** @returns the id of a new session; 0 if the cache is full or the request has no partitions */
  private open(followed: readonly Followed[], byTopicId: boolean, nowMs: number): number {
    if (followed.length === 0 || !this.makeRoom(followed.length, nowMs)) return 0
    let id = 0
    while (id === 0 || this.sessions.has(id)) id = this.options.randomId()
    const partitions = new Map(followed.map((one) => [keyOf(one.wanted), one]))
    this.sessions.set(id, { id, byTopicId, createdMs: nowMs, lastUsedMs: nowMs, partitions, epoch: 1 })
    return id
  }

  /** Evicts as Kafka does: a session that is idle, else a smaller one that is old enough. */
  private makeRoom(size: number, nowMs: number): boolean {
    const { sessions } = this
    if (sessions.size < this.options.maxSessions) return true
    const oldest = sessions.values().next().value
    if (oldest === undefined) return false
    if (nowMs - oldest.lastUsedMs > evictableAfterMs) return sessions.delete(oldest.id)
    let smallest: Session | undefined
    for (const session of sessions.values()) {
      if (nowMs - session.createdMs <= evictableAfterMs || session.partitions.size >= size) continue
      if (smallest === undefined || session.partitions.size < smallest.partitions.size) smallest = session
    }
    return smallest !== undefined && sessions.delete(smallest.id)
  }

  /** A later request of a session: only partitions that have changed are answered. */
  private planIncremental(
    session: Session,
    changed: readonly FetchedPartition[],
    forgotten: readonly ForgottenPartition[],
    nowMs: number,
  ): FetchPlan {
    follow(session, changed, forgotten)
    this.sessions.delete(session.id)
    if (session.partitions.size === 0) return withoutSession([])
    session.lastUsedMs = nowMs
    session.epoch = session.epoch === 0x7fffffff ? 1 : session.epoch + 1
    this.sessions.set(session.id, session)

    const followed = [...session.partitions.values()]
    return {
      error: undefined,
      partitions: followed.map(({ wanted }) => wanted),
      include: (at, answer) => includeChanged(session, followed[at]!, answer),
      finish: () => session.id,
    }
  }
}

function withoutSession(partitions: readonly FetchedPartition[]): FetchPlan {
  return { error: undefined, partitions, include: () => true, finish: () => 0 }
}

/** Changes what the session follows. */
function follow(
  { partitions }: Session,
  changed: readonly FetchedPartition[],
  forgotten: readonly ForgottenPartition[],
): void {
  for (const wanted of changed) {
    const known = partitions.get(keyOf(wanted))
    if (known === undefined) partitions.set(keyOf(wanted), { wanted, highWatermark: -1n, logStartOffset: -1n })
    else known.wanted = wanted
  }
  for (const one of forgotten) partitions.delete(keyOf(one))
}

/** @returns whether the partition's answer differs from its last one, or has records */
function includeChanged({ partitions }: Session, followed: Followed, answer: AnsweredPartition): boolean {
  const hasChanged =
    answer.sizeBytes > 0 ||
    answer.errorCode !== 0 ||
    answer.diverged ||
    answer.highWatermark !== followed.highWatermark ||
    answer.logStartOffset !== followed.logStartOffset
  remember(followed, answer)
  if (answer.sizeBytes > 0) {
    const key = keyOf(followed.wanted)
    if (partitions.delete(key)) partitions.set(key, followed)
  }
  return hasChanged
}

function remember(followed: Followed, { errorCode, highWatermark, logStartOffset }: AnsweredPartition): void {
  // After an error the client gets the next answer, whatever it is.
  followed.highWatermark = errorCode === 0 ? highWatermark : -1n
  followed.logStartOffset = logStartOffset
}

// Incremental fetch sessions (KIP-227): a client lists once the partitions that it follows, then only what changes, and the
// answers have only the partitions that changed since the last one. Pure: no I/O, time passed in.
import { type Uuid, zeroUuid } from '@selfmonitor/protocol'

/** What a client wants of one partition. */
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

export interface FetchSessions {
  begin(
    metadata: FetchMetadata,
    partitions: readonly FetchedPartition[],
    forgotten: readonly ForgottenPartition[],
    byTopicId: boolean,
    nowMs: number,
  ): FetchPlan | { readonly error: FetchError }
  readonly size: number
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

export function createFetchSessions({ maxSessions, randomId }: FetchSessionOptions): FetchSessions {
  // Insertion order is the order of last use.
  const sessions = new Map<number, Session>()

  function sessionless(partitions: readonly FetchedPartition[]): FetchPlan {
    return { error: undefined, partitions, include: () => true, finish: () => 0 }
  }

  function full(partitions: readonly FetchedPartition[], byTopicId: boolean): FetchPlan {
    const followed = partitions.map((wanted): Followed => ({ wanted, highWatermark: -1n, logStartOffset: -1n }))
    return {
      error: undefined,
      partitions,
      include(at, answer) {
        remember(followed[at]!, answer)
        return true
      },
      finish: (nowMs) => create(followed, byTopicId, nowMs),
    }
  }

  function create(followed: readonly Followed[], byTopicId: boolean, nowMs: number): number {
    if (followed.length === 0 || !makeRoom(followed.length, nowMs)) return 0
    let id = 0
    while (id === 0 || sessions.has(id)) id = randomId()
    const partitions = new Map(followed.map((one) => [keyOf(one.wanted), one]))
    sessions.set(id, { id, byTopicId, createdMs: nowMs, lastUsedMs: nowMs, partitions, epoch: 1 })
    return id
  }

  /** Evicts as Kafka does: a session that is idle, else a smaller one that is old enough. */
  function makeRoom(size: number, nowMs: number): boolean {
    if (sessions.size < maxSessions) return true
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

  function incremental(
    session: Session,
    changed: readonly FetchedPartition[],
    forgotten: readonly ForgottenPartition[],
    nowMs: number,
  ): FetchPlan {
    for (const wanted of changed) {
      const known = session.partitions.get(keyOf(wanted))
      if (known === undefined)
        session.partitions.set(keyOf(wanted), { wanted, highWatermark: -1n, logStartOffset: -1n })
      else known.wanted = wanted
    }
    for (const one of forgotten) session.partitions.delete(keyOf(one))
    sessions.delete(session.id)
    if (session.partitions.size === 0) return sessionless([])
    session.lastUsedMs = nowMs
    session.epoch = session.epoch === 0x7fffffff ? 1 : session.epoch + 1
    sessions.set(session.id, session)

    const followed = [...session.partitions.values()]
    return {
      error: undefined,
      partitions: followed.map(({ wanted }) => wanted),
      include(at, answer) {
        const one = followed[at]!
        const hasChanged =
          answer.sizeBytes > 0 ||
          answer.errorCode !== 0 ||
          answer.diverged ||
          answer.highWatermark !== one.highWatermark ||
          answer.logStartOffset !== one.logStartOffset
        remember(one, answer)
        if (answer.sizeBytes > 0) {
          const key = keyOf(one.wanted)
          if (session.partitions.delete(key)) session.partitions.set(key, one)
        }
        return hasChanged
      },
      finish: () => session.id,
    }
  }

  return {
    get size() {
      return sessions.size
    },
    begin({ sessionId, sessionEpoch }, partitions, forgotten, byTopicId, nowMs) {
      if (sessionEpoch === 0 || sessionEpoch === -1) {
        sessions.delete(sessionId)
        return sessionEpoch === 0 ? full(partitions, byTopicId) : sessionless(partitions)
      }
      const session = sessions.get(sessionId)
      if (session === undefined) return { error: 'FETCH_SESSION_ID_NOT_FOUND' }
      if (session.epoch !== sessionEpoch) return { error: 'INVALID_FETCH_SESSION_EPOCH' }
      if (session.byTopicId !== byTopicId) return { error: 'FETCH_SESSION_TOPIC_ID_ERROR' }
      return incremental(session, partitions, forgotten, nowMs)
    },
  }
}

function remember(followed: Followed, { errorCode, highWatermark, logStartOffset }: AnsweredPartition): void {
  // After an error the client gets the next answer, whatever it is.
  followed.highWatermark = errorCode === 0 ? highWatermark : -1n
  followed.logStartOffset = logStartOffset
}

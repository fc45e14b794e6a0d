import { zeroUuid } from '@selfmonitor/protocol'
import { describe, expect, it } from 'vitest'
import { createFetchSessions, evictableAfterMs, type FetchedPartition, type FetchPlan } from './sessions.ts'

const want = (topic: string, partition: number, fetchOffset = 0n): FetchedPartition => ({
  topic,
  topicId: zeroUuid,
  partition,
  currentLeaderEpoch: -1,
  fetchOffset,
  lastFetchedEpoch: -1,
  partitionMaxBytes: 1000,
})

const quiet = { errorCode: 0, highWatermark: 5n, logStartOffset: 0n, sizeBytes: 0, diverged: false }

function start(maxSessions = 10) {
  let id = 100
  return createFetchSessions({ maxSessions, randomId: () => ++id })
}

function plan(begun: ReturnType<ReturnType<typeof start>['begin']>): FetchPlan {
  if (begun.error !== undefined) throw new Error(begun.error)
  return begun
}

const names = ({ partitions }: FetchPlan) => partitions.map(({ topic, partition }) => `${topic}-${partition}`)

/** Answers every partition alike, and returns which answers go into the response. */
function answer(begun: FetchPlan, answers: Record<string, Partial<typeof quiet>> = {}): string[] {
  return names(begun).filter((name, at) => begun.include(at, { ...quiet, ...answers[name] }))
}

describe('a fetch session', () => {
  it('is opened by a full fetch; later requests name only what changes and get only what is new', () => {
    const sessions = start()
    const opening = plan(sessions.begin({ sessionId: 0, sessionEpoch: 0 }, [want('a', 0), want('a', 1)], [], false, 0))
    expect(answer(opening)).toEqual(['a-0', 'a-1'])
    const sessionId = opening.finish(0)
    expect(sessionId).toBe(101)

    const second = plan(sessions.begin({ sessionId, sessionEpoch: 1 }, [want('b', 0)], [], false, 1))
    expect(names(second)).toEqual(['a-0', 'a-1', 'b-0'])
    expect(answer(second, { 'a-0': { highWatermark: 6n } })).toEqual(['a-0', 'b-0'])
    expect(second.finish(1)).toBe(sessionId)

    const third = plan(sessions.begin({ sessionId, sessionEpoch: 2 }, [want('a', 1, 9n)], [want('b', 0)], false, 2))
    expect(names(third)).toEqual(['a-0', 'a-1'])
    expect(third.partitions[1]!.fetchOffset).toBe(9n)
    expect(answer(third, { 'a-0': { highWatermark: 6n } })).toEqual([])
  })

  it('says an error each time, and what follows it', () => {
    const sessions = start()
    const opening = plan(sessions.begin({ sessionId: 0, sessionEpoch: 0 }, [want('a', 0)], [], false, 0))
    answer(opening)
    const sessionId = opening.finish(0)
    const next = (sessionEpoch: number) => plan(sessions.begin({ sessionId, sessionEpoch }, [], [], false, 0))
    expect(answer(next(1), { 'a-0': { errorCode: 3, highWatermark: -1n } })).toEqual(['a-0'])
    expect(answer(next(2), { 'a-0': { errorCode: 3, highWatermark: -1n } })).toEqual(['a-0'])
    expect(answer(next(3))).toEqual(['a-0'])
    expect(answer(next(4))).toEqual([])
  })

  it('serves a partition that gave records after the others', () => {
    const sessions = start()
    const wanted = [want('a', 0), want('a', 1), want('a', 2)]
    const opening = plan(sessions.begin({ sessionId: 0, sessionEpoch: 0 }, wanted, [], false, 0))
    answer(opening)
    const sessionId = opening.finish(0)
    answer(plan(sessions.begin({ sessionId, sessionEpoch: 1 }, [], [], false, 0)), { 'a-0': { sizeBytes: 10 } })
    expect(names(plan(sessions.begin({ sessionId, sessionEpoch: 2 }, [], [], false, 0)))).toEqual(['a-1', 'a-2', 'a-0'])
  })

  it('is an error with a wrong id, a wrong epoch, or with names where it was opened with ids', () => {
    const sessions = start()
    const opening = plan(sessions.begin({ sessionId: 0, sessionEpoch: 0 }, [want('a', 0)], [], false, 0))
    const sessionId = opening.finish(0)
    const error = (id: number, sessionEpoch: number, byTopicId = false) =>
      sessions.begin({ sessionId: id, sessionEpoch }, [], [], byTopicId, 0).error
    expect(error(sessionId + 1, 1)).toBe('FETCH_SESSION_ID_NOT_FOUND')
    expect(error(sessionId, 2)).toBe('INVALID_FETCH_SESSION_EPOCH')
    expect(error(sessionId, 1, true)).toBe('FETCH_SESSION_TOPIC_ID_ERROR')
    expect(error(sessionId, 1)).toBeUndefined()
  })

  it('ends when the client closes it, and when it has no partitions left', () => {
    const sessions = start()
    const open = () => {
      const opening = plan(sessions.begin({ sessionId: 0, sessionEpoch: 0 }, [want('a', 0)], [], false, 0))
      return opening.finish(0)
    }
    const first = open()
    const last = plan(sessions.begin({ sessionId: first, sessionEpoch: -1 }, [want('a', 0)], [], false, 0))
    expect([names(last), last.finish(0), sessions.size]).toEqual([['a-0'], 0, 0])
    const second = open()
    const emptied = plan(sessions.begin({ sessionId: second, sessionEpoch: 1 }, [], [want('a', 0)], false, 0))
    expect([emptied.finish(0), sessions.size]).toEqual([0, 0])
  })

  it('makes room for a new one when it is idle, or small; else the new one gets none', () => {
    const sessions = start(2)
    const open = (partitions: number, nowMs: number) => {
      const wanted = Array.from({ length: partitions }, (_, partition) => want('a', partition))
      return plan(sessions.begin({ sessionId: 0, sessionEpoch: 0 }, wanted, [], false, nowMs)).finish(nowMs)
    }
    const small = open(1, 0)
    const large = open(5, 0)
    expect(open(9, evictableAfterMs)).toBe(0)
    const late = evictableAfterMs + 1
    // Both are in use: the smaller one goes, and only for a larger one.
    for (const sessionId of [small, large]) {
      plan(sessions.begin({ sessionId, sessionEpoch: 1 }, [], [], false, late))
    }
    expect(open(1, late)).toBe(0)
    expect(open(3, late)).not.toBe(0)
    expect(sessions.begin({ sessionId: small, sessionEpoch: 2 }, [], [], false, late).error).toBe(
      'FETCH_SESSION_ID_NOT_FOUND',
    )
    // Idle ones are evicted for any other.
    expect(open(1, late + evictableAfterMs + 1)).not.toBe(0)
    expect(sessions.size).toBe(2)
  })
})

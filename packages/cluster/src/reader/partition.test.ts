// Transcripts: what happens to one partition, event after event, and what is told about it.
import { describe, expect, it } from 'vitest'
import { ClusterError } from '../errors.ts'
import { finitePolicy, followingPolicy, type ReadPolicy } from '../read-types.ts'
import { noticeText } from './notice-text.ts'
import {
  diverged,
  type Located,
  located,
  mayHaveMore,
  needsLogEnds,
  type PartitionReading,
  received,
  refused,
  type Step,
  sent,
  startReading,
  throttled,
  unreachable,
} from './partition.ts'

const finite = (next: bigint, end: bigint): PartitionReading => startReading({ topic: 't', partition: 3, next, end })
const following = (next: bigint): PartitionReading => startReading({ topic: 't', partition: 3, next, end: null })
const found = (more: Partial<Located> = {}): Located => ({
  topicId: 'old',
  leader: 1,
  earliest: 0n,
  latest: 10n,
  ...more,
})
const at = (reading: PartitionReading): PartitionReading =>
  located(reading, found({ earliest: null, latest: null }), finitePolicy, 0).reading
const answer = (next: bigint, highWatermark: bigint, more: object = {}) => ({
  next,
  leaderEpoch: 0,
  highWatermark,
  limit: highWatermark,
  nothingThere: false,
  ...more,
})
const told = ({ notices }: Step): string | undefined => notices.map(noticeText)[0]
const denied = new ClusterError('AUTHENTICATION_FAILED', 'no', { reason: 'not-allowed' })
const lost = new ClusterError('CONNECTION_CLOSED', 'broker a:1 closed the connection', { reason: 'cannot-connect' })

describe('a partition that is read to an end', () => {
  it('is located, asked for, answered, and done', () => {
    const start = finite(0n, 4n)
    expect(start.phase).toEqual({ kind: 'lost', why: 'not located yet', retryAtMs: 0 })
    const ready = at(start)
    expect(ready).toMatchObject({ topicId: 'old', phase: { kind: 'ready', leader: 1 } })
    const asked = sent(ready, 1)
    expect(asked.phase).toEqual({ kind: 'fetching', leader: 1 })
    const half = received(asked, 1, answer(2n, 4n))
    expect(half).toMatchObject({ next: 2n, limit: 4n, phase: { kind: 'ready', leader: 1 } })
    expect(received(sent(half, 1), 1, answer(4n, 9n)).phase).toEqual({ kind: 'done' })
  })

  it('is asked again later while the quota of the client is used up', () => {
    const asked = sent(at(finite(0n, 4n)), 1)
    const waits = throttled({ ...asked, failures: 2, failingSinceMs: 5 }, 1, 700)
    expect(waits).toMatchObject({ next: 0n, failures: 0, failingSinceMs: null })
    expect(waits.phase).toEqual({ kind: 'ready', leader: 1, askAtMs: 700 })
  })

  it('is done at once when there is nothing to read', () => {
    expect(finite(4n, 4n).phase).toEqual({ kind: 'done' })
  })

  it('is done when compaction has removed the rest', () => {
    const asked = sent(at(finite(8n, 10n)), 1)
    expect(received(asked, 1, answer(8n, 10n, { nothingThere: true })).phase).toEqual({ kind: 'done' })
  })

  it('waits for an open transaction, which is no end', () => {
    const asked = sent(at(finite(5n, 10n)), 1)
    const waiting = received(asked, 1, answer(5n, 10n, { limit: 5n }))
    expect(waiting.phase).toEqual({ kind: 'ready', leader: 1 })
    expect(mayHaveMore(waiting)).toBe(false)
  })

  it('ends where the log ends now, when that is before its range does', () => {
    const short = received(sent(at(finite(3n, 20n)), 1), 1, answer(3n, 3n))
    expect(short.phase).toEqual({ kind: 'lost', why: 'short', retryAtMs: 0 })
    const nothing = located(short, found({ latest: 3n }), finitePolicy, 0)
    expect(nothing.reading.phase).toEqual({ kind: 'done' })
    expect(told(nothing)).toBe('t[3] was cut back to offset 3: it has no newer records.')
    const some = located(short, found({ latest: 10n }), finitePolicy, 0)
    expect(some.reading).toMatchObject({ next: 3n, end: 10n, phase: { kind: 'ready' } })
    const behind = located(short, found({ latest: 20n }), finitePolicy, 0)
    expect([behind.reading.end, told(behind)]).toEqual([20n, undefined])
  })
})

describe('a position that the log does not hold', () => {
  const outside = (reading: PartitionReading, policy: ReadPolicy): PartitionReading =>
    refused(sent(at(reading), 1), 'OFFSET_OUT_OF_RANGE', policy, 0)

  it.each([
    [
      'is moved past deleted records',
      finite(3n, 10n),
      { earliest: 7n },
      'ready',
      7n,
      /from offset 3 to 7 were deleted/,
    ],
    ['ends where all of its range is deleted', finite(3n, 5n), { earliest: 7n }, 'done', 7n, /deleted/],
    ['ends behind the end of the log', finite(15n, 20n), {}, 'done', 15n, /no newer records/],
    ['follows from the end of the log', following(15n), {}, 'ready', 10n, /reading continues from there/],
    ['stays when the log holds it after all', finite(3n, 10n), {}, 'ready', 3n, undefined],
  ] as const)('%s', (_, reading, log, kind, next, said) => {
    const away = outside(reading, finitePolicy)
    expect(needsLogEnds(away, 'old')).toBe(true)
    const step = located(away, found(log), finitePolicy, 0)
    expect(step.reading).toMatchObject({ next, phase: { kind } })
    if (said === undefined) expect(step.notices).toEqual([])
    else expect(told(step)).toMatch(said)
  })

  it('starts again from the beginning, or fails, where the policy says so', () => {
    const restart: ReadPolicy = { ...followingPolicy, outOfRange: 'restart' }
    const step = located(outside(following(15n), restart), found({ earliest: 2n }), restart, 0)
    expect(step.reading).toMatchObject({ next: 2n, phase: { kind: 'ready' } })
    expect(step.notices).toEqual([{ kind: 'restarted', topic: 't', partition: 3, why: 'out of range', next: 2n }])
    const strict = outside(following(15n), { ...followingPolicy, outOfRange: 'fail' })
    expect(strict.phase).toMatchObject({
      kind: 'failed',
      error: { code: 'OFFSET_OUT_OF_RANGE', resource: 'topic t partition 3' },
    })
  })
})

describe('a log that lost what was read, because a leader without it took over', () => {
  const asked = sent(received(sent(at(following(3n)), 1), 1, answer(9n, 9n, { leaderEpoch: 4 })), 1)

  it('is known by the epoch of what was read last', () => {
    expect(asked).toMatchObject({ next: 9n, leaderEpoch: 4 })
    const nothing = received(asked, 1, answer(9n, 9n, { leaderEpoch: -1 }))
    expect(nothing.leaderEpoch).toBe(4)
  })

  it('is read on from where the logs part', () => {
    const step = diverged(asked, 1, 6n, followingPolicy)
    expect(step.reading).toMatchObject({ next: 6n, leaderEpoch: -1, phase: { kind: 'ready', leader: 1 } })
    expect(told(step)).toBe('t[3] was cut back to offset 6: reading continues from there.')
  })

  it('is also known by an epoch that the leader does not know, which it answers as a position out of range', () => {
    const away = refused(asked, 'OFFSET_OUT_OF_RANGE', followingPolicy, 0)
    const step = located(away, found(), followingPolicy, 0)
    expect(step.reading).toMatchObject({ next: 9n, leaderEpoch: -1, phase: { kind: 'ready' } })
    expect(told(step)).toBe('t[3] was cut back to offset 9: reading continues from there.')
  })

  it('is read again from its beginning, or fails, where the policy says so', () => {
    const restart: ReadPolicy = { ...followingPolicy, outOfRange: 'restart' }
    const away = diverged(asked, 1, 6n, restart).reading
    expect([needsLogEnds(away, 'old'), away.phase]).toEqual([true, { kind: 'lost', why: 'diverged', retryAtMs: 0 }])
    const again = located(away, found({ earliest: 2n }), restart, 0)
    expect(again.reading).toMatchObject({ next: 2n, leaderEpoch: -1, phase: { kind: 'ready' } })
    expect(again.notices).toMatchObject([{ kind: 'restarted', why: 'out of range', next: 2n }])
    const strict = diverged(asked, 1, 6n, { ...followingPolicy, outOfRange: 'fail' })
    expect(strict.reading.phase).toMatchObject({ kind: 'failed', error: { code: 'OFFSET_OUT_OF_RANGE' } })
  })
})

describe('a topic that is created again', () => {
  const asked = (reading: PartitionReading, policy: ReadPolicy): PartitionReading =>
    refused(sent(at(reading), 1), 'UNKNOWN_TOPIC_ID', policy, 0)
  const other = found({ topicId: 'new' })

  it('ends a range, starts again what follows, or fails', () => {
    const ended = located(asked(finite(3n, 10n), finitePolicy), other, finitePolicy, 100)
    expect(ended.reading).toMatchObject({ end: 3n, phase: { kind: 'done' } })
    expect(told(ended)).toBe('t was deleted and created again: t[3] was read up to offset 3.')
    const again = located(asked(following(3n), followingPolicy), other, followingPolicy, 100)
    expect(again.reading).toMatchObject({ topicId: 'new', next: 0n, phase: { kind: 'ready' } })
    expect(told(again)).toMatch(/reading t\[3\] from its beginning/)
    const strict: ReadPolicy = { ...finitePolicy, recreated: 'fail' }
    expect(located(asked(finite(3n, 10n), strict), other, strict, 100).reading.phase).toMatchObject({
      kind: 'failed',
      error: { code: 'TOPIC_RECREATED' },
    })
  })

  it('is waited for while it is not there, as long as the policy says', () => {
    const first = refused(asked(finite(3n, 10n), finitePolicy), 'UNKNOWN_TOPIC_OR_PARTITION', finitePolicy, 1000)
    expect(first).toMatchObject({ failures: 2, failingSinceMs: 0, phase: { kind: 'lost', retryAtMs: 1100 } })
    const last = refused(first, 'UNKNOWN_TOPIC_OR_PARTITION', finitePolicy, finitePolicy.missingMs)
    expect(last.phase).toMatchObject({ kind: 'failed', error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } })
  })
})

describe('a partition that cannot be read', () => {
  it('is tried again after longer and longer waits, up to a second, and forgets them at the first answer', () => {
    let reading = sent(at(following(0n)), 1)
    const waits: number[] = []
    for (let now = 0; waits.length < 7; ) {
      reading = unreachable(reading, lost, followingPolicy, now)
      const { phase } = reading
      if (phase.kind !== 'lost') throw new Error(phase.kind)
      waits.push(phase.retryAtMs - now)
      now = phase.retryAtMs
    }
    expect(waits).toEqual([50, 100, 200, 400, 800, 1000, 1000])
    expect(reading.trouble).toEqual({ code: 'CONNECTION_CLOSED', message: lost.message })
    const back = received(sent(at(reading), 1), 1, answer(1n, 1n))
    expect(back).toMatchObject({ failures: 0, failingSinceMs: null, trouble: null })
  })

  it('fails when it takes longer than the policy allows', () => {
    const patient: ReadPolicy = { ...finitePolicy, unavailableMs: 1000 }
    const first = unreachable(sent(at(finite(0n, 9n)), 1), lost, patient, 500)
    expect(first.phase.kind).toBe('lost')
    expect(unreachable(first, lost, patient, 1499).phase.kind).toBe('lost')
    expect(unreachable(first, lost, patient, 1500).phase).toMatchObject({ kind: 'failed', error: lost })
  })

  it('says nothing of a leader that moves, unless it takes its time', () => {
    let reading = sent(at(following(0n)), 1)
    for (const failures of [1, 2, 3, 4]) {
      reading = refused(reading, 'NOT_LEADER_OR_FOLLOWER', followingPolicy, 0)
      expect({ failures, trouble: reading.trouble }).toEqual({ failures, trouble: null })
    }
    expect(refused(reading, 'NOT_LEADER_OR_FOLLOWER', followingPolicy, 0).trouble?.code).toBe('NOT_LEADER_OR_FOLLOWER')
  })

  it('fails at once when the account may not read it, or is tried again, with a notice, if the policy says so', () => {
    const asked = sent(at(following(0n)), 1)
    expect(refused(asked, 'TOPIC_AUTHORIZATION_FAILED', followingPolicy, 0).phase).toMatchObject({
      kind: 'failed',
      error: { code: 'TOPIC_AUTHORIZATION_FAILED', reason: 'not-allowed' },
    })
    expect(unreachable(asked, denied, followingPolicy, 0).phase.kind).toBe('failed')
    const patient: ReadPolicy = { ...followingPolicy, denied: 'retry' }
    expect(refused(asked, 'TOPIC_AUTHORIZATION_FAILED', patient, 0)).toMatchObject({
      trouble: { code: 'TOPIC_AUTHORIZATION_FAILED' },
      phase: { kind: 'lost', why: 'moved' },
    })
  })

  it('is looked up for the same reason again when the look-up fails', () => {
    const away = refused(sent(at(finite(3n, 9n)), 1), 'OFFSET_OUT_OF_RANGE', finitePolicy, 0)
    expect(unreachable(away, lost, finitePolicy, 0).phase).toMatchObject({ kind: 'lost', why: 'out of range' })
    const leaderless = located(away, found({ leader: -1 }), finitePolicy, 0)
    expect(leaderless.reading.phase).toMatchObject({ kind: 'lost', why: 'out of range', retryAtMs: 50 })
  })
})

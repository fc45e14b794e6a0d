import { expect, it } from 'vitest'
import { backedUpTopics, knownOf, problemOf, startReading } from './reading.ts'

const place = { topic: 'orders', topicId: 'id', partition: 0 }

it('ends a partition that fails right behind a gap behind the gap, so that the next run does not note it again', () => {
  const reading = startReading(place, null, { first: 100n, end: 300n, high: 300n })
  reading.gaps.push({ from: 100n, to: 200n })
  reading.ending = { kind: 'failed', problem: problemOf(place, 'LEADER_NOT_AVAILABLE', 'no leader') }
  const [topic] = backedUpTopics([reading], [], null)
  expect(topic!.partitions[0]).toMatchObject({ end: 200n, gaps: [{ from: 100n, to: 200n }], asOfMs: null })
  const next = startReading(place, knownOf(topic!.partitions[0]), { first: 200n, end: 300n, high: 300n })
  expect(next).toMatchObject({ from: 200n, gaps: [{ from: 100n, to: 200n }] })
})

it('knows nothing of a partition that no backup has read', () => {
  const kept = { ...place, known: null, problem: problemOf(place, 'X', 'why'), cutAt: null }
  const [topic] = backedUpTopics([], [kept], null)
  expect(topic!.partitions).toMatchObject([{ partition: 0, end: 0n, asOfMs: null }])
  expect(knownOf(topic!.partitions[0])).toBeNull()
})

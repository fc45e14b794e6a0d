// What replay makes of records that this broker would not write itself: transactional commits, other kinds, nonsense.
import { describe, expect, it } from 'vitest'
import { loadGroups } from './load.ts'
import { getOffset } from './offsets.ts'
import { offsetRecord } from './records.ts'
import { memoryLog } from './test-support/fixtures.ts'
import type { GroupLog, ReplayedBatch } from './types.ts'

const commit = (offset: bigint) =>
  offsetRecord('g', 'orders', 0, { offset, leaderEpoch: -1, metadata: '', commitTimestampMs: 1 })
const plain = (...records: ReplayedBatch['records']): ReplayedBatch => ({
  producerId: -1n,
  isTransactional: false,
  records,
})
const transactional = (producerId: bigint, offset: bigint): ReplayedBatch => ({
  producerId,
  isTransactional: true,
  records: [commit(offset)],
})
const marker = (producerId: bigint, control: 'commit' | 'abort'): ReplayedBatch => ({
  producerId,
  isTransactional: true,
  control,
  records: [],
})

async function load(...batches: ReplayedBatch[]) {
  const replay: GroupLog['replay'] = async (onBatch) => {
    for (const batch of batches) onBatch(0, batch)
    return []
  }
  const log: GroupLog = { ...memoryLog(), replay }
  const loaded = await loadGroups(log, 0, () => 0)
  const group = loaded.groups.get('g')
  return { ...loaded, offset: group && getOffset(group.offsets, 'orders', 0)?.offset }
}

describe('replaying', () => {
  it('counts offsets of a transaction from its commit on, in that order', async () => {
    expect((await load(transactional(1n, 5n), plain(commit(4n)), marker(1n, 'commit'))).offset).toBe(5n)
    expect((await load(transactional(1n, 5n), marker(1n, 'commit'), plain(commit(6n)))).offset).toBe(6n)
  })

  it('forgets offsets of a transaction that was aborted or never ended', async () => {
    expect((await load(plain(commit(4n)), transactional(1n, 5n), marker(1n, 'abort'))).offset).toBe(4n)
    expect((await load(transactional(1n, 5n), transactional(2n, 7n), marker(2n, 'commit'))).offset).toBe(7n)
    expect((await load(transactional(1n, 5n))).ignored).toBe(1)
  })

  it('skips records of newer group protocols, and reports undecodable bytes', async () => {
    const consumerGroup = { key: Buffer.from([0, 3, 0, 1, 103]), value: Buffer.from([0, 0]) }
    const cutOff = { key: Buffer.from([0, 1, 0, 9, 103]), value: null }
    const loaded = await load(plain(consumerGroup, cutOff, { key: null, value: null }, commit(4n)))
    expect(loaded.offset).toBe(4n)
    expect(loaded.ignored).toBe(1)
    expect(loaded.unreadable).toEqual([expect.stringContaining('partition 0: '), 'partition 0: a record without a key'])
  })
})

import { encodeBatch, readBatchHeader } from '@selfmonitor/protocol/records'
import { describe, expect, it } from 'vitest'
import {
  type Behind,
  moveWindow,
  noteBatch,
  type SeenTransactions,
  straddling,
  transactionWindow,
} from './transactions.ts'

interface Written {
  readonly topic: string
  readonly offset: bigint
  readonly producer: bigint
  readonly epoch: number
  readonly atMs: number
  readonly commits?: true
}

/** Data or a marker, as a partition's log has them. */
function batchOf({ offset, producer, epoch, atMs, commits }: Written): Buffer {
  return encodeBatch([{ key: Buffer.from('00000001', 'hex'), value: Buffer.alloc(6), timestamp: BigInt(atMs) }], {
    baseOffset: offset,
    producerId: producer,
    producerEpoch: epoch,
    isTransactional: true,
    isControl: commits === true,
  })
}

function seenOf(batches: readonly Written[]): SeenTransactions {
  const seen: SeenTransactions = new Map()
  for (const one of batches) {
    const bytes = batchOf(one)
    noteBatch(seen, one.topic, 0, { header: readBatchHeader(bytes), bytes }, 0)
  }
  return seen
}

const data = (topic: string, offset: bigint, epoch: number, atMs: number): Written => ({
  topic,
  offset,
  producer: 7n,
  epoch,
  atMs,
})
const commit = (topic: string, offset: bigint, epoch: number, atMs: number): Written => ({
  ...data(topic, offset, epoch, atMs),
  commits: true,
})
const behind = (producerEpoch: number, timestampMs: number): Behind => ({ producerId: 7n, producerEpoch, timestampMs })

describe('transactions that straddle the end of a backup', () => {
  it('are none when nothing of them lies behind an end', () => {
    const seen = seenOf([data('a', 0n, 3, 100), commit('a', 1n, 4, 200)])
    expect(straddling(seen, [], [])).toEqual([])
    expect(straddling(seen, [behind(5, 300)], [])).toEqual([])
  })

  it('are known by their epoch with transactions of version 2', () => {
    const seen = seenOf([
      data('a', 0n, 3, 100),
      commit('a', 1n, 4, 200),
      data('a', 2n, 4, 300),
      data('a', 3n, 4, 310),
      commit('a', 4n, 5, 400),
    ])
    expect(straddling(seen, [behind(4, 999)], [])).toEqual([
      {
        ...{ topic: 'a', partition: 0, producerId: 7n, producerEpoch: 4, from: 2n, next: 4n },
        ...{ committedMs: 400, hasOwnEpoch: true },
      },
    ])
  })

  it('are told from the next transaction by the time of the commit where the epoch stays', () => {
    const seen = seenOf([data('a', 0n, 3, 100), commit('a', 1n, 3, 200)])
    expect(straddling(seen, [behind(3, 150)], [])).toHaveLength(1)
    // A later transaction of the same producer.
    expect(straddling(seen, [behind(3, 250)], [])).toEqual([])
    // Both are behind the end: the older record counts.
    expect(straddling(seen, [behind(3, 250), behind(3, 150)], [])).toHaveLength(1)
  })

  it('are known before their own marker has come', () => {
    expect(straddling(seenOf([data('a', 0n, 3, 100)]), [behind(3, 500)], [])).toHaveLength(1)
  })

  it('stay so from one backup to the next, as long as a part is behind an end', () => {
    const before = [
      {
        ...{ topic: 'a', partition: 0, producerId: 7n, producerEpoch: 3, from: 0n, next: 1n },
        ...{ committedMs: 200, hasOwnEpoch: false },
      },
    ]
    expect(straddling(new Map(), [behind(3, 100)], before)).toEqual(before)
    expect(straddling(new Map(), [], before)).toEqual([])
  })

  it('are all that a producer has committed while another transaction held back an end', () => {
    const seen = seenOf(
      [1, 2, 3].flatMap((at) => [
        data('a', BigInt(2 * at), 3, 100 * at),
        commit('a', BigInt(2 * at + 1), 3, 100 * at + 50),
      ]),
    )
    expect(straddling(seen, [behind(3, 110)], []).map(({ from }) => from)).toEqual([2n, 4n, 6n])
  })

  it('end with their own records behind an end, not with those of later ones', () => {
    const [first] = straddling(seenOf([data('a', 0n, 3, 100), commit('a', 1n, 3, 200)]), [behind(3, 150)], [])
    expect(straddling(new Map(), [behind(3, 900)], [first!])).toEqual([])
  })

  it('are not looked for among those that were committed long before', () => {
    const seen: SeenTransactions = new Map()
    for (const one of [data('a', 0n, 3, 100), commit('a', 1n, 3, 200)]) {
      const bytes = batchOf(one)
      noteBatch(seen, 'a', 0, { header: readBatchHeader(bytes), bytes }, 1_000)
    }
    expect(seen.size).toBe(0)
  })
})

describe('a transaction that straddled the end of the backup before', () => {
  const before = straddling(seenOf([data('a', 0n, 3, 100), commit('a', 1n, 4, 200)]), [behind(3, 150)], [], {
    cutAtMs: 1_000,
    oldestEndMs: Number.POSITIVE_INFINITY,
  })
  const none: SeenTransactions = new Map()
  const next = (cutAtMs: number, oldestEndMs: number, more: readonly Behind[] = []) =>
    straddling(none, more, before, { cutAtMs, oldestEndMs }).map(({ foundMs }) => foundMs)

  it('stays out while a partition has its end of then, and comes in when all were read since', () => {
    expect(before.map(({ foundMs }) => foundMs)).toEqual([1_000])
    expect(next(2_000, 1_000)).toEqual([1_000])
    expect(next(3_000, 2_000)).toEqual([])
    expect(next(3_000, Number.POSITIVE_INFINITY)).toEqual([])
    expect(next(4_000, Number.POSITIVE_INFINITY, [behind(3, 150)])).toEqual([4_000])
  })
})

describe('how far back transactions are kept', () => {
  const minute = 60_000
  const read = (latestMs: number, batches: readonly Written[]): SeenTransactions => {
    const seen: SeenTransactions = new Map()
    const window = transactionWindow(latestMs)
    for (const one of batches) {
      const bytes = batchOf(one)
      const batch = { header: readBatchHeader(bytes), bytes }
      moveWindow(window, seen, batch)
      noteBatch(seen, one.topic, 0, batch, window.sinceMs)
    }
    return seen
  }
  const old = [data('a', 0n, 3, 0), commit('a', 1n, 4, minute)]
  const young = [data('b', 0n, 9, 100 * minute), commit('b', 1n, 10, 101 * minute)]

  it('is measured by the clock of the markers: that of this machine may run ahead', () => {
    const kept = [...read(10_000 * minute, [...old, ...young]).values()].flat()
    expect(kept.map(({ topic }) => topic)).toEqual(['b'])
    expect([...read(10_000 * minute, old).values()].flat()).toHaveLength(1)
  })

  it('does not follow a marker from the future', () => {
    const kept = [...read(minute, [...young, ...old]).values()].flat()
    expect(kept.map(({ topic }) => topic).sort()).toEqual(['a', 'b'])
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { computeResets, type PartitionState } from './reset.ts'

const orders = (over: Partial<PartitionState> = {}): PartitionState => ({
  topic: 'orders',
  partition: 0,
  committed: 50n,
  logStart: 10n,
  logEnd: 100n,
  ...over,
})

describe('offset reset', () => {
  it('earliest goes to the log start, not to 0', () => {
    expect(computeResets([orders()], { kind: 'earliest' })).toEqual([
      { topic: 'orders', partition: 0, from: 50n, to: 10n, clamped: false },
    ])
  })

  it('latest goes to the log end', () => {
    expect(computeResets([orders()], { kind: 'latest' })[0]).toMatchObject({ to: 100n, clamped: false })
  })

  it('current keeps the committed offset, even one outside the log, and takes the log end where there is none', () => {
    expect(computeResets([orders({ committed: 5n })], { kind: 'current' })[0]).toMatchObject({ to: 5n, clamped: false })
    expect(computeResets([orders({ committed: null })], { kind: 'current' })[0]).toMatchObject({ from: null, to: 100n })
  })

  it('an offset inside the log is taken as it is; one outside is moved to the nearest end and marked', () => {
    const to = (offset: bigint) => computeResets([orders()], { kind: 'offset', offset })[0]
    expect(to(42n)).toMatchObject({ to: 42n, clamped: false })
    expect(to(0n)).toMatchObject({ to: 10n, clamped: true })
    expect(to(101n)).toMatchObject({ to: 100n, clamped: true })
    expect(to(100n)).toMatchObject({ to: 100n, clamped: false })
  })

  it('shift-by moves forward and back from the committed offset, within the log', () => {
    const by = (n: bigint) => computeResets([orders()], { kind: 'shift-by', by: n })[0]
    expect(by(7n)).toMatchObject({ from: 50n, to: 57n, clamped: false })
    expect(by(-20n)).toMatchObject({ to: 30n, clamped: false })
    expect(by(-1000n)).toMatchObject({ to: 10n, clamped: true })
  })

  it('shift-by without a committed offset is refused and names the partition', () => {
    expect(() => computeResets([orders({ committed: null })], { kind: 'shift-by', by: 1n })).toThrow(
      /Cannot shift orders-0: the group has no committed offset/,
    )
  })

  it('a time or a duration takes the first record at or after it, and the log end where there is none', () => {
    const at = { kind: 'datetime', timestampMs: 1 } as const
    expect(computeResets([orders({ atTime: 33n })], at)[0]).toMatchObject({ to: 33n })
    expect(computeResets([orders({ atTime: null })], at)[0]).toMatchObject({ to: 100n })
    expect(computeResets([orders({ atTime: 33n })], { kind: 'duration', ms: 1 })[0]).toMatchObject({ to: 33n })
  })

  it('from-group copies what the other group committed and leaves out what it did not read', () => {
    const rows = computeResets([orders({ other: 77n }), orders({ partition: 1, other: null })], {
      kind: 'from-group',
      groupId: 'other',
    })
    expect(rows).toEqual([{ topic: 'orders', partition: 0, from: 50n, to: 77n, clamped: false }])
  })

  it('from-file sets the partitions that the file names, clamped, and leaves the others', () => {
    const rows = computeResets([orders(), orders({ partition: 1 }), orders({ partition: 2 })], {
      kind: 'from-file',
      offsets: [
        { topic: 'orders', partition: 1, offset: 20n },
        { topic: 'orders', partition: 0, offset: 500n },
      ],
    })
    expect(rows).toEqual([
      { topic: 'orders', partition: 0, from: 50n, to: 100n, clamped: true },
      { topic: 'orders', partition: 1, from: 50n, to: 20n, clamped: false },
    ])
  })

  it('from-file is refused when it names a partition twice or one that is not to be reset', () => {
    const row = { topic: 'orders', partition: 0, offset: 20n }
    expect(() => computeResets([orders()], { kind: 'from-file', offsets: [row, row] })).toThrow(/orders-0 twice/)
    expect(() => computeResets([orders()], { kind: 'from-file', offsets: [{ ...row, partition: 9 }] })).toThrow(
      /orders-9, which is not among/,
    )
  })

  it('rows come by topic and partition, whatever the order asked for', () => {
    const rows = computeResets(
      [orders({ partition: 10 }), orders({ partition: 2 }), orders({ topic: 'accounts', partition: 5 })],
      { kind: 'earliest' },
    )
    expect(rows.map((row) => `${row.topic}-${row.partition}`)).toEqual(['accounts-5', 'orders-2', 'orders-10'])
  })

  it('no strategy but current ever leaves the log', () => {
    fc.assert(
      fc.property(
        fc.record({
          start: fc.bigInt(0n, 100n),
          size: fc.bigInt(0n, 100n),
          committed: fc.bigInt(0n, 300n),
          n: fc.bigInt(-300n, 300n),
        }),
        ({ start, size, committed, n }) => {
          const state = orders({ logStart: start, logEnd: start + size, committed, other: committed, atTime: null })
          for (const strategy of [
            { kind: 'earliest' },
            { kind: 'latest' },
            { kind: 'offset', offset: n },
            { kind: 'shift-by', by: n },
            { kind: 'from-group', groupId: 'g' },
            { kind: 'datetime', timestampMs: 0 },
          ] as const) {
            const [row] = computeResets([state], strategy)
            expect(row!.to >= state.logStart && row!.to <= state.logEnd).toBe(true)
          }
        },
      ),
    )
  })
})

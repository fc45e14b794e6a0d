import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ReadRecord } from '../read-types.ts'
import { takeInOrder, type Waiting, waiting } from './in-order.ts'

const record = (partition: number, offset: number, timestampMs: number): ReadRecord => ({
  topic: 't',
  partition,
  offset: BigInt(offset),
  timestampMs,
  key: null,
  value: null,
  headers: [],
})

function source(partition: number, times: readonly number[], hasMore: boolean): [string, Waiting] {
  const records = times.map((time, offset) => record(partition, offset, time))
  const position = { topic: 't', partition, next: BigInt(times.length), limit: 100n }
  return [String(partition), waiting(records, position, Number.NEGATIVE_INFINITY, hasMore)]
}

const places = (records: readonly ReadRecord[]): string[] =>
  records.map(({ partition, offset, timestampMs }) => `${partition}@${offset} ${timestampMs}`)

describe('merging partitions by time', () => {
  it('gives out what no later record of another partition can come before', () => {
    const { records, positions, left } = takeInOrder(new Map([source(0, [1, 4, 9], true), source(1, [2, 3, 5], true)]))
    expect(places(records)).toEqual(['0@0 1', '1@0 2', '1@1 3', '0@1 4', '1@2 5'])
    expect(positions.map(({ partition, next }) => [partition, next])).toEqual([
      [0, 2n],
      [1, 3n],
    ])
    expect([...left.keys()]).toEqual(['0'])
  })

  it('is not held up by a partition that is caught up', () => {
    const { records, left } = takeInOrder(new Map([source(0, [1, 9], true), source(1, [2], false)]))
    expect(places(records)).toEqual(['0@0 1', '1@0 2', '0@1 9'])
    expect(left.size).toBe(0)
  })

  it('keeps the order of offsets where timestamps go back', () => {
    const { records } = takeInOrder(new Map([source(0, [5, 1, 6], false), source(1, [2, 3, 4], false)]))
    expect(places(records)).toEqual(['1@0 2', '1@1 3', '1@2 4', '0@0 5', '0@1 1', '0@2 6'])
  })

  it('always empties a partition, loses nothing, and gives everything in order, whatever the sizes of the parts are', () => {
    const partition = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(fc.array(partition, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 7 }), (all, size) => {
        const sorted = all.map((times) => times.toSorted((a, b) => a - b))
        const given: ReadRecord[] = []
        const rest = sorted.map(() => 0)
        let held: ReadonlyMap<string, Waiting> = new Map()
        for (let rounds = 0; rounds < 1000; rounds++) {
          const next = new Map(held)
          for (const [index, times] of sorted.entries()) {
            const from = rest[index]!
            if (next.has(String(index)) || from === times.length) continue
            const part = times.slice(from, from + size)
            rest[index] = from + part.length
            const records = part.map((time, at) => record(index, from + at, time))
            const position = { topic: 't', partition: index, next: BigInt(rest[index]!), limit: 100n }
            next.set(String(index), waiting(records, position, Number.NEGATIVE_INFINITY, rest[index]! < times.length))
          }
          if (next.size === 0) break
          const taken = takeInOrder(next)
          expect(taken.left.size).toBeLessThan(next.size)
          given.push(...taken.records)
          held = taken.left
        }
        expect(given.map(({ timestampMs }) => timestampMs)).toEqual(sorted.flat().sort((a, b) => a - b))
      }),
    )
  })
})

import { describe, expect, it } from 'vitest'
import { indexed, PartitionMap } from './partition-map.ts'

describe('PartitionMap', () => {
  it('finds values by topic and partition', () => {
    const map = PartitionMap.of([
      { topic: 'a', partition: 1, end: 10n },
      { topic: 'a', partition: 11, end: 20n },
      { topic: 'b', partition: 1, end: 30n },
    ])
    expect(map.get('a', 11)?.end).toBe(20n)
    expect(map.get('b', 1)?.end).toBe(30n)
    expect(map.get('b', 11)).toBeUndefined()
    expect(map.get('c', 1)).toBeUndefined()
    expect(['a', 'c'].map((topic) => map.hasTopic(topic))).toEqual([true, false])
  })

  it('is made once of a list, for all that look into it', () => {
    const list = [{ topic: 'a', partition: 1, end: 10n }]
    expect(indexed(list).get('a', 1)).toBe(list[0])
    expect(indexed(list)).toBe(indexed(list))
    expect(indexed([...list])).not.toBe(indexed(list))
  })

  it('has a partition whose value is undefined, and gives the last value that was set', () => {
    const map = new PartitionMap<number | undefined>()
    map.set('a', 0, 1)
    map.set('a', 0, undefined)
    expect(map.has('a', 0)).toBe(true)
    expect(map.get('a', 0)).toBeUndefined()
    expect(map.has('a', 1)).toBe(false)
  })
})

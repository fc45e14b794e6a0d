import { describe, expect, it } from 'vitest'
import { murmur2, partitionForKey } from './murmur2.ts'

describe('the partitioner', () => {
  it.each([
    // From Apache Kafka's UtilsTest.testMurmur2.
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('hashes %j as Java does', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash)
  })

  it('makes a negative hash positive as Java does, by dropping the sign bit', () => {
    expect(partitionForKey(Buffer.from('foobar'), 12)).toBe((-790332482 & 0x7fffffff) % 12)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { javaMurmur2 } from '../testing/java-vectors.ts'
import { murmur2, partitionForKey } from './index.ts'

describe('the partitioner', () => {
  it.each(javaMurmur2)('hashes %j as the Java client does', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash)
  })

  it('masks the sign of the hash instead of taking its absolute value', () => {
    // murmur2('21') is -973932308.
    expect(partitionForKey(Buffer.from('21'), 1000)).toBe((-973932308 & 0x7fffffff) % 1000)
    expect(partitionForKey(Buffer.from('21'), 1000)).not.toBe(973932308 % 1000)
  })

  it('gives every key one of the partitions', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: 1, max: 10_000 }), (key, partitions) => {
        const partition = partitionForKey(key, partitions)
        expect(partition).toBeGreaterThanOrEqual(0)
        expect(partition).toBeLessThan(partitions)
      }),
    )
  })

  it('refuses a topic without partitions', () => {
    expect(() => partitionForKey(Buffer.from('k'), 0)).toThrow(RangeError)
  })
})

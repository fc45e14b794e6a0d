// Which partition a key belongs to, exactly as Kafka's own producers decide it.

/**
 * MurmurHash 2, 32 bits, with Kafka's seed. A signed int32, as in Java.
 * Source: `org.apache.kafka.common.utils.Utils.murmur2`.
 * @param length how many bytes of `data` count: a caller may use one buffer for many keys
 */
export function murmur2(data: Uint8Array, length = data.length): number {
  const m = 0x5bd1e995
  let h = 0x9747b28c ^ length
  const whole = length - (length % 4)
  for (let i = 0; i < whole; i += 4) {
    let k = data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    k = Math.imul(k, m)
    h = Math.imul(h, m) ^ k
  }
  switch (length - whole) {
    case 3:
      h ^= (data[whole + 2]! << 16) | (data[whole + 1]! << 8) | data[whole]!
      h = Math.imul(h, m)
      break
    case 2:
      h ^= (data[whole + 1]! << 8) | data[whole]!
      h = Math.imul(h, m)
      break
    case 1:
      h = Math.imul(h ^ data[whole]!, m)
      break
  }
  h ^= h >>> 13
  h = Math.imul(h, m)
  return h ^ (h >>> 15)
}

/**
 * The partition of a key.
 * @param partitions how many the topic has, at least 1
 * @param length how many bytes of `key` count
 * @throws RangeError when there are none
 */
export function partitionForKey(key: Uint8Array, partitions: number, length = key.length): number {
  if (!Number.isInteger(partitions) || partitions < 1)
    throw new RangeError(`a topic cannot have ${partitions} partitions`)
  // Kafka's toPositive masks the sign; it is not the absolute value.
  return (murmur2(key, length) & 0x7fffffff) % partitions
}

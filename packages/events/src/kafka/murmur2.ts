// Kafka's default partitioner for records with a key, so that services in Java, Go or Python agree on the partition.

const seed = 0x9747b28c
const m = 0x5bd1e995

/** murmur2 as in Kafka's `Utils.murmur2`: a signed 32-bit hash of the key's bytes. */
export function murmur2(data: Uint8Array, length = data.length): number {
  let h = seed ^ length
  let i = 0
  for (; i + 4 <= length; i += 4) {
    let k = data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    k = Math.imul(k, m)
    h = Math.imul(h, m) ^ k
  }
  const rest = length - i
  if (rest >= 3) h ^= data[i + 2]! << 16
  if (rest >= 2) h ^= data[i + 1]! << 8
  if (rest >= 1) h = Math.imul(h ^ data[i]!, m)
  h ^= h >>> 13
  h = Math.imul(h, m)
  return h ^ (h >>> 15)
}

/** The partition of a key: `toPositive(murmur2(key)) % partitions`, as Kafka's `BuiltInPartitioner.partitionForKey`. */
export function partitionForKey(key: Uint8Array, partitions: number, length = key.length): number {
  return (murmur2(key, length) & 0x7fffffff) % partitions
}

// Splits large requests into smaller ones and sends a few at a time.

/** Groups items by a key, in the order of first appearance. */
export function groupBy<T, K>(items: readonly T[], key: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const k = key(item)
    const group = groups.get(k)
    if (group === undefined) {
      groups.set(k, [item])
    } else {
      group.push(item)
    }
  }
  return groups
}

export function chunks<T>(items: readonly T[], size: number): T[][] {
  const parts: T[][] = []
  for (let start = 0; start < items.length; start += size) {
    parts.push(items.slice(start, start + size))
  }
  return parts
}

/** Runs `work` over the items, at most `concurrency` at a time; results in the items' order. The first error ends it. */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length)
  let next = 0
  let failed = false
  async function worker(): Promise<void> {
    while (next < items.length && !failed) {
      const index = next++
      try {
        results[index] = await work(items[index]!)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker))
  return results
}

/** `[{topic, partition, …}]` as Kafka wants it: partitions under their topic. */
export function byTopic<T extends { readonly topic: string }, P>(
  items: readonly T[],
  partition: (item: T) => P,
): { name: string; partitions: P[] }[] {
  return [...groupBy(items, (i) => i.topic)].map(([name, group]) => ({ name, partitions: group.map(partition) }))
}

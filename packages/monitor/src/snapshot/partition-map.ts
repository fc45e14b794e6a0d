// Values by topic and partition. A key of both would be a string to build and to hash for each look-up, and a snapshot of a large
// cluster is looked into some hundred thousand times.

export interface ReadonlyPartitionMap<T> {
  get(topic: string, partition: number): T | undefined
  has(topic: string, partition: number): boolean
}

type Entry = { readonly topic: string; readonly partition: number }

const indexes = new WeakMap<readonly Entry[], PartitionMap<Entry>>()

/** `PartitionMap.of` for a list that never changes, made once: several parts of a collection and the metrics look into the same offsets. */
export function indexed<E extends Entry>(entries: readonly E[]): ReadonlyPartitionMap<E> {
  let index = indexes.get(entries)
  if (index === undefined) {
    index = PartitionMap.of(entries)
    indexes.set(entries, index)
  }
  return index as PartitionMap<E>
}

export class PartitionMap<T> implements ReadonlyPartitionMap<T> {
  readonly #topics = new Map<string, Map<number, T>>()

  /** Of two entries of one partition the later counts. */
  static of<E extends Entry>(entries: Iterable<E>): PartitionMap<E> {
    const map = new PartitionMap<E>()
    for (const entry of entries) map.set(entry.topic, entry.partition, entry)
    return map
  }

  get(topic: string, partition: number): T | undefined {
    return this.#topics.get(topic)?.get(partition)
  }

  has(topic: string, partition: number): boolean {
    return this.#topics.get(topic)?.has(partition) ?? false
  }

  hasTopic(topic: string): boolean {
    return this.#topics.has(topic)
  }

  set(topic: string, partition: number, value: T): void {
    const partitions = this.#topics.get(topic)
    if (partitions === undefined) this.#topics.set(topic, new Map([[partition, value]]))
    else partitions.set(partition, value)
  }
}

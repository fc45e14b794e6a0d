// Reads dead letters.
import type { Cluster, ReadRange, ReadRecord, TopicInfo } from '@selfmonitor/cluster'
import { type LetterFacts, letterFacts } from '../dead-letters/index.ts'

/** A dead letter and what its headers tell. */
export interface Letter {
  /** Views of the answer that it came in: copy them to keep the letter. */
  readonly record: ReadRecord
  readonly facts: LetterFacts
}

/** Every letter that is in the topic now: from the beginning to the end of each partition, transactions that are open left out. */
export async function letterRanges(cluster: Cluster, topic: TopicInfo): Promise<ReadRange[]> {
  const places = topic.partitions.map(({ partition }) => ({ topic: topic.name, partition }))
  const [starts, ends] = await Promise.all([
    cluster.listOffsets(places, 'earliest'),
    cluster.listOffsets(places, 'latest', { isolation: 'read_committed' }),
  ])
  return places.map((place, at) => ({ ...place, next: starts[at]?.offset ?? 0n, end: ends[at]?.offset ?? 0n }))
}

/** In runs, as they come; those of a partition in their order. */
export async function* readLetters(
  cluster: Cluster,
  ranges: readonly ReadRange[],
  signal?: AbortSignal,
): AsyncGenerator<Letter[], void, undefined> {
  const options = { isolation: 'read_committed', ...(signal === undefined ? {} : { signal }) } as const
  for await (const event of cluster.read(ranges, options)) {
    if (event.kind !== 'records' || event.records.length === 0) continue
    yield event.records.map((record) => ({ record, facts: letterFacts(record) }))
  }
}

/** One letter; undefined when there is none at its place. */
export async function readLetter(
  cluster: Cluster,
  topic: string,
  partition: number,
  offset: bigint,
): Promise<Letter | undefined> {
  for await (const letters of readLetters(cluster, [{ topic, partition, next: offset, end: offset + 1n }])) {
    return letters[0]
  }
  return undefined
}

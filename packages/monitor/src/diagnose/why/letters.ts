// Topics for retries and dead letters of a topic, and the copies of a record in them.
import type { Cluster, ReadRecord } from '@selfmonitor/cluster'
import { deadLetterTopic, letterFacts } from '@selfmonitor/events/dead-letters'
import type { EventEvidence, Letter } from './types.ts'

/** More letters than these are not looked through; the newest are. */
const mostLetters = 100_000n

const retryName = /[._-]retry([._-]?\w+)*$/i
const deadName = /[._-](dlq|dlt|dead[._-]?letters?)$/i

/** What a topic is for, by its name; null for one that has nothing to do with `topic`. */
export function letterKind(name: string, topic: string): Letter['kind'] | null {
  if (name === deadLetterTopic(topic)) return 'dead letter'
  if (!name.startsWith(topic)) return /^dlq[._-]/i.test(name) && name.endsWith(topic) ? 'dead letter' : null
  const rest = name.slice(topic.length)
  if (deadName.test(rest)) return 'dead letter'
  return retryName.test(rest) ? 'retry' : null
}

/** Where a record came from, if its headers say that it is a copy. */
export function originOf(record: Pick<ReadRecord, 'headers'>): {
  topic: string
  partition: number
  offset: bigint
  letter: Pick<Letter, 'convention' | 'attempts' | 'error' | 'by'>
} | null {
  const { convention, origin, attempts, errorClass, errorMessage, by } = letterFacts({ ...record, timestampMs: -1 })
  if (convention === null || origin === null || origin.partition === null || origin.offset === null) return null
  const error = [errorClass, errorMessage].filter((part) => part !== null && part !== '')
  return {
    topic: origin.topic,
    partition: origin.partition,
    offset: origin.offset,
    letter: {
      convention,
      attempts: attempts === null ? null : String(attempts),
      error: error.length === 0 ? null : error.join(': '),
      by,
    },
  }
}

/**
 * Looks for copies of a record, from the record's own time on.
 * @param sinceMs the record's time; null looks through the newest letters
 */
export async function findLetters(
  cluster: Cluster,
  at: { readonly topic: string; readonly partition: number; readonly offset: bigint },
  sinceMs: number | null,
): Promise<EventEvidence['letters']> {
  const topics = (await cluster.listTopics()).flatMap((topic) => {
    const kind = letterKind(topic.name, at.topic)
    return kind === null ? [] : [{ topic, kind }]
  })
  const searched = topics.map(({ topic }) => topic.name)
  const found: Letter[] = []
  try {
    for (const { topic, kind } of topics) {
      const places = topic.partitions.map(({ partition }) => ({ topic: topic.name, partition }))
      const [ends, starts] = await Promise.all([
        cluster.listOffsets(places, 'latest'),
        cluster.listOffsets(places, sinceMs === null ? 'earliest' : Math.max(0, sinceMs)),
      ])
      const ranges = places.map((place, index) => {
        const end = ends[index]!.offset ?? 0n
        const first = starts[index]!.offset ?? end
        return { ...place, next: end - first > mostLetters ? end - mostLetters : first, end }
      })
      for await (const event of cluster.read(ranges, { isolation: 'read_committed' })) {
        if (event.kind !== 'records') continue
        for (const record of event.records) {
          const origin = originOf(record)
          if (origin?.topic !== at.topic || origin.partition !== at.partition || origin.offset !== at.offset) continue
          const { partition, offset, timestampMs } = record
          found.push({ kind, topic: topic.name, partition, offset, timestampMs, ...origin.letter })
        }
      }
    }
    return { found, searched, problem: null }
  } catch (error) {
    const { code = 'UNEXPECTED', message = String(error) } = error as { code?: string; message?: string }
    return { found, searched, problem: { code, message } }
  }
}

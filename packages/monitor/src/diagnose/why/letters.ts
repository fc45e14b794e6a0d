// Topics for retries and dead letters, and how their records say where they came from: one row for each convention.
import type { Cluster, ReadRecord } from '@selfmonitor/cluster'
import { deadLetterHeaders, deadLetterTopic } from '@selfmonitor/events/dead-letters'
import type { EventEvidence, Letter } from './types.ts'

interface Convention {
  readonly name: string
  readonly headers: {
    readonly topic: string
    readonly partition: string
    readonly offset: string
    readonly attempts?: string
    readonly error: readonly string[]
    readonly by?: string
  }
  /** How numbers are written. */
  readonly numbers: 'text' | 'big-endian'
}

const conventions: readonly Convention[] = [
  {
    name: 'selfmonitor',
    headers: {
      ...deadLetterHeaders,
      error: [deadLetterHeaders.errorClass, deadLetterHeaders.errorMessage],
      by: deadLetterHeaders.service,
    },
    numbers: 'text',
  },
  {
    // https://docs.spring.io/spring-kafka/reference/retrytopic.html, KafkaHeaders.DLT_*
    name: 'spring',
    headers: {
      topic: 'kafka_dlt-original-topic',
      partition: 'kafka_dlt-original-partition',
      offset: 'kafka_dlt-original-offset',
      error: ['kafka_dlt-exception-fqcn', 'kafka_dlt-exception-message'],
      by: 'kafka_dlt-original-consumer-group',
    },
    numbers: 'big-endian',
  },
  {
    name: 'spring',
    headers: {
      topic: 'kafka_original-topic',
      partition: 'kafka_original-partition',
      offset: 'kafka_original-offset',
      attempts: 'retry_topic-attempts',
      error: ['kafka_exception-fqcn', 'kafka_exception-message'],
    },
    numbers: 'big-endian',
  },
  {
    // KIP-298, errors.deadletterqueue.context.headers.enable
    name: 'connect',
    headers: {
      topic: '__connect.errors.topic',
      partition: '__connect.errors.partition',
      offset: '__connect.errors.offset',
      error: ['__connect.errors.exception.class.name', '__connect.errors.exception.message'],
      by: '__connect.errors.connector.name',
    },
    numbers: 'text',
  },
]

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
  for (const { name, headers, numbers } of conventions) {
    // A record that failed twice has the headers twice: the last are of the last failure.
    const bytes = (key: string | undefined): Buffer | null =>
      key === undefined ? null : (record.headers.findLast((header) => header.key === key)?.value ?? null)
    const text = (key: string | undefined): string | null => bytes(key)?.toString('utf8') ?? null
    const topic = text(headers.topic)
    const partition = integerOf(bytes(headers.partition), numbers)
    const offset = integerOf(bytes(headers.offset), numbers)
    if (topic === null || partition === null || offset === null) continue
    const error = headers.error.map(text).filter((part) => part !== null && part !== '')
    const attempts = headers.attempts === undefined ? null : integerOf(bytes(headers.attempts), numbers)
    return {
      topic,
      partition: Number(partition),
      offset,
      letter: {
        convention: name,
        attempts: attempts === null ? null : String(attempts),
        error: error.length === 0 ? null : error.join(': '),
        by: text(headers.by),
      },
    }
  }
  return null
}

function integerOf(bytes: Buffer | null, numbers: Convention['numbers']): bigint | null {
  if (bytes === null) return null
  if (numbers === 'text') return /^\d+$/.test(bytes.toString('latin1')) ? BigInt(bytes.toString('latin1')) : null
  return bytes.length === 4 ? BigInt(bytes.readInt32BE()) : bytes.length === 8 ? bytes.readBigInt64BE() : null
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

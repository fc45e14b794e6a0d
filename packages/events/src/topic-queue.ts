// The topics that are emitted to, and the events that wait for a schema or for room in the producer. Pure.
import type { Emission } from './outgoing.ts'
import type { PayloadHeaders } from './payload-headers.ts'
import type { Encoder } from './wire/index.ts'

export interface TopicQueue {
  readonly topic: string
  readonly kind: 'events' | 'records'
  /** null until the topic and its schema are looked up. */
  encoder: Encoder<unknown> | null
  /** Of events: what their records say of the payload's schema. */
  payloads: PayloadHeaders | null
  /** The lookup that is under way; resolves with the error that is final. */
  loading: Promise<Error | null> | null
  /** Events that came while the topic was being looked up or the producer was full, in their order. */
  readonly waiting: Emission[]
  /** How many have left `waiting` so far. */
  left: number
  /** Where records without a key go, until `leftBytes` more of them are there (KIP-794). */
  readonly sticky: { partition: number; leftBytes: number }
}

/** The queues of all topics, by name. A topic may be emitted to in both ways until its schema says which is right. */
export interface TopicQueues {
  readonly events: Map<string, TopicQueue>
  readonly records: Map<string, TopicQueue>
  /** Events that wait in all of them. */
  waiting: number
  /** Calls of `flush`: each waits until so many have left each queue. */
  flushes: { readonly targets: ReadonlyMap<TopicQueue, number>; readonly resolve: () => void }[]
}

export const newTopicQueues = (): TopicQueues => ({ events: new Map(), records: new Map(), waiting: 0, flushes: [] })

export function queueOf(queues: TopicQueues, kind: TopicQueue['kind'], topic: string): TopicQueue {
  const known = queues[kind].get(topic)
  if (known !== undefined) return known
  const created: TopicQueue = {
    topic,
    kind,
    encoder: null,
    payloads: null,
    loading: null,
    waiting: [],
    left: 0,
    sticky: { partition: -1, leftBytes: 0 },
  }
  queues[kind].set(topic, created)
  return created
}

export const allQueues = ({ events, records }: TopicQueues): TopicQueue[] => [...events.values(), ...records.values()]

export function enqueue(queues: TopicQueues, queue: TopicQueue, emission: Emission): void {
  queue.waiting.push(emission)
  queues.waiting++
}

/** Notes that events of a topic no longer wait here: they are with the producer, or have failed. */
export function noteLeft(queues: TopicQueues, queue: TopicQueue, count: number): void {
  queues.waiting -= count
  queue.left += count
  if (queues.flushes.length === 0) return
  queues.flushes = queues.flushes.filter(({ targets, resolve }) => {
    if ([...targets].some(([one, target]) => one.left < target)) return true
    resolve()
    return false
  })
}

/** Takes all that waits out of a queue. */
export function takeAll(queues: TopicQueues, queue: TopicQueue): Emission[] {
  const all = queue.waiting.splice(0)
  noteLeft(queues, queue, all.length)
  return all
}

/** Resolves when everything that waits now has left; what comes later is not waited for. */
export function whenLeft(queues: TopicQueues): Promise<void> {
  const waitingNow = allQueues(queues).filter(({ waiting }) => waiting.length > 0)
  if (waitingNow.length === 0) return Promise.resolve()
  const targets = new Map(waitingNow.map((queue) => [queue, queue.left + queue.waiting.length]))
  return new Promise((resolve) => queues.flushes.push({ targets, resolve }))
}

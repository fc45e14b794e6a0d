// Appends finished record batches to partitions: up to five of a partition are under way, in order, as with an idempotent producer
// (KIP-98). When one of them fails, those behind it fail too or come out of order; then all that are not appended are sent again.
import { initProducerId } from '@selfmonitor/protocol/api/init-producer-id'
import { produce } from '@selfmonitor/protocol/api/produce'
import { errorCodes, errorName } from '@selfmonitor/protocol/errors'
import { backoffMs, pause } from '../backoff.ts'
import { brokerError, ClusterError } from '../errors.ts'
import { produceErrorKind } from '../produce-errors.ts'
import { readTopics } from '../topics.ts'
import { protocolApi } from '../transport/protocol-api.ts'
import type { Transport } from '../transport/transport.ts'
import type { BatchAppender, ProducerIdentity } from '../write-types.ts'

/** Newest first; from version 13 on topics go by id. */
const produceVersions = [11, 10, 9].map((version) => protocolApi(produce, version))
const initVersions = [5, 4, 3].map((version) => protocolApi(initProducerId, version))
/** More than five sequence numbers a broker does not remember. */
const maxInFlight = 5
const allReplicas = -1
const requestTimeoutMs = 30_000
const appendWithinMs = 120_000

export const initProducer = (transport: Transport): Promise<ProducerIdentity> =>
  transport.operation('initProducer', (deadline) =>
    transport.retrying(deadline, async () => {
      const none = { transactionalId: null, transactionTimeoutMs: 0, producerId: -1n, producerEpoch: -1 }
      const { errorCode, producerId, producerEpoch } = await transport.send('any', initVersions, none)
      if (errorCode !== 0) throw brokerError(errorCode, 'a new producer id')
      return { producerId, producerEpoch }
    }),
  )

interface Entry {
  readonly batch: Buffer
  readonly giveUpAtMs: number
  /** How often it was sent without an answer that says that it was not written. */
  sendings: number
  readonly resolve: (offset: bigint | null) => void
  readonly reject: (error: ClusterError) => void
}

/** The batches of one partition. */
interface Queue {
  readonly topic: string
  readonly partition: number
  /** null while it must be looked up. */
  leader: number | null
  readonly waiting: Entry[]
  /** In the order in which they were sent. */
  readonly inFlight: Entry[]
  /** Those in flight that are to be sent again, once no other is in flight. */
  readonly again: Set<Entry>
  failures: number
  lookingUp: boolean
  /** A broker takes any sequence number of a producer that it does not know: until it knows this one, one batch is under way at a time. */
  isKnown: boolean
}

/**
 * @param transport of the cluster, for metadata
 * @param connections for Produce requests alone, closed at the end
 */
export function createAppender(transport: Transport, connections: Transport): BatchAppender {
  const queues = new Map<string, Queue>()
  let closed = false

  function queueOf(topic: string, partition: number): Queue {
    const key = `${partition}:${topic}`
    const known = queues.get(key)
    if (known !== undefined) return known
    const queue: Queue = {
      topic,
      partition,
      leader: null,
      waiting: [],
      inFlight: [],
      again: new Set(),
      failures: 0,
      lookingUp: false,
      isKnown: false,
    }
    queues.set(key, queue)
    return queue
  }

  function pump(queue: Queue): void {
    if (closed) return
    if (queue.leader === null) {
      if (!queue.lookingUp && queue.inFlight.length === 0 && queue.waiting.length > 0) void lookUp(queue)
      return
    }
    const most = queue.isKnown ? maxInFlight : 1
    while (queue.again.size === 0 && queue.inFlight.length < most) {
      const entry = queue.waiting.shift()
      if (entry === undefined) return
      queue.inFlight.push(entry)
      void send(queue, entry, queue.leader)
    }
  }

  async function lookUp(queue: Queue): Promise<void> {
    queue.lookingUp = true
    const { topic, partition } = queue
    let problem = brokerError(errorCodes.LEADER_NOT_AVAILABLE, resourceOf(queue))
    try {
      if (queue.failures > 0) await pause(backoffMs(queue.failures))
      const [found] = await transport.operation('leader', (deadline) => readTopics(transport, deadline, [topic]))
      const leader = found?.partitions.find((one) => one.partition === partition)?.leader ?? -1
      if (leader >= 0) queue.leader = leader
      if (found === undefined) problem = brokerError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, resourceOf(queue))
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
      problem = error
    }
    queue.lookingUp = false
    if (queue.leader === null) {
      queue.failures++
      if (problem.reason === 'not-allowed' || isLate(queue.waiting[0])) failAll(queue, problem)
    }
    pump(queue)
  }

  async function send(queue: Queue, entry: Entry, leader: number): Promise<void> {
    const { topic, partition } = queue
    entry.sendings++
    try {
      const { responses } = await connections.send(leader, produceVersions, {
        acks: allReplicas,
        timeoutMs: requestTimeoutMs,
        topicData: [{ name: topic, partitionData: [{ index: partition, records: entry.batch }] }],
      })
      const answer = responses[0]?.partitionResponses[0]
      if (answer === undefined)
        throw new ClusterError('UNEXPECTED', `${resourceOf(queue)}: the answer to Produce is empty`)
      const { errorCode, baseOffset, errorMessage, recordErrors } = answer
      const name = errorName(errorCode)
      if (errorCode === 0 || name === 'DUPLICATE_SEQUENCE_NUMBER') {
        queue.failures = 0
        queue.isKnown = true
        take(queue, entry)
        entry.resolve(baseOffset < 0n ? null : baseOffset)
      } else {
        const said = errorMessage ?? recordErrors[0]?.batchIndexErrorMessage
        refused(queue, entry, name, brokerError(errorCode, resourceOf(queue), said))
      }
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
      refused(queue, entry, error.code, error)
    }
    pump(queue)
  }

  return {
    append: (topic, partition, batch) =>
      new Promise((resolve, reject) => {
        if (closed) {
          reject(closedError())
          return
        }
        const queue = queueOf(topic, partition)
        queue.waiting.push({ batch, giveUpAtMs: performance.now() + appendWithinMs, sendings: 0, resolve, reject })
        pump(queue)
      }),
    close: async () => {
      closed = true
      for (const queue of queues.values()) failAll(queue, closedError())
      await connections.close()
    },
  }
}

function refused(queue: Queue, entry: Entry, name: string, error: ClusterError): void {
  const kind = error.reason === 'not-allowed' ? 'refused' : produceErrorKind(name)
  // One before it failed, or is on its way still: the first requests over a new connection may overtake each other.
  const cameEarly = name === 'OUT_OF_ORDER_SEQUENCE_NUMBER' && queue.inFlight[0] !== entry
  // Brokers refuse a batch before they write it. An earlier sending whose answer was lost may have been written all the same.
  if (kind === 'refused') entry.sendings--
  const isFinal = !queue.inFlight.includes(entry) || kind === 'refused' || (kind === 'identity lost' && !cameEarly)
  if (isFinal || isLate(entry)) {
    failAll(queue, error)
    return
  }
  queue.again.add(entry)
  queue.leader = null
  sendAgain(queue)
}

function take(queue: Queue, entry: Entry): void {
  const at = queue.inFlight.indexOf(entry)
  if (at >= 0) queue.inFlight.splice(at, 1)
  sendAgain(queue)
}

/** Once the last answer has come, those that failed go back to the front of the queue, in their order. */
function sendAgain(queue: Queue): void {
  if (queue.again.size === 0 || queue.again.size < queue.inFlight.length) return
  queue.waiting.unshift(...queue.inFlight)
  queue.inFlight.length = 0
  queue.again.clear()
  queue.failures++
}

function failAll(queue: Queue, error: ClusterError): void {
  const entries = [...queue.inFlight, ...queue.waiting]
  queue.inFlight.length = 0
  queue.waiting.length = 0
  queue.again.clear()
  queue.leader = null
  for (const entry of entries) entry.reject(entry.sendings === 0 ? unwritten(error) : error)
}

function unwritten(error: ClusterError): ClusterError {
  const { code, message, reason, others, cause } = error
  const [resource, hint, kafkaError] = [
    error.resource ?? undefined,
    error.hint ?? undefined,
    error.kafkaError ?? undefined,
  ]
  return new ClusterError(code, message, { reason, resource, hint, kafkaError, others, cause, isUnwritten: true })
}

function closedError(): ClusterError {
  return new ClusterError('CLOSED', 'the appender is closed')
}

function isLate(entry: Entry | undefined): boolean {
  return entry !== undefined && performance.now() >= entry.giveUpAtMs
}

function resourceOf({ topic, partition }: Queue): string {
  return `topic ${topic} partition ${partition}`
}

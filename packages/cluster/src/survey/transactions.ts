// Transactions that are open in partitions, and who opened them (KIP-664).
import { apis } from '../apis.ts'
import { chunks, groupBy, mapConcurrently } from '../batch.ts'
import { ClusterError } from '../errors.ts'
import { problemOf, problemOfCode } from '../problem.ts'
import type { ClusterSurvey, OpenTransaction, PlacedPartition, Problem } from '../survey-types.ts'
import type { Transport } from '../transport/transport.ts'

const partitionsPerRequest = 1_000
const idsPerRequest = 200
const concurrency = 4
const allDurations = -1n

interface OpenProducer {
  readonly topic: string
  readonly partition: number
  readonly producerId: bigint
  readonly startOffset: bigint
  /** When the producer last wrote to the partition. */
  readonly lastMs: number | null
}

/** What a coordinator says of a producer. */
interface Opened {
  readonly transactionalId: string
  /** Its transaction, with the partitions that have no marker yet; null when it could not be described. */
  readonly current: {
    readonly startedAtMs: number | null
    readonly timeoutMs: number
    readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[]
  } | null
}

export const openTransactions =
  (transport: Transport): ClusterSurvey['openTransactions'] =>
  (partitions) =>
    transport.operation('openTransactions', async () => {
      if (!(await transport.supports(apis.describeProducers))) {
        throw new ClusterError(
          'UNSUPPORTED_API',
          'The brokers do not offer DescribeProducers: they have no transactions',
          {
            hint: 'The embedded broker has none; Apache Kafka 3.0 or newer has.',
          },
        )
      }
      const problems: Problem[] = []
      const producers = await openProducers(transport, partitions, problems)
      const ids = [...new Set(producers.map(({ producerId }) => producerId))]
      const { byProducer, isComplete } = await whoOpened(transport, ids, problems)
      const transactions = producers.map((producer) => transactionOf(producer, byProducer, isComplete))
      return { transactions, problem: problems[0] ?? null }
    })

/** A coordinator that knows the producer may have ended its transaction, and the producer's last write came after the marker. */
function transactionOf(
  { lastMs, ...producer }: OpenProducer,
  byProducer: ReadonlyMap<bigint, Opened>,
  isComplete: boolean,
): OpenTransaction {
  const opened = byProducer.get(producer.producerId)
  const transactionalId = opened?.transactionalId ?? null
  const current = opened?.current ?? null
  const isOpen = current?.topics.some(
    ({ topic, partitions }) => topic === producer.topic && partitions.includes(producer.partition),
  )
  if (current !== null && isOpen === true) {
    const { startedAtMs, timeoutMs } = current
    return { ...producer, transactionalId, isHanging: false, startedAtMs, timeoutMs }
  }
  const isHanging = opened === undefined ? isComplete : current !== null
  return { ...producer, transactionalId, isHanging, startedAtMs: lastMs, timeoutMs: null }
}

async function openProducers(
  transport: Transport,
  partitions: readonly PlacedPartition[],
  problems: Problem[],
): Promise<OpenProducer[]> {
  const led = partitions.filter(({ leader }) => leader >= 0)
  const requests = [...groupBy(led, ({ leader }) => leader)].flatMap(([leader, own]) =>
    chunks(own, partitionsPerRequest).map((part) => ({ leader, part })),
  )
  const found = await mapConcurrently(requests, concurrency, async ({ leader, part }) => {
    const topics = [...groupBy(part, ({ topic }) => topic)].map(([name, own]) => ({
      name,
      partitionIndexes: own.map(({ partition }) => partition),
    }))
    try {
      const answer = await transport.send(leader, apis.describeProducers, topics)
      return answer.topics.flatMap(({ name, partitions: results }) =>
        results.flatMap(({ partitionIndex, errorCode, errorMessage, activeProducers }) => {
          const problem = problemOfCode(errorCode, errorMessage)
          if (problem !== null) problems.push(problem)
          return activeProducers
            .filter(({ currentTxnStartOffset }) => currentTxnStartOffset >= 0n)
            .map(({ producerId, currentTxnStartOffset, lastTimestamp }) => ({
              topic: name,
              partition: partitionIndex,
              producerId,
              startOffset: currentTxnStartOffset,
              lastMs: lastTimestamp < 0n ? null : Number(lastTimestamp),
            }))
        }),
      )
    } catch (error) {
      problems.push(problemOf(error))
      return []
    }
  })
  return found.flat()
}

/** The coordinators know which transactional id has a producer id: every broker is asked for those that it coordinates. */
async function whoOpened(
  transport: Transport,
  producerIds: readonly bigint[],
  problems: Problem[],
): Promise<{
  readonly byProducer: ReadonlyMap<bigint, Opened>
  /** Every coordinator has answered. */
  readonly isComplete: boolean
}> {
  const byProducer = new Map<bigint, Opened>()
  if (producerIds.length === 0) return { byProducer, isComplete: true }
  let isComplete = true
  const { brokers } = await transport.info()
  await mapConcurrently(brokers, concurrency, async ({ id }) => {
    try {
      const listed = await transport.send(id, apis.listTransactions, [], [...producerIds], allDurations, null)
      const problem = problemOfCode(listed.errorCode)
      if (problem !== null) {
        problems.push(problem)
        isComplete = false
      }
      for (const { producerId, transactionalId } of listed.transactionStates) {
        byProducer.set(producerId, { transactionalId, current: null })
      }
      const names = listed.transactionStates.map(({ transactionalId }) => transactionalId)
      for (const part of chunks(names, idsPerRequest)) {
        const { transactionStates } = await transport.send(id, apis.describeTransactions, part)
        for (const state of transactionStates.filter(({ errorCode }) => errorCode === 0)) {
          byProducer.set(state.producerId, {
            transactionalId: state.transactionalId,
            current: {
              startedAtMs: state.transactionStartTimeMs < 0n ? null : Number(state.transactionStartTimeMs),
              timeoutMs: state.transactionTimeoutMs,
              topics: state.topics,
            },
          })
        }
      }
    } catch (error) {
      problems.push(problemOf(error))
      isComplete = false
    }
  })
  return { byProducer, isComplete }
}

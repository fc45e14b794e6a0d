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

interface Opened {
  readonly transactionalId: string
  readonly startedAtMs: number | null
  readonly timeoutMs: number | null
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
      const byProducer = await whoOpened(transport, ids, problems)
      const transactions = producers.map(({ lastMs, ...producer }): OpenTransaction => {
        const opened = byProducer.get(producer.producerId)
        if (opened === undefined) return { ...producer, transactionalId: null, startedAtMs: lastMs, timeoutMs: null }
        return { ...producer, ...opened }
      })
      return { transactions, problem: problems[0] ?? null }
    })

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
): Promise<Map<bigint, Opened>> {
  const opened = new Map<bigint, Opened>()
  if (producerIds.length === 0) return opened
  const { brokers } = await transport.info()
  await mapConcurrently(brokers, concurrency, async ({ id }) => {
    try {
      const listed = await transport.send(id, apis.listTransactions, [], [...producerIds], allDurations, null)
      const problem = problemOfCode(listed.errorCode)
      if (problem !== null) problems.push(problem)
      for (const { producerId, transactionalId } of listed.transactionStates) {
        opened.set(producerId, { transactionalId, startedAtMs: null, timeoutMs: null })
      }
      const names = listed.transactionStates.map(({ transactionalId }) => transactionalId)
      for (const part of chunks(names, idsPerRequest)) {
        const { transactionStates } = await transport.send(id, apis.describeTransactions, part)
        for (const state of transactionStates.filter(({ errorCode }) => errorCode === 0)) {
          opened.set(state.producerId, {
            transactionalId: state.transactionalId,
            startedAtMs: state.transactionStartTimeMs < 0n ? null : Number(state.transactionStartTimeMs),
            timeoutMs: state.transactionTimeoutMs,
          })
        }
      }
    } catch (error) {
      problems.push(problemOf(error))
    }
  })
  return opened
}

// One Produce request: compresses and seals the batches at the head of some queues, sends them to a node, and returns the result of
// each. All I/O of the producer's batches is here.
import { protocolApi } from '@selfmonitor/cluster/protocol-api'
import type { RequestInput, ResponseOf } from '@selfmonitor/protocol/api'
import { produce } from '@selfmonitor/protocol/api/produce'
import { errorName } from '@selfmonitor/protocol/errors'
import { EventsError } from '../errors.ts'
import type { KafkaClient } from './client.ts'
import type { Compressor } from './compression.ts'
import { type Batch, markSent, type PartitionQueue, sealHead } from './partition-queue.ts'
import { type Attempt, outcomeOf, type ProduceResult } from './produce-outcome.ts'
import { identityOf, type ProducerIdentity } from './producer-identity.ts'

export interface SenderOptions {
  readonly client: KafkaClient
  /** null for no compression. */
  readonly compressor: Compressor | null
  readonly identity: ProducerIdentity
  /** The request is about to be sent; false when it is not wanted any more. */
  readonly onSend: () => boolean
}

/** How long a broker may wait for the replicas, in milliseconds. */
const requestTimeoutMs = 30_000
/** The newest whose fields this library knows what to do with: topics go by name, without transactions of two phases. */
const newestVersion = 11
const oldestVersion = 9
const allReplicas = -1

/**
 * @param queues whose heads are in flight
 * @returns what became of each, in their order; null when the request was not wanted any more. It never throws.
 */
export async function sendHeads(
  options: SenderOptions,
  node: number,
  queues: readonly PartitionQueue[],
): Promise<readonly Attempt[] | null> {
  let results: readonly ProduceResult[] = []
  try {
    const entries = await sealHeads(options, queues)
    const { client } = options
    const connection = await client.connection(node)
    const version = await client.version('Produce')
    if (version < oldestVersion) {
      throw new EventsError('BROKER_TOO_OLD', 'this library needs Apache Kafka 3.0 or newer')
    }
    if (!options.onSend()) return null
    for (const queue of queues) markSent(queue)
    const api = protocolApi(produce, Math.min(version, newestVersion))
    results = resultsOf(await api.async(connection, requestOf(entries)))
  } catch (error) {
    return queues.map(() => outcomeOf(undefined, error))
  }
  return queues.map((queue) => {
    const result = results.find(({ topic, partition }) => topic === queue.topic && partition === queue.index)
    return outcomeOf(result, null)
  })
}

interface Entry {
  readonly topic: string
  readonly partition: number
  /** A finished record batch. */
  readonly records: Buffer
}

function requestOf(entries: readonly Entry[]): RequestInput<'Produce'> {
  return {
    acks: allReplicas,
    timeoutMs: requestTimeoutMs,
    topicData: [...Map.groupBy(entries, ({ topic }) => topic)].map(([name, partitions]) => ({
      name,
      partitionData: partitions.map(({ partition, records }) => ({ index: partition, records })),
    })),
  }
}

function resultsOf({ responses }: ResponseOf<'Produce'>): ProduceResult[] {
  return responses.flatMap(({ name, partitionResponses }) =>
    partitionResponses.map(({ index, errorCode, baseOffset, errorMessage, recordErrors }) => ({
      topic: name,
      partition: index,
      error: errorCode === 0 ? null : errorName(errorCode),
      message:
        errorMessage ?? recordErrors.find((one) => one.batchIndexErrorMessage !== null)?.batchIndexErrorMessage ?? null,
      baseOffset,
    })),
  )
}

async function sealHeads({ compressor, client, identity }: SenderOptions, queues: readonly PartitionQueue[]) {
  await Promise.all(queues.map(({ batches }) => compress(batches[0]!, compressor)))
  const entries: Entry[] = []
  for (const queue of queues) {
    const under = queue.identity ?? (await identityOf(identity, client))
    entries.push({ topic: queue.topic, partition: queue.index, records: sealHead(queue, under) })
  }
  return entries
}

async function compress(batch: Batch, compressor: Compressor | null): Promise<void> {
  const sealed = batch.state.kind !== 'open' && batch.state.seal !== null
  if (compressor === null || sealed || batch.compressed !== null) return
  const bytes = await compressor.compress(batch.records.records())
  if (bytes !== null) batch.compressed = { code: compressor.code, bytes }
}

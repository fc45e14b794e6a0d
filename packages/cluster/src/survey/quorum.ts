// The quorum that keeps the cluster's metadata (KIP-595, KIP-836).
import { apis } from '../apis.ts'
import { brokerError, ClusterError, isRetriableKafkaError } from '../errors.ts'
import type { ClusterSurvey, QuorumInfo, QuorumReplica } from '../survey-types.ts'
import { createTransport, defaultTimeoutMs, type Transport } from '../transport/transport.ts'
import type { ClusterOptions } from '../types.ts'

const metadataTopic = '__cluster_metadata'

interface Replica {
  readonly replicaId: number
  readonly logEndOffset: bigint
  readonly lastFetchTimestamp?: bigint
  readonly lastCaughtUpTimestamp?: bigint
}

/** A broker passes the question on to the controller, and waits while there is none. */
const answerLimitMs = 5_000

const noLeader: QuorumInfo = {
  leaderId: -1,
  leaderEpoch: -1,
  highWatermark: -1n,
  voters: [],
  observers: [],
  leaderTimeMs: null,
}

/**
 * Asks on a connection of its own: a broker answers in order, and all that is asked behind this would wait with it. It is kept for the
 * next time unless it has a question that was not answered.
 */
export const quorum = (transport: Transport, options: ClusterOptions): ClusterSurvey['quorum'] => {
  const timeoutMs = Math.min(options.timeoutMs ?? defaultTimeoutMs, answerLimitMs)
  const open = (): Transport => createTransport({ ...options, timeoutMs }, transport)
  let own: Transport | null = null
  transport.closesWith(async () => own?.close())
  return async () => {
    own ??= open()
    const used = own
    try {
      return await readQuorum(used)
    } catch (error) {
      if (error instanceof ClusterError && error.code === 'UNSUPPORTED_API') throw error
      if (own === used) own = null
      await used.close()
      if (!(error instanceof ClusterError) || !isWithoutLeader(error)) throw error
      // The brokers answer, only not this question.
      await transport.operation('quorum', () => transport.refresh())
      return noLeader
    }
  }
}

function isWithoutLeader({ code, kafkaError }: ClusterError): boolean {
  return code === 'TIMEOUT' || (kafkaError !== null && isRetriableKafkaError(kafkaError.code))
}

function readQuorum(transport: Transport): Promise<QuorumInfo> {
  return transport.operation('quorum', (deadline) =>
    transport.retrying(deadline, async () => {
      const asked = [{ topicName: metadataTopic, partitions: [{ partitionIndex: 0 }] }]
      const { errorCode, topics } = await transport.send('any', apis.describeQuorum, asked)
      if (errorCode !== 0) throw brokerError(errorCode, 'the quorum')
      const partition = topics[0]?.partitions[0]
      if (partition === undefined || partition.errorCode !== 0) {
        throw brokerError(partition?.errorCode ?? unknown, 'the quorum', partition?.errorMessage)
      }
      const leader = partition.currentVoters.find(({ replicaId }) => replicaId === partition.leaderId)
      return {
        leaderId: partition.leaderId,
        leaderEpoch: partition.leaderEpoch,
        highWatermark: partition.highWatermark,
        voters: partition.currentVoters.map(replica),
        observers: partition.observers.map(replica),
        // The leader gives its present time as the time at which it was caught up.
        leaderTimeMs: time(leader?.lastCaughtUpTimestamp),
      }
    }),
  )
}

const unknown = -1

function replica({ replicaId, logEndOffset, lastFetchTimestamp, lastCaughtUpTimestamp }: Replica): QuorumReplica {
  return {
    id: replicaId,
    logEndOffset,
    lastFetchMs: time(lastFetchTimestamp),
    lastCaughtUpMs: time(lastCaughtUpTimestamp),
  }
}

function time(ms: bigint | undefined): number | null {
  return ms === undefined || ms < 0n ? null : Number(ms)
}

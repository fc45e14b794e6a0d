// The quorum that keeps the cluster's metadata (KIP-595, KIP-836).
import { apis } from '../apis.ts'
import { brokerError } from '../errors.ts'
import type { ClusterSurvey, QuorumReplica } from '../survey-types.ts'
import type { Transport } from '../transport/transport.ts'

const metadataTopic = '__cluster_metadata'

interface Replica {
  readonly replicaId: number
  readonly logEndOffset: bigint
  readonly lastFetchTimestamp?: bigint
  readonly lastCaughtUpTimestamp?: bigint
}

export const quorum =
  (transport: Transport): ClusterSurvey['quorum'] =>
  () =>
    transport.operation('quorum', (deadline) =>
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

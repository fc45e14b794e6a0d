// Disks: what each broker's log directories hold and how full they are (KIP-113, KIP-827).
import { errorName } from '@selfmonitor/protocol/errors'
import { apis } from './apis.ts'
import { mapConcurrently } from './batch.ts'
import { brokerError } from './errors.ts'
import { problemOf } from './problem.ts'
import type { BrokerLogDir, ClusterSurvey, LogDirsSurvey } from './survey-types.ts'
import type { Transport } from './transport/transport.ts'
import type { Cluster } from './types.ts'

const concurrency = 4

export const logDirs =
  (transport: Transport): Cluster['logDirs'] =>
  () =>
    transport.operation('logDirs', (deadline) =>
      transport.retrying(deadline, async () => {
        const { brokers } = await transport.info()
        return (await mapConcurrently(brokers, concurrency, ({ id }) => logDirsOf(transport, id))).flat()
      }),
    )

export const surveyLogDirs =
  (transport: Transport): ClusterSurvey['surveyLogDirs'] =>
  () =>
    transport.operation('surveyLogDirs', async () => {
      const { brokers } = await transport.refresh()
      const problems: LogDirsSurvey['problems'][number][] = []
      const found = await mapConcurrently(brokers, concurrency, ({ id }) =>
        logDirsOf(transport, id).catch((error: unknown) => {
          problems.push({ brokerId: id, problem: problemOf(error) })
          return []
        }),
      )
      return { logDirs: found.flat(), problems }
    })

async function logDirsOf(
  transport: Transport,
  brokerId: number,
): Promise<(BrokerLogDir & { partitions: { topic: string; partition: number; sizeBytes: bigint }[] })[]> {
  const response = await transport.send(brokerId, apis.describeLogDirs, null)
  if (response.errorCode !== 0) {
    throw brokerError(response.errorCode, `broker ${brokerId}`)
  }
  return response.results.map(({ logDir, errorCode, totalBytes, usableBytes, topics }) => ({
    brokerId,
    path: logDir,
    error: errorCode === 0 ? null : errorName(errorCode),
    // -1 is Kafka's way to say that the size of the volume is not known; brokers before 3.3 leave it out.
    totalBytes: totalBytes === undefined || totalBytes < 0n ? null : totalBytes,
    usableBytes: usableBytes === undefined || usableBytes < 0n ? null : usableBytes,
    partitions: topics.flatMap(({ name, partitions }) =>
      partitions
        .filter(({ isFutureKey }) => !isFutureKey)
        .map(({ partitionIndex, partitionSize }) => ({
          topic: name,
          partition: partitionIndex,
          sizeBytes: partitionSize,
        })),
    ),
  }))
}

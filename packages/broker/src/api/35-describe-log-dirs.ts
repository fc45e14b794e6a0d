// DescribeLogDirs: the one data directory, the size of each partition in it (KIP-113), and of the volume (KIP-827).
//
// Several presented brokers share the directory; each answers for the partitions that it is a replica of.
import { errorCodes } from '@selfmonitor/protocol'
import type { ApiHandler } from '../request/handler.ts'

export const handleDescribeLogDirs: ApiHandler<'DescribeLogDirs'> = async (request, { broker, brokerId }) => {
  const { logs, metadata } = broker
  const sizes = new Map((await logs.describe()).map((log) => [`${log.topic}/${log.partition}`, log.sizeBytes]))
  const wanted = request.topics && new Map(request.topics.map(({ topic, partitions }) => [topic, new Set(partitions)]))
  const topics = []
  for (const { name, partitions } of metadata.topics()) {
    const asked = wanted?.get(name)
    if (wanted && asked === undefined) continue
    const found = partitions
      .filter(({ partition, replicas }) => replicas.includes(brokerId) && (asked?.has(partition) ?? true))
      .map(({ partition }) => ({
        partitionIndex: partition,
        partitionSize: BigInt(sizes.get(`${name}/${partition}`) ?? 0),
        offsetLag: 0n,
        isFutureKey: false,
      }))
    if (found.length > 0) topics.push({ name, partitions: found })
  }
  const volume = await logs.volume()
  return { results: [{ errorCode: errorCodes.NONE, logDir: logs.dir, topics, ...volume }] }
}

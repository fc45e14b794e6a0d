// Metrics of topics, partitions, log directories and transactions.
import { lastValue } from '../../snapshot/last-value.ts'
import type { View, ViewedPartition, ViewedTopic } from '../view.ts'
import { readAt } from '../view.ts'
import type { Compute, Emit } from './types.ts'

const perTopic =
  (value: (topic: ViewedTopic, view: View) => number | bigint | null | undefined): Compute =>
  (view, emit) => {
    for (const topic of view.topics) {
      const found = value(topic, view)
      if (found != null) emit(topic.labels, found)
    }
  }

const perPartition =
  (value: (partition: ViewedPartition) => number | bigint | null | undefined): Compute =>
  ({ topics }, emit) => {
    for (const { partitions } of topics) {
      for (const partition of partitions) {
        const found = value(partition)
        if (found != null) emit(partition.labels, found)
      }
    }
  }

const count = ({ partitions }: ViewedTopic, matches: (partition: ViewedPartition) => boolean): number =>
  partitions.reduce((sum, partition) => sum + (matches(partition) ? 1 : 0), 0)

/** Bytes of a message on the leaders' disks, on average; undefined when that is not known. */
function meanBytes({ partitions }: ViewedTopic): number | undefined {
  let bytes = 0
  let messages = 0
  for (const { offsets, leaderBytes } of partitions) {
    if (offsets?.end == null || offsets.start === null || leaderBytes === undefined) continue
    bytes += Number(leaderBytes)
    messages += Number(offsets.end - offsets.start)
  }
  return messages === 0 ? undefined : bytes / messages
}

function bytesPerSecond(topic: ViewedTopic, { snapshot }: View): number | undefined {
  const rate = snapshot.history.topics.get(topic.topic.name)?.messagesPerSecond ?? null
  if (rate === null || lastValue(snapshot.logDirs) === null) return undefined
  if (rate === 0) return 0
  const mean = meanBytes(topic)
  return mean === undefined ? undefined : rate * mean
}

function eachLogDir(
  { snapshot }: View,
  emit: Emit,
  value: (dir: {
    error: string | null
    totalBytes: bigint | null
    usableBytes: bigint | null
  }) => number | bigint | null,
): void {
  for (const dir of lastValue(snapshot.logDirs) ?? []) {
    const found = value(dir)
    if (found !== null) emit([String(dir.brokerId), dir.path], found)
  }
}

function oldestTransactions({ snapshot }: View): ReadonlyMap<string, number> {
  const oldest = new Map<string, number>()
  for (const { topic, partition, startedAtMs } of lastValue(snapshot.transactions) ?? []) {
    const key = `${partition} ${topic}`
    if (startedAtMs !== null && startedAtMs < (oldest.get(key) ?? Number.POSITIVE_INFINITY))
      oldest.set(key, startedAtMs)
  }
  return oldest
}

export const topicSamples = {
  topicPartitions: perTopic(({ partitions }) => partitions.length),
  topicId: ({ topics }, emit) => {
    for (const { topic } of topics) emit([topic.name, topic.id], 1)
  },
  topicRecreations: perTopic(
    ({ topic }, { snapshot }) => snapshot.history.topics.get(topic.name)?.recreated?.times ?? 0,
  ),
  underReplicated: perTopic((topic) => count(topic, ({ info: { isr, replicas } }) => isr.length < replicas.length)),
  offline: perTopic((topic) => count(topic, ({ info }) => info.leader < 0)),
  underMinIsr: perTopic((topic, view) => {
    const least = Number(view.topicSetting(topic.topic.name, 'min.insync.replicas'))
    // Kafka asks for no more replicas than there are: one replica is enough under a default of 2.
    return Number.isNaN(least)
      ? null
      : count(topic, ({ info }) => info.isr.length < Math.min(least, info.replicas.length))
  }),
  endOffset: perPartition(({ offsets }) => offsets?.end),
  startOffset: perPartition(({ offsets }) => offsets?.start),
  lsoLag: perPartition(({ offsets }) => {
    if (offsets?.end == null || offsets.lastStable === null) return undefined
    return offsets.end > offsets.lastStable ? offsets.end - offsets.lastStable : 0n
  }),
  messagesPerSecond: perTopic(({ topic }, { snapshot }) => snapshot.history.topics.get(topic.name)?.messagesPerSecond),
  bytesPerSecond: perTopic(bytesPerSecond),
  logSize: perPartition(({ sizeBytes }) => sizeBytes),
  logDirTotal: (view, emit) => eachLogDir(view, emit, ({ totalBytes }) => totalBytes),
  logDirUsable: (view, emit) => eachLogDir(view, emit, ({ usableBytes }) => usableBytes),
  logDirUp: (view, emit) => eachLogDir(view, emit, ({ error }) => (error === null ? 1 : 0)),
  transactionAge: (view, emit) => {
    const { transactions, finishedAtMs } = view.snapshot
    if (transactions.state === 'never') return
    const atMs = readAt(transactions, finishedAtMs)
    const oldest = oldestTransactions(view)
    for (const { partitions } of view.topics) {
      for (const { labels, info } of partitions) {
        const startedAtMs = oldest.get(`${info.partition} ${labels[0]}`)
        emit(labels, startedAtMs === undefined ? 0 : Math.max(0, atMs - startedAtMs) / 1_000)
      }
    }
  },
} as const satisfies Record<string, Compute>

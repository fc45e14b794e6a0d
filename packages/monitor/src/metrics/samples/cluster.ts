// Metrics of the cluster, its brokers, its quorum and its certificates.
import { lastValue } from '../../snapshot/last-value.ts'
import type { QuorumReplica } from '../../snapshot/types.ts'
import type { View } from '../view.ts'
import { type Compute, type Emit, noLabels } from './types.ts'

/** A number for each broker of the metadata, and for those that replicas are assigned to. */
function perBroker(
  { metadata }: View,
  emit: Emit,
  idsOf: (partition: { leader: number; replicas: readonly number[] }) => readonly number[],
): void {
  if (metadata === null) return
  const counts = new Map(metadata.brokers.map(({ id }) => [id, 0]))
  for (const { partitions } of metadata.topics) {
    for (const partition of partitions) {
      for (const id of idsOf(partition)) if (id >= 0) counts.set(id, (counts.get(id) ?? 0) + 1)
    }
  }
  for (const [id, count] of counts) emit([String(id)], count)
}

function leaderEnd(view: View): bigint | undefined {
  const quorum = lastValue(view.snapshot.quorum)
  return quorum?.voters.find(({ id }) => id === quorum.leaderId)?.logEndOffset
}

function behind(end: bigint, replicas: readonly QuorumReplica[], role: string, emit: Emit): void {
  for (const { id, logEndOffset } of replicas) {
    // -1: the leader does not know it.
    if (logEndOffset < 0n) continue
    emit([String(id), role], end > logEndOffset ? end - logEndOffset : 0n)
  }
}

export const clusterSamples = {
  brokers: ({ metadata }, emit) => {
    if (metadata !== null) emit(noLabels, metadata.brokers.length)
  },
  brokersExpected: ({ snapshot: { expectedBrokers } }, emit) => {
    if (expectedBrokers > 0) emit(noLabels, expectedBrokers)
  },
  brokerInfo: ({ metadata }, emit) => {
    for (const { id, host, rack } of metadata?.brokers ?? []) emit([String(id), host, rack ?? ''], 1)
  },
  brokerUp: ({ snapshot }, emit) => {
    const reached = lastValue(snapshot.brokers)
    if (reached === null) return
    const up = new Map(reached.map(({ brokerId, problem }) => [brokerId, problem === null ? 1 : 0]))
    for (const id of snapshot.history.brokersLastSeen.keys()) up.set(id, 0)
    for (const [id, value] of up) emit([String(id)], value)
  },
  brokerAnswer: ({ snapshot }, emit) => {
    for (const { brokerId, problem, tookMs } of lastValue(snapshot.brokers) ?? []) {
      if (problem === null) emit([String(brokerId)], tookMs / 1_000)
    }
  },
  brokerClockOffset: ({ snapshot }, emit) => {
    const { leaderId = -1, leaderClockOffsetMs = null } = lastValue(snapshot.quorum) ?? {}
    if (leaderClockOffsetMs !== null) emit([String(leaderId)], leaderClockOffsetMs / 1_000)
  },
  controllers: ({ snapshot }, emit) => {
    const quorum = lastValue(snapshot.quorum)
    if (quorum !== null) emit(noLabels, quorum.leaderId >= 0 ? 1 : 0)
  },
  brokerLeaders: (view, emit) => perBroker(view, emit, ({ leader }) => [leader]),
  brokerReplicas: (view, emit) => perBroker(view, emit, ({ replicas }) => replicas),
  preferredLeaders: ({ topics }, emit) => {
    const all = topics.flatMap(({ partitions }) => partitions)
    if (all.length === 0) return
    emit(noLabels, all.filter(({ info: { leader, replicas } }) => leader === replicas[0]).length / all.length)
  },
  quorumLag: (view, emit) => {
    const quorum = lastValue(view.snapshot.quorum)
    const end = leaderEnd(view)
    if (quorum === null || end === undefined) return
    behind(end, quorum.voters, 'voter', emit)
    behind(end, quorum.observers, 'observer', emit)
  },
  quorumLeader: ({ snapshot }, emit) => {
    const quorum = lastValue(snapshot.quorum)
    if (quorum !== null) emit(noLabels, quorum.leaderId)
  },
  quorumEpoch: ({ snapshot }, emit) => {
    const quorum = lastValue(snapshot.quorum)
    if (quorum !== null && quorum.leaderEpoch >= 0) emit(noLabels, quorum.leaderEpoch)
  },
  certificateExpiry: ({ snapshot }, emit) => {
    // The same authority may be in two files: one series each.
    const first = new Map<string, { labels: string[]; notAfterMs: number }>()
    for (const { where, subject, notAfterMs } of lastValue(snapshot.certificates) ?? []) {
      const key = JSON.stringify([where, subject])
      const known = first.get(key)
      if (known === undefined || notAfterMs < known.notAfterMs) first.set(key, { labels: [where, subject], notAfterMs })
    }
    for (const { labels, notAfterMs } of first.values()) emit(labels, notAfterMs / 1_000)
  },
  serviceUp: ({ snapshot }, emit) => {
    for (const { service, problem } of lastValue(snapshot.services) ?? []) emit([service], problem === null ? 1 : 0)
  },
  connectorUp: ({ snapshot }, emit) => {
    for (const { connectors = [] } of lastValue(snapshot.services) ?? []) {
      for (const { name, state } of connectors) emit([name], state === 'FAILED' ? 0 : 1)
    }
  },
  connectorTasksFailed: ({ snapshot }, emit) => {
    for (const { connectors = [] } of lastValue(snapshot.services) ?? []) {
      for (const { name, tasks } of connectors) emit([name], tasks.filter(({ state }) => state === 'FAILED').length)
    }
  },
} as const satisfies Record<string, Compute>

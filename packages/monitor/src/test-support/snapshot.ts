// For tests: a snapshot of a small cluster that is well, of which a test changes what it is about.
import type { ConfigEntry, PartitionInfo, TopicInfo } from '@selfmonitor/cluster'
import { groupKey } from '../snapshot/keys.ts'
import type {
  BrokerStatus,
  Group,
  GroupPartition,
  GroupPartitionHistory,
  History,
  Metadata,
  PartitionOffsets,
  Problem,
  Quorum,
  Reading,
  Snapshot,
} from '../snapshot/types.ts'

/** When the snapshots of tests are taken. */
export const nowMs = Date.parse('2026-11-30T03:00:00Z')

export const minutes = (amount: number): number => amount * 60_000
export const hours = (amount: number): number => minutes(amount * 60)

export const read = <T>(value: T, atMs = nowMs): Reading<T> => ({
  state: 'read',
  value,
  atMs,
  tookMs: 5,
  problem: null,
})

export const failed = (code: string, message = code): Reading<never> => ({
  state: 'never',
  problem: { code, message },
})

export interface TopicSpec {
  readonly partitions?: number
  /** Of each partition; the first one leads. */
  readonly replicas?: readonly number[]
  readonly isr?: readonly number[]
  readonly leader?: number
  readonly config?: Readonly<Record<string, string>>
  /** Of each partition. */
  readonly start?: bigint
  readonly end?: bigint
  readonly lastStable?: bigint
  readonly ends?: readonly bigint[]
}

export interface GroupSpec extends Partial<Omit<Group, 'groupId' | 'partitions'>> {
  readonly partitions?: readonly (Partial<GroupPartition> & Pick<GroupPartition, 'topic' | 'partition'>)[]
  /** Of every partition of the group. */
  readonly history?: Partial<GroupPartitionHistory>
  readonly rebalancedAtMs?: readonly number[]
  readonly emptySinceMs?: number
}

export interface ClusterSpec {
  /** Default 1, 2 and 3. */
  readonly brokers?: readonly number[]
  readonly expectedBrokers?: number
  readonly topics?: Readonly<Record<string, TopicSpec>>
  readonly groups?: Readonly<Record<string, GroupSpec>>
  readonly reach?: Readonly<Record<number, Partial<BrokerStatus>>>
  readonly brokerConfig?: Readonly<Record<string, string>>
  readonly history?: Partial<History>
  readonly parts?: Partial<Snapshot>
}

/** An hour of watching a cluster in which nothing happens. */
export function snapshotOf(spec: ClusterSpec = {}): Snapshot {
  const ids = spec.brokers ?? [1, 2, 3]
  const brokers = ids.map((id) => ({ id, host: `kafka-${id}`, port: 9092, rack: null }))
  const topics = Object.entries(spec.topics ?? {}).map(([name, topic]) => topicOf(name, topic, ids))
  const metadata: Metadata = { clusterId: 'test', controllerId: ids[0] ?? -1, brokers, topics }
  const groups = Object.entries(spec.groups ?? {}).map(([groupId, group]) => groupOf(groupId, group))
  return {
    cluster: 'test',
    startedAtMs: nowMs - 100,
    finishedAtMs: nowMs,
    expectedBrokers: spec.expectedBrokers ?? ids.length,
    metadata: read(metadata),
    brokers: read(
      brokers.map(({ id, host, port }) => ({
        brokerId: id,
        host,
        port,
        problem: null,
        tookMs: 2,
        apiVersions: '0:11,1:17',
        ...spec.reach?.[id],
      })),
    ),
    configs: read({
      topics: new Map(
        Object.entries(spec.topics ?? {}).map(([name, { config, replicas = ids }]) => [
          name,
          entries({
            'min.insync.replicas': replicas.length > 2 ? '2' : '1',
            'retention.ms': '604800000',
            'cleanup.policy': 'delete',
            ...config,
          }),
        ]),
      ),
      brokers: new Map(ids.map((id) => [id, entries(spec.brokerConfig ?? {})])),
    }),
    offsets: read(topics.flatMap(({ name, partitions }) => offsetsOf(name, partitions, spec.topics![name]!))),
    logDirs: read([]),
    groups: read(groups),
    quorum: { state: 'never', problem: null },
    transactions: read([]),
    certificates: read([]),
    services: read([]),
    backups: read([]),
    probe: null,
    ...spec.parts,
    history: historyOf(spec),
  }
}

const entries = (config: Readonly<Record<string, string>>): ConfigEntry[] =>
  Object.entries(config).map(([name, value]) => ({ name, value, source: 'topic', readOnly: false, sensitive: false }))

function topicOf(name: string, spec: TopicSpec, brokers: readonly number[]): TopicInfo {
  const replicas = spec.replicas ?? brokers.slice(0, 3)
  const partitions = Array.from({ length: spec.partitions ?? 3 }, (_, partition): PartitionInfo => {
    // Leaders are spread, as Kafka does.
    const turned = [...replicas.slice(partition % replicas.length), ...replicas.slice(0, partition % replicas.length)]
    const own = spec.replicas === undefined ? turned : replicas
    return { partition, leader: spec.leader ?? own[0]!, replicas: own, isr: spec.isr ?? own, offlineReplicas: [] }
  })
  return { name, id: `id-of-${name}`, internal: name.startsWith('__'), partitions }
}

function offsetsOf(topic: string, partitions: readonly PartitionInfo[], spec: TopicSpec): PartitionOffsets[] {
  return partitions.map(({ partition }) => {
    const end = spec.ends?.[partition] ?? spec.end ?? 100n
    return { topic, partition, problem: null, start: spec.start ?? 0n, end, lastStable: spec.lastStable ?? end }
  })
}

function groupOf(groupId: string, { history: _, rebalancedAtMs: __, emptySinceMs: ___, ...spec }: GroupSpec): Group {
  return {
    groupId,
    type: 'classic',
    state: 'Stable',
    protocolType: 'consumer',
    coordinatorId: 1,
    epoch: null,
    problem: null,
    members: [memberOf('a')],
    ...spec,
    partitions: (spec.partitions ?? []).map((one) => ({
      committed: 100n,
      lag: 0n,
      memberId: 'a',
      nextUnread: null,
      ...one,
    })),
  }
}

export const memberOf = (memberId: string, more: Partial<Group['members'][number]> = {}): Group['members'][number] => ({
  memberId,
  groupInstanceId: null,
  clientId: `client-${memberId}`,
  host: '10.0.0.1',
  subscribedTopics: ['orders'],
  subscribedTopicRegex: null,
  assignment: [{ topic: 'orders', partitions: [0, 1, 2] }],
  ...more,
})

/** A record that has waited for so long. */
export const waiting = (ms: number, offset = 50n) =>
  ({ offset, timestampMs: nowMs - ms, timestampType: 'CreateTime' }) as const

function historyOf(spec: ClusterSpec): History {
  const sinceMs = nowMs - hours(1)
  const groups = Object.entries(spec.groups ?? {})
  return {
    sinceMs,
    collections: { done: 240, failures: new Map() },
    groupPartitions: new Map(
      groups.flatMap(([group, { partitions = [], history }]) =>
        partitions.map(({ topic, partition }) => [
          groupKey(group, topic, partition),
          { firstSeenMs: sinceMs, movedAtMs: nowMs - 5_000, lost: 0n, points: [], lastReset: null, ...history },
        ]),
      ),
    ),
    groups: new Map(
      groups.map(([group, { rebalancedAtMs = [], emptySinceMs = null }]) => [
        group,
        { firstSeenMs: sinceMs, rebalances: rebalancedAtMs.length, rebalancedAtMs, emptySinceMs },
      ]),
    ),
    topics: new Map(),
    logDirs: new Map(),
    brokersLastSeen: new Map(),
    ...spec.history,
  }
}

export const problem = (code: string, message = code): Problem => ({ code, message })

export const quorum = (of: Partial<Quorum>): Quorum => ({
  leaderId: 1,
  leaderEpoch: 4,
  highWatermark: 90n,
  voters: [],
  observers: [],
  leaderTimeMs: null,
  leaderClockOffsetMs: null,
  ...of,
})

/** The clock of broker 1, which leads, is wrong; its voters follow. */
export const skewed = (offsetMs: number): Quorum => {
  const leaderTimeMs = nowMs + offsetMs
  const voters = [1, 2].map((id) => ({ id, logEndOffset: 90n, lastFetchMs: null, lastCaughtUpMs: leaderTimeMs }))
  return quorum({ voters, leaderTimeMs, leaderClockOffsetMs: offsetMs })
}

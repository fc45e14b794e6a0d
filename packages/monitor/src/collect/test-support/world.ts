// For tests: a cluster in memory that a collection reads, and the time.
import {
  ClusterError,
  type ConfigEntry,
  type GroupOffsets,
  type GroupsSurvey,
  type GroupType,
  type SurveyedMember,
} from '@selfmonitor/cluster'
import { type CollectOptions, collect, type Source } from '../collect.ts'
import { type CollectorState, firstState } from '../state.ts'

export interface WorldTopic {
  id: string
  /** Of each partition. */
  start: bigint[]
  end: bigint[]
  leader?: number
  config?: Readonly<Record<string, string>>
}

export interface WorldGroup {
  type?: GroupType
  state?: string
  epoch?: number
  /** Partitions of each member, of the topic `orders`. */
  members?: Record<string, number[]>
  /** By partition of `orders`. */
  committed: Record<number, bigint>
}

export interface World {
  readonly source: Source
  state: CollectorState
  nowMs: number
  brokers: number[]
  /** Of the quorum. */
  hasLeader: boolean
  topics: Record<string, WorldTopic>
  groups: Record<string, WorldGroup>
  /** Operations that fail, with the code of their error. */
  failing: Partial<Record<keyof Source, string>>
  /** Brokers that do not list their groups; all groups are those of broker 0. */
  silent: number[]
  /** Operations, in the order in which they were called. */
  readonly calls: string[]
  /** Of the record at an offset: one a second since 0. */
  collect(options?: Partial<CollectOptions>): Promise<CollectorState>
}

const problem = { code: 'COORDINATOR_NOT_AVAILABLE', message: 'loading' }

const voter = { id: 0, logEndOffset: 50n, lastFetchMs: null, lastCaughtUpMs: null }

export function world(): World {
  const calls: string[] = []
  const it: World = {
    source: undefined as unknown as Source,
    state: firstState('test', null, 0),
    nowMs: 0,
    brokers: [0, 1, 2],
    hasLeader: true,
    topics: { orders: { id: 'id-1', start: [0n, 0n], end: [100n, 100n] } },
    groups: {},
    failing: {},
    silent: [],
    calls,
    async collect(options = {}) {
      it.state = await collect(it.source, it.state, {
        cluster: 'test',
        expectedBrokers: null,
        isTopicCollected: () => true,
        isGroupCollected: () => true,
        everyMs: {},
        readServices: null,
        readBackups: null,
        ownCertificates: [],
        onBug: (error) => {
          throw error
        },
        now: () => it.nowMs,
        ...options,
      })
      return it.state
    },
  }
  const step = <T>(name: keyof Source, value: () => T): T => {
    calls.push(name)
    const code = it.failing[name]
    if (code !== undefined) throw new ClusterError(code, `${name} failed`)
    return value()
  }
  const source: Source = {
    surveyMetadata: async () =>
      step('surveyMetadata', () => ({ clusterId: 'abc', controllerId: 0, brokers: brokers(it), topics: topics(it) })),
    surveyGroups: async ({ offsets = false } = {}) => {
      const found = step('surveyGroups', () => survey(it))
      return { ...found, offsets: offsets ? step('groupOffsets', () => offsetsOf(it, found.groups)) : [] }
    },
    groupOffsets: async (groups) => step('groupOffsets', () => offsetsOf(it, groups)),
    partitionBounds: async (partitions, { after } = {}) => {
      await after
      return step('partitionBounds', () =>
        partitions.map(({ topic, partition, leader }) => {
          if (leader < 0) return { topic, partition, start: null, lastStable: null, end: null, problem }
          const { start, end } = it.topics[topic]!
          return {
            topic,
            partition,
            start: start[partition]!,
            lastStable: end[partition]!,
            end: end[partition]!,
            problem: null,
          }
        }),
      )
    },
    unreadRecords: async (positions) =>
      step('unreadRecords', () => {
        if (positions.length > 0)
          calls.push(...positions.map(({ topic, partition, offset }) => `${topic}-${partition}@${offset}`))
        return positions.map(({ offset }) => ({
          ...{ kind: 'record', offset, timestampMs: Number(offset) * 1_000, timestampType: 'CreateTime' },
        })) as Awaited<ReturnType<Source['unreadRecords']>>
      }),
    quorum: async () =>
      step('quorum', () => ({
        ...(it.hasLeader
          ? { leaderId: 0, leaderEpoch: 3, highWatermark: 50n, voters: [voter], leaderTimeMs: it.nowMs + 200 }
          : { leaderId: -1, leaderEpoch: -1, highWatermark: -1n, voters: [], leaderTimeMs: null }),
        observers: [],
      })),
    openTransactions: async () => step('openTransactions', () => ({ transactions: [], problem: null })),
    reachBrokers: async () =>
      step('reachBrokers', () =>
        brokers(it).map(({ id, host, port }) => ({
          ...{ brokerId: id, host, port, problem: null, tookMs: 2, apiVersions: new Map([[18, 4]]), certificate: null },
        })),
      ),
    surveyLogDirs: async () =>
      step('surveyLogDirs', () => ({
        logDirs: [{ brokerId: 0, path: '/d', error: null, totalBytes: 100n, usableBytes: 40n, partitions: [] }],
        problems: [],
      })),
    surveyConfigs: async ({ topics: names }) => {
      calls.push(`configs of ${names.join(' ')}`)
      return step('surveyConfigs', () => ({
        topics: new Map(names.map((name) => [name, configOf(it.topics[name])])),
        brokers: new Map(),
        problem: null,
      }))
    },
    requestsSent: () => calls.length,
  }
  return Object.assign(it, { source })
}

const brokers = (it: World) => it.brokers.map((id) => ({ id, host: `kafka-${id}`, port: 9092, rack: null }))

const configOf = (topic: WorldTopic | undefined): ConfigEntry[] =>
  Object.entries(topic?.config ?? {}).map(([name, value]) => ({
    ...{ name, value, source: 'topic' as const, readOnly: false, sensitive: false },
  }))

const topics = (it: World) =>
  Object.entries(it.topics).map(([name, { id, end, leader = 0 }]) => ({
    name,
    id,
    internal: false,
    partitions: end.map((_, partition) => ({ partition, leader, replicas: [0], isr: [0], offlineReplicas: [] })),
  }))

const offsetsOf = (it: World, groups: readonly { readonly groupId: string }[]): GroupOffsets[] =>
  groups.map(({ groupId }) => ({
    groupId,
    problem: null,
    offsets: Object.entries(it.groups[groupId]!.committed).map(([partition, offset]) => ({
      ...{ topic: 'orders', partition: Number(partition), offset, leaderEpoch: -1, metadata: '', lag: null },
    })),
  }))

function survey(it: World): Pick<GroupsSurvey, 'groups' | 'problems'> {
  const problems = it.silent.map((brokerId) => ({ brokerId, problem }))
  const listed = it.silent.includes(0) ? [] : Object.entries(it.groups)
  const groups = listed.map(([groupId, { type = 'classic', state, epoch = null, members = {} }]) => ({
    groupId,
    type,
    state: (state ?? (Object.keys(members).length === 0 ? 'Empty' : 'Stable')) as 'Stable',
    protocolType: 'consumer',
    coordinatorId: 0,
    epoch,
    members: Object.entries(members).map(
      ([memberId, partitions]): SurveyedMember => ({
        ...{ memberId, groupInstanceId: null, clientId: 'c', host: 'h', subscribedTopics: ['orders'] },
        ...{ subscribedTopicRegex: null, assignment: [{ topic: 'orders', partitions }] },
      }),
    ),
    problem: null,
  }))
  return { groups, problems }
}

// Which error codes of an answer Kafka counts (`AbstractResponse.errorCounts` of each API): those in the answer itself, and those of
// its parts. NONE is counted, too.
import type { ApiName } from '@selfmonitor/protocol'
import { countError, type RequestCounters } from './counters.ts'

interface CountedErrors {
  /** Whether the answer has an error code of its own that is counted: always, or in versions that lack this array. */
  readonly own?: true | { readonly without: string }
  /** Where parts with an error code are: arrays in arrays, those that the version has. */
  readonly parts?: readonly (readonly string[])[]
}

const own: CountedErrors = { own: true }
const partitions = ['topics', 'partitions'] as const

const countedErrors: Readonly<Partial<Record<ApiName, CountedErrors>>> = {
  Produce: { parts: [['responses', 'partitionResponses']] },
  Fetch: { own: true, parts: [['responses', 'partitions']] },
  ListOffsets: { parts: [partitions] },
  Metadata: { parts: [['topics'], partitions] },
  OffsetCommit: { parts: [partitions] },
  OffsetFetch: { own: { without: 'groups' }, parts: [['groups'], ['groups', 'topics', 'partitions'], partitions] },
  FindCoordinator: { own: { without: 'coordinators' }, parts: [['coordinators']] },
  JoinGroup: own,
  Heartbeat: own,
  LeaveGroup: { own: true, parts: [['members']] },
  SyncGroup: own,
  DescribeGroups: { parts: [['groups']] },
  ListGroups: own,
  SaslHandshake: own,
  SaslAuthenticate: own,
  ApiVersions: own,
  CreateTopics: { parts: [['topics']] },
  DeleteTopics: { parts: [['responses']] },
  DeleteRecords: { parts: [partitions] },
  InitProducerId: own,
  OffsetForLeaderEpoch: { parts: [partitions] },
  DescribeAcls: own,
  CreateAcls: { parts: [['results']] },
  DeleteAcls: { parts: [['filterResults']] },
  DescribeConfigs: { parts: [['results']] },
  AlterConfigs: { parts: [['responses']] },
  DescribeLogDirs: { own: true, parts: [['results']] },
  CreatePartitions: { parts: [['results']] },
  DeleteGroups: { parts: [['results']] },
  IncrementalAlterConfigs: { parts: [['responses']] },
  OffsetDelete: { own: true, parts: [partitions] },
  DescribeCluster: own,
  ConsumerGroupHeartbeat: own,
  ListConfigResources: own,
  DescribeTopicPartitions: { parts: [['topics']] },
}

type Part = Readonly<Record<string, unknown>>

/** Whether the table has the API. */
export const isCounted = (api: ApiName): boolean => countedErrors[api] !== undefined

/** Counts the error codes of an answer. A field that a handler leaves out is 0. */
export function countErrors(counters: RequestCounters, api: ApiName, answer: object): void {
  const counted = countedErrors[api]
  if (counted === undefined) return
  const { own } = counted
  if (own === true || (own !== undefined && (answer as Part)[own.without] === undefined)) {
    countError(counters, codeOf(answer as Part))
  }
  if (counted.parts !== undefined) for (const path of counted.parts) countParts(counters, answer as Part, path, 0)
}

function countParts(counters: RequestCounters, part: Part, path: readonly string[], depth: number): void {
  if (depth === path.length) {
    countError(counters, codeOf(part))
    return
  }
  const inner = part[path[depth]!] as readonly Part[] | undefined
  if (inner !== undefined && inner !== null) for (const one of inner) countParts(counters, one, path, depth + 1)
}

const codeOf = ({ errorCode }: Part): number => (errorCode as number | undefined) ?? 0

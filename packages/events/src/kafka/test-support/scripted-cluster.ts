// A cluster of one broker with one topic, in memory, behind the interface of the client: for what real brokers do only after
// disks and machines were lost. It follows Kafka's rules for leader epochs (KIP-320) and for how an answer is filled (KIP-74).
import { setTimeout as wait } from 'node:timers/promises'
import type { RequestOf, ResponseInput } from '@selfmonitor/protocol/api'
import { errorCodes } from '@selfmonitor/protocol/errors'
import { encodeBatch } from '@selfmonitor/protocol/records'
import type { KafkaClient } from '../client.ts'
import { toUuid } from '../topic-id.ts'
import { fakeConnection } from './fake-connection.ts'

interface LogRecord {
  readonly offset: bigint
  readonly leaderEpoch: number
  readonly value: Buffer
}

export interface ScriptedPartition {
  /** Of the current leader. */
  leaderEpoch: number
  /** Appends a record under the current leader. @returns its offset */
  append(value: string | Buffer): bigint
  /**
   * Another leader takes over, whose log ends at `end`: what lies beyond is gone. With the current end, nothing is.
   * @param end the offset after its last record
   */
  elect(end: bigint): void
  /** Empties the log and begins its epochs anew. */
  reset(): void
  /** Retention removes what is older. */
  deleteBefore(offset: bigint): void
  end(): bigint
}

export interface ScriptedCluster {
  readonly topicId: string
  readonly client: KafkaClient
  readonly partitions: readonly ScriptedPartition[]
  /** By partition. */
  readonly committed: Map<number, { readonly offset: bigint; readonly leaderEpoch: number }>
  /** Partitions that each Fetch asked for, in their order. */
  readonly fetches: number[][]
}

interface FetchedPartition {
  readonly partition: number
  readonly currentLeaderEpoch: number
  readonly fetchOffset: bigint
  readonly lastFetchedEpoch: number
  readonly partitionMaxBytes: number
}

const node = 1

export function scriptedCluster(topic: string, partitionCount: number): ScriptedCluster {
  const topicId = '00000000-0000-4000-8000-000000000001'
  const logs = Array.from({ length: partitionCount }, createLog)
  const committed: ScriptedCluster['committed'] = new Map()
  const fetches: number[][] = []

  async function answerFetch(request: RequestOf<'Fetch'>): Promise<ResponseInput<'Fetch'>> {
    const wanted = request.topics.flatMap(({ partitions }) => partitions)
    fetches.push(wanted.map(({ partition }) => partition))
    let leftBytes = request.maxBytes
    const answers = wanted.map((one) => {
      const { records, ...answer } = logs[one.partition]!.read(one, leftBytes, leftBytes === request.maxBytes)
      leftBytes -= records.reduce((sum, { value }) => sum + value.length, 0)
      return {
        partitionIndex: one.partition,
        highWatermark: 0n,
        ...answer,
        records: Buffer.concat(records.map(batchOf)),
      }
    })
    // Long polling, shortened.
    if (answers.every(({ errorCode, records, divergingEpoch }) => !errorCode && !divergingEpoch && !records.length)) {
      await wait(5)
    }
    return { responses: [{ topicId: toUuid(topicId), partitions: answers }] }
  }

  /** Fetch alone goes over it: its request and answer are bytes. */
  const connection = fakeConnection('Fetch', answerFetch)

  const answers: Readonly<Record<string, (args: readonly unknown[]) => unknown>> = {
    FindCoordinator: () => ({ coordinators: [{ nodeId: node }] }),
    JoinGroup: (args) => ({
      generationId: 1,
      protocolName: 'cooperative-sticky',
      leader: 'member',
      memberId: 'member',
      members: [{ memberId: 'member', metadata: (args[6] as { metadata: Buffer }[])[0]!.metadata }],
    }),
    SyncGroup: (args) => ({ assignment: (args[6] as { assignment: Buffer }[])[0]!.assignment }),
    Heartbeat: () => ({}),
    LeaveGroup: () => ({}),
    OffsetCommit(args) {
      for (const { partitions } of args[4] as CommitTopic[]) {
        for (const { partitionIndex, committedOffset, committedLeaderEpoch } of partitions) {
          committed.set(partitionIndex, { offset: committedOffset, leaderEpoch: committedLeaderEpoch })
        }
      }
      return {
        topics: (args[4] as CommitTopic[]).map(({ partitions }) => ({
          name: topic,
          partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: 0 })),
        })),
      }
    },
    OffsetFetch: () => ({
      groups: [
        {
          topics: [
            {
              name: topic,
              partitions: logs.map((_, partitionIndex) => ({
                partitionIndex,
                committedOffset: committed.get(partitionIndex)?.offset ?? -1n,
                committedLeaderEpoch: committed.get(partitionIndex)?.leaderEpoch ?? -1,
              })),
            },
          ],
        },
      ],
    }),
    OffsetForLeaderEpoch(args) {
      const [{ partitions }] = args[1] as [{ partitions: [{ partitionIndex: number; leaderEpoch: number }] }]
      const found = logs[partitions[0].partitionIndex]!.endOf(partitions[0].leaderEpoch)
      return { topics: [{ partitions: [{ leaderEpoch: found?.epoch ?? -1, endOffset: found?.endOffset ?? -1n }] }] }
    },
    ListOffsets(args) {
      const [{ partitions }] = args[2] as [{ partitions: [{ partitionIndex: number; timestamp: bigint }] }]
      const { partitionIndex, timestamp } = partitions[0]
      const log = logs[partitionIndex]!
      return { topics: [{ partitions: [{ offset: timestamp === -2n ? log.start() : log.end() }] }] }
    },
  }

  const client: KafkaClient = {
    metadata: async () => {
      const partitions = logs.map(({ leaderEpoch }) => ({ leader: node, leaderEpoch, replicas: [node] }))
      return new Map([[topic, { name: topic, id: topicId, error: null, partitions }]])
    },
    call: async <Response>(_node: number | null, api: string, request: (version: number) => readonly unknown[]) =>
      (await answers[api]!(request(9))) as Response,
    connection: async () => connection,
    version: async (api) => (api === 'Fetch' ? 17 : 9),
    offers: async () => false,
    clusterId: () => null,
    server: () => null,
    isReachable: () => true,
    close: async () => {},
  }
  return { client, topicId, partitions: logs, committed, fetches }
}

interface CommitTopic {
  readonly partitions: readonly {
    readonly partitionIndex: number
    readonly committedOffset: bigint
    readonly committedLeaderEpoch: number
  }[]
}

function createLog() {
  let records: LogRecord[] = []
  let logStart = 0n
  let logEnd = 0n
  /** Where each epoch begins, oldest first. */
  let epochs = [{ epoch: 0, from: 0n }]

  /** Where an epoch ended, by the rule of OffsetForLeaderEpoch; null for one that this log never had. */
  function endOf(wanted: number): { epoch: number; endOffset: bigint } | null {
    const later = epochs.find(({ epoch }) => epoch > wanted)
    if (later === undefined) return wanted === epochs.at(-1)!.epoch ? { epoch: wanted, endOffset: logEnd } : null
    const own = epochs.findLast(({ epoch }) => epoch <= wanted)
    return { epoch: own?.epoch ?? wanted, endOffset: later.from }
  }

  const log = {
    leaderEpoch: 0,
    endOf,
    start: () => logStart,
    end: () => logEnd,

    append(value: string | Buffer): bigint {
      records.push({ offset: logEnd, leaderEpoch: log.leaderEpoch, value: Buffer.from(value) })
      return logEnd++
    },

    elect(end: bigint): void {
      log.leaderEpoch++
      records = records.filter(({ offset }) => offset < end)
      logEnd = end
      epochs = [...epochs.filter(({ from }) => from < end), { epoch: log.leaderEpoch, from: end }]
    },

    reset(): void {
      records = []
      logStart = 0n
      logEnd = 0n
      epochs = [{ epoch: 0, from: 0n }]
      log.leaderEpoch = 0
    },

    deleteBefore(offset: bigint): void {
      logStart = offset
      records = records.filter((record) => record.offset >= offset)
    },

    read(wanted: FetchedPartition, leftBytes: number, atLeastOne: boolean) {
      const { currentLeaderEpoch, lastFetchedEpoch, fetchOffset } = wanted
      const refuse = (errorCode: number) => ({ errorCode, divergingEpoch: undefined, records: [] as LogRecord[] })
      if (currentLeaderEpoch >= 0 && currentLeaderEpoch < log.leaderEpoch) return refuse(errorCodes.FENCED_LEADER_EPOCH)
      if (currentLeaderEpoch > log.leaderEpoch) return refuse(errorCodes.UNKNOWN_LEADER_EPOCH)
      if (lastFetchedEpoch >= 0) {
        const found = endOf(lastFetchedEpoch)
        if (found === null) return refuse(errorCodes.OFFSET_OUT_OF_RANGE)
        if (found.epoch < lastFetchedEpoch || found.endOffset < fetchOffset) {
          return { errorCode: 0, divergingEpoch: found, records: [] as LogRecord[] }
        }
      }
      if (fetchOffset < logStart || fetchOffset > logEnd) return refuse(errorCodes.OFFSET_OUT_OF_RANGE)
      const batches: LogRecord[] = []
      let sizeBytes = 0
      for (const record of records.filter(({ offset }) => offset >= fetchOffset)) {
        sizeBytes += record.value.length
        const fits = sizeBytes <= Math.min(leftBytes, wanted.partitionMaxBytes)
        if (!fits && !(atLeastOne && batches.length === 0)) break
        batches.push(record)
      }
      return { errorCode: 0, divergingEpoch: undefined, records: batches }
    },
  }
  return log
}

function batchOf({ offset, leaderEpoch, value }: LogRecord): Buffer {
  return encodeBatch([{ value, timestamp: 0n }], { baseOffset: offset, partitionLeaderEpoch: leaderEpoch })
}

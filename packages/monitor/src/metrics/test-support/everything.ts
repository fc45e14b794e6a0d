// For tests: a snapshot of a cluster that has everything that there is a metric for.
import { groupKey } from '../../snapshot/keys.ts'
import type { Snapshot } from '../../snapshot/types.ts'
import { minutes, nowMs, read, snapshotOf, waiting } from '../../test-support/snapshot.ts'
import { probeBuckets } from '../table.ts'

const distribution = { counts: probeBuckets.map(() => 1).concat(2), sum: 3.5 }

export function everything(): Snapshot {
  const lagging = { topic: 'orders', partition: 0, committed: 60n, lag: 40n, nextUnread: waiting(minutes(2), 60n) }
  const snapshot = snapshotOf({
    topics: { orders: { config: { 'retention.ms': '600000' }, lastStable: 90n }, 'odd"name\\': { partitions: 1 } },
    groups: {
      billing: { partitions: [lagging, { topic: 'orders', partition: 1, committed: 100n }] },
      workers: { type: 'share', partitions: [{ topic: 'orders', partition: 2, committed: 70n, lag: 5n }] },
    },
    parts: {
      quorum: read({
        leaderId: 1,
        leaderEpoch: 7,
        highWatermark: 500n,
        voters: [1, 2].map((id) => ({
          id,
          logEndOffset: 500n - BigInt(id - 1) * 20n,
          lastFetchMs: null,
          lastCaughtUpMs: null,
        })),
        observers: [{ id: 3, logEndOffset: 490n, lastFetchMs: null, lastCaughtUpMs: null }],
        leaderTimeMs: null,
        leaderClockOffsetMs: 3,
      }),
      logDirs: read([
        {
          brokerId: 1,
          path: '/data',
          error: null,
          totalBytes: 1_000n,
          usableBytes: 250n,
          replicas: [0, 1, 2].map((partition) => ({ topic: 'orders', partition, sizeBytes: 5_000n })),
        },
      ]),
      transactions: read([
        {
          ...{ topic: 'orders', partition: 1, producerId: 9n, transactionalId: 't', startOffset: 90n },
          ...{ isHanging: false, startedAtMs: nowMs - minutes(5), timeoutMs: 60_000 },
        },
      ]),
      certificates: read([{ where: 'broker 1 (kafka-1:9093)', subject: 'CN=kafka', notAfterMs: nowMs + minutes(60) }]),
      services: read([
        { service: 'schema-registry', url: 'http://registry', problem: null, tookMs: 3 },
        {
          ...{ service: 'connect', url: 'http://connect', problem: null, tookMs: 3 },
          connectors: [{ name: 'sink', state: 'FAILED', tasks: [{ id: 0, state: 'FAILED', trace: 'boom' }] }],
        },
      ]),
      backups: read([
        {
          target: 's3://backups/kafka',
          backup: {
            ...{
              target: 's3://backups/kafka',
              number: 7,
              topics: 2,
              records: 1_000,
              addedRecords: 10,
              addedBytes: 500,
            },
            ...{ cutAtMs: nowMs - minutes(5), finishedAtMs: nowMs - minutes(4), oldestTopicMs: nowMs - minutes(60) },
            ...{ problems: 0, uncoveredTopics: 1, dueMs: nowMs + minutes(5), deadlineMs: nowMs + minutes(10) },
          },
          failure: {
            target: 's3://backups/kafka',
            atMs: nowMs - minutes(90),
            code: 'UNAVAILABLE',
            message: 'no answer',
          },
          drill: {
            ...{ target: 's3://backups/kafka', atMs: nowMs - minutes(120) },
            ...{ rtoMs: minutes(12), rpoMs: minutes(3), dueMs: nowMs + minutes(1_000) },
          },
          drillFailure: { target: 's3://backups/kafka', atMs: nowMs - minutes(240) },
        },
      ]),
      probe: {
        ...{ topic: 'probe', produced: 10, produceFailures: 1, consumed: 9, lost: 1, commits: 9, commitFailures: 0 },
        ...{ produceLatency: distribution, commitLatency: distribution, roundTrip: distribution, lastProblem: null },
      },
    },
    history: {
      topics: new Map([
        ['orders', { id: 'x', recreated: null, lastMessageMs: nowMs, messages: 10n, messagesPerSecond: 4 }],
      ]),
      brokersLastSeen: new Map([[4, nowMs - minutes(1)]]),
    },
  })
  const points = [
    { atMs: nowMs - minutes(2), committed: 50n, end: 50n },
    { atMs: nowMs, committed: 60n, end: 100n },
  ]
  const key = groupKey('billing', 'orders', 0)
  const groupPartitions = new Map(snapshot.history.groupPartitions)
  groupPartitions.set(key, { ...groupPartitions.get(key)!, points, movedAtMs: nowMs - minutes(3), lost: 12n })
  return { ...snapshot, history: { ...snapshot.history, groupPartitions } }
}

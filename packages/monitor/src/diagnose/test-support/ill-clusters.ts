// For tests: each verdict, a cluster that has it, and everything that is then said of it.
import {
  type ClusterSpec,
  failed,
  type GroupSpec,
  hours,
  memberOf,
  minutes,
  nowMs,
  problem,
  quorum,
  read,
  skewed,
  waiting,
} from '../../test-support/snapshot.ts'
import type { CheckCode } from '../index.ts'

/** `billing` reads `orders`; a partition is stopped at offset 50 of 100. */
export const behind = (more: GroupSpec = {}, waitedMs = minutes(20)): GroupSpec => ({
  partitions: [{ topic: 'orders', partition: 0, committed: 50n, lag: 50n, nextUnread: waiting(waitedMs) }],
  ...more,
})

export const gib = 1024n ** 3n
export const disk = (usable: bigint) => ({
  brokerId: 1,
  path: '/data',
  error: null,
  totalBytes: 100n * gib,
  usableBytes: usable,
  replicas: [{ topic: 'orders', partition: 0, sizeBytes: 40n * gib }],
})
/** A measurement each five minutes of the last hour, growing by `gibPerHour`; one is wild. */
export const growth = (gibPerHour: number, wild?: bigint) =>
  Array.from({ length: 13 }, (_, at) => ({
    atMs: nowMs - minutes(60) + minutes(5) * at,
    usedBytes:
      at === 6 && wild !== undefined ? wild : 40n * gib + BigInt(Math.round((Number(gib) * gibPerHour * at) / 12)),
  }))

const unreadable = (code: string) => ({ metadata: failed(code), groups: failed(code), brokers: failed(code) })

/** Each code, a cluster that has it, and everything that is then said. */
export const ill: Readonly<
  Record<CheckCode, readonly (readonly [title: string, spec: ClusterSpec, said: readonly string[]])[]>
> = {
  CLUSTER_UNREACHABLE: [
    ['folds what could not be read', { parts: unreadable('CANNOT_CONNECT') }, ['critical CLUSTER_UNREACHABLE cluster']],
    [
      'when the login is refused',
      { parts: unreadable('AUTHENTICATION_FAILED') },
      ['critical CLUSTER_UNREACHABLE cluster'],
    ],
  ],
  SNAPSHOT_STALE: [
    ['by its end', { parts: { finishedAtMs: nowMs - minutes(11) } }, ['error SNAPSHOT_STALE all of the snapshot']],
  ],
  NOT_ALLOWED: [
    [
      'names the part',
      { parts: { quorum: failed('CLUSTER_AUTHORIZATION_FAILED') } },
      ['warning NOT_ALLOWED quorum of the snapshot'],
    ],
    [
      'of some groups',
      { groups: { secret: { problem: problem('GROUP_AUTHORIZATION_FAILED'), members: [] } } },
      ['warning NOT_ALLOWED groups of the snapshot'],
    ],
  ],
  NOT_READABLE: [
    [
      'with all brokers there',
      { parts: { logDirs: failed('TIMEOUT') } },
      ['warning NOT_READABLE logDirs of the snapshot'],
    ],
  ],
  BROKER_DOWN: [
    [
      'explains its partitions, voters and parts that were not read, and is as severe as the worst of them',
      {
        brokers: [1, 3],
        expectedBrokers: 3,
        topics: {
          orders: { replicas: [1, 2, 3], isr: [1, 3] },
          payments: { replicas: [1, 2, 3], isr: [1, 3], config: { 'min.insync.replicas': '3' } },
          single: { replicas: [2], isr: [], leader: -1, config: { 'min.insync.replicas': '1' } },
        },
        parts: {
          logDirs: failed('CANNOT_CONNECT'),
          quorum: read(
            quorum({
              voters: [
                { id: 1, logEndOffset: 90n, lastFetchMs: null, lastCaughtUpMs: nowMs },
                { id: 2, logEndOffset: 40n, lastFetchMs: nowMs - hours(1), lastCaughtUpMs: nowMs - hours(1) },
              ],
            }),
          ),
        },
      },
      [
        'critical BROKER_DOWN broker 2',
        'warning MIN_ISR_EQUALS_REPLICATION topic payments',
        'warning REPLICATION_ONE topic single',
      ],
    ],
    ['of which only the number is known', { brokers: [1, 2], expectedBrokers: 3 }, ['error BROKER_DOWN cluster']],
    [
      'by the history',
      { brokers: [1, 2], expectedBrokers: 3, history: { brokersLastSeen: new Map([[3, nowMs - minutes(2)]]) } },
      ['error BROKER_DOWN broker 3'],
    ],
  ],
  LISTENER_UNREACHABLE: [
    [
      'explains its replicas',
      {
        reach: { 2: { problem: problem('CANNOT_CONNECT', 'connection refused') } },
        topics: { orders: { replicas: [1, 2, 3], isr: [1, 3] } },
      },
      ['error LISTENER_UNREACHABLE broker 2'],
    ],
  ],
  ADVERTISED_LISTENER: [
    [
      'a name without an address',
      { reach: { 2: { problem: problem('CANNOT_CONNECT', 'getaddrinfo ENOTFOUND kafka-2') } } },
      ['error ADVERTISED_LISTENER broker 2'],
    ],
    [
      'a name without an address, beside brokers that are on this machine',
      {
        reach: { 3: { problem: problem('CANNOT_CONNECT', 'getaddrinfo ENOTFOUND no-such-host') } },
        parts: {
          metadata: read({
            clusterId: 'test',
            controllerId: 1,
            topics: [],
            brokers: [
              { id: 1, host: '127.0.0.1', port: 9092, rack: null },
              { id: 2, host: '127.0.0.1', port: 9093, rack: null },
              { id: 3, host: 'no-such-host', port: 9094, rack: null },
            ],
          }),
        },
      },
      ['error ADVERTISED_LISTENER broker 3'],
    ],
    [
      'localhost beside other hosts, and one address for two brokers',
      {
        parts: {
          metadata: read({
            clusterId: 'test',
            controllerId: 1,
            topics: [],
            brokers: [
              { id: 1, host: 'localhost', port: 9092, rack: null },
              { id: 2, host: 'kafka', port: 9092, rack: null },
              { id: 3, host: 'kafka', port: 9092, rack: null },
            ],
          }),
        },
      },
      [
        'error ADVERTISED_LISTENER broker 1',
        'error ADVERTISED_LISTENER broker 2',
        'error ADVERTISED_LISTENER broker 3',
      ],
    ],
  ],
  UNDER_REPLICATED: [
    [
      'of a broker that runs, in one verdict, with what is under min ISR',
      {
        topics: Object.fromEntries(
          Array.from({ length: 300 }, (_, at) => [
            `t${at}`,
            { replicas: [1, 2, 3], isr: [1, 3], config: { 'min.insync.replicas': at === 0 ? '3' : '2' } },
          ]),
        ),
      },
      ['critical UNDER_REPLICATED broker 2', 'warning MIN_ISR_EQUALS_REPLICATION topic t0'],
    ],
  ],
  CLOCK_SKEW: [
    ['behind', { parts: { quorum: read(skewed(-7_000)) } }, ['warning CLOCK_SKEW broker 1']],
    ['so far that records are refused', { parts: { quorum: read(skewed(hours(2))) } }, ['error CLOCK_SKEW broker 1']],
    [
      'so far that its voters would look late by our clock',
      { parts: { quorum: read(skewed(-minutes(5))) } },
      ['warning CLOCK_SKEW broker 1'],
    ],
    [
      'of a controller that is no broker',
      { parts: { quorum: read(quorum({ leaderId: 1000, leaderClockOffsetMs: 9_000 })) } },
      ['warning CLOCK_SKEW broker 1000'],
    ],
  ],
  MIXED_VERSIONS: [['one differs', { reach: { 3: { apiVersions: '0:12' } } }, ['warning MIXED_VERSIONS cluster']]],
  NO_CONTROLLER: [
    [
      'by the quorum',
      { parts: { quorum: read(quorum({ leaderId: -1, highWatermark: -1n })) } },
      ['critical NO_CONTROLLER cluster'],
    ],
    [
      'explains a broker that does not answer and that nothing takes out of the cluster',
      {
        reach: { 2: { problem: problem('CANNOT_CONNECT', 'connection refused') } },
        parts: { quorum: read(quorum({ leaderId: -1, highWatermark: -1n })) },
      },
      ['critical NO_CONTROLLER cluster'],
    ],
  ],
  QUORUM_VOTER_BEHIND: [
    [
      'a controller of its own',
      {
        parts: {
          quorum: read(
            quorum({
              leaderId: 1000,
              voters: [1000, 1001].map((id) => ({
                id,
                logEndOffset: 90n,
                lastFetchMs: nowMs,
                lastCaughtUpMs: id === 1001 ? nowMs - minutes(5) : nowMs,
              })),
            }),
          ),
        },
      },
      ['error QUORUM_VOTER_BEHIND broker 1001'],
    ],
  ],
  OFFLINE_PARTITIONS: [
    [
      'though all brokers are there',
      { topics: { orders: { replicas: [1, 2, 3], isr: [1, 2, 3], leader: -1 } } },
      ['critical OFFLINE_PARTITIONS topic orders'],
    ],
  ],
  UNDER_MIN_ISR: [
    [
      'is a consequence of replicas that are out of sync',
      { topics: { orders: { replicas: [1, 2, 3], isr: [1] } } },
      ['critical UNDER_REPLICATED broker 2', 'critical UNDER_REPLICATED broker 3'],
    ],
  ],
  UNBALANCED_LEADERS: [
    [
      'after a restart without an election',
      { topics: { orders: { partitions: 6, replicas: [1, 2, 3], leader: 2 } } },
      ['warning UNBALANCED_LEADERS broker 1'],
    ],
  ],
  REPLICATION_ONE: [
    [
      'in a cluster of three',
      { topics: { orders: { replicas: [1], config: { 'min.insync.replicas': '1' } } } },
      ['warning REPLICATION_ONE topic orders'],
    ],
    [
      'of many topics is one verdict',
      {
        topics: Object.fromEntries(
          Array.from({ length: 40 }, (_, at) => [`t${at}`, { replicas: [1], config: { 'min.insync.replicas': '1' } }]),
        ),
      },
      ['warning REPLICATION_ONE cluster'],
    ],
  ],
  MIN_ISR_EQUALS_REPLICATION: [
    [
      'three of three',
      { topics: { orders: { config: { 'min.insync.replicas': '3' } } } },
      ['warning MIN_ISR_EQUALS_REPLICATION topic orders'],
    ],
  ],
  MIN_ISR_ONE: [
    [
      'one of three',
      { topics: { orders: { config: { 'min.insync.replicas': '1' } } } },
      ['warning MIN_ISR_ONE topic orders'],
    ],
  ],
  UNCLEAN_ELECTION: [
    [
      'switched on',
      { topics: { orders: { config: { 'unclean.leader.election.enable': 'true' } } } },
      ['warning UNCLEAN_ELECTION topic orders'],
    ],
  ],
  LOG_DIRECTORY_OFFLINE: [
    [
      'explains its replicas',
      {
        topics: { orders: { replicas: [1, 2, 3], isr: [2, 3], leader: 2 } },
        parts: { logDirs: read([{ ...disk(0n), error: 'KAFKA_STORAGE_ERROR', totalBytes: null, usableBytes: null }]) },
      },
      ['critical LOG_DIRECTORY_OFFLINE broker 1, /data'],
    ],
  ],
  DISK_FILLING: [
    [
      'within a day',
      { parts: { logDirs: read([disk(55n * gib)]) }, history: { logDirs: new Map([['1 /data', growth(5)]]) } },
      ['error DISK_FILLING broker 1, /data'],
    ],
    [
      'soon, and is nearly full already: one verdict',
      { parts: { logDirs: read([disk(10n * gib)]) }, history: { logDirs: new Map([['1 /data', growth(20)]]) } },
      ['critical DISK_FILLING broker 1, /data'],
    ],
  ],
  DISK_NEARLY_FULL: [
    ['over 80 %', { parts: { logDirs: read([disk(19n * gib)]) } }, ['warning DISK_NEARLY_FULL broker 1, /data']],
    ['over 90 %', { parts: { logDirs: read([disk(4n * gib)]) } }, ['critical DISK_NEARLY_FULL broker 1, /data']],
  ],
  HANGING_TRANSACTION: [
    [
      'over its time-out',
      { topics: { orders: {} }, parts: { transactions: read([transaction(minutes(5), minutes(1))]) } },
      ['error HANGING_TRANSACTION orders-0'],
    ],
    [
      'open for long',
      { topics: { orders: {} }, parts: { transactions: read([transaction(minutes(6), minutes(15))]) } },
      ['warning HANGING_TRANSACTION orders-0'],
    ],
    [
      'unknown to the coordinators, of a producer whose clock runs ahead',
      { topics: { orders: {} }, parts: { transactions: read([transaction(-minutes(90), null)]) } },
      ['warning HANGING_TRANSACTION orders-0'],
    ],
    [
      'explains a consumer that waits for it',
      {
        topics: { orders: { lastStable: 50n } },
        groups: { billing: behind({ history: { movedAtMs: nowMs - minutes(30) } }) },
        parts: { transactions: read([transaction(minutes(30), null)]) },
      },
      ['error HANGING_TRANSACTION orders-0'],
    ],
  ],
  TOPIC_RECREATED: [
    [
      'explains offsets past the end, and a group that waits',
      {
        topics: { orders: { end: 3n } },
        groups: { billing: { partitions: [{ topic: 'orders', partition: 0, committed: 90n, lag: 0n }] } },
        history: {
          topics: new Map([
            [
              'orders',
              {
                id: 'b',
                recreated: { atMs: nowMs - minutes(3), previousId: 'a', times: 1 },
                lastMessageMs: null,
                messages: 0n,
                messagesPerSecond: null,
              },
            ],
          ]),
        },
      },
      ['error TOPIC_RECREATED topic orders'],
    ],
  ],
  HOT_PARTITION: [
    [
      'one has most',
      { topics: { orders: { partitions: 4, ends: [100n, 200n, 90_000n, 150n] } } },
      ['warning HOT_PARTITION topic orders'],
    ],
  ],
  OVERSIZED_MESSAGES: [
    [
      'larger than a request may be',
      { topics: { orders: { config: { 'max.message.bytes': '209715200' } } } },
      ['error OVERSIZED_MESSAGES topic orders'],
    ],
    [
      'larger than an answer to a follower',
      { topics: { orders: { config: { 'max.message.bytes': '20971520' } } } },
      ['warning OVERSIZED_MESSAGES topic orders'],
    ],
  ],
  MESSAGES_LOST: [
    [
      'committed below the start',
      {
        topics: { orders: { start: 80n } },
        groups: {
          billing: {
            partitions: [
              { topic: 'orders', partition: 0, committed: 50n, lag: 50n, nextUnread: waiting(minutes(1), 80n) },
            ],
          },
        },
      },
      ['critical MESSAGES_LOST group billing, topic orders'],
    ],
  ],
  RETENTION_NEAR: [
    [
      'four fifths used',
      {
        topics: { orders: { config: { 'retention.ms': String(hours(1)) } } },
        groups: { billing: behind({}, minutes(50)) },
      },
      ['error RETENTION_NEAR group billing, topic orders'],
    ],
  ],
  GROUP_EMPTY_WITH_LAG: [
    [
      'explains that messages are lost and others are about to be',
      {
        topics: { orders: { start: 60n, config: { 'retention.ms': String(hours(1)) } } },
        groups: { billing: behind({ state: 'Empty', members: [] }, minutes(55)) },
      },
      ['critical GROUP_EMPTY_WITH_LAG group billing'],
    ],
    [
      'empty for ten minutes',
      {
        topics: { orders: {} },
        groups: { billing: behind({ state: 'Empty', members: [], emptySinceMs: nowMs - minutes(10) }) },
      },
      ['error GROUP_EMPTY_WITH_LAG group billing'],
    ],
  ],
  GROUP_STUCK: [
    [
      'nothing committed for six minutes',
      { topics: { orders: {} }, groups: { billing: behind({ history: { movedAtMs: nowMs - minutes(6) } }) } },
      ['error GROUP_STUCK group billing, topic orders'],
    ],
    [
      'watched for fifteen seconds only, with a record that has waited for long',
      {
        topics: { orders: {} },
        groups: { billing: behind({ history: { movedAtMs: null, firstSeenMs: nowMs - 15_000 } }) },
      },
      ['warning GROUP_STUCK group billing, topic orders'],
    ],
  ],
  GROUP_FLAPPING: [
    [
      'for ten minutes, and commits nothing by it',
      {
        topics: { orders: {} },
        groups: {
          billing: behind({
            history: { movedAtMs: nowMs - minutes(10) },
            rebalancedAtMs: [10, 7, 4, 1].map((ago) => nowMs - minutes(ago)),
          }),
        },
      },
      ['error GROUP_FLAPPING group billing'],
    ],
    [
      'in a burst',
      { groups: { billing: { rebalancedAtMs: [90, 80, 70, 60, 50, 40, 30, 5].map((ago) => nowMs - ago * 1000) } } },
      ['warning GROUP_FLAPPING group billing'],
    ],
  ],
  GROUP_FALLING_BEHIND: [
    [
      'reads more slowly than is written',
      {
        topics: { orders: { end: 50_000n } },
        groups: {
          billing: {
            partitions: [
              { topic: 'orders', partition: 0, committed: 10_000n, lag: 40_000n, nextUnread: waiting(minutes(2)) },
            ],
            history: {
              points: Array.from({ length: 10 }, (_, at) => ({
                atMs: nowMs - minutes(9 - at),
                committed: BigInt(1_000 * at),
                end: BigInt(5_000 * at),
              })),
            },
          },
        },
      },
      ['warning GROUP_FALLING_BEHIND group billing, topic orders'],
    ],
  ],
  MORE_MEMBERS_THAN_PARTITIONS: [
    [
      'five for three',
      {
        topics: { orders: {} },
        groups: {
          billing: {
            members: ['a', 'b', 'c', 'd', 'e'].map((id, at) =>
              memberOf(id, { assignment: at < 3 ? [{ topic: 'orders', partitions: [at] }] : [] }),
            ),
          },
        },
      },
      ['warning MORE_MEMBERS_THAN_PARTITIONS group billing'],
    ],
  ],
  STARTED_AT_LATEST: [
    [
      'nothing committed of a topic with messages',
      {
        topics: { orders: {} },
        groups: { billing: { partitions: [{ topic: 'orders', partition: 0, committed: null, lag: null }] } },
      },
      ['warning STARTED_AT_LATEST group billing, topic orders'],
    ],
  ],
  COMMITTED_PAST_END: [
    [
      'the log was cut',
      {
        topics: { orders: { end: 3n } },
        groups: { billing: { partitions: [{ topic: 'orders', partition: 0, committed: 90n, lag: 0n }] } },
      },
      ['error COMMITTED_PAST_END group billing, topic orders'],
    ],
  ],
  CERTIFICATE_EXPIRING: [
    ['in ten days', certificate(hours(240)), ['warning CERTIFICATE_EXPIRING certificate of broker 1 (kafka-1:9093)']],
    ['tomorrow', certificate(hours(24)), ['error CERTIFICATE_EXPIRING certificate of broker 1 (kafka-1:9093)']],
    ['yesterday', certificate(-hours(24)), ['critical CERTIFICATE_EXPIRING certificate of broker 1 (kafka-1:9093)']],
  ],
  SCHEMA_REGISTRY_DOWN: [
    ['does not answer', service('schema-registry'), ['error SCHEMA_REGISTRY_DOWN schema-registry']],
  ],
  CONNECT_DOWN: [['does not answer', service('connect'), ['error CONNECT_DOWN connect']]],
  KSQLDB_DOWN: [['does not answer', service('ksqldb'), ['error KSQLDB_DOWN ksqldb']]],
  CONNECTOR_FAILED: [
    [
      'one of two tasks',
      {
        parts: {
          services: read([
            {
              service: 'connect',
              url: 'http://connect:8083',
              problem: null,
              tookMs: 3,
              connectors: [
                {
                  name: 'sink',
                  state: 'RUNNING',
                  tasks: [
                    { id: 0, state: 'RUNNING', trace: null },
                    {
                      id: 1,
                      state: 'FAILED',
                      trace: 'org.apache.kafka.connect.errors.ConnectException: no room\n\tat …',
                    },
                  ],
                },
                { name: 'paused', state: 'PAUSED', tasks: [] },
              ],
            },
          ]),
        },
      },
      ['error CONNECTOR_FAILED connector sink'],
    ],
  ],
}

export function transaction(ageMs: number, timeoutMs: number | null) {
  return {
    topic: 'orders',
    partition: 0,
    producerId: 7n,
    transactionalId: null,
    startOffset: 50n,
    isHanging: timeoutMs === null,
    startedAtMs: nowMs - ageMs,
    timeoutMs,
  }
}

function certificate(leftMs: number): ClusterSpec {
  const one = { where: 'broker 1 (kafka-1:9093)', subject: 'CN=kafka', notAfterMs: nowMs + leftMs }
  return { parts: { certificates: read([one]) } }
}

function service(name: 'schema-registry' | 'connect' | 'ksqldb'): ClusterSpec {
  return {
    parts: { services: read([{ service: name, url: 'http://there:1/', problem: problem('ECONNREFUSED'), tookMs: 1 }]) },
  }
}

import { describe, expect, it } from 'vitest'
import {
  type ClusterSpec,
  failed,
  hours,
  memberOf,
  minutes,
  nowMs,
  read,
  snapshotOf,
  waiting,
} from '../test-support/snapshot.ts'
import { checks, type Diagnosis, diagnose, findingKey, subjectText } from './index.ts'
import { behind, disk, gib, growth, ill, transaction } from './test-support/ill-clusters.ts'

const verdictsOf = (spec: ClusterSpec) => diagnose(snapshotOf(spec), nowMs).verdicts
const shown = (spec: ClusterSpec): string[] =>
  verdictsOf(spec).map(({ severity, code, subject }) => `${severity} ${code} ${subjectText(subject)}`)

describe('diagnose finds', () => {
  const cases = Object.entries(ill).flatMap(([code, some]) =>
    some.map(([title, spec, said]) => ({ code, title, spec, said })),
  )
  it.each(cases)('$code: $title', ({ spec, said }) => {
    expect(shown(spec)).toEqual(said)
  })
  it('for each verdict evidence, a remedy and a section of a runbook', () => {
    for (const { spec } of cases) {
      for (const { message, evidence, remedy, runbook } of verdictsOf(spec)) {
        expect(evidence.length, message).toBeGreaterThan(0)
        expect(remedy.text).toMatch(/^[A-Z].*\.$/s)
        expect(message).not.toMatch(/undefined|null|NaN|\.$/)
        expect(evidence.map(({ text }) => text).join()).not.toMatch(/undefined|null|NaN/)
        expect(runbook).toMatch(/^docs\/runbooks\/[a-z-]+\.md#[a-z_-]+$/)
      }
    }
    expect(Object.keys(ill).sort()).toEqual(Object.keys(checks).sort())
  })
  it('the same for the same snapshot', () => {
    for (const { spec } of cases) expect(verdictsOf(spec)).toEqual(verdictsOf(spec))
  })
})

describe('diagnose says nothing of', () => {
  const well: readonly (readonly [string, ClusterSpec])[] = [
    ['a fresh cluster', { brokers: [1], topics: {} }],
    [
      'a laptop: one broker, one replica',
      { brokers: [1], topics: { orders: {}, __consumer_offsets: { partitions: 50 } } },
    ],
    [
      'a group that has just joined, and has not committed its first batch',
      {
        topics: { orders: {} },
        groups: {
          billing: {
            partitions: [{ topic: 'orders', partition: 0, committed: null, lag: null }],
            rebalancedAtMs: [nowMs - 4_000],
          },
        },
      },
    ],
    [
      'one replica under a default of two, which Kafka counts as one',
      { brokers: [1], topics: { orders: { config: { 'min.insync.replicas': '2' } } } },
    ],
    [
      'three brokers at work',
      { topics: { orders: {} }, groups: { billing: { partitions: [{ topic: 'orders', partition: 0 }] } } },
    ],
    [
      'a group that is idle because its topic is',
      {
        topics: { orders: {} },
        groups: {
          billing: { partitions: [{ topic: 'orders', partition: 0 }], history: { movedAtMs: nowMs - hours(1) } },
        },
      },
    ],
    [
      'a record that has just come to a topic that was idle for an hour',
      { topics: { orders: {} }, groups: { billing: behind({ history: { movedAtMs: nowMs - hours(1) } }, 2_000) } },
    ],
    [
      'transaction markers at the end of a partition, with members or without',
      {
        topics: { orders: {} },
        groups: Object.fromEntries(
          (['Stable', 'Empty'] as const).map((state) => [
            state,
            {
              state,
              members: state === 'Stable' ? [memberOf('a')] : [],
              partitions: [{ topic: 'orders', partition: 0, committed: 99n, lag: 1n, nextUnread: 'none' as const }],
              history: { movedAtMs: nowMs - hours(1) },
            },
          ]),
        ),
      },
    ],
    [
      'a marker that was deleted with the rest of an idle topic',
      {
        topics: { orders: { start: 100n } },
        groups: { billing: { partitions: [{ topic: 'orders', partition: 0, committed: 99n, lag: 0n }] } },
      },
    ],
    [
      'compacted topics: their old records do not expire, and their offsets have holes',
      {
        topics: { state: { partitions: 4, ends: [9n, 9n, 90_000n, 9n], config: { 'cleanup.policy': 'compact' } } },
        groups: {
          billing: {
            partitions: [{ topic: 'state', partition: 0, committed: 5n, lag: 4n, nextUnread: waiting(hours(400), 5n) }],
          },
        },
      },
    ],
    [
      'a broker that has been restarting for half a minute, and its replicas',
      {
        brokers: [1, 3],
        expectedBrokers: 3,
        topics: { orders: { replicas: [1, 2, 3], isr: [1, 3] } },
        history: { brokersLastSeen: new Map([[2, nowMs - 30_000]]) },
      },
    ],
    [
      'a service that was stopped a minute ago',
      {
        topics: { orders: {} },
        groups: { billing: behind({ state: 'Empty', members: [], emptySinceMs: nowMs - minutes(1) }) },
      },
    ],
    [
      'a deployment of three members',
      { groups: { billing: { rebalancedAtMs: [100, 80, 60, 40, 20].map((ago) => nowMs - ago * 1000) } } },
    ],
    [
      'Connect, whose workers have no partitions',
      {
        groups: {
          connect: {
            protocolType: 'connect',
            members: ['a', 'b'].map((id) => memberOf(id, { subscribedTopics: null, assignment: [] })),
          },
        },
      },
    ],
    [
      'Kafka Streams with standby tasks',
      {
        topics: { orders: { partitions: 1 } },
        groups: {
          app: {
            members: ['a', 'b'].map((id, at) =>
              memberOf(id, {
                clientId: `app-1-StreamThread-${at}-consumer`,
                assignment: at === 0 ? [{ topic: 'orders', partitions: [0] }] : [],
              }),
            ),
          },
        },
      },
    ],
    [
      'a static member that reads everything',
      {
        topics: { orders: {} },
        groups: {
          billing: {
            members: [memberOf('a', { groupInstanceId: 'billing-0' })],
            partitions: [{ topic: 'orders', partition: 0 }],
          },
        },
      },
    ],
    [
      'a group of kafka-console-consumer',
      { topics: { orders: {} }, groups: { 'console-consumer-4711': behind({ state: 'Empty', members: [] }) } },
    ],
    [
      'the default of max.message.bytes, which is 12 bytes over replica.fetch.max.bytes',
      { topics: { orders: { config: { 'max.message.bytes': '1048588' } } } },
    ],
    [
      'one compaction in a quiet hour',
      {
        parts: { logDirs: read([disk(60n * gib)]) },
        history: { logDirs: new Map([['1 /data', growth(0, 5n * gib)]]) },
      },
    ],
    [
      'a transaction of a minute',
      { topics: { orders: {} }, parts: { transactions: read([transaction(minutes(1), minutes(5))]) } },
    ],
    [
      'a group that has nothing to commit before the transaction ends',
      {
        topics: { orders: { lastStable: 0n } },
        groups: { billing: { partitions: [{ topic: 'orders', partition: 0, committed: null, lag: null }] } },
        parts: { transactions: read([transaction(minutes(1), minutes(5))]) },
      },
    ],
    ['an API that an old cluster lacks', { parts: { quorum: failed('UNSUPPORTED_API') } }],
  ]
  it.each(well)('%s', (_, spec) => {
    expect(verdictsOf(spec)).toEqual([])
  })
})

describe('a diagnosis after another', () => {
  const late = { topics: { orders: { replicas: [1, 2, 3], isr: [1, 3] } } }
  const again = (before: Diagnosis, atMs: number, spec: ClusterSpec = late): Diagnosis =>
    diagnose(snapshotOf(spec), atMs, { before })

  it('holds back what a restart would cause too, until it has lasted', () => {
    const first = diagnose(snapshotOf(late), nowMs, { holdBack: true })
    expect(first).toMatchObject({ verdicts: [], held: [{ code: 'UNDER_REPLICATED', sinceMs: nowMs }] })
    const second = again(first, nowMs + minutes(4))
    expect(second).toMatchObject({ verdicts: [], held: [{ sinceMs: nowMs }] })
    expect(again(second, nowMs + minutes(5)).verdicts).toMatchObject([{ code: 'UNDER_REPLICATED', sinceMs: nowMs }])
  })

  it('begins again when it was well in between', () => {
    const first = diagnose(snapshotOf(late), nowMs, { holdBack: true })
    const well = again(first, nowMs + minutes(2), { topics: { orders: {} } })
    expect(well).toMatchObject({ verdicts: [], held: [] })
    expect(again(well, nowMs + minutes(6)).held).toMatchObject([{ sinceMs: nowMs + minutes(6) }])
  })

  it('says at once what is found to a person who asks once', () => {
    expect(diagnose(snapshotOf(late), nowMs).verdicts).toMatchObject([{ code: 'UNDER_REPLICATED' }])
  })

  it('counts the consequences of a broker that is down with it', () => {
    const [verdict] = verdictsOf({ brokers: [1, 3], topics: { orders: { replicas: [1, 2, 3], isr: [1, 3] } } })
    expect(verdict).toMatchObject({
      code: 'BROKER_DOWN',
      consequences: [{ code: 'UNDER_REPLICATED', subject: { kind: 'broker', brokerId: 2 } }],
    })
    expect(findingKey(verdict!.code, verdict!.subject)).toBe('BROKER_DOWN broker 2')
  })
})

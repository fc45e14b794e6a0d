import type { AclBinding, SurveyedGroup, SurveyedMember } from '@selfmonitor/cluster'
import { describe, expect, it } from 'vitest'
import { hours, memberOf, minutes, nowMs } from '../../test-support/snapshot.ts'
import {
  diagnoseEvent,
  type EventEvidence,
  type GroupLook,
  type Letter,
  type ReasonCode,
  reasonCodes,
} from './index.ts'

const group = (more: Partial<SurveyedGroup> = {}): SurveyedGroup => ({
  groupId: 'billing',
  type: 'classic',
  state: 'Stable',
  protocolType: 'consumer',
  coordinatorId: 1,
  epoch: null,
  members: [memberOf('a')],
  problem: null,
  ...more,
})

/** Looks a second apart, with what is committed for partition 0 (and 1) at each. */
const looks = (committed: readonly (bigint | null)[], other: readonly bigint[] = []): GroupLook[] =>
  committed.map((offset, at) => ({
    atMs: nowMs - (committed.length - 1 - at) * 1000,
    state: 'Stable',
    assignment: 'a orders:0',
    committed: new Map([
      ...(offset === null ? [] : [[0, offset] as const]),
      ...(other[at] === undefined ? [] : [[1, other[at]!] as const]),
    ]),
  }))

const still = looks(Array.from({ length: 15 }, () => 50n))

/** `orders[0]@50` of 0 to 100, and a group that has come to 10. */
const given = (more: Partial<EventEvidence> = {}): EventEvidence => ({
  atMs: nowMs,
  bootstrap: 'kafka:9092',
  topic: 'orders',
  partition: 0,
  offset: 50n,
  groupId: 'billing',
  start: 0n,
  end: 100n,
  lastStable: 100n,
  record: { kind: 'there', timestampMs: nowMs - minutes(1), sizeBytes: 12 },
  cleanupPolicy: 'delete',
  retentionMs: hours(168),
  group: group(),
  looks: looks([10n]),
  offsetsProblem: null,
  transaction: null,
  access: { kind: 'open' },
  letters: { found: [], searched: [], problem: null },
  watched: null,
  ...more,
})

const elsewhere: SurveyedMember[] = [
  memberOf('a', { subscribedTopics: ['other'], assignment: [{ topic: 'other', partitions: [0] }] }),
]

const allow = (resourceType: 'topic' | 'group', resourceName: string, more: Partial<AclBinding> = {}): AclBinding => ({
  resourceType,
  resourceName,
  pattern: 'literal',
  principal: 'User:billing',
  host: '*',
  operation: 'read',
  permission: 'allow',
  ...more,
})

const rules = (bindings: readonly AclBinding[], more: object = {}): EventEvidence['access'] => ({
  kind: 'rules',
  bindings,
  principal: 'User:billing',
  named: true,
  superUsers: [],
  openByDefault: false,
  ...more,
})

const letter = (more: Partial<Letter> = {}): Letter => ({
  kind: 'dead letter',
  topic: 'orders.dlq',
  partition: 0,
  offset: 3n,
  timestampMs: nowMs,
  convention: 'selfmonitor',
  attempts: '5',
  error: 'Error: no such account',
  by: 'billing',
  ...more,
})

const cases: Readonly<Record<ReasonCode, readonly (readonly [string, Partial<EventEvidence>, readonly string[]])[]>> = {
  DELETED_BY_RETENTION: [
    ['before the group came to it', { start: 60n, record: { kind: 'deleted' } }, ['certain DELETED_BY_RETENTION']],
    [
      'and the group had no members',
      { start: 60n, record: { kind: 'deleted' }, group: group({ state: 'Empty', members: [] }) },
      ['certain DELETED_BY_RETENTION', 'certain NO_MEMBERS'],
    ],
    [
      'after the group had committed past it',
      { start: 60n, record: { kind: 'deleted' }, looks: looks([70n]) },
      ['certain DELETED_BY_RETENTION', 'certain CONSUMED'],
    ],
  ],
  COMPACTED: [
    ['nothing is there', { record: { kind: 'nothing', next: 57n }, cleanupPolicy: 'compact' }, ['likely COMPACTED']],
  ],
  NO_RECORD: [['a marker', { record: { kind: 'nothing', next: null } }, ['certain NO_RECORD']]],
  INVISIBLE_OPEN_TRANSACTION: [
    ['in it', { lastStable: 40n, record: { kind: 'open', timestampMs: nowMs } }, ['likely INVISIBLE_OPEN_TRANSACTION']],
    [
      'before the group has anything to commit',
      { lastStable: 0n, record: { kind: 'open', timestampMs: nowMs }, looks: looks([null]) },
      ['likely INVISIBLE_OPEN_TRANSACTION'],
    ],
  ],
  ABORTED: [['taken back', { record: { kind: 'aborted', timestampMs: nowMs } }, ['certain ABORTED']]],
  NOT_SUBSCRIBED: [
    ['another topic', { group: group({ members: elsewhere }) }, ['certain NOT_SUBSCRIBED']],
    [
      'a pattern that does not match',
      { group: group({ type: 'consumer', members: [{ ...elsewhere[0]!, subscribedTopicRegex: 'ord' }] }) },
      ['certain NOT_SUBSCRIBED'],
    ],
  ],
  NO_MEMBERS: [
    ['empty', { group: group({ state: 'Empty', members: [] }) }, ['certain NO_MEMBERS']],
    ['unknown', { group: null, looks: looks([null]) }, ['certain NO_MEMBERS']],
  ],
  UNASSIGNED: [
    [
      'no member has the partition',
      { group: group({ members: [memberOf('a', { assignment: [{ topic: 'orders', partitions: [1, 2] }] })] }) },
      ['certain UNASSIGNED'],
    ],
  ],
  REBALANCING: [
    [
      'at every look',
      {
        group: group({ state: 'PreparingRebalance', members: [memberOf('a', { assignment: [] })] }),
        looks: looks([10n, 10n]).map((look) => ({ ...look, state: 'PreparingRebalance' })),
      },
      ['certain REBALANCING'],
    ],
  ],
  FLAPPING: [
    [
      'while it was watched',
      { looks: looks([10n, 10n, 10n, 10n]).map((look, at) => ({ ...look, assignment: `member ${at}` })) },
      ['certain FLAPPING'],
    ],
    [
      'before',
      {
        watched: { movedAtMs: null, lastReset: null, rebalancedAtMs: [8, 6, 4, 1].map((ago) => nowMs - minutes(ago)) },
      },
      ['certain FLAPPING'],
    ],
  ],
  ACL_DENIED: [
    [
      'no rule for the topic',
      { group: null, access: rules([allow('group', 'billing')]) },
      ['certain NO_MEMBERS', 'certain ACL_DENIED'],
    ],
    [
      'no rule for any account',
      { group: null, access: rules([allow('group', '*', { principal: 'User:*' })], { principal: null, named: false }) },
      ['certain NO_MEMBERS', 'likely ACL_DENIED'],
    ],
  ],
  STARTED_AT_LATEST: [['nothing committed', { looks: looks([null]) }, ['likely STARTED_AT_LATEST']]],
  SKIPPED_BY_RESET: [
    [
      'moved past it',
      {
        looks: looks([90n]),
        watched: { movedAtMs: nowMs, rebalancedAtMs: [], lastReset: { atMs: nowMs - minutes(3), from: 20n, to: 80n } },
      },
      ['certain SKIPPED_BY_RESET', 'certain CONSUMED'],
    ],
  ],
  STUCK: [
    [
      'long before it, while the record waits',
      { offset: 90n, looks: still, record: { kind: 'there', timestampMs: nowMs - minutes(30), sizeBytes: 1 } },
      ['likely STUCK'],
    ],
    [
      'for longer than anything takes',
      { offset: 90n, looks: still, watched: { movedAtMs: nowMs - minutes(20), lastReset: null, rebalancedAtMs: [] } },
      ['certain STUCK'],
    ],
  ],
  POISON: [
    [
      'right at it',
      { looks: still, record: { kind: 'there', timestampMs: nowMs - minutes(30), sizeBytes: 1 } },
      ['likely POISON'],
    ],
  ],
  IN_RETRY: [
    ['right at it, for a moment', { looks: still }, ['likely IN_RETRY']],
    [
      'in a topic for retries',
      {
        looks: looks([60n]),
        letters: {
          found: [letter({ kind: 'retry', topic: 'orders-retry-0' })],
          searched: ['orders-retry-0'],
          problem: null,
        },
      },
      ['certain IN_RETRY', 'certain CONSUMED'],
    ],
  ],
  DEAD_LETTERED: [
    [
      'by the group',
      { looks: looks([60n]), letters: { found: [letter()], searched: ['orders.dlq'], problem: null } },
      ['certain DEAD_LETTERED', 'certain CONSUMED'],
    ],
    [
      'by another',
      { looks: looks([60n]), letters: { found: [letter({ by: 'ledger' })], searched: ['orders.dlq'], problem: null } },
      ['likely DEAD_LETTERED', 'certain CONSUMED'],
    ],
  ],
  NOT_YET: [
    ['on its way', { looks: looks([10n, 20n, 30n]) }, ['certain NOT_YET']],
    ['of which nothing is known', {}, ['likely NOT_YET']],
  ],
  CONSUMED: [['past it', { looks: looks([51n]) }, ['certain CONSUMED']]],
  NOT_THERE_YET: [['beyond the end', { offset: 200n, record: { kind: 'future' } }, ['certain NOT_THERE_YET']]],
}

describe('why a group has not received a record', () => {
  const all = Object.entries(cases).flatMap(([code, some]) =>
    some.map(([title, evidence, said]) => ({ code, title, evidence, said })),
  )
  it.each(all)('$code: $title', ({ evidence, said }) => {
    const reasons = diagnoseEvent(given(evidence))
    expect(reasons.map(({ certainty, code }) => `${certainty} ${code}`)).toEqual(said)
    for (const { message, evidence: facts, remedy } of reasons) {
      expect(facts.length, message).toBeGreaterThan(0)
      expect([message, remedy.text, remedy.command, ...facts.map(({ text }) => text)].join('\n')).not.toMatch(
        /undefined|NaN/,
      )
      expect(message).not.toMatch(/\.$/)
    }
  })
  it('is said in the order of the list, which has every reason', () => {
    expect(Object.keys(cases)).toEqual(reasonCodes)
    const order = diagnoseEvent(given({ start: 60n, record: { kind: 'deleted' }, group: null, access: rules([]) }))
    expect(order.map(({ code }) => code)).toEqual(['DELETED_BY_RETENTION', 'NO_MEMBERS', 'ACL_DENIED'])
  })
  it('has the time to catch up', () => {
    const [reason] = diagnoseEvent(given({ looks: looks([10n, 20n, 30n]) }))
    expect(reason).toMatchObject({ message: 'billing will reach orders[0]@50 in about 2 s' })
  })
  it.each([
    ['is open', false, 'kafka-transactions --bootstrap-server kafka:9092 describe --transactional-id billing-0'],
    [
      'hangs',
      true,
      'kafka-transactions --bootstrap-server kafka:9092 abort --topic orders --partition 0 --start-offset 40',
    ],
  ])('has the command for a transaction that %s', (_, isHanging, command) => {
    const transaction = {
      ...{ topic: 'orders', partition: 0, producerId: 7n, transactionalId: 'billing-0', startOffset: 40n },
      ...{ isHanging, startedAtMs: nowMs - minutes(40), timeoutMs: isHanging ? null : minutes(60) },
    }
    const [reason] = diagnoseEvent(
      given({ lastStable: 40n, record: { kind: 'open', timestampMs: nowMs }, transaction }),
    )
    expect(reason).toMatchObject({ code: 'INVISIBLE_OPEN_TRANSACTION', remedy: { command } })
  })
})

describe('a right to read', () => {
  const denied = (access: EventEvidence['access']): boolean =>
    diagnoseEvent(given({ group: null, access })).some(({ code }) => code === 'ACL_DENIED')
  const topic = allow('topic', 'orders')
  const both = [topic, allow('group', 'billing')]
  it.each([
    ['is there', both, {}, false],
    [
      'is there by prefix, for all',
      [allow('topic', 'ord', { pattern: 'prefixed', principal: 'User:*' }), both[1]!],
      {},
      false,
    ],
    ['is there as ALL', [allow('topic', '*', { operation: 'all' }), both[1]!], {}, false],
    ['lacks the group', [topic], {}, true],
    ['is another account’s', both.map((one) => ({ ...one, principal: 'User:ledger' })), {}, true],
    ['is denied', [...both, allow('topic', 'orders', { permission: 'deny', principal: 'User:*' })], {}, true],
    ['is a super user’s', [], { superUsers: ['User:billing'] }, false],
    ['is everybody’s where nothing is ruled', [], { openByDefault: true }, false],
    ['of another name is none', [allow('topic', 'orders2'), both[1]!], {}, true],
  ] as const)('%s', (_, bindings, more, expected) => {
    expect(denied(rules(bindings, more))).toBe(expected)
  })
})

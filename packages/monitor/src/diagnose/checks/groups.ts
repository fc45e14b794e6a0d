// Checks of consumer groups: whether they have members, make progress, and lose records before they are read.
import type { Group, GroupPartition } from '../../snapshot/types.ts'
import { type Facts, hasUnread, isConsumerGroup, isStreams, numberSetting, sumBy, waitedMs } from '../facts.ts'
import {
  burstRebalances,
  burstWithinMs,
  emptyGroupGraceMs,
  flappingRebalances,
  flappingRecentMs,
  flappingSpreadMs,
  glanceMs,
  glanceRebalances,
  growingLagLeastMs,
  growingLagMessages,
  idleMembersGraceMs,
  noCommitGraceMs,
  retentionUsedRatio,
  stuckAfterMs,
  stuckLeastObservedMs,
} from '../thresholds.ts'
import { robustSlope } from '../trend.ts'
import { type Check, type Finding, findingKey } from '../types.ts'
import { count, counted, evidence, has, is, percent, several, shellWord, span } from '../words.ts'
import { offlineKey } from './partitions.ts'
import { alert, operation } from './runbooks.ts'

export const groupKeyOf = (code: string, group: string): string => findingKey(code, { kind: 'group', group })

const describeGroup = (group: string): string => `selfmonitor groups describe ${shellWord(group)}`

/** The partitions of each topic that the group reads. */
function byTopic({ partitions }: Group): [string, GroupPartition[]][] {
  return [...Map.groupBy(partitions, ({ topic }) => topic)]
}

const names = (partitions: readonly GroupPartition[]): string => several(partitions.map(({ partition }) => partition))

/** Groups that kafka-console-consumer makes for one run and leaves behind: no service waits for them. */
const isThrowAway = (group: string): boolean => /^console-consumer-\d+$/.test(group)

function findEmpty(facts: Facts): Finding[] {
  return facts.groups.flatMap((group) => {
    if ((group.state !== 'Empty' && group.state !== 'Dead') || isThrowAway(group.groupId)) return []
    const unread = group.partitions.filter(hasUnread)
    if (unread.length === 0) return []
    const lag = sumBy(unread, (one) => one.lag!)
    const topics = [...new Set(unread.map(({ topic }) => topic))]
    const emptySinceMs = facts.snapshot.history.groups.get(group.groupId)?.emptySinceMs ?? null
    const oldestMs = unread.map((one) => waitedMs(one, facts.nowMs)).filter((ms) => ms !== null)
    return [
      {
        subject: { kind: 'group' as const, group: group.groupId },
        message: `group ${group.groupId} has no members, and ${counted(lag, 'message')} ${is(lag)} waiting for it`,
        evidence: [
          evidence('lag', lag, `${counted(lag, 'message')} in ${several(topics)}`),
          ...(oldestMs.length === 0
            ? []
            : [evidence('oldestMs', Math.max(...oldestMs), `the oldest has waited ${span(Math.max(...oldestMs))}`)]),
          evidence('state', group.state, `its state is ${group.state}`),
        ],
        causes: topics.map((topic) => findingKey('TOPIC_RECREATED', { kind: 'topic', topic })),
        command: describeGroup(group.groupId),
        sinceMs: emptySinceMs !== null && emptySinceMs > facts.snapshot.history.sinceMs ? emptySinceMs : undefined,
      },
    ]
  })
}

/** Since when the group's offset of a partition has not moved, as far as we have watched. */
function unmovedMs(facts: Facts, group: string, { topic, partition }: GroupPartition): number {
  const history = facts.historyOf(group, topic, partition)
  if (history === undefined) return 0
  return facts.nowMs - (history.movedAtMs ?? history.firstSeenMs)
}

function isStuck(facts: Facts, group: Group, one: GroupPartition): boolean {
  if (!hasUnread(one)) return false
  const unmoved = unmovedMs(facts, group.groupId, one)
  const waited = waitedMs(one, facts.nowMs)
  // A record that has just arrived has not been waiting, however long the group had nothing to do before.
  if (waited !== null && waited < stuckAfterMs) return false
  return unmoved >= stuckAfterMs || (unmoved >= stuckLeastObservedMs && waited !== null)
}

function findStuck(facts: Facts): Finding[] {
  return facts.groups
    .filter((group) => group.members.length > 0 && group.type !== 'share')
    .flatMap((group) =>
      byTopic(group).flatMap(([topic, partitions]) => {
        const stuck = partitions.filter((one) => isStuck(facts, group, one))
        if (stuck.length === 0) return []
        const lag = sumBy(stuck, (one) => one.lag!)
        const unmoved = Math.min(...stuck.map((one) => unmovedMs(facts, group.groupId, one)))
        const waits = stuck.map((one) => waitedMs(one, facts.nowMs)).filter((ms) => ms !== null)
        const members = [...new Set(stuck.map(({ memberId }) => memberId).filter((id) => id !== null))]
        const clients = group.members
          .filter(({ memberId }) => members.includes(memberId))
          .map(({ clientId, host }) => `${clientId} on ${host}`)
        return [
          {
            subject: { kind: 'group and topic' as const, group: group.groupId, topic },
            severity: unmoved < stuckAfterMs ? ('warning' as const) : undefined,
            message: `group ${group.groupId} is stuck in ${topic}: it has members and commits nothing`,
            evidence: [
              evidence(
                'unmovedMs',
                unmoved,
                `no commit for ${span(unmoved)}${unmoved < stuckAfterMs ? ', which is as long as was watched' : ''}`,
              ),
              evidence(
                'lag',
                lag,
                `${counted(lag, 'message')} waiting in ${counted(stuck.length, 'partition')} (${names(stuck)})`,
              ),
              ...(waits.length === 0
                ? []
                : [evidence('waitedMs', Math.max(...waits), `the next one has waited ${span(Math.max(...waits))}`)]),
              evidence(
                'stoppedAt',
                stuck[0]!.committed,
                `partition ${stuck[0]!.partition} is stopped at offset ${stuck[0]!.committed}`,
              ),
              ...(clients.length === 0 ? [] : [evidence('members', clients.length, `assigned to ${several(clients)}`)]),
            ],
            causes: [
              groupKeyOf('GROUP_FLAPPING', group.groupId),
              offlineKey(topic),
              ...stuck.map(({ partition }) =>
                findingKey('HANGING_TRANSACTION', { kind: 'partition', topic, partition }),
              ),
            ],
            command: `selfmonitor why ${shellWord(topic)} ${stuck[0]!.partition} ${stuck[0]!.committed} --group ${shellWord(group.groupId)}`,
          },
        ]
      }),
    )
}

function findFlapping(facts: Facts): Finding[] {
  return facts.groups.flatMap((group) => {
    const times = facts.snapshot.history.groups.get(group.groupId)?.rebalancedAtMs ?? []
    const last = times.at(-1)
    if (last === undefined || facts.nowMs - last > flappingRecentMs) return []
    const spread = last - times[0]!
    const burst = times.filter((ms) => facts.nowMs - ms <= burstWithinMs).length
    const lasting = times.length >= flappingRebalances && spread >= flappingSpreadMs
    const isGlance = facts.nowMs - facts.snapshot.history.sinceMs < glanceMs
    if (!lasting && burst < (isGlance ? glanceRebalances : burstRebalances)) return []
    return [
      {
        subject: { kind: 'group' as const, group: group.groupId },
        severity: lasting ? undefined : ('warning' as const),
        message: `group ${group.groupId} keeps rebalancing`,
        evidence: [
          evidence(
            'rebalances',
            times.length,
            `${counted(times.length, 'rebalance')} within ${span(Math.max(spread, 1000))}, the last one ${span(facts.nowMs - last)} ago`,
          ),
          evidence('members', group.members.length, `${counted(group.members.length, 'member')}, state ${group.state}`),
          ...(group.members.length > 0 && group.members.every(({ groupInstanceId }) => groupInstanceId === null)
            ? [evidence('static', 0, 'no member has a group.instance.id')]
            : []),
        ],
        command: describeGroup(group.groupId),
      },
    ]
  })
}

function findIdleMembers(facts: Facts): Finding[] {
  return facts.groups.flatMap((group) => {
    if (group.state !== 'Stable' || !isConsumerGroup(group) || isStreams(group)) return []
    const idle = group.members.filter(({ assignment }) => assignment.every(({ partitions }) => partitions.length === 0))
    // A subscription that cannot be decoded, or of a topic that is not there, is another problem.
    const topics = [...new Set(group.members.flatMap(({ subscribedTopics }) => subscribedTopics ?? []))]
    const partitions = facts.topics
      .filter(({ name }) => topics.includes(name))
      .reduce((sum, topic) => sum + topic.partitions.length, 0)
    if (idle.length === 0 || partitions === 0 || group.members.length <= partitions) return []
    return [
      {
        subject: { kind: 'group' as const, group: group.groupId },
        message: `group ${group.groupId} has more members than partitions: ${counted(idle.length, 'member')} ${has(idle.length)} nothing to do`,
        evidence: [
          evidence('members', group.members.length, counted(group.members.length, 'member')),
          evidence('partitions', partitions, `${counted(partitions, 'partition')} in ${several(topics)}`),
          evidence(
            'idle',
            idle.length,
            `idle: ${several([...new Set(idle.map(({ clientId, host }) => `${clientId} on ${host}`))])}`,
          ),
        ],
        command: describeGroup(group.groupId),
      },
    ]
  })
}

/** How much of the retention the next unread record has used; null where it does not expire by time, or its time is not known. */
function retentionUsed(
  facts: Facts,
  one: GroupPartition,
): { readonly ratio: number; readonly retentionMs: number } | null {
  const policy = facts.topicSetting(one.topic, 'cleanup.policy')?.value
  const retentionMs = numberSetting(facts.topicSetting(one.topic, 'retention.ms'))
  const waited = waitedMs(one, facts.nowMs)
  if (retentionMs === null || retentionMs <= 0 || waited === null || policy?.includes('delete') === false) return null
  return { ratio: waited / retentionMs, retentionMs }
}

function findNearRetention(facts: Facts): Finding[] {
  return facts.groups.flatMap((group) =>
    byTopic(group).flatMap(([topic, partitions]) => {
      const late = partitions.flatMap((one) => {
        const used = hasUnread(one) ? retentionUsed(facts, one) : null
        return used === null || used.ratio < retentionUsedRatio ? [] : [{ one, ...used }]
      })
      if (late.length === 0) return []
      const worst = late.reduce((a, b) => (b.ratio > a.ratio ? b : a))
      return [
        {
          subject: { kind: 'group and topic' as const, group: group.groupId, topic },
          severity: worst.ratio >= 1 ? ('critical' as const) : undefined,
          message: `group ${group.groupId} is about to lose messages of ${topic}: they are deleted before it reads them`,
          evidence: [
            evidence(
              'retentionUsed',
              worst.ratio,
              `the next unread message has used ${percent(worst.ratio)} of its retention (${span(worst.retentionMs)})`,
            ),
            evidence(
              'partitions',
              late.length,
              `in ${counted(late.length, 'partition')} (${names(late.map(({ one }) => one))})`,
            ),
          ],
          causes: [
            groupKeyOf('GROUP_EMPTY_WITH_LAG', group.groupId),
            findingKey('GROUP_STUCK', { kind: 'group and topic', group: group.groupId, topic }),
            groupKeyOf('GROUP_FLAPPING', group.groupId),
          ],
          command: `selfmonitor topics alter ${shellWord(topic)} --set retention.ms=${worst.retentionMs * 2}`,
        },
      ]
    }),
  )
}

function findLost(facts: Facts): Finding[] {
  return facts.groups.flatMap((group) =>
    byTopic(group).flatMap(([topic, partitions]) => {
      const gaps = partitions.flatMap((one) => {
        const { start = null, end = null } = facts.offsets(one.topic, one.partition) ?? {}
        const gap = one.committed !== null && start !== null && one.committed < start ? start - one.committed : 0n
        // The marker of the last transaction of an idle topic is deleted with the rest of it: no message was lost.
        const below = gap === 1n && start === end ? 0n : gap
        const lost = facts.historyOf(group.groupId, topic, one.partition)?.lost ?? 0n
        const seen = lost === 1n && start === end ? 0n : lost
        return below === 0n && seen === 0n ? [] : [{ one, below, messages: below > seen ? below : seen }]
      })
      if (gaps.length === 0) return []
      const lost = sumBy(gaps, ({ messages }) => messages)
      const first = gaps[0]!.one
      return [
        {
          subject: { kind: 'group and topic' as const, group: group.groupId, topic },
          message: `${counted(lost, 'message')} of ${topic} ${Number(lost) === 1 ? 'was' : 'were'} deleted before group ${group.groupId} had read ${Number(lost) === 1 ? 'it' : 'them'}`,
          evidence: [
            evidence(
              'lost',
              lost,
              `${counted(lost, 'offset')} in ${counted(gaps.length, 'partition')} (${names(gaps.map(({ one }) => one))})`,
            ),
            ...(gaps[0]!.below > 0n
              ? [
                  evidence(
                    'committed',
                    first.committed,
                    `partition ${first.partition}: committed ${first.committed}, and the log starts at ${facts.offsets(topic, first.partition)!.start}`,
                  ),
                ]
              : []),
          ],
          causes: [
            groupKeyOf('GROUP_EMPTY_WITH_LAG', group.groupId),
            findingKey('GROUP_STUCK', { kind: 'group and topic', group: group.groupId, topic }),
          ],
          command: `selfmonitor topics describe ${shellWord(topic)}`,
        },
      ]
    }),
  )
}

function findBeyondEnd(facts: Facts): Finding[] {
  return facts.groups.flatMap((group) =>
    byTopic(group).flatMap(([topic, partitions]) => {
      const beyond = partitions.filter(({ partition, committed }) => {
        const { end = null, problem = null } = facts.offsets(topic, partition) ?? {}
        // A leader that did not answer: the end is older than the commit.
        return problem === null && committed !== null && end !== null && committed > end
      })
      if (beyond.length === 0) return []
      const first = beyond[0]!
      return [
        {
          subject: { kind: 'group and topic' as const, group: group.groupId, topic },
          message: `group ${group.groupId} has committed offsets of ${topic} that are past its end`,
          evidence: [
            evidence(
              'committed',
              first.committed,
              `partition ${first.partition}: committed ${first.committed}, and the log ends at ${facts.offsets(topic, first.partition)!.end}`,
            ),
            evidence('partitions', beyond.length, counted(beyond.length, 'partition')),
          ],
          causes: [findingKey('TOPIC_RECREATED', { kind: 'topic', topic })],
          command: `selfmonitor groups reset-offsets ${shellWord(group.groupId)} --topic ${shellWord(topic)} --to-earliest`,
        },
      ]
    }),
  )
}

/** For how long the group has been watched without a rebalance: one that has just begun commits after its first batch. */
function settledMs({ snapshot, nowMs }: Facts, group: string): number {
  const seen = snapshot.history.groups.get(group)
  return seen === undefined ? 0 : nowMs - Math.max(seen.firstSeenMs, seen.rebalancedAtMs.at(-1) ?? 0)
}

/** Offsets that a consumer with read_committed gets past: behind the first record of an open transaction, it waits. */
function readable(facts: Facts, topic: string, partition: number): bigint {
  const { start = null, end = null, lastStable = null } = facts.offsets(topic, partition) ?? {}
  return start === null || end === null ? 0n : (lastStable ?? end) - start
}

function findNoCommit(facts: Facts): Finding[] {
  return facts.groups
    .filter((group) => group.state === 'Stable' && isConsumerGroup(group) && !isStreams(group))
    .filter(({ groupId }) => settledMs(facts, groupId) >= stuckLeastObservedMs)
    .flatMap((group) =>
      byTopic(group).flatMap(([topic, partitions]) => {
        // A group that commits elsewhere is working here too, and will commit later.
        if (partitions.some(({ committed }) => committed !== null)) return []
        const never = partitions.filter(
          ({ partition, memberId }) => memberId !== null && readable(facts, topic, partition) > 0n,
        )
        if (never.length === 0) return []
        const messages = sumBy(never, ({ partition }) => readable(facts, topic, partition))
        return [
          {
            subject: { kind: 'group and topic' as const, group: group.groupId, topic },
            message: `group ${group.groupId} reads ${topic} and has committed nothing: it started at latest, or never finishes a record`,
            evidence: [
              evidence(
                'partitions',
                never.length,
                `nothing committed for ${counted(never.length, 'assigned partition')} with messages (${names(never)})`,
              ),
              evidence('messages', messages, `${counted(messages, 'message')} there`),
            ],
            command: describeGroup(group.groupId),
          },
        ]
      }),
    )
}

function findGrowing(facts: Facts): Finding[] {
  return facts.groups
    .filter(({ members, type }) => members.length > 0 && type !== 'share')
    .flatMap((group) =>
      byTopic(group).flatMap(([topic, partitions]) => {
        const lag = sumBy(partitions.filter(hasUnread), (one) => one.lag!)
        if (lag <= growingLagMessages) return []
        const growth = partitions.map(({ partition }) => {
          const points = facts.historyOf(group.groupId, topic, partition)?.points ?? []
          const covered = points.length === 0 ? 0 : points.at(-1)!.atMs - points[0]!.atMs
          if (covered < growingLagLeastMs) return 0
          return robustSlope(points.map(({ atMs, committed, end }) => ({ atMs, value: Number(end - committed) }))) ?? 0
        })
        const perSecond = growth.reduce((sum, one) => sum + one, 0) * 1000
        if (perSecond < 1) return []
        return [
          {
            subject: { kind: 'group and topic' as const, group: group.groupId, topic },
            message: `group ${group.groupId} falls behind in ${topic}: its lag grows by ${count(Math.round(perSecond))} messages a second`,
            evidence: [
              evidence('lag', lag, `${counted(lag, 'message')} waiting`),
              evidence(
                'perSecond',
                perSecond,
                `${counted(group.members.length, 'member')} for ${counted(partitions.length, 'partition')}`,
              ),
            ],
            causes: [
              findingKey('GROUP_STUCK', { kind: 'group and topic', group: group.groupId, topic }),
              groupKeyOf('GROUP_FLAPPING', group.groupId),
              findingKey('HOT_PARTITION', { kind: 'topic', topic }),
            ],
            command: describeGroup(group.groupId),
          },
        ]
      }),
    )
}

export const groupChecks = {
  MESSAGES_LOST: {
    severity: 'critical',
    subject: 'group and topic',
    explanation:
      'Retention has deleted messages before the group had read them: its committed offset is, or was, below the start of the log.',
    remedy:
      'Lengthen the retention before more are deleted, then find out why the group was late. The deleted messages can only come from a backup.',
    runbook: alert('kafkamessageslost'),
    find: findLost,
  },
  RETENTION_NEAR: {
    severity: 'error',
    subject: 'group and topic',
    explanation:
      'The next message that a group has not read has used more than 80 % of its topic’s retention.ms: soon it is deleted unread.',
    remedy: 'Lengthen the retention first, then find out why the group does not read fast enough.',
    runbook: alert('kafkaconsumerlagnearretention'),
    find: findNearRetention,
  },
  GROUP_EMPTY_WITH_LAG: {
    severity: 'error',
    subject: 'group',
    explanation:
      'A group has no members, and there are messages that it has not read: its service does not run, or cannot join.',
    remedy:
      'Start the service, and read its log if it cannot join. Delete a group that is no longer used with `selfmonitor groups delete`.',
    runbook: alert('kafkagroupemptywithlag'),
    graceMs: emptyGroupGraceMs,
    find: findEmpty,
  },
  GROUP_STUCK: {
    severity: 'error',
    subject: 'group and topic',
    explanation:
      'A group has members and unread messages, and commits nothing: a handler hangs, fails on one record again and again, or does not commit.',
    remedy:
      'Look at the record at which it stopped, and at the log of the member that has the partition. Do not reset offsets: that skips records.',
    runbook: alert('kafkaconsumerstuck'),
    find: findStuck,
  },
  GROUP_FLAPPING: {
    severity: 'error',
    subject: 'group',
    explanation:
      'A group rebalances again and again: members join and leave, or are removed because a handler takes longer than max.poll.interval.ms.',
    remedy:
      'Check the service for restarts, for its memory and for slow handlers. With static membership (group.instance.id) a short restart causes no rebalance.',
    runbook: alert('kafkagroupflapping'),
    find: findFlapping,
  },
  GROUP_FALLING_BEHIND: {
    severity: 'warning',
    subject: 'group and topic',
    explanation:
      'The lag of a group is above 1,000 messages and has been growing for at least five minutes: it reads more slowly than producers write.',
    remedy: 'Add members, up to the number of partitions, or make the handler faster.',
    runbook: alert('kafkaconsumerlaggrowing'),
    find: findGrowing,
  },
  MORE_MEMBERS_THAN_PARTITIONS: {
    severity: 'warning',
    subject: 'group',
    explanation:
      'A group has more members than there are partitions in the topics that it reads: the others are idle, and adding members does not help.',
    remedy: 'Run fewer instances, or add partitions (which moves keys to other partitions).',
    runbook: operation('add-partitions'),
    graceMs: idleMembersGraceMs,
    find: findIdleMembers,
  },
  STARTED_AT_LATEST: {
    severity: 'warning',
    subject: 'group and topic',
    explanation:
      'A group reads a topic with messages and has committed nothing of it. With auto.offset.reset=latest it has skipped them, and it will skip messages that arrive while it is down.',
    remedy:
      'Set auto.offset.reset=earliest for services that need every message. To read the skipped messages, stop the group and reset it to earliest.',
    runbook: operation('a-consumer-group-lags'),
    graceMs: noCommitGraceMs,
    find: findNoCommit,
  },
  COMMITTED_PAST_END: {
    severity: 'error',
    subject: 'group and topic',
    explanation:
      'A group’s committed offset is past the end of the log: the topic was created again, or the log was cut. New messages below that offset are skipped or read twice.',
    remedy: 'Stop the group, and reset its offsets of this topic to earliest.',
    runbook: alert('kafkatopicrecreated'),
    find: findBeyondEnd,
  },
} as const satisfies Record<string, Check>

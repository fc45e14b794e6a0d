// Checks of topics' partitions: whether they can be written and read, and whether their settings bear a failure.
import type { TopicInfo } from '@selfmonitor/cluster'
import { type Facts, numberSetting, outOfSync } from '../facts.ts'
import {
  catchUpGraceMs,
  leaderImbalanceGraceMs,
  leaderImbalancePartitions,
  leaderImbalanceRatio,
  restartGraceMs,
} from '../thresholds.ts'
import { type Check, type Finding, findingKey } from '../types.ts'
import { counted, evidence, is, percent, several, shellWord } from '../words.ts'
import { brokerCauses } from './brokers.ts'
import { alert, operation } from './runbooks.ts'

export const offlineKey = (topic: string): string => findingKey('OFFLINE_PARTITIONS', { kind: 'topic', topic })

function findOffline(facts: Facts): Finding[] {
  return facts.topics.flatMap(({ name, partitions }) => {
    const offline = partitions.filter(({ leader }) => leader < 0)
    if (offline.length === 0) return []
    const replicas = [...new Set(offline.flatMap((one) => one.replicas))].sort((a, b) => a - b)
    return [
      {
        subject: { kind: 'topic' as const, topic: name },
        message: `${counted(offline.length, 'partition')} of ${name} ${is(offline.length)} without a leader`,
        evidence: [
          evidence(
            'offline',
            offline.length,
            `${offline.length} of ${counted(partitions.length, 'partition')} (${several(offline.map(({ partition }) => partition))})`,
          ),
          evidence(
            'replicas',
            several(replicas),
            `their replicas are on ${replicas.length === 1 ? 'broker' : 'brokers'} ${several(replicas)}`,
          ),
        ],
        causes: brokerCauses(facts, replicas),
        command: `kafka-topics --bootstrap-server ${facts.bootstrap} --describe --unavailable-partitions`,
      },
    ]
  })
}

const replicationOf = ({ partitions }: TopicInfo): number =>
  Math.min(...partitions.map(({ replicas }) => replicas.length))

/**
 * How many replicas have to be in sync for acks=all: Kafka never asks for more than there are (its `effectiveMinIsr`), so that a topic
 * with one replica can be written under a default of 2.
 */
function minIsrOf(facts: Facts, topic: string, replicas: number): number | null {
  const set = numberSetting(facts.topicSetting(topic, 'min.insync.replicas'))
  return set === null ? null : Math.min(set, replicas)
}

function findUnderMinIsr(facts: Facts): Finding[] {
  return facts.topics.flatMap((topic) => {
    const { name, partitions } = topic
    const least = partitions.length === 0 ? null : minIsrOf(facts, name, replicationOf(topic))
    if (least === null) return []
    const under = partitions.filter(
      ({ leader, isr, replicas }) => leader >= 0 && isr.length < minIsrOf(facts, name, replicas.length)!,
    )
    if (under.length === 0) return []
    const missing = [...new Set(under.flatMap(outOfSync))].sort((a, b) => a - b)
    return [
      {
        subject: { kind: 'topic' as const, topic: name },
        message: `${counted(under.length, 'partition')} of ${name} ${is(under.length)} under min.insync.replicas: producers with acks=all are refused`,
        evidence: [
          evidence(
            'partitions',
            under.length,
            `${under.length} of ${counted(partitions.length, 'partition')} (${several(under.map(({ partition }) => partition))})`,
          ),
          evidence('minInsyncReplicas', least, `min.insync.replicas is ${least}`),
          evidence(
            'missing',
            several(missing),
            `not in sync: ${missing.length === 1 ? 'broker' : 'brokers'} ${several(missing)}`,
          ),
        ],
        causes: [
          ...brokerCauses(facts, missing),
          ...missing.map((brokerId) => findingKey('UNDER_REPLICATED', { kind: 'broker', brokerId })),
        ],
        command: `kafka-topics --bootstrap-server ${facts.bootstrap} --describe --under-min-isr-partitions`,
      },
    ]
  })
}

function findUnbalanced(facts: Facts): Finding[] {
  const partitions = facts.topics.flatMap((topic) => topic.partitions)
  return [...facts.brokers.keys()].flatMap((brokerId) => {
    const own = partitions.filter(({ replicas, isr }) => replicas[0] === brokerId && isr.includes(brokerId))
    const elsewhere = own.filter(({ leader }) => leader >= 0 && leader !== brokerId)
    const ratio = own.length === 0 ? 0 : elsewhere.length / own.length
    if (elsewhere.length < leaderImbalancePartitions || ratio <= leaderImbalanceRatio) return []
    return [
      {
        subject: { kind: 'broker' as const, brokerId },
        message: `broker ${brokerId} does not lead ${counted(elsewhere.length, 'partition')} that it should lead`,
        evidence: [
          evidence(
            'ratio',
            ratio,
            `${percent(ratio)} of the ${counted(own.length, 'partition')} whose preferred leader it is`,
          ),
          evidence(
            'auto',
            facts.brokerSetting('auto.leader.rebalance.enable') ?? null,
            `auto.leader.rebalance.enable is ${facts.brokerSetting('auto.leader.rebalance.enable') ?? 'not known'}`,
          ),
        ],
        command: `kafka-leader-election --bootstrap-server ${facts.bootstrap} --election-type preferred --all-topic-partitions`,
      },
    ]
  })
}

/** Topics with partitions, and with the settings that the hazards are read from. */
function eachTopic(
  facts: Facts,
  find: (topic: TopicInfo, replication: number, minIsr: number) => Finding | null,
): Finding[] {
  return facts.topics.flatMap((topic) => {
    const replication = topic.partitions.length === 0 ? 0 : replicationOf(topic)
    const minIsr = minIsrOf(facts, topic.name, replication)
    if (replication === 0 || minIsr === null) return []
    const found = find(topic, replication, minIsr)
    return found === null ? [] : [found]
  })
}

const alterMinIsr = (topic: string, value: number): string =>
  `selfmonitor topics alter ${shellWord(topic)} --set min.insync.replicas=${value}`

function findReplicationOne(facts: Facts): Finding[] {
  // With one broker, one replica is all that there can be.
  if (facts.brokers.size + facts.missingBrokers.size < 2) return []
  return facts.topics.flatMap((topic) => {
    const single = topic.partitions.filter(({ replicas }) => replicas.length === 1)
    if (single.length === 0) return []
    const brokers = [...new Set(single.map(({ replicas }) => replicas[0]!))].sort((a, b) => a - b)
    return [
      {
        subject: { kind: 'topic' as const, topic: topic.name },
        message: `${topic.name} has a single replica in a cluster of ${counted(facts.brokers.size + facts.missingBrokers.size, 'broker')}`,
        evidence: [
          evidence(
            'partitions',
            single.length,
            `${single.length} of ${counted(topic.partitions.length, 'partition')}, on ${brokers.length === 1 ? 'broker' : 'brokers'} ${several(brokers)}`,
          ),
        ],
        command: `kafka-reassign-partitions --bootstrap-server ${facts.bootstrap} --generate --topics-to-move-json-file topics.json --broker-list ${[...facts.brokers.keys()].join(',')}`,
      },
    ]
  })
}

const findMinIsrEqual = (facts: Facts): Finding[] =>
  eachTopic(facts, ({ name }, replication, minIsr) =>
    replication < 2 || minIsr !== replication
      ? null
      : {
          subject: { kind: 'topic', topic: name },
          message: `min.insync.replicas of ${name} is its replication factor: producers with acks=all stop while any of its brokers restarts`,
          evidence: [
            evidence(
              'minInsyncReplicas',
              minIsr,
              `min.insync.replicas ${minIsr} of ${counted(replication, 'replica')}`,
            ),
          ],
          command: alterMinIsr(name, replication - 1),
        },
  )

const findMinIsrOne = (facts: Facts): Finding[] =>
  eachTopic(facts, ({ name, internal }, replication, minIsr) =>
    // Kafka itself leaves its internal topics at 1.
    internal || name.startsWith('__') || replication < 3 || minIsr !== 1
      ? null
      : {
          subject: { kind: 'topic', topic: name },
          message: `${name} has ${counted(replication, 'replica')}, and min.insync.replicas is 1: a record with acks=all may be on a single disk only`,
          evidence: [
            evidence('minInsyncReplicas', minIsr, `min.insync.replicas 1 of ${counted(replication, 'replica')}`),
          ],
          command: alterMinIsr(name, 2),
        },
  )

const findUnclean = (facts: Facts): Finding[] =>
  facts.topics.flatMap((topic) => {
    const entry = facts.topicSetting(topic.name, 'unclean.leader.election.enable')
    if (entry?.value !== 'true' || topic.partitions.length === 0 || replicationOf(topic) < 2) return []
    return [
      {
        subject: { kind: 'topic' as const, topic: topic.name },
        message: `${topic.name} allows unclean leader elections: a replica that misses records may become the leader, and they are gone`,
        evidence: [evidence('source', entry.source, `unclean.leader.election.enable=true, from ${entry.source}`)],
        command: `selfmonitor topics alter ${shellWord(topic.name)} --set unclean.leader.election.enable=false`,
      },
    ]
  })

export const partitionChecks = {
  OFFLINE_PARTITIONS: {
    severity: 'critical',
    subject: 'topic',
    explanation: 'Partitions have no leader: nothing can be written to them or read from them.',
    remedy:
      'Bring back a broker that has an in-sync replica of them. An unclean election, which loses records, is the last resort.',
    runbook: alert('kafkaofflinepartitions'),
    graceMs: restartGraceMs,
    find: findOffline,
  },
  UNDER_MIN_ISR: {
    severity: 'critical',
    subject: 'topic',
    explanation:
      'Partitions have fewer replicas in sync than min.insync.replicas: producers with acks=all are refused with NOT_ENOUGH_REPLICAS.',
    remedy:
      'Bring back the brokers that are missing. Do not lower min.insync.replicas unless the owner of the data accepts a loss.',
    runbook: alert('kafkaunderminisr'),
    graceMs: restartGraceMs,
    find: findUnderMinIsr,
  },
  UNBALANCED_LEADERS: {
    severity: 'warning',
    subject: 'broker',
    explanation: 'A broker leads fewer partitions than it is the preferred leader of: other brokers do its work.',
    remedy:
      'Elect the preferred leaders. If it happens again, find out why auto.leader.rebalance.enable does not elect them.',
    runbook: operation('preferred-leaders'),
    graceMs: leaderImbalanceGraceMs + catchUpGraceMs,
    find: findUnbalanced,
  },
  REPLICATION_ONE: {
    severity: 'warning',
    subject: 'topic',
    explanation:
      'A topic has a single replica though the cluster has several brokers: it is offline while that broker is down, and lost if its disk is lost.',
    remedy: 'Add replicas by a reassignment; in platform.yaml, declare `replicas: 3`.',
    runbook: operation('reassign-partitions'),
    find: findReplicationOne,
  },
  MIN_ISR_EQUALS_REPLICATION: {
    severity: 'warning',
    subject: 'topic',
    explanation:
      'min.insync.replicas is the replication factor (or more, which counts as much): one broker that restarts stops all producers with acks=all.',
    remedy: 'Lower min.insync.replicas to one less than the replicas.',
    runbook: operation('settings-of-a-topic'),
    find: findMinIsrEqual,
  },
  MIN_ISR_ONE: {
    severity: 'warning',
    subject: 'topic',
    explanation:
      'With three replicas and min.insync.replicas=1, a record may be acknowledged by a single broker and lost with it.',
    remedy: 'Set min.insync.replicas=2, for the topic or as the brokers’ default.',
    runbook: operation('settings-of-a-topic'),
    find: findMinIsrOne,
  },
  UNCLEAN_ELECTION: {
    severity: 'warning',
    subject: 'topic',
    explanation:
      'unclean.leader.election.enable is on: after a failure a replica that lacks acknowledged records may become the leader.',
    remedy: 'Switch it off, unless the topic’s owner prefers availability to its records.',
    runbook: operation('settings-of-a-topic'),
    find: findUnclean,
  },
} as const satisfies Record<string, Check>

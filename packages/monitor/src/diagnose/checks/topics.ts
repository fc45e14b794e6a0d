// Checks of what is in topics: skewed partitions, messages that are too large, transactions that hang, topics created again.
import { type Facts, numberSetting } from '../facts.ts'
import {
  hotPartitionFactor,
  hotPartitionLeastPartitions,
  hotPartitionMessages,
  longTransactionMs,
  recreatedWithinMs,
  replicaResponseMaxBytes,
  socketRequestMaxBytes,
  transactionMaxTimeoutMs,
  transactionOverdueMs,
} from '../thresholds.ts'
import { abortCommand, describeCommand, producerText } from '../transactions.ts'
import { median } from '../trend.ts'
import type { Check, Evidence, Finding } from '../types.ts'
import { bytes, count, counted, evidence, shellWord, span } from '../words.ts'
import { alert, operation } from './runbooks.ts'

function findHot(facts: Facts): Finding[] {
  return facts.topics.flatMap(({ name, internal, partitions }) => {
    // Compaction leaves holes between offsets: they do not count messages there.
    const compacted = facts.topicSetting(name, 'cleanup.policy')?.value?.includes('compact') === true
    if (internal || compacted || partitions.length < hotPartitionLeastPartitions) return []
    const sizes = partitions.map(({ partition }) => {
      const { start = null, end = null } = facts.offsets(name, partition) ?? {}
      return { partition, messages: start === null || end === null ? 0n : end - start }
    })
    const usual = median(sizes.map(({ messages }) => Number(messages)))!
    const hottest = sizes.reduce((a, b) => (b.messages > a.messages ? b : a))
    if (hottest.messages < hotPartitionMessages || Number(hottest.messages) < hotPartitionFactor * Math.max(1, usual)) {
      return []
    }
    const factor = Number(hottest.messages) / Math.max(1, usual)
    return [
      {
        subject: { kind: 'topic' as const, topic: name },
        message: `partition ${hottest.partition} of ${name} has ${count(Math.round(factor))} times the messages of the others`,
        evidence: [
          evidence(
            'messages',
            hottest.messages,
            `${counted(hottest.messages, 'message')} in partition ${hottest.partition}`,
          ),
          evidence(
            'median',
            usual,
            `${count(Math.round(usual))} in the median of ${counted(partitions.length, 'partition')}`,
          ),
        ],
        command: `selfmonitor events tail ${shellWord(name)} --last 100 -o json | jq -r .record.key | sort | uniq -c | sort -rn | head`,
      },
    ]
  })
}

function findOversized(facts: Facts): Finding[] {
  const limit = (name: string, fallback: bigint): bigint => {
    const value = facts.brokerSetting(name)
    return value !== undefined && /^\d+$/.test(value) ? BigInt(value) : fallback
  }
  const request = limit('socket.request.max.bytes', socketRequestMaxBytes)
  const response = limit('replica.fetch.response.max.bytes', replicaResponseMaxBytes)
  return facts.topics.flatMap(({ name, partitions }) => {
    const largest = numberSetting(facts.topicSetting(name, 'max.message.bytes'))
    if (largest === null) return []
    const replicated = partitions.some(({ replicas }) => replicas.length > 1)
    const impossible = BigInt(largest) > request
    if (!impossible && !(replicated && BigInt(largest) > response)) return []
    const [setting, value] = impossible
      ? ['socket.request.max.bytes', request]
      : ['replica.fetch.response.max.bytes', response]
    return [
      {
        subject: { kind: 'topic' as const, topic: name },
        severity: impossible ? ('error' as const) : undefined,
        message: impossible
          ? `${name} allows messages that brokers refuse`
          : `${name} allows messages larger than a whole answer to a follower`,
        evidence: [
          evidence('maxMessageBytes', largest, `max.message.bytes is ${bytes(largest)}`),
          evidence(setting, value, `${setting} of the brokers is ${bytes(value)}`),
        ],
        command: `selfmonitor topics alter ${shellWord(name)} --set max.message.bytes=${value}`,
      },
    ]
  })
}

function findTransactions(facts: Facts): Finding[] {
  const { snapshot, nowMs } = facts
  if (snapshot.transactions.state !== 'read') return []
  const longestMs = Number(facts.brokerSetting('transaction.max.timeout.ms') ?? transactionMaxTimeoutMs)
  return snapshot.transactions.value.flatMap((transaction) => {
    const { topic, partition, producerId, startedAtMs, timeoutMs } = transaction
    const ageMs = startedAtMs === null ? null : nowMs - startedAtMs
    const allowedMs = timeoutMs ?? longestMs
    // The time of one that no coordinator has is its producer's, whose clock may be wrong; nothing will end it, whatever it says.
    const isUndated = transaction.isHanging && (ageMs === null || ageMs < -transactionOverdueMs)
    if (!isUndated && (ageMs === null || ageMs < longTransactionMs)) return []
    const hangs = ageMs !== null && ageMs > allowedMs + transactionOverdueMs
    const offsets = facts.offsets(topic, partition)
    const held: Evidence[] =
      offsets === undefined || offsets.end === null || offsets.lastStable === null
        ? []
        : [
            evidence(
              'lsoLag',
              offsets.end - offsets.lastStable,
              `${counted(offsets.end - offsets.lastStable, 'offset')} invisible to read_committed`,
            ),
          ]
    return [
      {
        subject: { kind: 'partition' as const, topic, partition },
        severity: hangs ? undefined : ('warning' as const),
        message: hangs
          ? `a transaction hangs in ${topic}-${partition}: consumers with read_committed receive nothing new`
          : `a transaction in ${topic}-${partition} has been open for ${ageMs === null || isUndated ? 'an unknown time' : span(ageMs)}: consumers with read_committed wait for it`,
        evidence: [
          isUndated || ageMs === null
            ? evidence(
                'ageMs',
                ageMs ?? 'unknown',
                ageMs === null
                  ? 'its last record has no time'
                  : `by its producer’s clock its last record comes in ${span(-ageMs)}`,
              )
            : evidence(
                'ageMs',
                ageMs,
                `open for ${span(ageMs)}; ${timeoutMs === null ? 'the brokers allow' : 'its timeout is'} ${span(allowedMs)}`,
              ),
          evidence('producer', producerId, producerText(transaction)),
          ...held,
        ],
        command:
          hangs || isUndated
            ? abortCommand(facts.bootstrap, transaction)
            : describeCommand(facts.bootstrap, transaction),
      },
    ]
  })
}

function findRecreated(facts: Facts): Finding[] {
  return facts.topics.flatMap(({ name, id }) => {
    const recreated = facts.snapshot.history.topics.get(name)?.recreated ?? null
    if (recreated === null || facts.nowMs - recreated.atMs > recreatedWithinMs) return []
    return [
      {
        subject: { kind: 'topic' as const, topic: name },
        message: `${name} was deleted and created again: its earlier messages are gone`,
        evidence: [
          evidence('atMs', recreated.atMs, `seen ${span(facts.nowMs - recreated.atMs)} ago`),
          evidence('topicId', id, `id ${recreated.previousId} before, ${id} now`),
        ],
        command: `selfmonitor topics describe ${shellWord(name)}`,
      },
    ]
  })
}

export const topicChecks = {
  HANGING_TRANSACTION: {
    severity: 'error',
    subject: 'partition',
    explanation:
      'A transaction has been open for longer than its timeout (a warning: for five minutes): consumers with read_committed see nothing after its first record.',
    remedy: 'If its producer runs, fix or restart it. Abort a hanging transaction with the command below.',
    runbook: alert('kafkahangingtransaction'),
    find: findTransactions,
  },
  TOPIC_RECREATED: {
    severity: 'error',
    subject: 'topic',
    explanation:
      'A topic was deleted and created again under the same name within a day: all its messages are gone, and groups’ offsets belong to the old one.',
    remedy:
      'Find the program that did it (brokers do not log who deletes a topic), restore the messages from a backup, and check the groups’ offsets.',
    runbook: alert('kafkatopicrecreated'),
    find: findRecreated,
  },
  HOT_PARTITION: {
    severity: 'warning',
    subject: 'topic',
    explanation:
      'One partition has at least four times the messages of the median partition (and 10,000): one member of each group does most of the work.',
    remedy: 'Find the most frequent keys, and choose a key that spreads them as far as the order of messages allows.',
    runbook: operation('a-consumer-group-lags'),
    find: findHot,
  },
  OVERSIZED_MESSAGES: {
    severity: 'warning',
    subject: 'topic',
    explanation:
      'max.message.bytes is larger than socket.request.max.bytes, so that such a message can never be sent (an error), or than replica.fetch.response.max.bytes, so that followers copy such messages one at a time.',
    remedy:
      'Lower max.message.bytes, and put large payloads elsewhere with a reference in the message; or raise the brokers’ limits. Consumers’ limits (fetch.max.bytes, receive.message.max.bytes) cannot be seen from here.',
    runbook: operation('settings-of-a-topic'),
    find: findOversized,
  },
} as const satisfies Record<string, Check>

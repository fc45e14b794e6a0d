// Reasons that are in the record itself: it is gone, was never one, or is not to be seen.
import { transactionMaxTimeoutMs } from '../thresholds.ts'
import { abortCommand, describeCommand, producerText } from '../transactions.ts'
import { count, evidence, shellWord, span } from '../words.ts'
import { committedFact, type Rule, reason } from './view.ts'

export const deleted: Rule = (view) =>
  view.record.kind !== 'deleted'
    ? null
    : reason(
        'DELETED_BY_RETENTION',
        'certain',
        `${view.place} is no longer in the log: retention or DeleteRecords has removed it`,
        [
          evidence('start', view.start, `the log starts at ${view.start}, ${count(view.start - view.offset)} later`),
          ...(view.retentionMs === null
            ? []
            : [
                evidence(
                  'retentionMs',
                  view.retentionMs,
                  view.retentionMs < 0 ? 'retention.ms is unlimited' : `retention.ms is ${span(view.retentionMs)}`,
                ),
              ]),
          committedFact(view),
        ],
        {
          text: view.passed
            ? 'The group’s offset is past it, because it had read it or because it was moved to the start of the log. Restore it from a backup if it is needed again.'
            : 'Lengthen the retention, so that the group gets those that are still there; restore this one from a backup.',
          command: `selfmonitor topics describe ${shellWord(view.topic)}`,
        },
      )

export const compacted: Rule = (view) =>
  view.record.kind !== 'nothing' || view.cleanupPolicy?.includes('compact') !== true
    ? null
    : reason(
        'COMPACTED',
        'likely',
        `there is nothing at ${view.place}: compaction has removed it, because its key has a newer record`,
        [
          evidence('cleanupPolicy', view.cleanupPolicy, `cleanup.policy is ${view.cleanupPolicy}`),
          evidence(
            'next',
            view.record.next,
            view.record.next === null ? 'no record follows it' : `the next record is at ${view.record.next}`,
          ),
        ],
        {
          text: 'The newest record of its key is there. A service that needs each change reads a topic without compaction.',
          command:
            view.record.next === null
              ? null
              : `selfmonitor events tail ${shellWord(view.topic)} --from ${view.record.next} --limit 1`,
        },
      )

export const noRecord: Rule = (view) =>
  view.record.kind !== 'nothing' || view.cleanupPolicy?.includes('compact') === true
    ? null
    : reason(
        'NO_RECORD',
        'certain',
        `there is no record at ${view.place}: the offset belongs to a transaction’s marker`,
        [
          evidence(
            'next',
            view.record.next,
            view.record.next === null ? 'no record follows it' : `the next record is at ${view.record.next}`,
          ),
        ],
        { text: 'Look at the offset again: markers take one offset at the end of each transaction.', command: null },
      )

export const invisible: Rule = (view) => {
  const { transaction } = view
  if (view.offset < view.lastStable || view.offset >= view.end || view.passed) return null
  const own = view.record.kind === 'open' && (transaction === null || transaction.startOffset <= view.offset)
  const ageMs = transaction === null || transaction.startedAtMs === null ? null : view.atMs - transaction.startedAtMs
  // One that ends at this moment looks as if it hung, until it is older than any that its coordinator would leave open.
  const hangs = transaction?.isHanging === true && ageMs !== null && ageMs > transactionMaxTimeoutMs
  return reason(
    'INVISIBLE_OPEN_TRANSACTION',
    'likely',
    `${view.place} ${own ? 'is in or after' : 'is after'} an open transaction: consumers with read_committed wait for its end`,
    [
      evidence('lastStable', view.lastStable, `the last stable offset is ${view.lastStable}, the end ${view.end}`),
      ...(transaction === null
        ? []
        : [
            evidence('producer', transaction.producerId, producerText(transaction)),
            ...(ageMs === null ? [] : [evidence('ageMs', ageMs, `open for ${span(ageMs)}`)]),
          ]),
      evidence('isolation', null, 'the isolation level of the group’s members cannot be seen from here'),
    ],
    {
      text: hangs ? 'Abort this transaction: nothing else ends it.' : 'Wait for its producer or its timeout.',
      command:
        transaction === null
          ? null
          : hangs
            ? abortCommand(view.bootstrap, transaction)
            : describeCommand(view.bootstrap, transaction),
    },
    'transactions',
  )
}

export const aborted: Rule = (view) =>
  view.record.kind !== 'aborted'
    ? null
    : reason(
        'ABORTED',
        'certain',
        `${view.place} is part of an aborted transaction: consumers with read_committed skip it`,
        [
          evidence(
            'timestampMs',
            view.record.timestampMs,
            `written ${new Date(view.record.timestampMs).toISOString()}`,
          ),
          committedFact(view),
        ],
        {
          text: 'Its producer aborted the transaction. Look for the same record after it: producers usually repeat the transaction.',
          command: `selfmonitor events tail ${shellWord(view.topic)} --from ${view.offset} --limit 5`,
        },
        'transactions',
      )

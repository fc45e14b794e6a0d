// `selfmonitor why`: why a group has not received one record.
import type { EventEvidence, Reason } from '@selfmonitor/monitor'
import type { Context } from '../framework/context.ts'
import { CliError, usageError } from '../framework/errors.ts'
import { duration } from '../framework/parse.ts'
import { defineVerb, type Noun, optional, required, text, value } from '../framework/verb.ts'
import { time } from '../output/format.ts'
import { recordPlace } from './event-place.ts'
import { requireTopics } from './topic-view.ts'
import { reasonText } from './verdict-view.ts'

const verb = defineVerb({
  name: 'why',
  summary: 'say why a group has not received a record',
  details:
    'Looks at the record (deleted, compacted, aborted, in an open transaction), at the group (its members, subscriptions and\n' +
    'assignment, its rights) and at its offset, and searches topics for retries and dead letters for copies of the record. If the group\n' +
    'has not reached the record, it watches for 12 seconds (--watch), to see whether the group makes progress. It changes nothing and joins no\n' +
    'group. The first reason is the answer; a `likely` one follows from how consumers usually behave, because Kafka does not report it.',
  examples: [
    'selfmonitor why user.events 3 1042 --group fraud-detection',
    "selfmonitor why 'user.events[3]@1042' --group fraud-detection",
    'selfmonitor why user.events 3 1042 --group fraud-detection --principal User:fraud -o json',
  ],
  args: {
    topic: required('topic; or the whole place, `user.events[3]@1042`, as `events tail` prints it', 'topics'),
    partition: optional('partition; or `[3]@1042`'),
    offset: optional('offset'),
  },
  options: {
    group: text('--group <group>', 'the consumer group', { complete: 'groups' }),
    principal: text(
      '--principal <account>',
      'the account of the group’s members, for checking ACLs; Kafka does not report it',
    ),
    watch: value(
      '--watch <duration>',
      'how long to watch a group that has not reached the record; 0s reads once',
      duration,
      12_000,
    ),
  },
  output: ['table', 'json', 'yaml', 'name'],
  async run(context, { args, options }) {
    const { group, principal } = options
    if (!group) throw usageError('No group was given.', 'Pass --group fraud-detection.')
    const place = recordPlace([args.topic, args.partition, args.offset].filter((word) => word !== undefined))
    const cluster = await context.cluster()
    const [topic] = await requireTopics(cluster, [place.topic])
    if (!topic!.partitions.some(({ partition }) => partition === place.partition)) {
      throw new CliError('UNKNOWN_PARTITION', `${place.topic} has no partition ${place.partition}.`, {
        hint: `It has partitions 0 to ${topic!.partitions.length - 1}.`,
      })
    }
    const { diagnoseEvent, gatherEvidence } = await import('@selfmonitor/monitor')
    const evidence = await gatherEvidence(cluster, place, group, {
      principal,
      watchMs: options.watch,
      signal: context.io.signal,
      onProgress: (step) => context.note(context.colours.stderr.aside(`${step[0]!.toUpperCase()}${step.slice(1)} …`)),
    })
    const reasons = diagnoseEvent(evidence)
    await context.printThing(answer(evidence, reasons), {
      name: reasons.map(({ code }) => code).join('\n'),
      table: () => report(context, evidence, reasons),
    })
    return undefined
  },
})

/** `-o json` */
function answer(evidence: EventEvidence, reasons: readonly Reason[]): object {
  const { topic, partition, offset, groupId, start, end, lastStable, record, atMs } = evidence
  return {
    topic,
    partition,
    offset,
    group: groupId,
    at: new Date(atMs).toISOString(),
    record: { kind: record.kind, timestamp: 'timestampMs' in record ? record.timestampMs : null },
    start,
    lastStable,
    end,
    committed: evidence.looks.at(-1)!.committed.get(partition) ?? null,
    reasons,
  }
}

function report(context: Context, evidence: EventEvidence, reasons: readonly Reason[]): string {
  const colours = context.colours.stdout
  const { topic, partition, offset, groupId, record } = evidence
  const written = 'timestampMs' in record && record.timestampMs >= 0 ? `, written ${time(record.timestampMs)}` : ''
  const where = colours.aside(`${topic}[${partition}]@${offset}${written}, for group ${groupId}`)
  const [first, ...rest] = reasons.map((reason) => reasonText(reason, context.io.stdout, colours))
  return [`${first}${where}\n`, ...(rest.length === 0 ? [] : [colours.aside('also'), ...rest])].join('\n')
}

export const why: Noun = { name: 'why', summary: verb.summary, verbs: [verb] }

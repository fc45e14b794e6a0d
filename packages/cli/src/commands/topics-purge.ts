// `selfmonitor topics purge`: deletes records from the beginning of a topic (DeleteRecords, KIP-107).
import type { Cluster, TopicInfo } from '@selfmonitor/cluster'
import { place, readPlace } from '../events/filter.ts'
import { CliError } from '../framework/errors.ts'
import { defineVerb, required, value } from '../framework/verb.ts'
import { counted } from '../output/format.ts'
import { type Column, renderTable } from '../output/table.ts'
import { checkInternal, internalFlag } from './topic-guard.ts'
import { requireTopics } from './topic-view.ts'
import { partitions } from './topics-consume.ts'

interface PurgeRow {
  readonly partition: number
  readonly start: bigint
  /** The first offset that stays. */
  readonly before: bigint
  readonly records: bigint
}

const columns: readonly Column<PurgeRow>[] = [
  { header: 'PARTITION', value: ({ partition }) => partition },
  { header: 'START', value: ({ start }) => start },
  { header: 'NEW START', value: ({ before }) => before },
  { header: 'RECORDS', value: ({ records }) => records },
]

export const purge = defineVerb({
  name: 'purge',
  summary: 'delete records from the beginning of a topic',
  details:
    'All of them, or those before a time or an offset. They are gone for good; the topic, its settings and offsets stay. Groups that\n' +
    'had not read them continue at the new start. Kafka does not delete records of a topic that is only compacted.',
  examples: ['selfmonitor topics purge scratch --yes', 'selfmonitor topics purge orders --before 7d --partition 3'],
  args: { topic: required('name of the topic', 'topics') },
  options: {
    before: value('--before <place>', '10m (ago), a time, or an offset (default: the end)', place),
    partition: value('--partition <n>', 'only this partition; repeatable', partitions),
    internal: internalFlag,
  },
  output: ['table', 'json', 'yaml'],
  mutates: true,
  async run(context, { args, options }) {
    const cluster = await context.cluster()
    const [topic] = await requireTopics(cluster, [args.topic])
    checkInternal(topic!, options.internal)
    await refuseCompacted(cluster, args.topic)
    const rows = await plan(cluster, topic!, options)
    const wanted = rows.filter(({ records }) => records > 0n)
    if (wanted.length === 0) {
      context.note(`${args.topic} has no records there: nothing to delete.`)
      return
    }
    const total = wanted.reduce((sum, { records }) => sum + records, 0n)
    context.note(renderTable(wanted, columns, context.colours.stderr).trimEnd())
    for (const { groupId, unread } of await unreadBy(cluster, args.topic, wanted)) {
      context.note(context.colours.stderr.careful(`! ${groupId} has not read ${counted(unread, 'offset')} of them.`))
    }
    await context.confirm({ what: `Delete ${counted(total, 'record')} of ${args.topic}`, typedName: args.topic })
    const done = await context.audited(
      {
        action: 'topics.purge',
        resources: [{ type: 'topic', name: args.topic }],
        before: wanted.map(({ partition, start }) => ({ partition, start })),
        after: wanted.map(({ partition, before }) => ({ partition, start: before })),
      },
      () =>
        cluster.deleteRecords(
          wanted.map(({ partition, before }) => ({ topic: args.topic, partition, offset: before })),
        ),
    )
    const starts = new Map(done.map(({ partition, lowWatermark }) => [partition, lowWatermark]))
    const deleted = wanted.map((row) => ({ ...row, before: starts.get(row.partition) ?? row.before }))
    await context.printRows(deleted, {
      columns,
      name: ({ partition }) => String(partition),
      empty: 'Nothing was deleted.',
    })
  },
})

/** @throws CliError POLICY_VIOLATION, as the brokers would answer, before anything is asked */
async function refuseCompacted(cluster: Cluster, topic: string): Promise<void> {
  const configs = await cluster.topicConfigs([topic])
  const policy = configs.get(topic)?.find(({ name }) => name === 'cleanup.policy')?.value ?? 'delete'
  if (policy === '' || policy.split(',').some((part) => part.trim() === 'delete')) return
  throw new CliError(
    'POLICY_VIOLATION',
    `${topic} has cleanup.policy=${policy}: Kafka deletes records only of topics whose policy includes delete.`,
    {
      hint: `A tombstone deletes a key (\`events emit … --data null\`); or \`topics alter ${topic} --set cleanup.policy=compact,delete\` first.`,
    },
  )
}

async function plan(
  cluster: Cluster,
  topic: TopicInfo,
  options: { readonly before: ReturnType<typeof place> | undefined; readonly partition: readonly number[] | undefined },
): Promise<PurgeRow[]> {
  const missing = options.partition?.find((partition) => partition >= topic.partitions.length)
  if (missing !== undefined)
    throw new CliError('UNKNOWN_PARTITION', `${topic.name} does not have partition ${missing}.`)
  const wanted = topic.partitions.filter(({ partition }) => options.partition?.includes(partition) !== false)
  const offline = wanted.find(({ leader }) => leader < 0)
  if (offline !== undefined) {
    throw new CliError(
      'LEADER_NOT_AVAILABLE',
      `${topic.name} partition ${offline.partition} has no leader: its records cannot be deleted now.`,
    )
  }
  const { readRanges } = await import('@selfmonitor/cluster')
  const until = options.before === undefined ? ({ kind: 'latest' } as const) : readPlace(options.before, Date.now())
  const ranges = await readRanges(cluster, [{ name: topic.name, partitions: wanted }], {
    from: { kind: 'earliest' },
    until,
  })
  return ranges.map(({ partition, next, end }) => {
    const before = end! > next ? end! : next
    return { partition, start: next, before, records: before - next }
  })
}

/** Groups that would miss records. The question is a courtesy: an account that may not ask purges all the same. */
async function unreadBy(
  cluster: Cluster,
  topic: string,
  rows: readonly PurgeRow[],
): Promise<{ groupId: string; unread: bigint }[]> {
  try {
    const { groups } = await cluster.surveyGroups()
    const offsets = await cluster.groupOffsets(groups)
    const befores = new Map(rows.map((row) => [row.partition, row]))
    return offsets.flatMap(({ groupId, offsets: committed }) => {
      const unread = committed.reduce((sum, { topic: of, partition, offset }) => {
        const row = of === topic ? befores.get(partition) : undefined
        if (row === undefined || offset === null) return sum
        const from = offset > row.start ? offset : row.start
        return from < row.before ? sum + row.before - from : sum
      }, 0n)
      return unread > 0n ? [{ groupId, unread }] : []
    })
  } catch {
    return []
  }
}

// `selfmonitor groups`: list, describe, reset-offsets, delete.
import type { Cluster, GroupInfo, GroupLag, GroupState, OffsetReset } from '@selfmonitor/cluster'
import { CliError, usageError } from '../framework/errors.ts'
import { readGivenFile } from '../framework/given-file.ts'
import { bigInteger, duration, timestamp, topicPartitions } from '../framework/parse.ts'
import { isProduction } from '../framework/settings.ts'
import { didYouMean } from '../framework/suggest.ts'
import { defineVerb, flag, type Noun, required, text, value, variadic } from '../framework/verb.ts'
import type { Colours } from '../output/colour.ts'
import { count, counted } from '../output/format.ts'
import { type Column, renderFields, renderTable } from '../output/table.ts'
import { lag } from './groups-lag.ts'
import { strategyFrom, toOffsetsCsv } from './reset-strategy.ts'
import { typedName } from './topic-guard.ts'

function stateColour(state: GroupState, colours: Colours): (text: string) => string {
  switch (state) {
    case 'Stable':
      return colours.good
    case 'Empty':
      return colours.aside
    case 'Dead':
    case 'Unknown':
      return colours.bad
    case 'PreparingRebalance':
    case 'CompletingRebalance':
    case 'Assigning':
    case 'Reconciling':
    case 'NotReady':
      return colours.careful
    default:
      throw new Error(`unknown state ${state satisfies never}`)
  }
}

interface GroupRow {
  readonly groupId: string
  readonly state: GroupState
  readonly members: number
  readonly topics: number
  /** null when the group has committed nothing. */
  readonly lag: bigint | null
}

/** The sum of what is known; null when nothing is. */
export function totalLag(rows: readonly Pick<GroupLag, 'lag'>[]): bigint | null {
  const known = rows.map(({ lag }) => lag).filter((lag) => lag !== null)
  return known.length === 0 ? null : known.reduce((sum, lag) => sum + lag, 0n)
}

const list = defineVerb({
  name: 'list',
  summary: 'list groups with their state, members and lag',
  examples: ['selfmonitor groups list'],
  output: ['table', 'json', 'yaml', 'name'],
  async run(context) {
    const cluster = await context.cluster()
    const found = (await cluster.listGroups()).sort((a, b) => (a.groupId < b.groupId ? -1 : 1))
    const rows: GroupRow[] =
      context.format === 'name' || found.length === 0
        ? found.map((group) => ({ ...group, members: 0, topics: 0, lag: null }))
        : await readGroups(
            cluster,
            found.map(({ groupId }) => groupId),
          )
    await context.printRows(rows, {
      columns: [
        { header: 'GROUP', value: ({ groupId }) => groupId },
        {
          header: 'STATE',
          value: ({ state }) => state,
          colour: (shown, { state }, colours) => stateColour(state, colours)(shown),
        },
        { header: 'MEMBERS', value: ({ members }) => members },
        { header: 'TOPICS', value: ({ topics }) => topics },
        {
          header: 'LAG',
          value: ({ lag }) => lag,
          align: 'right',
          colour: (shown, { lag }, colours) => ((lag ?? 0n) > 0n ? colours.careful(shown) : shown),
        },
      ],
      name: ({ groupId }) => groupId,
      empty: 'No consumer groups.',
    })
  },
})

async function readGroups(cluster: Cluster, ids: readonly string[]): Promise<GroupRow[]> {
  const [infos, lags] = await Promise.all([
    cluster.describeGroups(ids),
    Promise.all(ids.map((id) => cluster.groupLag(id))),
  ])
  const byId = new Map(infos.map((info) => [info.groupId, info]))
  return ids.map((groupId, index) => {
    const info = byId.get(groupId)
    const lag = lags[index]!
    return {
      groupId,
      state: info?.state ?? 'Unknown',
      members: info?.members.length ?? 0,
      topics: new Set(lag.map(({ topic }) => topic)).size,
      lag: totalLag(lag),
    }
  })
}

/** @throws CliError UNKNOWN_GROUP naming the nearest name. */
async function requireGroups(cluster: Cluster, ids: readonly string[]): Promise<GroupInfo[]> {
  const known = (await cluster.listGroups()).map(({ groupId }) => groupId)
  const missing = ids.find((id) => !known.includes(id))
  if (missing !== undefined) {
    throw new CliError('UNKNOWN_GROUP', `There is no group "${missing}" on ${cluster.bootstrapServers}.`, {
      hint: didYouMean(missing, known) ?? '`selfmonitor groups list` lists the existing ones.',
    })
  }
  return await cluster.describeGroups(ids)
}

const describe = defineVerb({
  name: 'describe',
  summary: 'show a group’s members and its lag, partition by partition',
  examples: ['selfmonitor groups describe fraud-detection'],
  args: { group: required('name of the group', 'groups') },
  output: ['table', 'json', 'yaml', 'name'],
  async run(context, { args }) {
    const cluster = await context.cluster()
    const [info] = await requireGroups(cluster, [args.group])
    const lag = (await cluster.groupLag(args.group)).sort(byTopicAndPartition)
    const members = new Map(info!.members.map((member) => [member.memberId, member]))
    const colours = context.colours.stdout
    await context.printThing(
      { ...info, lag: totalLag(lag), partitions: lag.map(({ groupId: _, ...row }) => row) },
      {
        name: args.group,
        table: () =>
          renderFields(
            [
              ['group', info!.groupId],
              ['state', stateColour(info!.state, colours)(info!.state)],
              ['assignor', info!.protocol || '–'],
              ['members', info!.members.length],
              ['lag', totalLag(lag)],
            ],
            colours,
          ) +
          (lag.length === 0
            ? ''
            : `\n${renderTable(
                lag,
                [
                  { header: 'TOPIC', value: ({ topic }) => topic },
                  { header: 'PARTITION', value: ({ partition }) => partition },
                  { header: 'COMMITTED', value: ({ committedOffset }) => committedOffset, align: 'right' },
                  { header: 'END', value: ({ logEndOffset }) => logEndOffset },
                  {
                    header: 'LAG',
                    value: (row) => row.lag,
                    align: 'right',
                    colour: (shown, row) => ((row.lag ?? 0n) > 0n ? colours.careful(shown) : shown),
                  },
                  {
                    header: 'MEMBER',
                    value: ({ memberId }) => {
                      const member = memberId === null ? undefined : members.get(memberId)
                      return member === undefined ? null : `${member.groupInstanceId ?? member.clientId} ${member.host}`
                    },
                  },
                ],
                colours,
              )}`),
      },
    )
  },
})

function byTopicAndPartition(a: { topic: string; partition: number }, b: { topic: string; partition: number }): number {
  return a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1
}

const resetColumns: readonly Column<OffsetReset>[] = [
  { header: 'TOPIC', value: ({ topic }) => topic },
  { header: 'PARTITION', value: ({ partition }) => partition },
  { header: 'OLD', value: ({ from }) => from, align: 'right' },
  { header: 'NEW', value: ({ to }) => to },
  {
    header: 'DELTA',
    align: 'right',
    value: ({ from, to }) => (from === null ? null : `${to > from ? '+' : ''}${count(to - from)}`),
    // Moving back handles records again; moving forward skips them, which loses work.
    colour: (shown, { from, to }, colours) => (from !== null && to > from ? colours.careful(shown) : shown),
  },
  { header: 'NOTE', value: ({ clamped }) => (clamped ? 'outside the log: moved to its nearest end' : '') },
]

const resetOffsets = defineVerb({
  name: 'reset-offsets',
  summary: 'move a group’s offsets; a dry run unless --execute',
  details:
    'Shows old, new and the difference for each partition. With --execute it commits them, unless the group has members:\n' +
    'stop its consumers first. -o csv prints what --from-file reads.',
  examples: [
    'selfmonitor groups reset-offsets fraud-detection --all-topics --to-earliest',
    'selfmonitor groups reset-offsets fraud-detection --topic user.events:0,1 --shift-by -100 --execute',
    'selfmonitor groups reset-offsets fraud-detection --all-topics --to-current -o csv > offsets.csv',
  ],
  args: { group: required('name of the group', 'groups') },
  options: {
    topic: value('--topic <topic[:0,1]>', 'a topic, or some of its partitions; repeatable', topicPartitions),
    allTopics: flag('--all-topics', 'every topic that the group has offsets for'),
    toEarliest: flag('--to-earliest', 'to the start of the log'),
    toLatest: flag('--to-latest', 'to the end of the log'),
    toCurrent: flag('--to-current', 'to the committed offsets'),
    toOffset: value('--to-offset <n>', 'to this offset', bigInteger),
    shiftBy: value('--shift-by <n>', 'forward, or back with a minus', bigInteger),
    toDatetime: value('--to-datetime <time>', 'to the first record at or after it (UTC without a zone)', timestamp),
    byDuration: value('--by-duration <duration>', 'to the first record of the last 10m, 2h, P1D', duration),
    fromFile: text('--from-file <csv>', 'topic,partition,offset on each line'),
    fromGroup: text('--from-group <group>', 'to the offsets of another group', { complete: 'groups' }),
    execute: flag('--execute', 'do it'),
  },
  output: ['table', 'json', 'yaml', 'csv'],
  mutates: true,
  async run(context, { args, options }) {
    const strategy = strategyFrom(options, (name) => readGivenFile(context.io, name, '--from-file'))
    if (options.allTopics && options.topic !== undefined)
      throw usageError('--all-topics and --topic cannot be used together.')
    const named =
      options.topic ??
      (strategy.kind === 'from-file'
        ? [...new Set(strategy.offsets.map(({ topic }) => topic))].map((topic) => ({ topic }))
        : undefined)
    if (named === undefined && !options.allTopics) {
      throw usageError('Name the topics to reset.', 'Pass --topic orders (repeatable) or --all-topics.')
    }
    const cluster = await context.cluster()
    const active = await activeGroup(cluster, args.group)
    if (active !== undefined) {
      const problem = new CliError(
        'GROUP_ACTIVE',
        `${args.group} is ${active.state} with ${counted(active.members.length, 'member')}: its offsets cannot be reset.`,
        {
          hint: `Stop its consumers (${[...new Set(active.members.map(({ clientId, host }) => `${clientId} ${host}`))].join(', ')}) and run this again.`,
        },
      )
      if (options.execute) throw problem
      context.note(context.colours.stderr.careful(`--execute would fail: ${problem.message}`))
    }
    const resets = await cluster.planOffsetReset(args.group, named ?? 'all', strategy)
    if (options.execute) {
      if (isProduction(context.settings.environment.value) || context.isDefaultAddress('cluster')) {
        context.note(renderTable(resets, resetColumns, context.colours.stderr).trimEnd())
        await context.confirm({ what: `Move the offsets of ${args.group}`, typedName: args.group })
      } else await context.sayWhere('cluster')
      await context.audited(
        {
          action: 'groups.reset-offsets',
          resources: [{ type: 'group', name: args.group }],
          before: resets.map(({ topic, partition, from }) => ({ topic, partition, offset: from })),
          after: resets.map(({ topic, partition, to }) => ({ topic, partition, offset: to })),
        },
        () => cluster.resetOffsets(args.group, resets),
      )
    } else await context.sayWhere('cluster')
    if (context.format === 'csv') context.out(toOffsetsCsv(resets))
    else {
      await context.printRows(resets, {
        columns: resets.some(({ clamped }) => clamped) ? resetColumns : resetColumns.slice(0, -1),
        name: ({ topic, partition }) => `${topic}:${partition}`,
        data: (reset) => ({ ...reset, delta: reset.from === null ? null : reset.to - reset.from }),
        empty: 'No offset would change.',
      })
    }
    context.note(
      options.execute
        ? `Moved ${counted(resets.length, 'offset')} of ${args.group}.`
        : 'Dry run: nothing was changed. Pass --execute to do it.',
    )
  },
})

/** The group when it has members. One that does not exist yet has none: it may be given its first offsets. */
async function activeGroup(cluster: Cluster, groupId: string): Promise<GroupInfo | undefined> {
  try {
    const [group] = await cluster.describeGroups([groupId])
    return group !== undefined && group.members.length > 0 ? group : undefined
  } catch (error) {
    if ((error as { code?: unknown }).code === 'GROUP_ID_NOT_FOUND') return undefined
    throw error
  }
}

const remove = defineVerb({
  name: 'delete',
  summary: 'delete groups and their offsets',
  examples: ['selfmonitor groups delete old-service --yes'],
  args: { group: variadic('names', 'groups') },
  output: ['table', 'json', 'yaml', 'name'],
  mutates: true,
  async run(context, { args }) {
    const cluster = await context.cluster()
    await requireGroups(cluster, args.group)
    const rows = await readGroups(cluster, args.group)
    for (const { groupId, state, members, topics } of rows) {
      context.note(
        `  ${context.colours.stderr.bad('-')} ${groupId}: ${state}, ${counted(members, 'member')}, offsets in ${counted(topics, 'topic')}`,
      )
    }
    const active = rows.find(({ members }) => members > 0)
    if (active !== undefined) {
      throw new CliError(
        'GROUP_ACTIVE',
        `${active.groupId} has ${counted(active.members, 'member')}: it cannot be deleted.`,
        {
          hint: 'Stop its consumers first.',
        },
      )
    }
    await context.confirm({
      what: `Delete ${counted(rows.length, 'group')}`,
      typedName: typedName(context.settings.environment.value, args.group),
    })
    await context.audited(
      { action: 'groups.delete', resources: args.group.map((name) => ({ type: 'group', name })), before: rows },
      () => cluster.deleteGroups(args.group),
    )
    await context.printRows(rows, {
      columns: [{ header: 'DELETED', value: ({ groupId }) => groupId }],
      name: ({ groupId }) => groupId,
      data: ({ groupId }) => ({ groupId }),
      empty: 'Nothing to delete.',
    })
  },
})

export const groups: Noun = {
  name: 'groups',
  summary: 'consumer groups: lag, members, offsets',
  verbs: [list, describe, lag, resetOffsets, remove],
}

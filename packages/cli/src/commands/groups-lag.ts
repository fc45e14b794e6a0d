// `selfmonitor groups lag`: how far groups are behind, in messages and seconds, and whether they catch up.
import type { LagRow, Snapshot } from '@selfmonitor/monitor'
import { CliError } from '../framework/errors.ts'
import { duration } from '../framework/parse.ts'
import { didYouMean } from '../framework/suggest.ts'
import { defineVerb, flag, rest, value } from '../framework/verb.ts'
import { toJsonLine } from '../output/data.ts'
import { createLagView, worstFirst } from './lag-view.ts'

const defaultIntervalMs = 2_000

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

export const lag = defineVerb({
  name: 'lag',
  summary: 'how far groups are behind: messages, seconds, speed, time to catch up',
  details:
    'Worst first. BEHIND is the age of the next record that the group has not read. IN and OUT are messages a second that are\n' +
    'written and committed, over at most 5 minutes of watching; CATCH UP is the lag divided by their difference. Without --watch it\n' +
    'looks twice, --interval apart. -o json with --watch prints one line for each look.',
  examples: ['selfmonitor groups lag --watch', 'selfmonitor groups lag fraud-detection --partitions'],
  args: { group: rest('groups (default: all)', 'groups') },
  options: {
    watch: flag('-w, --watch', 'refresh until Ctrl-C'),
    interval: value(
      '--interval <duration>',
      'between two looks (default 2s, at least 1s)',
      duration,
      defaultIntervalMs,
    ),
    partitions: flag('--partitions', 'one row for each partition'),
    all: flag('--all', 'also rows without a lag'),
  },
  output: ['table', 'json', 'yaml'],
  async run(context, { args, options }) {
    const cluster = await context.cluster()
    const { lagRows, startCollector } = await import('@selfmonitor/monitor')
    await requireKnown(context.settings.bootstrapServers.value, args.group, async () =>
      (await cluster.listGroups()).map(({ groupId }) => groupId),
    )
    const never = Number.POSITIVE_INFINITY
    const rowsOf = (snapshot: Snapshot): LagRow[] =>
      worstFirst(lagRows(snapshot, options.partitions ? 'partition' : 'topic'), options.all)
    const view = createLagView(context.io.stdout, context.colours.stdout, { showPartitions: options.partitions })
    const done = Promise.withResolvers<LagRow[]>()
    let looks = 0
    const collector = startCollector(
      cluster,
      {
        intervalMs: Math.max(1_000, options.interval),
        groups:
          args.group.length === 0
            ? {}
            : { include: args.group.map((name) => name.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')) },
        everyMs: {
          brokers: never,
          configs: never,
          logDirs: never,
          certificates: never,
          services: never,
          quorum: never,
          transactions: never,
        },
        logger: silent,
      },
      (snapshot) => {
        looks++
        const problem = snapshot.metadata.problem ?? (looks === 1 ? snapshot.groups.problem : null)
        if (problem !== null && looks === 1) {
          done.reject(new CliError(problem.code, problem.message))
          return
        }
        const rows = rowsOf(snapshot)
        if (!options.watch) {
          if (looks === 2) done.resolve(rows)
          return
        }
        if (context.format === 'json')
          context.out(toJsonLine({ at: new Date().toISOString(), rows: rows.map(rowData) }))
        else view.show(rows, problem)
      },
    )
    const stop = (): void => done.resolve([])
    context.io.signal.addEventListener('abort', stop)
    try {
      const rows = await done.promise
      if (!options.watch && !context.io.signal.aborted) {
        await context.printRows(rows, {
          columns: view.columns,
          name: ({ group }) => group,
          data: rowData,
          empty: options.all ? 'No consumer groups have offsets.' : 'No group is behind (--all shows them).',
        })
      }
    } finally {
      context.io.signal.removeEventListener('abort', stop)
      await collector.close()
    }
  },
})

/** Infinity is no number of JSON. */
function rowData(row: LagRow): object {
  const { catchUpSeconds, ...rest } = row
  return { ...rest, catchUpSeconds: catchUpSeconds === Number.POSITIVE_INFINITY ? 'never' : catchUpSeconds }
}

async function requireKnown(servers: string, wanted: readonly string[], list: () => Promise<string[]>): Promise<void> {
  if (wanted.length === 0) return
  const known = await list()
  const missing = wanted.find((name) => !known.includes(name))
  if (missing === undefined) return
  throw new CliError('UNKNOWN_GROUP', `There is no group "${missing}" on ${servers}.`, {
    hint: didYouMean(missing, known) ?? '`selfmonitor groups list` lists the existing ones.',
  })
}

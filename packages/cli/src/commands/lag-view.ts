// The table of `groups lag`: redrawn in place on a terminal, lines elsewhere.
import type { LagRow, Problem } from '@selfmonitor/monitor'
import type { Colours } from '../output/colour.ts'
import { count, counted, span } from '../output/format.ts'
import { type Column, renderTable } from '../output/table.ts'
import type { Output } from '../output/terminal.ts'
import { textWidth } from '../output/width.ts'

/** The most seconds behind first, then the most messages; rows of which the lag is not known last. */
export function worstFirst(rows: readonly LagRow[], all: boolean): LagRow[] {
  const messages = (row: LagRow): bigint => row.messages ?? -1n
  return rows
    .filter((row) => all || row.problem !== null || (row.messages ?? 0n) > 0n)
    .sort(
      (a, b) =>
        (b.seconds ?? -1) - (a.seconds ?? -1) ||
        (messages(b) > messages(a) ? 1 : messages(b) < messages(a) ? -1 : 0) ||
        (a.group < b.group ? -1 : a.group > b.group ? 1 : 0) ||
        (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : (a.partition ?? 0) - (b.partition ?? 0)),
    )
}

const levels = '▁▂▃▄▅▆▇█'

/** The last values as bars, the largest the highest; nothing with fewer than two. */
export function sparkline(values: readonly number[]): string {
  if (values.length < 2) return ''
  const most = values.reduce((a, b) => Math.max(a, b))
  return values.map((one) => levels[most === 0 ? 0 : Math.round((one / most) * (levels.length - 1))]).join('')
}

const sparkWidth = 16

/** A group that keeps pace is always a little behind: its lag neither grows nor shrinks by more than a fiftieth of what comes. */
function isSteady({ inPerSecond, outPerSecond }: LagRow): boolean {
  if (inPerSecond === null || outPerSecond === null || outPerSecond <= 0) return false
  return Math.abs(inPerSecond - outPerSecond) <= Math.max(inPerSecond, outPerSecond) / 50
}

export interface LagView {
  readonly columns: readonly Column<LagRow>[]
  show(rows: readonly LagRow[], problem: Problem | null): void
}

const rate = (perSecond: number | null): string | null =>
  perSecond === null ? null : perSecond < 10 ? perSecond.toFixed(1) : count(Math.round(perSecond))

export function createLagView(
  output: Output,
  colours: Colours,
  { showPartitions }: { readonly showPartitions: boolean },
): LagView {
  const seen = new Map<string, number[]>()
  let drawnLines = 0
  const key = ({ group, topic, partition }: LagRow): string => `${partition} ${topic} ${group}`
  const isGrowing = (row: LagRow): boolean => row.catchUpSeconds === Number.POSITIVE_INFINITY && !isSteady(row)

  const columns: Column<LagRow>[] = [
    { header: 'GROUP', value: ({ group }) => group },
    {
      header: 'TOPIC',
      value: ({ topic, partition }) => (partition === null ? topic : `${topic}[${partition}]`),
    },
    {
      header: 'LAG',
      align: 'right',
      value: ({ messages }) => messages,
      colour: (text, row) => (isGrowing(row) ? colours.bad(text) : colours.careful(text)),
    },
    { header: 'BEHIND', align: 'right', value: ({ seconds }) => (seconds === null ? null : behind(seconds)) },
    { header: 'IN/s', align: 'right', value: ({ inPerSecond }) => rate(inPerSecond) },
    {
      header: 'OUT/s',
      align: 'right',
      value: ({ outPerSecond }) => rate(outPerSecond),
      colour: (text, row) => ((row.outPerSecond ?? 0) === 0 ? colours.bad(text) : text),
    },
    {
      header: 'CATCH UP',
      align: 'right',
      value: (row) => catchUpText(row),
      colour: (text, row) => (isGrowing(row) ? colours.bad(text) : colours.good(text)),
    },
    {
      header: 'STATE',
      value: ({ state, members, problem }) => (problem !== null ? problem.code : members === 0 ? 'no members' : state),
      colour: (text, { members, problem }) =>
        problem !== null || members === 0 ? colours.bad(text) : colours.aside(text),
    },
  ]
  const trend: Column<LagRow> = {
    header: 'LAG SO FAR',
    value: (row) => sparkline(seen.get(key(row)) ?? []),
    colour: (text, row) => (isGrowing(row) ? colours.bad(text) : colours.good(text)),
  }

  function remember(rows: readonly LagRow[]): void {
    for (const row of rows) {
      const values = seen.get(key(row)) ?? []
      values.push(Number(row.messages ?? 0n))
      seen.set(key(row), values.slice(-sparkWidth))
    }
  }

  function block(rows: readonly LagRow[], problem: Problem | null): string {
    const { columns: width, rows: height } = output
    // The header, the line above, the one below, and the cursor's.
    const room = Math.max(1, height - 5)
    const shown = rows.slice(0, room)
    // Each line is drawn as one line: columns are left out from the right until they fit.
    let fitting = [...columns.slice(0, -1), trend, ...columns.slice(-1)]
    const widthOf = (): number => Math.max(...renderTable(shown, fitting, colours).split('\n').map(textWidth))
    while (fitting.length > 3 && widthOf() >= width) fitting = fitting.slice(0, -1)
    const total = rows.reduce((sum, { messages }) => sum + (messages ?? 0n), 0n)
    const groups = new Set(rows.map(({ group }) => group)).size
    const heading = `${colours.strong(`${count(total)} behind`)} in ${counted(groups, 'group')}${colours.aside(`   ${new Date().toISOString().slice(11, 19)}Z   Ctrl-C ends it`)}`
    const table =
      rows.length === 0 ? `${colours.good('No group is behind.')}\n` : renderTable(shown, fitting, colours, width - 1)
    const more =
      rows.length > shown.length
        ? colours.aside(`and ${counted(rows.length - shown.length, showPartitions ? 'more partition' : 'more row')}`)
        : ''
    const trouble = problem === null ? '' : colours.bad(`${problem.code}: the numbers are the last ones`)
    return `${heading}\n\n${table}${[more, trouble].filter((text) => text !== '').join('   ')}`.replace(/\n?$/, '\n')
  }

  return {
    columns,
    show(rows, problem) {
      remember(rows)
      if (!output.isTTY) {
        const at = new Date().toISOString()
        output.write(
          rows.length === 0 ? `${at}  no group is behind\n` : rows.map((row) => `${at}  ${lineOf(row)}\n`).join(''),
        )
        return
      }
      const text = block(rows, problem)
      // From the first column: a Ctrl-C has left `^C` there. Lines are cleared one by one, so that nothing flickers.
      const home = drawnLines === 0 ? '' : `\r\u001b[${drawnLines}A`
      output.write(`${home}${text.replaceAll('\n', '\u001b[K\n')}\u001b[0J`)
      drawnLines = text.split('\n').length - 1
    },
  }
}

function catchUpText(row: LagRow): string | null {
  const { catchUpSeconds } = row
  if (catchUpSeconds === null) return null
  if (isSteady(row)) return 'steady'
  return Number.isFinite(catchUpSeconds) ? span(Math.ceil(catchUpSeconds) * 1_000) : 'never'
}

function behind(seconds: number): string {
  return seconds < 1 ? `${seconds.toFixed(1)}s` : span(Math.round(seconds) * 1_000)
}

/** For logs: `group topic lag=12 behind=3.2s in=4.0/s out=2.0/s catch-up=never` */
function lineOf(row: LagRow): string {
  const { group, topic, partition, messages, seconds } = row
  const known = (text: string | null): string => text ?? 'unknown'
  return [
    group,
    partition === null ? topic : `${topic}[${partition}]`,
    `lag=${messages ?? 'unknown'}`,
    `behind=${seconds === null ? 'unknown' : `${seconds.toFixed(1)}s`}`,
    `in=${known(rate(row.inPerSecond))}/s`,
    `out=${known(rate(row.outPerSecond))}/s`,
    `catch-up=${catchUpText(row) ?? 'unknown'}`,
  ].join('  ')
}

// A plan for people (text), for pull requests (Markdown) and for programs (JSON).
import { wrapAnsi } from 'fast-wrap-ansi'
import { formatProblem } from '../errors.ts'
import type { Change, ChangeAction, Plan } from '../model.ts'
import { humanSetting } from '../topic-settings.ts'

/** How parts of the text look; each gets plain text and returns it decorated. */
export interface PlanColors {
  readonly create: (text: string) => string
  readonly update: (text: string) => string
  readonly delete: (text: string) => string
  readonly warning: (text: string) => string
  readonly error: (text: string) => string
  readonly dim: (text: string) => string
}

const plain = (text: string) => text
const noColors: PlanColors = { create: plain, update: plain, delete: plain, warning: plain, error: plain, dim: plain }

const marks: Readonly<Record<ChangeAction, string>> = { create: '+', update: '~', delete: '-' }

const kinds: Readonly<Record<Change['kind'], string>> = {
  topic: 'topic',
  'topic-partitions': 'partitions',
  'topic-config': 'config',
  schema: 'schema',
  payload: 'payload',
  compatibility: 'compatibility',
  user: 'user',
  acl: 'acl',
}

export type PlanFormat = 'text' | 'json' | 'markdown'

export interface RenderOptions {
  readonly color?: PlanColors
  /** Columns of the terminal that the text is for: lines are broken between words. Default: they are not broken. */
  readonly width?: number
}

/** @returns the plan in that format, ending with a newline */
export function renderPlan(plan: Plan, format: PlanFormat, options: RenderOptions = {}): string {
  switch (format) {
    case 'text':
      return renderText(plan, options.color ?? noColors, options.width ?? Number.POSITIVE_INFINITY)
    case 'markdown':
      return renderMarkdown(plan)
    case 'json':
      return `${JSON.stringify(plan, null, 2)}\n`
    default:
      return format satisfies never
  }
}

/** One change as a line of its own: `+ topic user.events`. */
export function renderChange({ action, kind, name }: Change): string {
  return `${marks[action]} ${kinds[kind]} ${name}`
}

/** What one line shows: a change, or the like changes of a topic's event types. */
interface Row extends Pick<Change, 'action' | 'kind' | 'name' | 'warnings'> {
  readonly details: readonly string[]
}

/** One row for each change, but one for all event types of a topic that are new, or get the same level. */
function rowsOf(changes: readonly Change[]): Row[] {
  const alike = Map.groupBy(changes, (change) => {
    const { action, kind, event, details: rows } = change
    const isAddition = kind === 'payload' && action === 'create'
    return event !== undefined && (isAddition || kind === 'compatibility')
      ? JSON.stringify([action, kind, event.topic, isAddition ? null : rows])
      : change
  })
  return [...alike.values()].map((group) => {
    const [first, ...more] = group as [Change, ...Change[]]
    const { action, kind, name, event, warnings } = first
    const types = group.flatMap((change) => change.event?.type ?? []).join(', ')
    return more.length === 0 || event === undefined
      ? { action, kind, name, warnings, details: details(first) }
      : {
          ...{ action, kind, warnings },
          name: `${event.topic}-*`,
          details: [...(kind === 'payload' ? [] : details(first)), `${group.length} event types: ${types}`],
        }
  })
}

function renderText(plan: Plan, color: PlanColors, width: number): string {
  const lines: string[] = []
  const rows = rowsOf(plan.changes)
  const kindWidth = Math.max(0, ...rows.map(({ kind }) => kinds[kind].length))
  // The names of ACLs are much longer than all others: a column of their own width.
  const widthOf = (some: readonly Row[]) => Math.max(0, ...some.map(({ name }) => name.length))
  const aclWidth = widthOf(rows.filter(({ kind }) => kind === 'acl'))
  const otherWidth = widthOf(rows.filter(({ kind }) => kind !== 'acl'))
  for (const row of rows) {
    const nameWidth = row.kind === 'acl' ? aclWidth : otherWidth
    const head = `${marks[row.action]} ${kinds[row.kind].padEnd(kindWidth)}  ${row.name.padEnd(nameWidth)}`
    const [first, ...more] = beside(head, row.details.join(', '), width)
    lines.push(`${color[row.action](first.head)}  ${color.dim(first.text)}`.trimEnd(), ...more.map(color.dim))
    lines.push(...row.warnings.flatMap((warning) => hanging('  ! ', warning, width).map(color.warning)))
  }
  lines.push(...plan.warnings.flatMap((warning) => hanging('! ', warning, width).map(color.warning)))
  lines.push(...plan.errors.flatMap((problem) => hanging('✗ ', formatProblem(problem), width).map(color.error)))
  lines.push(...plan.hints.flatMap((hint) => hanging('', hint, width).map(color.dim)))
  if (lines.length > 0) {
    lines.push('')
  }
  lines.push(...hanging('', summary(plan), width))
  return `${lines.join('\n')}\n`
}

/** Narrower than this a column is worse to read than a line of its own. */
const leastColumns = 24

/** A text broken between words, its further lines below the first one's text. */
function hanging(mark: string, text: string, width: number): string[] {
  return broken(text, width - mark.length).map((line, at) => `${at === 0 ? mark : ' '.repeat(mark.length)}${line}`)
}

/** The change, beside the name of its object; below it when the line is full. */
function beside(
  head: string,
  text: string,
  width: number,
): [{ readonly head: string; readonly text: string }, ...string[]] {
  const room = width - head.length - 2
  if (room >= leastColumns || text.length <= room) {
    const [first = '', ...more] = broken(text, room)
    return [{ head, text: first }, ...more.map((line) => ' '.repeat(head.length + 2) + line)]
  }
  return [{ head: head.trimEnd(), text: '' }, ...broken(text, width - 4).map((line) => `    ${line}`)]
}

/** A word that is longer than the line is not broken, because a path or a name must be easy to copy. */
function broken(text: string, width: number): string[] {
  return Number.isFinite(width) ? wrapAnsi(text, Math.max(leastColumns, width)).split('\n') : [text]
}

function summary(plan: Plan): string {
  const where = `environment ${plan.environment}, cluster ${plan.clusterId} at ${addresses(plan.bootstrapServers)}`
  if (plan.errors.length > 0) {
    return `${count(plan.errors.length, 'error')}: nothing can be applied (${where}).`
  }
  if (plan.changes.length === 0) {
    return `No changes (${where}).`
  }
  const of = (action: ChangeAction) => plan.changes.filter((change) => change.action === action).length
  return `${of('create')} to create, ${of('update')} to change, ${of('delete')} to delete (${where}).`
}

/** Of many brokers the first few say where it is. */
function addresses(bootstrapServers: string): string {
  const all = bootstrapServers.split(',')
  return all.length > 3 ? `${all[0]}, …` : bootstrapServers
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

function details({ action, details: rows }: Change): string[] {
  return rows.map(({ key, from, to }) => {
    const before = from === null ? null : humanSetting(key, from)
    const after = to === null ? 'broker default' : humanSetting(key, to)
    if (action === 'create' || (before === null && to !== null)) {
      return `${key} ${after}`
    }
    return action === 'delete'
      ? `${key} ${before}`
      : key.startsWith('field ') && to === null
        ? `${key} removed`
        : `${key} ${before} → ${after}`
  })
}

function renderMarkdown(plan: Plan): string {
  const lines = [`### Platform plan: ${plan.environment}`, '', summary(plan), '']
  if (plan.errors.length > 0) {
    lines.push('**Errors**', '')
    for (const { file, line, path, message } of plan.errors) {
      lines.push(`- \`${file}:${line}\` ${path === '' ? '' : `\`${path}\` `}${cell(message)}`)
    }
    lines.push('')
  }
  if (plan.changes.length > 0) {
    lines.push('| | what | name | change |', '|---|---|---|---|')
    for (const row of rowsOf(plan.changes)) {
      const warnings = row.warnings.map((warning) => `<br>⚠️ ${cell(warning)}`).join('')
      lines.push(
        `| \`${marks[row.action]}\` | ${kinds[row.kind]} | \`${row.name}\` | ${cell(row.details.join(', '))}${warnings} |`,
      )
    }
    lines.push('')
  }
  for (const warning of plan.warnings) {
    lines.push(`> ⚠️ ${cell(warning)}`, '')
  }
  for (const hint of plan.hints) {
    lines.push(cell(hint), '')
  }
  return `${lines.join('\n').trimEnd()}\n`
}

/** Text that cannot break out of a table cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;')
}

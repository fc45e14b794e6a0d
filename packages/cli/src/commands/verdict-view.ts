// How verdicts look on a terminal: the result in the first line, then each verdict with its evidence and the command to type.
import type { Consequence, Reason, Severity, Subject, Verdict } from '@selfmonitor/monitor'
import type { Colours } from '../output/colour.ts'
import { counted } from '../output/format.ts'
import type { Output } from '../output/terminal.ts'
import { padEnd } from '../output/width.ts'
import { indented } from '../output/wrap.ts'

type Screen = Pick<Output, 'isTTY' | 'columns'>

/** Of the words `do`, `type`, `see`, with the space behind them. */
const labelWidth = 6
const shownSubjects = 5
const shownAlike = 5

export function severityColour(severity: Severity, colours: Colours): (text: string) => string {
  switch (severity) {
    case 'critical':
      return (text) => colours.strong(colours.bad(text))
    case 'error':
      return colours.bad
    case 'warning':
      return colours.careful
    default:
      return severity satisfies never
  }
}

/** `2 errors and 1 warning`. */
export function countedSeverities(verdicts: readonly Pick<Verdict, 'severity'>[]): string {
  const counts = (['critical', 'error', 'warning'] as const).flatMap((severity) => {
    const amount = verdicts.filter((one) => one.severity === severity).length
    if (amount === 0) return []
    return [severity === 'critical' ? `${amount} critical` : counted(amount, severity)]
  })
  return counts.length < 2 ? counts.join('') : `${counts.slice(0, -1).join(', ')} and ${counts.at(-1)}`
}

/** Verdicts of one code and severity: each with its evidence and consequences, then the remedy once. */
export function verdictsText(alike: readonly Verdict[], screen: Screen, colours: Colours): string {
  const [first] = alike
  const colour = severityColour(first!.severity, colours)
  const head = `${colour(first!.severity.toUpperCase())}  ${colours.aside(alike.length === 1 ? first!.code : `${first!.code}, ${alike.length} of them`)}`
  const shown = alike.slice(0, shownAlike)
  const more = alike.length - shown.length
  const lines = [
    head,
    ...shown.flatMap((verdict) => [
      `  ${colours.strong(verdict.message)}`,
      ...verdict.evidence.map(({ text }) => `  - ${text}`),
      ...consequenceLines(verdict.consequences, verdict.code).map((line) => `  ${colours.aside('>')} ${line}`),
    ]),
    ...(more > 0 ? [`  ${colours.aside(`and ${more} more: -o json has all`)}`] : []),
  ]
  return `${[...lines.map((line) => indented(screen, line, 4)), ...remedyLines(first!, screen, colours)].join('\n')}\n`
}

/** One reason why a record was not received. */
export function reasonText(reason: Reason, screen: Screen, colours: Colours): string {
  const lines = [
    `${colours.strong(reason.message)}  ${colours.aside(`${reason.code}, ${reason.certainty}`)}`,
    ...reason.evidence.map(({ text }) => `  - ${text}`),
  ]
  return `${[...lines.map((line) => indented(screen, line, 4)), ...remedyLines(reason, screen, colours)].join('\n')}\n`
}

function remedyLines(
  { remedy, runbook }: Pick<Verdict, 'remedy' | 'runbook'>,
  screen: Screen,
  colours: Colours,
): string[] {
  const labelled = (label: string, text: string): string =>
    `  ${colours.aside(padEnd(label, labelWidth))}${indented(screen, text, labelWidth + 2)}`
  return [
    labelled('do', remedy.text),
    // A command that is broken over lines cannot be copied.
    ...(remedy.command === null ? [] : [`  ${colours.aside(padEnd('type', labelWidth))}${remedy.command}`]),
    labelled('see', runbook),
  ]
}

/** A line for each kind of consequence, with the first of its subjects. */
function consequenceLines(consequences: readonly Consequence[], own: string): string[] {
  return [...Map.groupBy(consequences, ({ code }) => code)].map(([code, some]) => {
    const names = [...new Set(some.map(({ subject, message }) => subjectName(subject) ?? message))]
    const more = names.length - shownSubjects
    const shown = `${names.slice(0, shownSubjects).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
    return code === own ? `all of them: ${shown}` : `explains ${code}: ${shown}`
  })
}

/** A name that says enough beside the code; undefined where the message is needed. */
function subjectName(subject: Subject): string | undefined {
  switch (subject.kind) {
    case 'topic':
      return subject.topic
    case 'partition':
      return `${subject.topic}-${subject.partition}`
    case 'group':
      return subject.group
    case 'group and topic':
      return `${subject.group} in ${subject.topic}`
    case 'broker':
      return `broker ${subject.brokerId}`
    case 'cluster':
    case 'log directory':
    case 'certificate':
    case 'service':
    case 'connector':
    case 'snapshot':
      return undefined
    default:
      return subject satisfies never
  }
}

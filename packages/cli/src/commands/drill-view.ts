// The report of a drill as text for a terminal.
import type { DrillReport, SignedReport } from '@selfmonitor/backup/drill'
import type { Colours } from '../output/colour.ts'
import { counted, elapsed, span, time } from '../output/format.ts'
import { type Column, renderFields, renderTable } from '../output/table.ts'

type Check = DrillReport['checks'][number]

const marks = { passed: 'passed', failed: 'FAILED', skipped: 'not checked' } as const

function coloured(outcome: Check['outcome'], shown: string, colours: Colours): string {
  if (outcome === 'failed') return colours.bad(shown)
  return outcome === 'passed' ? colours.good(shown) : colours.aside(shown)
}

const checkColumns: readonly Column<Check>[] = [
  {
    header: 'OUTCOME',
    value: ({ outcome }) => marks[outcome],
    colour: (shown, { outcome }, colours) => coloured(outcome, shown, colours),
  },
  { header: 'CHECK', value: ({ title }) => title },
  { header: 'DETAIL', value: ({ detail }) => detail },
]

function objectiveText({ objectiveMs, achievedMs, outcome }: DrillReport['objectives'][number]): string {
  const achieved = achievedMs === null ? 'not measured' : elapsed(achievedMs)
  if (objectiveMs === null) return `${achieved}, without an objective`
  return `${achieved} of ${span(objectiveMs)}, ${outcome === 'passed' ? 'met' : 'MISSED'}`
}

export function reportText({ report, signature }: SignedReport, colours: Colours): string {
  const { backup, target, topics, groups, findings } = report
  const partitions = topics.flatMap((topic) => topic.partitions)
  const records = partitions.reduce((sum, one) => sum + BigInt(one.records), 0n)
  const head = renderFields(
    [
      [
        'drill',
        `${report.id}, ${coloured(report.outcome, report.outcome === 'passed' ? 'PASSED' : 'FAILED', colours)}`,
      ],
      ['scenario', `${report.scenario.title}: ${report.scenario.hasToHold}`],
      ['source', `cluster ${report.source.clusterId}, backups in ${report.source.store}`],
      ['target', target === null ? 'none' : `${target.kind} ${target.clusterId} at ${target.addresses.join(', ')}`],
      ['backup', backup === null ? 'none' : `${backup.number}, up to ${time(Date.parse(backup.cutAt))}`],
      [
        'restored',
        `${counted(records, 'record')} in ${counted(partitions.length, 'partition')}, ${counted(groups.length, 'position')} of groups`,
      ],
      ...report.objectives.map((one) => [one.name, objectiveText(one)] as const),
      ['signed', signature === null ? colours.bad('NO') : `key ${signature.keyId}`],
      ['next due', report.nextDue],
    ],
    colours,
  )
  const wrong =
    findings.length === 0
      ? ''
      : `\n${renderTable(
          findings,
          [
            { header: 'FINDING', value: ({ subject }) => subject },
            { header: 'WHY', value: ({ message }) => message.split('\n')[0]! },
          ],
          colours,
        )}`
  return `${head}\n${renderTable(report.checks, checkColumns, colours)}${wrong}`
}

// A report as a page: one file without scripts or links to others, made to be read and to be printed.
import { lasting } from './notes.ts'
import type { DrillOutcome, DrillReport } from './report.ts'
import type { SignedReport } from './signing.ts'

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const esc = (value: unknown): string => String(value ?? '–').replace(/[&<>"']/g, (one) => escapes[one]!)

/** Of a partition's table so many rows are shown; the JSON has all. */
const maxRows = 500

const words: Readonly<Record<DrillOutcome, string>> = { passed: 'passed', failed: 'failed', skipped: 'not checked' }
const badge = (outcome: DrillOutcome): string => `<span class="badge ${outcome}">${words[outcome]}</span>`
const mono = (value: unknown): string => `<code>${esc(value)}</code>`
const moment = (iso: string): string => esc(iso.replace('T', ' ').replace(/\.\d+Z$/, ' UTC'))
const spelled = (ms: number | null): string => (ms === null ? '–' : lasting(ms))

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '<p class="none">None.</p>'
  const head = heads.map((one) => `<th scope="col">${esc(one)}</th>`).join('')
  const shown = rows.slice(0, maxRows).map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`)
  const more =
    rows.length > maxRows
      ? `<p class="none">${rows.length - maxRows} more rows are in the JSON of this report.</p>`
      : ''
  return `<table><thead><tr>${head}</tr></thead><tbody>${shown.join('')}</tbody></table>${more}`
}

const fields = (rows: readonly (readonly [string, string])[]): string =>
  `<dl>${rows.map(([name, value]) => `<div><dt>${esc(name)}</dt><dd>${value}</dd></div>`).join('')}</dl>`

const section = (title: string, body: string): string => `<section><h2>${esc(title)}</h2>${body}</section>`

/** Self-contained, in the order in which an auditor asks. */
export function reportHtml({ report, signature }: SignedReport): string {
  const title = `Restore drill ${report.startedAt.slice(0, 10)}: ${words[report.outcome]}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${esc(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
${headerOf(report, signature)}
${section('Objectives', objectivesTable(report))}
${section('Checks', checksTable(report))}
${section('Findings', findingsTable(report))}
${section('What was restored', restoredTables(report))}
${section('Where it was restored', placesOf(report))}
${section('Phases', phasesTable(report))}
${section('Rules that ask for this', rulesTable(report))}
<footer>Report ${mono(report.id)}, ${esc(report.tool.name)}, program ${mono(report.tool.build)}. The JSON of this report is what is signed; this page shows it.</footer>
</main>
</body>
</html>
`
}

function headerOf(report: DrillReport, signature: SignedReport['signature']): string {
  const signed =
    signature === null
      ? '<strong class="unsigned">Not signed: it proves nothing to others.</strong>'
      : `Ed25519, key ${mono(signature.keyId)}`
  return `<header>
<p class="kind">Restore drill</p>
<h1>${esc(report.scenario.title)} ${badge(report.outcome)}</h1>
<p class="lead">${esc(report.scenario.hasToHold)}</p>
${fields([
  ['Taken away', esc(report.scenario.takenAway)],
  ['Ran', `${moment(report.startedAt)} to ${moment(report.finishedAt)}`],
  ['Operator', esc(report.operator)],
  ['Approver', esc(report.approver)],
  ['Trigger', esc(report.trigger)],
  ['Next due', esc(report.nextDue)],
  ['Signature', signed],
])}
</header>`
}

function objectivesTable({ objectives }: DrillReport): string {
  return table(
    ['', 'Objective', 'Achieved', 'Outcome', 'How it was measured'],
    objectives.map((one) => [
      `<strong>${one.name}</strong>`,
      one.objectiveMs === null ? 'none' : `${spelled(one.objectiveMs)}<br><small>${esc(one.setBy)}</small>`,
      spelled(one.achievedMs),
      badge(one.outcome),
      esc(one.how),
    ]),
  )
}

const checksTable = ({ checks }: DrillReport): string =>
  table(
    ['Outcome', 'Check', 'Result'],
    checks.map(({ outcome, title, method, detail }) => [
      badge(outcome),
      `<strong>${esc(title)}</strong><br><small>${esc(method)}</small>`,
      esc(detail),
    ]),
  )

const findingsTable = ({ findings }: DrillReport): string =>
  table(
    ['Subject', 'Finding', 'Owner', 'Due'],
    findings.map(({ subject, message, remediation }) => [
      mono(subject),
      esc(message),
      esc(remediation.owner),
      esc(remediation.due),
    ]),
  )

function restoredTables({ backup, topics, groups, schemas }: DrillReport): string {
  const source =
    backup === null
      ? '<p class="none">No backup could be opened.</p>'
      : fields([
          ['Backup', esc(backup.number)],
          ['Cut', moment(backup.cutAt)],
          ['Manifest', mono(backup.manifest)],
          ['SHA-256', mono(backup.manifestSha256)],
          ['Taken by', esc(backup.takenBy)],
          ['Encrypted to', backup.recipients.length === 0 ? 'not encrypted' : backup.recipients.map(mono).join('<br>')],
          [
            'Schemas',
            schemas.from === null
              ? 'none'
              : `${schemas.inBackup} from ${esc(schemas.from)}, ${schemas.ids.length} used by values`,
          ],
        ])
  const partitions = topics.flatMap(({ name, partitions: all }) =>
    all.map((one) => [
      esc(name),
      esc(one.partition),
      `${esc(one.from)} – ${esc(one.cut)}`,
      esc(one.records),
      one.gaps.length === 0 ? '–' : one.gaps.map(({ from, to }) => `${esc(from)} – ${esc(to)}`).join('<br>'),
      `<code title="${esc(one.restoredSha256)}">${esc(one.restoredSha256?.slice(0, 16))}</code>`,
      badge(one.isEqual ? 'passed' : 'failed'),
    ]),
  )
  const positions = groups.map((one) => [
    esc(one.groupId),
    esc(one.topic),
    esc(one.partition),
    `${esc(one.committed)} → ${esc(one.position)}`,
    esc(one.unread),
    `${badge(one.isVerified ? 'passed' : 'failed')}${one.problem === null ? '' : `<br><small>${esc(one.problem)}</small>`}`,
  ])
  return [
    source,
    '<h3>Topics</h3>',
    table(['Topic', 'Partition', 'Offsets', 'Records', 'Gaps', 'SHA-256 read back', 'Equal'], partitions),
    '<h3>Groups</h3>',
    table(['Group', 'Topic', 'Partition', 'Source → target', 'Still to read', 'Next record'], positions),
  ].join('\n')
}

function placesOf({ source, target, segregation }: DrillReport): string {
  const known = (value: string | null): string => (value === null ? '<em>not known</em>' : mono(value))
  return [
    fields([
      ['Source', `cluster ${mono(source.clusterId)}, backups in ${mono(source.store)}`],
      ['Target', target === null ? 'none' : `${esc(target.kind)} ${mono(target.clusterId)}`],
    ]),
    table(
      ['', 'Source', 'Target', 'Apart'],
      segregation.map((one) => [
        esc(one.what),
        known(one.source),
        known(one.target),
        badge(one.isSegregated === null ? 'skipped' : one.isSegregated ? 'passed' : 'failed'),
      ]),
    ),
  ].join('\n')
}

const phasesTable = ({ phases }: DrillReport): string =>
  table(
    ['Phase', 'Began', 'Took', 'Outcome', ''],
    phases.map(({ name, startedAt, finishedAt, outcome, detail }) => [
      esc(name),
      moment(startedAt),
      spelled(Date.parse(finishedAt) - Date.parse(startedAt)),
      badge(outcome),
      esc(detail.split('\n')[0]),
    ]),
  )

const rulesTable = ({ regulations }: DrillReport): string =>
  table(
    ['Rule', 'Asks for', 'Evidence in this drill', 'Outcome'],
    regulations.map(({ rule, asks, evidence, outcome }) => [
      `<strong>${esc(rule)}</strong>`,
      esc(asks),
      evidence.length === 0 ? '–' : evidence.map(mono).join(' '),
      badge(outcome),
    ]),
  )

const style = `
:root { color-scheme: light; --ink: #1c2330; --soft: #5b6678; --line: #dfe4ec; --good: #0f6b3c; --bad: #a3182a; --none: #5b6678; }
* { box-sizing: border-box; }
body { margin: 0; background: #f3f5f8; color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 1080px; margin: 32px auto; padding: 48px 56px; background: #fff; border: 1px solid var(--line); border-radius: 8px; }
.kind { margin: 0; color: var(--soft); letter-spacing: .08em; text-transform: uppercase; font-size: 12px; font-weight: 600; }
h1 { margin: 4px 0 8px; font-size: 30px; line-height: 1.2; display: flex; flex-wrap: wrap; gap: 14px; align-items: center; }
h1 .badge { font-size: 15px; padding: 4px 14px; }
h2 { margin: 40px 0 12px; font-size: 19px; }
h3 { margin: 24px 0 8px; font-size: 15px; }
.lead { margin: 0 0 24px; font-size: 17px; color: var(--soft); }
dl { display: grid; grid-template-columns: 1fr 1fr; gap: 0 40px; margin: 0 0 16px; }
dl div { display: grid; grid-template-columns: 110px minmax(0, 1fr); gap: 12px; padding: 7px 0; border-bottom: 1px solid var(--line); }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; font-size: 14px; }
th { text-align: left; color: var(--soft); font-weight: 600; padding: 8px 14px 8px 0; border-bottom: 2px solid var(--line); white-space: nowrap; }
td { vertical-align: top; padding: 9px 14px 9px 0; border-bottom: 1px solid var(--line); overflow-wrap: break-word; font-variant-numeric: tabular-nums; }
small { color: var(--soft); font-size: 13px; }
code { font: 12.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.badge { display: inline-block; padding: 1px 10px; border-radius: 99px; font-size: 12.5px; font-weight: 600; white-space: nowrap; border: 1px solid; }
.passed { color: var(--good); background: #e9f6ef; border-color: #b9dfca; }
.failed { color: var(--bad); background: #fdecee; border-color: #f0bcc3; }
.skipped { color: var(--none); background: #f3f5f8; border-color: var(--line); }
.none { color: var(--soft); margin: 4px 0; }
.unsigned { color: var(--bad); }
footer { margin-top: 48px; padding-top: 16px; border-top: 1px solid var(--line); color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
@media (max-width: 760px) { main { margin: 0; padding: 24px 18px; border: 0; border-radius: 0; } dl { grid-template-columns: 1fr; } section { overflow-x: auto; } }
@page { size: A4; margin: 16mm 14mm; }
@media print {
  body { background: #fff; font-size: 10.5pt; }
  main { max-width: none; margin: 0; padding: 0; border: 0; }
  table { font-size: 9pt; }
  h2, h3 { break-after: avoid; }
  tr, dl div, header { break-inside: avoid; }
  thead { display: table-header-group; }
  .badge { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`

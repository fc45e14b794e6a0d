// `selfmonitor backup coverage`: which topics are in the newest backup, and whether that is young enough.
import { type CoverageState, coverageOf, type TopicCoverage } from '../backup/coverage.ts'
import { loadPolicies } from '../backup/policies.ts'
import { exitCodes } from '../framework/errors.ts'
import { collect } from '../framework/parse.ts'
import { defineVerb, value } from '../framework/verb.ts'
import type { Colours } from '../output/colour.ts'
import { counted, span, time } from '../output/format.ts'
import { type Column, renderTable } from '../output/table.ts'
import { identityOption, openPlace, placeOptions } from './backup-place.ts'

export const policyFileOption = value(
  '-f, --file <file>',
  'platform file with the policies (default: the nearest platform.yaml); repeatable',
  collect,
)

function columnsAt(nowMs: number, scheduleText: (row: TopicCoverage) => string | null): Column<TopicCoverage>[] {
  return [
    { header: 'TOPIC', value: ({ topic }) => topic },
    {
      header: 'STATE',
      value: ({ state }) => state,
      colour: (shown, { state }, colours) => colourOf(state, colours)(shown),
    },
    {
      header: 'AGE',
      align: 'right',
      value: ({ asOfMs }) => (asOfMs === null ? null : span(Math.max(0, nowMs - asOfMs))),
    },
    { header: 'RPO', align: 'right', value: ({ policy }) => (policy?.rpoMs === undefined ? null : span(policy.rpoMs)) },
    { header: 'FREQUENCY', value: scheduleText },
    { header: 'CRITICALITY', value: ({ policy }) => policy?.criticality },
    { header: 'WHY', value: ({ why }) => why },
  ]
}

function colourOf(state: CoverageState, colours: Colours): (text: string) => string {
  if (state === 'uncovered' || state === 'overdue') return colours.bad
  return state === 'covered' ? colours.good : colours.aside
}

export const coverage = defineVerb({
  name: 'coverage',
  summary: 'show which topics are in the newest backup, and whether it is young enough',
  details:
    'Compares the topics of the cluster and of platform.yaml with the newest backup: those that are in none come first, then those whose\n' +
    'backup is older than their rpo, or whose run after the next is due. Exit code 1 if there is one of either. A topic that is left\n' +
    'out on purpose has `backup: { none: <reason> }` in platform.yaml.',
  examples: [
    'selfmonitor backup coverage --target s3://kafka-backups/production --env production',
    'selfmonitor backup coverage -o json | jq \'.topics[] | select(.state != "covered")\'',
  ],
  options: {
    target: placeOptions.target,
    file: policyFileOption,
    identity: identityOption,
  },
  output: ['table', 'json', 'yaml', 'name'],
  async run(context, { options }) {
    const policies = await loadPolicies(context, options.file)
    const store = await openPlace(context, options.target, '--target', { identity: options.identity })
    const [cluster, { canOpen, latestManifest, readState }, { formatSchedule }] = await Promise.all([
      context.cluster(),
      import('@selfmonitor/backup'),
      import('@selfmonitor/platform/schedule'),
    ])
    const { clusterId } = await cluster.info()
    const manifest = (await latestManifest(store, clusterId))?.manifest ?? null
    const problems =
      manifest !== null && canOpen(store, manifest.state.key) ? (await readState(store, manifest)).problems : []
    const nowMs = Date.now()
    const rows = coverageOf({ topics: await cluster.listTopics(), manifest, problems, policies, nowMs })
    const failing = rows.filter(({ state }) => state === 'uncovered' || state === 'overdue')
    const frequencyOf = ({ policy }: TopicCoverage) =>
      policy?.frequency === undefined ? null : formatSchedule(policy.frequency)
    const iso = (ms: number | null) => (ms === null || !Number.isFinite(ms) ? null : new Date(ms).toISOString())
    await context.printThing(
      {
        clusterId,
        target: store.address,
        policies: policies.source ?? null,
        backup: manifest?.number ?? null,
        at: iso(nowMs),
        topics: rows.map((row) => ({
          topic: row.topic,
          state: row.state,
          why: row.why === '' ? null : row.why,
          asOf: iso(row.asOfMs),
          ageMs: row.asOfMs === null ? null : Math.max(0, nowMs - row.asOfMs),
          rpoMs: row.policy?.rpoMs ?? null,
          rtoMs: row.policy?.rtoMs ?? null,
          frequency: frequencyOf(row),
          due: iso(row.dueMs),
          criticality: row.policy?.criticality ?? null,
          classification: row.policy?.classification ?? null,
          lock: row.policy?.lock ?? null,
        })),
      },
      {
        name: failing.map(({ topic }) => topic).join('\n') || undefined,
        table: () => {
          const colours = context.colours.stdout
          const backup = manifest === null ? 'no backup' : `backup ${manifest.number} of ${time(manifest.cutAtMs)}`
          const of = (state: CoverageState) => rows.filter((row) => row.state === state).length
          const summary = [
            `${counted(of('covered'), 'topic')} covered`,
            `${of('uncovered')} uncovered`,
            `${of('overdue')} overdue`,
            `${of('left-out')} left out`,
          ].join(', ')
          const head = `${failing.length === 0 ? colours.good('covered') : colours.bad('not covered')}: ${summary}; ${backup}\n`
          return rows.length === 0 ? head : `${head}\n${renderTable(rows, columnsAt(nowMs, frequencyOf), colours)}`
        },
      },
    )
    if (policies.source === undefined) {
      context.note(
        'There is no platform.yaml: no topic has an rpo, a frequency, or a reason to be left out. Name one with -f.',
      )
    }
    return failing.length === 0 ? exitCodes.done : exitCodes.failed
  },
})

// Alerts about backups, from what backups report.
import { highest, series } from '../../metrics/promql.ts'
import { type Alert, from, given } from '../alert.ts'

const target = { backup: 's3://backups/kafka' } as const
const labels = { cluster: 'c', ...target }
const missing = (matchers = {}): string =>
  `(${highest(series('backupProblems', matchers))} + ${highest(series('backupUncovered', matchers))}) > 0`

/** Also where there has never been a success. */
const failedSince = (failure: 'backupFailure' | 'drillFailure', success: 'backupSuccess' | 'drillSuccess'): string => {
  const [failed, succeeded] = [highest(series(failure)), highest(series(success))]
  return `${failed} > ${succeeded} or ${failed} unless ${succeeded}`
}
const failedSummary = 'The last run of the backup of c in s3://backups/kafka failed, and none has ended since'

export const backupAlerts: readonly Alert[] = [
  {
    name: 'KafkaBackupOverdue',
    severity: 'critical',
    audience: 'platform',
    // Of two replicas, the one with the older snapshot does not know of the newest backup.
    expression: `time() - ${highest(series('backupDeadline'))} > 0`,
    for: '5m',
    keepFiringFor: '2m',
    labels: ['cluster', 'backup'],
    summary:
      'The backup of {{ $labels.cluster }} in {{ $labels.backup }} has been overdue for {{ $value | humanizeDuration }}',
    description:
      'A topic’s last backup is older than its rpo in platform.yaml, or the run after the next is due by its frequency. What is written since would be lost with the cluster. `selfmonitor backup coverage` names the topics.',
    console: '/backups',
    testable: 'both engines',
    cases: [
      {
        name: 'fires when the deadline has passed 5 minutes ago',
        given: { [given('backupDeadline', target)]: '600x30' },
        at: '16m',
        fires: [{ labels, summary: 'The backup of c in s3://backups/kafka has been overdue for 6m 0s' }],
      },
      {
        name: 'is quiet while each run moves the deadline',
        given: { [given('backupDeadline', target)]: '600+60x30' },
        at: '25m',
        fires: [],
      },
      {
        name: 'is quiet when one replica knows of the newest backup and the other has an old snapshot',
        given: {
          [from(0, 'backupDeadline', target)]: '600x30',
          [from(1, 'backupDeadline', target)]: '600x8 3600x30',
        },
        at: '25m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaBackupFailed',
    severity: 'warning',
    audience: 'platform',
    expression: failedSince('backupFailure', 'backupSuccess'),
    for: '10m',
    keepFiringFor: '2m',
    labels: ['cluster', 'backup'],
    summary:
      'The last run of the backup of {{ $labels.cluster }} in {{ $labels.backup }} failed, and none has ended since',
    description:
      'A run ended with an error, for example because the store refuses it. The log of the process or Job has the error, and so has the record in _selfmonitor-backups.',
    console: '/backups',
    testable: 'both engines',
    cases: [
      {
        name: 'fires when a run failed after the last backup',
        given: { [given('backupFailure', target)]: '600x30', [given('backupSuccess', target)]: '300x30' },
        at: '11m',
        fires: [{ labels, summary: failedSummary }],
      },
      {
        name: 'fires when there has never been a backup',
        given: { [given('backupFailure', target)]: '600x30' },
        at: '11m',
        fires: [{ labels, summary: failedSummary }],
      },
      {
        name: 'is quiet when a run has ended since',
        given: { [given('backupFailure', target)]: '600x30', [given('backupSuccess', target)]: '300x5 900x30' },
        at: '20m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaDrillOverdue',
    severity: 'warning',
    audience: 'platform',
    expression: `time() - ${highest(series('drillDue'))} > 0`,
    for: '5m',
    keepFiringFor: '2m',
    labels: ['cluster', 'backup'],
    summary:
      'A drill of the backup of {{ $labels.cluster }} in {{ $labels.backup }} has been due for {{ $value | humanizeDuration }}',
    description:
      'The last drill that passed is older than the interval it was given. A restore that has not been tried for long may not work.',
    console: '/backups',
    testable: 'both engines',
    cases: [
      {
        name: 'fires when the next drill was due 5 minutes ago',
        given: { [given('drillDue', target)]: '600x30' },
        at: '16m',
        fires: [{ labels, summary: 'A drill of the backup of c in s3://backups/kafka has been due for 6m 0s' }],
      },
      {
        name: 'is quiet when a drill has passed since',
        given: { [given('drillDue', target)]: '600x8 3600x30' },
        at: '25m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaDrillFailed',
    severity: 'warning',
    audience: 'platform',
    expression: failedSince('drillFailure', 'drillSuccess'),
    for: '5m',
    keepFiringFor: '2m',
    labels: ['cluster', 'backup'],
    summary: 'The last drill of the backup of {{ $labels.cluster }} in {{ $labels.backup }} failed',
    description:
      'A check of the drill failed or an objective was not met: the backup may not restore, or not in time. The report of the drill has the findings.',
    console: '/backups',
    testable: 'both engines',
    cases: [
      {
        name: 'fires when a drill failed after the last one that passed',
        given: { [given('drillFailure', target)]: '600x30', [given('drillSuccess', target)]: '300x30' },
        at: '11m',
        fires: [{ labels, summary: 'The last drill of the backup of c in s3://backups/kafka failed' }],
      },
      {
        name: 'is quiet when one has passed since',
        given: { [given('drillFailure', target)]: '600x30', [given('drillSuccess', target)]: '300x5 900x30' },
        at: '20m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaBackupIncomplete',
    severity: 'warning',
    audience: 'platform',
    expression: missing(),
    for: '15m',
    keepFiringFor: '5m',
    labels: ['cluster', 'backup'],
    summary:
      'The backup of {{ $labels.cluster }} in {{ $labels.backup }} lacks {{ $value }} {{ if eq $value 1.0 }}part{{ else }}parts{{ end }} of the cluster',
    description:
      'Topics that are in no backup and not left out in platform.yaml, and what the last run could not read. `selfmonitor backup coverage` and the log of the run name them.',
    console: '/backups',
    testable: 'both engines',
    cases: [
      {
        name: 'fires when a topic is in no backup and another could not be read',
        given: {
          [given('backupProblems', target)]: '1x30',
          [given('backupUncovered', target)]: '1x30',
        },
        at: '16m',
        fires: [{ labels, summary: 'The backup of c in s3://backups/kafka lacks 2 parts of the cluster' }],
      },
      {
        name: 'fires for one topic',
        given: { [given('backupProblems', target)]: '0x30', [given('backupUncovered', target)]: '1x30' },
        at: '16m',
        fires: [{ labels, summary: 'The backup of c in s3://backups/kafka lacks 1 part of the cluster' }],
      },
      {
        name: 'is quiet when a new topic is in the next backup',
        given: { [given('backupProblems', target)]: '0x30', [given('backupUncovered', target)]: '0 1x9 0x20' },
        at: '20m',
        fires: [],
      },
    ],
  },
]

// Alerts about backups, from what backups report.
import { highest, series } from '../../metrics/promql.ts'
import { type Alert, from, given } from '../alert.ts'

const target = { backup: 's3://backups/kafka' } as const
const labels = { cluster: 'c', ...target }
const missing = (matchers = {}): string =>
  `(${highest(series('backupProblems', matchers))} + ${highest(series('backupUncovered', matchers))}) > 0`

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

// The table of alerts.
import type { Alert } from '../alert.ts'
import { backupAlerts } from './backups.ts'
import { clusterAlerts } from './cluster.ts'
import { consumerAlerts } from './consumers.ts'
import { jmxAlerts } from './jmx.ts'
import { serviceAlerts } from './services.ts'
import { topicAlerts } from './topics.ts'

/** By subject, in the order in which documents and rule files have them. */
export const alertGroups: readonly {
  readonly name: string
  readonly title: string
  readonly alerts: readonly Alert[]
}[] = [
  { name: 'kafka-cluster', title: 'Brokers, quorum, disks', alerts: clusterAlerts },
  { name: 'kafka-consumers', title: 'Consumer groups', alerts: consumerAlerts },
  { name: 'kafka-topics', title: 'Topics, transactions, the probe, certificates', alerts: topicAlerts },
  { name: 'kafka-services', title: 'The exporter, Schema Registry, Connect, ksqlDB', alerts: serviceAlerts },
  { name: 'kafka-backups', title: 'Backups', alerts: backupAlerts },
  { name: 'kafka-jmx', title: 'From the brokers’ own metrics (JMX)', alerts: jmxAlerts },
]

export const alerts: readonly Alert[] = alertGroups.flatMap((group) => group.alerts)

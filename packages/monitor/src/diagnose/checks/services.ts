// Checks of what runs beside Kafka, and of certificates.
import type { ServiceHealth } from '../../snapshot/types.ts'
import { type Facts, lastValue } from '../facts.ts'
import { certificateSoonMs, certificateUrgentMs, restartGraceMs } from '../thresholds.ts'
import { type Check, type Finding, findingKey, type Severity } from '../types.ts'
import { counted, evidence, several, span } from '../words.ts'
import { alert } from './runbooks.ts'

const titles: Readonly<Record<ServiceHealth['service'], string>> = {
  'schema-registry': 'Schema Registry',
  connect: 'Kafka Connect',
  ksqldb: 'ksqlDB',
}

/** A path that each of them answers. */
const paths: Readonly<Record<ServiceHealth['service'], string>> = {
  'schema-registry': '/subjects',
  connect: '/connectors',
  ksqldb: '/info',
}

const findDown =
  (service: ServiceHealth['service']) =>
  ({ snapshot }: Facts): Finding[] =>
    (lastValue(snapshot.services) ?? []).flatMap((one) =>
      one.service !== service || one.problem === null
        ? []
        : [
            {
              subject: { kind: 'service' as const, service },
              message: `${titles[service]} does not answer at ${one.url}`,
              evidence: [evidence('problem', one.problem.code, one.problem.message)],
              command: `curl -sS ${one.url.replace(/\/$/, '')}${paths[service]}`,
            },
          ],
    )

function findConnectors({ snapshot }: Facts): Finding[] {
  return (lastValue(snapshot.services) ?? []).flatMap(({ url, problem, connectors = [] }) =>
    connectors.flatMap(({ name, state, tasks }) => {
      const failed = tasks.filter((task) => task.state === 'FAILED')
      if (problem !== null || (failed.length === 0 && state !== 'FAILED')) return []
      const trace = failed.map((task) => causeOf(task.trace ?? '')).find((line) => line !== '')
      return [
        {
          subject: { kind: 'connector' as const, connector: name },
          message:
            failed.length === 0
              ? `connector ${name} has failed`
              : `${failed.length} of ${counted(tasks.length, 'task')} of connector ${name} failed`,
          evidence: [
            evidence('state', state, `the connector is ${state}`),
            ...(failed.length === 0
              ? []
              : [
                  evidence(
                    'failedTasks',
                    failed.length,
                    `failed: ${failed.length === 1 ? 'task' : 'tasks'} ${several(failed.map(({ id }) => id))}`,
                  ),
                ]),
            ...(trace === undefined ? [] : [evidence('trace', trace, trace)]),
          ],
          causes: [findingKey('CONNECT_DOWN', { kind: 'service', service: 'connect' })],
          command: `curl -sS -X POST '${url.replace(/\/$/, '')}/connectors/${encodeURIComponent(name)}/restart?includeTasks=true&onlyFailed=true'`,
        },
      ]
    }),
  )
}

function findCertificates(facts: Facts): Finding[] {
  return (lastValue(facts.snapshot.certificates) ?? []).flatMap(({ where, subject, notAfterMs }) => {
    const leftMs = notAfterMs - facts.nowMs
    if (leftMs > certificateSoonMs) return []
    const severity: Severity = leftMs <= 0 ? 'critical' : leftMs <= certificateUrgentMs ? 'error' : 'warning'
    const when = new Date(notAfterMs).toISOString().slice(0, 16).replace('T', ' ')
    return [
      {
        subject: { kind: 'certificate' as const, where },
        severity,
        message:
          leftMs <= 0
            ? `the certificate of ${where} has expired`
            : `the certificate of ${where} expires in ${span(leftMs)}`,
        evidence: [
          evidence('notAfterMs', notAfterMs, `valid until ${when} UTC`),
          evidence('subject', subject, `subject ${subject}`),
        ],
        command: 'kubectl -n kafka create job renew-now --from=cronjob/kafka-credentials-renew',
      },
    ]
  })
}

/** The last cause in a Java stack trace, which says what is wrong; without causes its first line. */
export function causeOf(trace: string): string {
  const lines = trace.split('\n')
  const cause = lines.findLast((line) => line.startsWith('Caused by: '))
  return (cause?.slice('Caused by: '.length) ?? lines[0]!).trim()
}

export const serviceChecks = {
  CERTIFICATE_EXPIRING: {
    severity: 'error',
    subject: 'certificate',
    explanation:
      'A certificate expires within 14 days (a warning), 3 days (an error), or has expired (critical): after that, clients cannot connect.',
    remedy:
      'Renew it, and let the brokers load it. With the chart, the renewal Job does both; without it, replace the files and alter the listener’s keystore.',
    runbook: alert('kafkacertificateexpiring'),
    find: findCertificates,
  },
  SCHEMA_REGISTRY_DOWN: {
    severity: 'error',
    subject: 'service',
    explanation: 'Schema Registry does not answer: clients that meet a schema for the first time cannot write or read.',
    remedy: 'Look at its log; it needs its topic `_schemas` and a login to Kafka.',
    runbook: alert('kafkaschemaregistrydown'),
    graceMs: restartGraceMs,
    find: findDown('schema-registry'),
  },
  CONNECT_DOWN: {
    severity: 'error',
    subject: 'service',
    explanation: 'Kafka Connect does not answer: its state is not known, and connectors may have stopped.',
    remedy: 'Look at its workers’ log, and at their login to Kafka.',
    runbook: alert('kafkaservicedown'),
    graceMs: restartGraceMs,
    find: findDown('connect'),
  },
  KSQLDB_DOWN: {
    severity: 'error',
    subject: 'service',
    explanation: 'ksqlDB does not answer: its queries may have stopped.',
    remedy: 'Look at its log. Its first start takes about a minute.',
    runbook: alert('kafkaservicedown'),
    graceMs: restartGraceMs,
    find: findDown('ksqldb'),
  },
  CONNECTOR_FAILED: {
    severity: 'error',
    subject: 'connector',
    explanation: 'A connector or some of its tasks failed: Connect does not restart them automatically.',
    remedy: 'Read the trace, fix the cause, and restart what failed.',
    runbook: alert('kafkaconnectorfailed'),
    find: findConnectors,
  },
} as const satisfies Record<string, Check>

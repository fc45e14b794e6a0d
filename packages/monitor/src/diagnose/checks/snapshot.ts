// Checks of the snapshot itself: a part that could not be read is a verdict, and never counts as healthy.
import type { Reading } from '../../snapshot/types.ts'
import { type Facts, lastValue } from '../facts.ts'
import { restartGraceMs, staleAfterMs } from '../thresholds.ts'
import { type Check, type Finding, findingKey } from '../types.ts'
import { counted, evidence, several, span } from '../words.ts'
import { alert, operation } from './runbooks.ts'

/** The parts that come from Kafka, and the ACLs without which they cannot be read: `operation on resource`, and the command's options. */
const rights = {
  metadata: { title: 'metadata', needs: 'DESCRIBE on the topics', options: "--topic '*' --operation describe" },
  brokers: { title: 'brokers', needs: 'a listener that accepts this account', options: null },
  configs: {
    title: 'settings',
    needs: 'DESCRIBE_CONFIGS on the topics and the cluster',
    options: "--topic '*' --cluster --operation describe-configs",
  },
  offsets: { title: 'offsets', needs: 'DESCRIBE on the topics', options: "--topic '*' --operation describe" },
  logDirs: { title: 'log directories', needs: 'DESCRIBE on the cluster', options: '--cluster --operation describe' },
  groups: { title: 'groups', needs: 'DESCRIBE on the groups', options: "--group '*' --operation describe" },
  quorum: { title: 'quorum', needs: 'DESCRIBE on the cluster', options: '--cluster --operation describe' },
  transactions: {
    title: 'transactions',
    needs: 'DESCRIBE on the transactional ids and READ on the topics',
    options: "--transactional-id '*' --operation describe --topic '*' --operation read",
  },
} as const

type Part = keyof typeof rights

const parts = Object.keys(rights) as Part[]

const isDenied = (code: string): boolean => code.endsWith('AUTHORIZATION_FAILED')

/** Brokers that answer with it give nothing to anyone without a login: the same as if none answered. */
const loginRefused = 'AUTHENTICATION_FAILED'

/** Kafka's own tool, because it takes several resources at once. */
function grant(facts: Facts, part: Part): string | null {
  const { options } = rights[part]
  return options === null
    ? null
    : `kafka-acls --bootstrap-server ${facts.bootstrap} --add --allow-principal User:ACCOUNT ${options}`
}

/** A connection that fails is explained by the verdict about its broker. */
function connectionCauses(facts: Facts): string[] {
  const brokers = (lastValue(facts.snapshot.brokers) ?? []).filter(({ problem }) => problem !== null)
  return [
    findingKey('CLUSTER_UNREACHABLE', { kind: 'cluster' }),
    ...[...facts.missingBrokers.keys(), ...brokers.map(({ brokerId }) => brokerId)].flatMap((brokerId) =>
      ['BROKER_DOWN', 'ADVERTISED_LISTENER', 'LISTENER_UNREACHABLE'].map((code) =>
        findingKey(code, { kind: 'broker', brokerId }),
      ),
    ),
    findingKey('NO_CONTROLLER', { kind: 'cluster' }),
  ]
}

function findUnreachable({ snapshot }: Facts): Finding[] {
  const { metadata } = snapshot
  if (metadata.problem === null || isDenied(metadata.problem.code)) return []
  const { code, message } = metadata.problem
  return [
    {
      subject: { kind: 'cluster' },
      ...(code === loginRefused
        ? {
            message: 'the cluster refuses the login of this account',
            advice: 'Check the user name, the password and the SASL mechanism in the file of client settings.',
          }
        : { message: 'no broker of the cluster answers' }),
      evidence: [evidence('problem', code, message)],
      command: 'selfmonitor status',
    },
  ]
}

function findUnreadable(facts: Facts): Finding[] {
  return parts.flatMap((part) => {
    const { problem }: Reading<unknown> = facts.snapshot[part]
    // An old cluster that lacks an API is healthy.
    if (problem === null || isDenied(problem.code) || problem.code === 'UNSUPPORTED_API' || part === 'metadata')
      return []
    return [
      {
        subject: { kind: 'snapshot' as const, part },
        message: `the ${rights[part].title} of the cluster could not be read`,
        evidence: [evidence('problem', problem.code, problem.message), ...ageOf(facts, part)],
        causes: connectionCauses(facts),
        command: null,
      },
    ]
  })
}

function findDenied(facts: Facts): Finding[] {
  const whole = parts.flatMap((part) => {
    const { problem }: Reading<unknown> = facts.snapshot[part]
    return problem === null || !isDenied(problem.code)
      ? []
      : [{ part, problem, what: `the ${rights[part].title} of the cluster` }]
  })
  const groups = facts.groups.filter(({ problem }) => problem !== null && isDenied(problem.code))
  const some =
    groups.length === 0
      ? []
      : [
          {
            part: 'groups' as const,
            problem: groups[0]!.problem!,
            what: `${counted(groups.length, 'group')} (${several(groups.map(({ groupId }) => groupId))})`,
          },
        ]
  return [...whole, ...some.filter(() => !whole.some(({ part }) => part === 'groups'))].map(
    ({ part, problem, what }) => ({
      subject: { kind: 'snapshot', part },
      message: `this account may not read ${what}`,
      evidence: [
        evidence('problem', problem.code, problem.message),
        evidence('needs', rights[part].needs, `it needs ${rights[part].needs}`),
      ],
      command: grant(facts, part),
    }),
  )
}

function ageOf(facts: Facts, part: Part) {
  const reading: Reading<unknown> = facts.snapshot[part]
  return reading.state === 'never'
    ? [evidence('atMs', null, 'it has never been read')]
    : [evidence('atMs', reading.atMs, `the last reading is ${span(facts.nowMs - reading.atMs)} old`)]
}

function findStale(facts: Facts): Finding[] {
  const { snapshot, nowMs } = facts
  const ageMs = nowMs - snapshot.finishedAtMs
  if (ageMs < staleAfterMs) return []
  return [
    {
      subject: { kind: 'snapshot', part: 'all' },
      message: `this diagnosis is of the cluster ${span(ageMs)} ago`,
      evidence: [evidence('finishedAtMs', snapshot.finishedAtMs, `the last collection ended ${span(ageMs)} ago`)],
      causes: [findingKey('CLUSTER_UNREACHABLE', { kind: 'cluster' })],
      command: 'selfmonitor doctor',
    },
  ]
}

export const snapshotChecks = {
  CLUSTER_UNREACHABLE: {
    severity: 'critical',
    subject: 'cluster',
    explanation:
      'None of the bootstrap servers gives metadata: Kafka is down, cannot be reached from here, or refuses the login.',
    remedy: 'Check the address, the security protocol and the network from this machine; then the brokers.',
    runbook: alert('kafkaclusterunreachable'),
    graceMs: restartGraceMs,
    find: findUnreachable,
  },
  SNAPSHOT_STALE: {
    severity: 'error',
    subject: 'snapshot',
    explanation:
      'The collector has not read the cluster for ten minutes: every other verdict describes the cluster as it was then.',
    remedy: 'Look at the log of the exporter, or ask the cluster yourself.',
    runbook: alert('kafkaexporterstale'),
    find: findStale,
  },
  NOT_ALLOWED: {
    severity: 'warning',
    subject: 'snapshot',
    explanation: 'The account of this diagnosis lacks a right: verdicts that need that part are missing.',
    remedy: 'Grant the right, with the name of the account in place of ACCOUNT, or use an account that has it.',
    runbook: operation('accounts-and-rights'),
    find: findDenied,
  },
  NOT_READABLE: {
    severity: 'warning',
    subject: 'snapshot',
    explanation: 'A part of the cluster could not be read: verdicts that need it are missing or old.',
    remedy: 'If this lasts, read the log of the broker that did not answer.',
    runbook: operation('is-it-well'),
    graceMs: restartGraceMs,
    find: findUnreadable,
  },
} as const satisfies Record<string, Check>

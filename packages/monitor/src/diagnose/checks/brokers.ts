// Checks of brokers and of the quorum: whether they are there, whether clients can reach them, and whether they agree.
import type { Problem } from '../../snapshot/types.ts'
import { type Facts, lastValue, outOfSync } from '../facts.ts'
import { clockSkewMs, clockSkewRefusedMs, mixedVersionsGraceMs, quorumLagMs, restartGraceMs } from '../thresholds.ts'
import { type Check, type Evidence, type Finding, findingKey } from '../types.ts'
import { count, counted, evidence, is, several, span } from '../words.ts'
import { alert, operation } from './runbooks.ts'

/** What would explain that something is wrong with a broker's replicas. */
export function brokerCauses(facts: Facts, brokerIds: readonly number[]): string[] {
  const offline = (lastValue(facts.snapshot.logDirs) ?? []).filter(({ error }) => error !== null)
  return brokerIds.flatMap((brokerId) => [
    findingKey('BROKER_DOWN', { kind: 'broker', brokerId }),
    findingKey('ADVERTISED_LISTENER', { kind: 'broker', brokerId }),
    findingKey('LISTENER_UNREACHABLE', { kind: 'broker', brokerId }),
    ...offline
      .filter((dir) => dir.brokerId === brokerId)
      .map(({ path }) => findingKey('LOG_DIRECTORY_OFFLINE', { kind: 'log directory', brokerId, path })),
  ])
}

function findMissing(facts: Facts): Finding[] {
  const { nowMs, snapshot, brokers } = facts
  const found = [...facts.missingBrokers].map(([brokerId, lastSeenMs]): Finding => {
    const assigned = facts.topics.flatMap(({ partitions }) =>
      partitions.filter(({ replicas }) => replicas.includes(brokerId)),
    )
    const away: Evidence =
      lastSeenMs === null
        ? evidence('lastSeen', null, 'how long it has been away is not known')
        : evidence('lastSeen', lastSeenMs, `last seen ${span(nowMs - lastSeenMs)} ago`)
    return {
      subject: { kind: 'broker', brokerId },
      message: `broker ${brokerId} is not in the cluster`,
      evidence: [
        evidence(
          'brokers',
          brokers.size,
          `${counted(brokers.size, 'broker')} of ${brokers.size + facts.missingBrokers.size} in the cluster`,
        ),
        away,
        evidence('replicas', assigned.length, `${counted(assigned.length, 'replica')} assigned to it`),
      ],
      command: null,
      sinceMs: lastSeenMs ?? undefined,
    }
  })
  const unknown = snapshot.expectedBrokers - brokers.size - found.length
  if (facts.metadata === null || unknown <= 0) return found
  return [
    ...found,
    {
      subject: { kind: 'cluster' },
      message: `${counted(unknown, 'broker')} ${unknown === 1 ? 'is' : 'are'} missing`,
      evidence: [
        evidence('expected', snapshot.expectedBrokers, `${count(snapshot.expectedBrokers)} expected`),
        evidence('brokers', brokers.size, `${count(brokers.size)} in the cluster (${several([...brokers.keys()])})`),
      ],
      command: 'selfmonitor status',
    },
  ]
}

const isUnresolvable = (text: string): boolean =>
  /ENOTFOUND|EAI_AGAIN|getaddrinfo|cannot be resolved|no address/i.test(text)
const isLoopback = (host: string): boolean => /^(localhost|127\.|::1$|\[::1\]$)/i.test(host)

/** Problems of the brokers that do not answer at the address that they advertise. */
const reachProblems = ({ snapshot }: Facts): ReadonlyMap<number, Problem> =>
  new Map(
    (lastValue(snapshot.brokers) ?? []).flatMap(({ brokerId, problem }) =>
      problem === null ? [] : [[brokerId, problem] as const],
    ),
  )

/** Why a broker's address cannot be right; undefined where that cannot be told from the outside. */
function advertisedWrongly(
  facts: Facts,
  brokerId: number,
  problems: ReadonlyMap<number, Problem>,
): Evidence | undefined {
  const own = facts.brokers.get(brokerId)
  if (own === undefined) return undefined
  const problem = problems.get(brokerId)
  if (problem !== undefined && isUnresolvable(`${problem.code} ${problem.message}`)) {
    return evidence('host', own.host, `the name ${own.host} has no address here`)
  }
  const others = [...facts.brokers.values()].filter(({ id }) => id !== brokerId)
  const same = others.filter(({ host, port }) => host === own.host && port === own.port)
  if (same.length > 0) {
    return evidence(
      'sameAddress',
      same[0]!.id,
      `${several(same.map(({ id }) => `broker ${id}`))} advertises the same address`,
    )
  }
  // Where only wrong addresses are elsewhere, the whole cluster is on this machine.
  if (isLoopback(own.host) && others.some(({ id, host }) => !isLoopback(host) && !problems.has(id))) {
    return evidence('host', own.host, `${own.host} is the client's own machine, and other brokers are elsewhere`)
  }
  return undefined
}

function findAdvertised(facts: Facts): Finding[] {
  const problems = reachProblems(facts)
  return [...facts.brokers.values()].flatMap(({ id, host, port }) => {
    const problem = problems.get(id)
    const why = advertisedWrongly(facts, id, problems)
    if (why === undefined) return []
    return [
      {
        subject: { kind: 'broker' as const, brokerId: id },
        message: `broker ${id} advertises ${host}:${port}, where clients do not find it`,
        evidence: [why, ...(problem === undefined ? [] : [evidence('problem', problem.code, problem.message)])],
        command: `kafka-configs --bootstrap-server ${facts.bootstrap} --describe --all --entity-type brokers --entity-name ${id} | grep advertised.listeners`,
      },
    ]
  })
}

function findUnreachable(facts: Facts): Finding[] {
  const advertised = new Set(findAdvertised(facts).map(({ subject }) => findingKey('', subject)))
  return (lastValue(facts.snapshot.brokers) ?? []).flatMap(({ brokerId, host, port, problem }) => {
    const subject = { kind: 'broker' as const, brokerId }
    // A broker that has left is down: its old address says nothing more.
    if (problem === null || !facts.brokers.has(brokerId) || advertised.has(findingKey('', subject))) return []
    const led = facts.topics.flatMap(({ partitions }) => partitions.filter(({ leader }) => leader === brokerId)).length
    return [
      {
        subject,
        message: `broker ${brokerId} is in the cluster and does not answer at ${host}:${port}, the address that it advertises`,
        evidence: [
          evidence('problem', problem.code, problem.message),
          evidence('leaders', led, `it leads ${counted(led, 'partition')}`),
        ],
        // Without a controller, a broker that dies stays in the metadata.
        causes: [findingKey('NO_CONTROLLER', { kind: 'cluster' })],
        command: `kafka-broker-api-versions --bootstrap-server ${host}:${port}`,
      },
    ]
  })
}

/** Kafka tells the time of the node that leads the quorum alone: after an election, that of another one. */
function findSkew({ snapshot, brokers }: Facts): Finding[] {
  const { leaderId = -1, leaderClockOffsetMs: offsetMs = null } = lastValue(snapshot.quorum) ?? {}
  if (offsetMs === null || Math.abs(offsetMs) < clockSkewMs) return []
  const way = offsetMs > 0 ? 'ahead of' : 'behind'
  const broker = brokers.get(leaderId)
  const node = broker === undefined ? `controller ${leaderId}` : `broker ${leaderId}`
  const where = broker === undefined ? 'the leader of the quorum' : broker.host
  return [
    {
      subject: { kind: 'broker' as const, brokerId: leaderId },
      severity: Math.abs(offsetMs) >= clockSkewRefusedMs ? ('error' as const) : undefined,
      message: `the clock of ${node} is ${span(Math.abs(offsetMs))} ${way} this machine's`,
      evidence: [evidence('offsetMs', offsetMs, `${count(Math.round(offsetMs))} ms, on ${where}`)],
      command: 'chronyc tracking',
    },
  ]
}

function findMixed({ snapshot }: Facts): Finding[] {
  const known = (lastValue(snapshot.brokers) ?? []).filter(({ apiVersions }) => apiVersions !== null)
  const versions = [...Map.groupBy(known, ({ apiVersions }) => apiVersions)].map(([, brokers]) =>
    brokers.map(({ brokerId }) => brokerId),
  )
  if (versions.length < 2) return []
  const largest = versions.toSorted((a, b) => b.length - a.length)
  return [
    {
      subject: { kind: 'cluster' },
      message: `brokers run ${largest.length} different versions of Kafka`,
      evidence: largest.map((ids, at) =>
        evidence(`version${at + 1}`, ids.length, `${ids.length === 1 ? 'broker' : 'brokers'} ${several(ids)}`),
      ),
      command: null,
    },
  ]
}

function findNoController(facts: Facts): Finding[] {
  const quorum = lastValue(facts.snapshot.quorum)
  const controller = quorum?.leaderId ?? facts.metadata?.controllerId
  if (controller === undefined || controller >= 0) return []
  const voters = quorum?.voters.map(({ id }) => id) ?? []
  const problems = reachProblems(facts)
  // Of voters that are no brokers nothing is known here.
  const away = voters.filter((id) => facts.missingBrokers.has(id) || problems.has(id))
  return [
    {
      subject: { kind: 'cluster' },
      message: 'the quorum has no leader',
      evidence: [
        evidence('controller', controller, 'no active controller'),
        ...(voters.length === 0 ? [] : [evidence('voters', voters.length, `voters ${several(voters)}`)]),
        ...(away.length === 0
          ? []
          : [
              evidence(
                'away',
                away.length,
                `${several(away.map((id) => `broker ${id}`))} ${is(away.length)} away or ${away.length === 1 ? 'does' : 'do'} not answer`,
              ),
            ]),
      ],
      command: null,
    },
  ]
}

function findLaggingVoters(facts: Facts): Finding[] {
  const quorum = lastValue(facts.snapshot.quorum)
  if (quorum === null || quorum.leaderId < 0 || facts.snapshot.quorum.state !== 'read') return []
  // The leader's clock may be wrong, and the times of the voters are by it.
  const nowMs = quorum.leaderTimeMs ?? facts.snapshot.quorum.atMs
  return quorum.voters.flatMap(({ id, logEndOffset, lastCaughtUpMs }) => {
    if (id === quorum.leaderId) return []
    const behindMs = lastCaughtUpMs === null ? null : nowMs - lastCaughtUpMs
    const behind = quorum.highWatermark - logEndOffset
    // A voter that has never fetched since the election says -1 for its end.
    if (behindMs === null ? behind <= 0n && logEndOffset >= 0n : behindMs < quorumLagMs) return []
    const left = quorum.voters.length - 1
    return [
      {
        subject: { kind: 'broker' as const, brokerId: id },
        message: `voter ${id} of the metadata quorum does not follow`,
        evidence: [
          behindMs === null
            ? evidence('caughtUp', null, 'never caught up since the last election')
            : evidence('caughtUp', lastCaughtUpMs, `last caught up ${span(behindMs)} ago`),
          evidence(
            'voters',
            left,
            `${left} of ${quorum.voters.length} voters left at most, a majority is ${Math.floor(quorum.voters.length / 2) + 1}`,
          ),
        ],
        causes: [findingKey('BROKER_DOWN', { kind: 'broker', brokerId: id })],
        command: `kafka-metadata-quorum --bootstrap-server ${facts.bootstrap} describe --replication`,
      },
    ]
  })
}

function findUnderReplicated(facts: Facts): Finding[] {
  const late = new Map<number, { topic: string; partition: number }[]>()
  for (const { name, partitions } of facts.topics) {
    for (const partition of partitions.filter(({ leader }) => leader >= 0)) {
      for (const id of outOfSync(partition)) {
        late.set(id, [...(late.get(id) ?? []), { topic: name, partition: partition.partition }])
      }
    }
  }
  return [...late].map(([brokerId, partitions]) => {
    const topics = [...new Set(partitions.map(({ topic }) => topic))]
    return {
      subject: { kind: 'broker', brokerId },
      message: `${counted(partitions.length, 'replica')} on broker ${brokerId} ${partitions.length === 1 ? 'is' : 'are'} out of sync`,
      evidence: [
        evidence(
          'partitions',
          partitions.length,
          `${several(partitions.map(({ topic, partition }) => `${topic}-${partition}`))}`,
        ),
        evidence('topics', topics.length, counted(topics.length, 'topic')),
      ],
      causes: brokerCauses(facts, [brokerId]),
      command: `kafka-topics --bootstrap-server ${facts.bootstrap} --describe --under-replicated-partitions`,
    }
  })
}

export const brokerChecks = {
  BROKER_DOWN: {
    severity: 'error',
    subject: 'broker',
    explanation:
      'A broker has left the cluster, or replicas are assigned to one that is not in it: its replicas are missing.',
    remedy:
      'Look at its process, its log and its disk, and start it again; change nothing else in the cluster meanwhile.',
    runbook: alert('kafkabrokerdown'),
    graceMs: restartGraceMs,
    find: findMissing,
  },
  LISTENER_UNREACHABLE: {
    severity: 'error',
    subject: 'broker',
    explanation:
      'A broker is in the cluster and does not answer at the address that it advertises: clients cannot use the partitions that it leads.',
    remedy:
      'Check advertised.listeners of this broker, and the firewalls and network policies between it and you. A broker that has just stopped is listed until broker.session.timeout.ms has passed (9 seconds by default).',
    runbook: operation('clients-are-refused'),
    graceMs: restartGraceMs,
    find: findUnreachable,
  },
  ADVERTISED_LISTENER: {
    severity: 'error',
    subject: 'broker',
    explanation:
      'The address that a broker advertises cannot be right: its name has no address, another broker has the same one, or it is the client’s own machine.',
    remedy:
      'Set advertised.listeners to an address under which clients reach this broker and no other, and restart the broker. The address of --bootstrap-servers is used for the first request only.',
    runbook: operation('clients-are-refused'),
    find: findAdvertised,
  },
  UNDER_REPLICATED: {
    severity: 'error',
    subject: 'broker',
    explanation:
      'Replicas on a broker are behind their leaders: with one more failure records may be lost or partitions go offline.',
    remedy:
      'If the broker runs, look at its disk, its network and its log (ReplicaFetcherThread), and check whether a reassignment or a throttle is active.',
    runbook: alert('kafkaunderreplicatedpartitions'),
    graceMs: restartGraceMs * 5,
    find: findUnderReplicated,
  },
  CLOCK_SKEW: {
    severity: 'warning',
    subject: 'broker',
    explanation:
      'A broker’s or controller’s clock is wrong: retention, timestamps and resets of offsets by time are wrong by the same amount, and beyond an hour records are refused. Only the clock of the node that leads the quorum can be seen.',
    remedy: 'Let NTP set the clock of the host; step it only while the broker is stopped.',
    runbook: operation('a-brokers-clock-is-wrong'),
    find: findSkew,
  },
  MIXED_VERSIONS: {
    severity: 'warning',
    subject: 'cluster',
    explanation:
      'Brokers run different versions of Kafka. During a rolling upgrade this is normal; otherwise an upgrade was not finished.',
    remedy: 'Finish the upgrade, or go back; then finalize the features.',
    runbook: operation('upgrade'),
    graceMs: mixedVersionsGraceMs,
    find: findMixed,
  },
  NO_CONTROLLER: {
    severity: 'critical',
    subject: 'cluster',
    explanation:
      'The metadata quorum has no leader: no topic, ACL or leader can be changed, and a broker that fails is not replaced.',
    remedy: 'Bring back a majority of the controllers; their logs say which voters do not answer.',
    runbook: alert('kafkanocontroller'),
    graceMs: restartGraceMs / 2,
    find: findNoController,
  },
  QUORUM_VOTER_BEHIND: {
    severity: 'error',
    subject: 'broker',
    explanation: 'A voter of the metadata quorum does not follow its leader: the quorum tolerates one failure less.',
    remedy:
      'Look at this controller’s process, log and disk; never restart another controller while this one is behind.',
    runbook: operation('the-quorum-has-no-leader'),
    graceMs: restartGraceMs,
    find: findLaggingVoters,
  },
} as const satisfies Record<string, Check>

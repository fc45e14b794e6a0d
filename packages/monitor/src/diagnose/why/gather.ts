// Reads what `diagnoseEvent` decides on: the record, the log around it, the group, its rights, and copies of the record elsewhere.
import { type Cluster, ClusterError, type SurveyedGroup } from '@selfmonitor/cluster'
import { findLetters } from './letters.ts'
import type { Access, EventEvidence, GroupLook, RecordFate } from './types.ts'

export interface EventPlace {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

export interface GatherOptions {
  /** The account of the group's members, `User:name`; Kafka does not report it. */
  readonly principal?: string
  /** For how long a group that has not reached the record is watched, in milliseconds. 0 looks once. Default 12000: two intervals of auto-commit. */
  readonly watchMs?: number
  /** Between two looks. Default 1000. */
  readonly lookEveryMs?: number
  readonly signal?: AbortSignal
  /** What a collector has seen of the group before. */
  readonly watched?: EventEvidence['watched']
  /** Called with each step: `reading the record`. */
  readonly onProgress?: (step: string) => void
  readonly now?: () => number
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>
}

const defaultWatchMs = 12_000
const defaultLookEveryMs = 1_000

/**
 * Gathers the evidence about one record and one group. Nothing is changed and no group is joined.
 * @throws ClusterError UNKNOWN_TOPIC_OR_PARTITION, GROUP_AUTHORIZATION_FAILED, or when the topic or the group cannot be read at all
 */
export async function gatherEvidence(
  cluster: Cluster,
  at: EventPlace,
  groupId: string,
  options: GatherOptions = {},
): Promise<EventEvidence> {
  const { onProgress = () => {}, now = Date.now } = options
  onProgress('reading the record')
  const [described] = await cluster.describeTopics([at.topic])
  const placed = described!.partitions.find(({ partition }) => partition === at.partition)
  if (placed === undefined) {
    throw new ClusterError(
      'UNKNOWN_TOPIC_OR_PARTITION',
      `topic ${at.topic} has no partition ${at.partition}: it has partitions 0 to ${described!.partitions.length - 1}`,
      { reason: 'invalid', resource: `topic ${at.topic} partition ${at.partition}` },
    )
  }
  const place = { topic: at.topic, partition: at.partition, leader: placed.leader }
  const [bound] = await cluster.partitionBounds([place])
  const { start, end, lastStable, problem } = bound!
  if (start === null || end === null) {
    const reason = problem?.message ?? 'its leader gave no offsets.'
    throw new ClusterError(
      problem?.code ?? 'UNEXPECTED',
      `partition ${at.partition} of ${at.topic} cannot be read: ${reason}`,
      {
        resource: `topic ${at.topic} partition ${at.partition}`,
        hint: '`selfmonitor doctor` looks at its brokers.',
      },
    )
  }
  const log = { start, end, lastStable: lastStable ?? end }
  const [record, settings, access] = await Promise.all([
    recordFate(cluster, at, log),
    cluster.topicConfigs([at.topic]).then(
      (all) => new Map((all.get(at.topic) ?? []).map(({ name, value }) => [name, value])),
      () => new Map<string, string | null>(),
    ),
    readAccess(cluster),
  ])
  onProgress(`looking at group ${groupId}`)
  const seen = await watchGroup(cluster, at, groupId, { ...options, isNeeded: record.kind !== 'future' })
  const timestampMs = 'timestampMs' in record && record.timestampMs >= 0 ? record.timestampMs : null
  onProgress('looking for copies in topics for retries and dead letters')
  const letters =
    record.kind === 'future' ? { found: [], searched: [], problem: null } : await findLetters(cluster, at, timestampMs)
  const retention = settings.get('retention.ms')
  return {
    atMs: now(),
    bootstrap: cluster.bootstrapServers,
    ...at,
    groupId,
    ...log,
    record,
    cleanupPolicy: settings.get('cleanup.policy') ?? null,
    retentionMs: retention === undefined || retention === null ? null : Number(retention),
    ...seen,
    transaction: log.lastStable < log.end ? await holdingBack(cluster, place) : null,
    access: withPrincipal(access, groupId, seen.group, options.principal),
    letters,
    watched: options.watched ?? null,
  }
}

type Log = Pick<EventEvidence, 'start' | 'end' | 'lastStable'>

async function recordFate(cluster: Cluster, at: EventPlace, { start, end, lastStable }: Log): Promise<RecordFate> {
  if (at.offset >= end) return { kind: 'future' }
  if (at.offset < start) return { kind: 'deleted' }
  try {
    const found = await recordAt(cluster, at, 'read_uncommitted')
    if (found === null) return { kind: 'nothing', next: await nextRecord(cluster, at, end) }
    const { timestampMs } = found
    if (at.offset >= lastStable) return { kind: 'open', timestampMs }
    if ((await recordAt(cluster, at, 'read_committed')) === null) return { kind: 'aborted', timestampMs }
    return { kind: 'there', timestampMs, sizeBytes: (found.key?.length ?? 0) + (found.value?.length ?? 0) }
  } catch (error) {
    return { kind: 'unreadable', problem: problemOf(error) }
  }
}

async function recordAt(cluster: Cluster, at: EventPlace, isolation: 'read_uncommitted' | 'read_committed') {
  const { topic, partition, offset } = at
  for await (const event of cluster.read([{ topic, partition, next: offset, end: offset + 1n }], { isolation })) {
    const found = event.kind === 'records' ? event.records.find((record) => record.offset === offset) : undefined
    if (found !== undefined) return found
  }
  return null
}

async function nextRecord(
  cluster: Cluster,
  { topic, partition, offset }: EventPlace,
  end: bigint,
): Promise<bigint | null> {
  for await (const event of cluster.read([{ topic, partition, next: offset + 1n, end }])) {
    if (event.kind === 'records' && event.records.length > 0) return event.records[0]!.offset
  }
  return null
}

/** What holds back the last stable offset: the oldest of the open transactions. null where it cannot be told. */
async function holdingBack(cluster: Cluster, place: { topic: string; partition: number; leader: number }) {
  try {
    const { transactions } = await cluster.openTransactions([place])
    return transactions.toSorted((a, b) => (a.startOffset < b.startOffset ? -1 : 1))[0] ?? null
  } catch {
    return null
  }
}

interface Seen {
  readonly group: SurveyedGroup | null
  readonly looks: readonly GroupLook[]
  readonly offsetsProblem: EventEvidence['offsetsProblem']
}

/** One look at a group that is past the record or does not read; else several, to see whether it moves. */
async function watchGroup(
  cluster: Cluster,
  at: EventPlace,
  groupId: string,
  options: GatherOptions & { readonly isNeeded: boolean },
): Promise<Seen> {
  const { watchMs = defaultWatchMs, lookEveryMs = defaultLookEveryMs, now = Date.now, sleep = pause } = options
  let group = await survey(cluster, groupId)
  const first = await look(cluster, at.topic, group, now())
  const looks = [first.look]
  let { problem } = first
  const isOver = (): boolean => {
    const committed = looks.at(-1)!.committed.get(at.partition)
    return group === null || group.members.length === 0 || (committed !== undefined && committed > at.offset)
  }
  if (options.isNeeded && watchMs > 0 && !isOver()) {
    options.onProgress?.(
      `watching group ${groupId} for ${Math.round(watchMs / 1000)} s, to see whether it makes progress`,
    )
  }
  const until = first.look.atMs + watchMs
  while (options.isNeeded && !isOver() && now() < until && options.signal?.aborted !== true) {
    await sleep(lookEveryMs, options.signal)
    group = await survey(cluster, groupId)
    const next = await look(cluster, at.topic, group, now())
    looks.push(next.look)
    problem = next.problem
  }
  return { group, looks, offsetsProblem: problem }
}

async function survey(cluster: Cluster, groupId: string): Promise<SurveyedGroup | null> {
  const { groups } = await cluster.surveyGroups({ include: (id) => id === groupId })
  const found = groups.find((group) => group.groupId === groupId)
  // ListGroups leaves out groups that the account may not describe, and those of a broker that does not answer: their coordinator says so.
  if (found === undefined) await cluster.describeGroups([groupId])
  return found === undefined || found.state === 'Dead' ? null : found
}

async function look(
  cluster: Cluster,
  topic: string,
  group: SurveyedGroup | null,
  atMs: number,
): Promise<{ readonly look: GroupLook; readonly problem: EventEvidence['offsetsProblem'] }> {
  const read = group === null ? undefined : (await cluster.groupOffsets([group]))[0]
  const own = (read?.offsets ?? []).filter((one) => one.topic === topic)
  return {
    look: {
      atMs,
      state: group?.state ?? 'Dead',
      assignment: assignmentText(group),
      committed: new Map(own.map(({ partition, offset }) => [partition, offset])),
    },
    problem: read?.problem ?? null,
  }
}

/** Changes when members come, go, or get other partitions. */
function assignmentText(group: SurveyedGroup | null): string {
  return (group?.members ?? [])
    .map(
      ({ memberId, assignment }) =>
        `${memberId} ${assignment.map(({ topic, partitions }) => `${topic}:${partitions}`).join(' ')}`,
    )
    .sort()
    .join('\n')
}

/** The rules, before the members' account is known. */
async function readAccess(cluster: Cluster): Promise<Access> {
  try {
    const bindings = await cluster.acls()
    const settings = await brokerSettings(cluster)
    return {
      kind: 'rules',
      bindings,
      principal: null,
      named: false,
      superUsers:
        settings
          .get('super.users')
          ?.split(';')
          .filter((name) => name !== '') ?? null,
      openByDefault: settings.get('allow.everyone.if.no.acl.found') === 'true',
    }
  } catch (error) {
    const problem = problemOf(error)
    return problem.code === 'SECURITY_DISABLED' ? { kind: 'open' } : { kind: 'unreadable', problem }
  }
}

/** Empty without the right to read them: then the super users are not known. */
async function brokerSettings(cluster: Cluster): Promise<ReadonlyMap<string, string | null>> {
  try {
    const { brokers } = await cluster.info()
    const entries = await cluster.brokerConfigs(brokers[0]!.id)
    return new Map(entries.map(({ name, value }) => [name, value]))
  } catch {
    return new Map()
  }
}

/** The members' account: the given one, else the one that has the name of a member or of the group. */
function withPrincipal(
  access: Access,
  groupId: string,
  group: SurveyedGroup | null,
  given: string | undefined,
): Access {
  if (access.kind !== 'rules') return access
  if (given !== undefined) {
    return { ...access, principal: given.includes(':') ? given : `User:${given}`, named: true }
  }
  const known = new Set([...access.bindings.map(({ principal }) => principal), ...(access.superUsers ?? [])])
  const names = [...(group?.members ?? []).map(({ clientId }) => clientId), groupId]
  const principal = names.map((name) => `User:${name}`).find((name) => known.has(name)) ?? null
  return { ...access, principal }
}

function problemOf(error: unknown): { code: string; message: string } {
  const { code = 'UNEXPECTED', message = String(error) } = error as { code?: string; message?: string }
  return { code, message }
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(finish, ms)
    function finish(): void {
      clearTimeout(timer)
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    signal?.addEventListener('abort', finish)
  })
}

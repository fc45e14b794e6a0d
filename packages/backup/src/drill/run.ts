// A drill: restores the newest backup into a place apart, verifies it in two independent ways, and reports what it found. An error on
// the way is a finding of the report; only a target that is not apart from the source, and the caller's signal, end a drill without one.
import { randomUUID } from 'node:crypto'
import type { Cluster } from '@selfmonitor/cluster'
import { BackupError } from '../format/backup-error.ts'
import { latestManifest, readIndex, type StoredManifest } from '../format/manifests.ts'
import type { BackupStore } from '../format/sealing.ts'
import type { Segment } from '../format/types.ts'
import { planRestore, type RestorePlan } from '../restore/plan.ts'
import { type Restored, runRestore } from '../restore/run.ts'
import { verifyBackup } from '../verify.ts'
import { clientReader } from './client-reader.ts'
import type { ClientConnection, ClientRecord } from './client-types.ts'
import {
  counted,
  type DrillNotes,
  iso,
  lasting,
  newNotes,
  noteCheck,
  noteSkipped,
  type PhaseClock,
  runPhase,
} from './notes.ts'
import { type ReadBack, readBackPartition } from './read-back.ts'
import { againstSource, ageOfCut, type RecoveryPoint } from './recovery-point.ts'
import { regulationsOf } from './regulations.ts'
import { type DrillObjective, type DrillReport, reportFormat, reportVersion, together } from './report.ts'
import { type ScenarioId, scenarios } from './scenarios.ts'
import { type ClusterPlace, requireSegregation, type Segregation, segregationOf } from './segregation.ts'

/** Where a drill restores to. */
export interface DrillTarget {
  readonly kind: 'embedded' | 'cluster'
  readonly cluster: Cluster
  readonly connection: ClientConnection
  /** `clusterId` and the brokers' own addresses are added. */
  readonly place: Omit<ClusterPlace, 'clusterId'>
  close(): Promise<void>
}

/** The source, where it can be reached. */
export interface DrillSource {
  readonly cluster: Cluster
  readonly place: Omit<ClusterPlace, 'clusterId'>
}

/** More checks over what a client reads back: reconciliations, schemas. */
export interface RecordCheck {
  /** Topics of which it sees the records, by their name in the backup. */
  readonly wants: (topic: string) => boolean
  onRecord(topic: string, partition: number, record: ClientRecord): Promise<void> | undefined
  /** Notes its checks. @param restored the topics, all of whose records it has seen; null: they could not be read back */
  finish(notes: DrillNotes, restored: ReadonlySet<string> | null): Promise<void>
}

export interface Objective {
  readonly ms: number
  /** Who set it: `--rpo`, `topic orders` */
  readonly setBy: string
}

export interface DrillOptions {
  readonly scenario: ScenarioId
  readonly target: () => Promise<DrillTarget>
  /** null: it is not there, or is not to be asked. */
  readonly source: DrillSource | null
  readonly include: (topic: string) => boolean
  readonly recordChecks: readonly RecordCheck[]
  /** Checks of the store alone that a scenario needs. */
  readonly storeChecks: readonly ((
    notes: DrillNotes,
    segments: readonly Segment[],
    stored: StoredManifest,
  ) => Promise<void>)[]
  /** Recovery point and recovery time objective; null: none is set. */
  readonly rpo: Objective | null
  readonly rto: Objective | null
  /** Topics that have to be in the backup. */
  readonly required: readonly string[]
  readonly tool: DrillReport['tool']
  readonly operator: string
  readonly approver: string | null
  readonly trigger: DrillReport['trigger']
  readonly remediation: DrillReport['findings'][number]['remediation']
  /** `2027-11-30` */
  readonly nextDue: string
  /** Leaves the restored topics in a named cluster. Default: they are deleted again. */
  readonly keep?: boolean
  readonly now?: () => number
  readonly signal?: AbortSignal
  readonly onPhase?: (name: string) => void
  readonly onProgress?: (progress: { readonly done: bigint; readonly total: bigint }) => void
}

interface Drill {
  readonly store: BackupStore
  readonly clusterId: string
  readonly options: DrillOptions
  readonly clock: PhaseClock
  readonly notes: DrillNotes
  readonly startedAtMs: number
}

/** What was found out, as far as the drill came. */
interface Found {
  readonly stored: StoredManifest | null
  readonly target: { readonly kind: DrillTarget['kind']; readonly place: ClusterPlace } | null
  readonly segregation: readonly Segregation[]
  readonly readBacks: readonly ReadBack[]
  readonly plan: RestorePlan | null
  readonly point: RecoveryPoint | null
  readonly recoveryMs: number | null
}

/**
 * @returns the report, whatever was found
 * @throws BackupError NOT_SEGREGATED, with nothing restored; the signal's reason
 */
export async function runDrill(store: BackupStore, clusterId: string, options: DrillOptions): Promise<DrillReport> {
  const { now = Date.now, signal, onPhase } = options
  const clock = { now, signal, onPhase }
  const drill: Drill = { store, clusterId, options, clock, notes: newNotes(), startedAtMs: now() }
  const opened = await runPhase(drill.notes, clock, 'open the backup', 'store', () => openNewest(drill))
  const verified = await runPhase(drill.notes, clock, 'verify the store', 'store', () => verifyStore(drill))
  if (verified === null) drill.notes.checks.push({ ...storeCheck, outcome: 'failed', detail: lastDetail(drill.notes) })
  for (const check of options.storeChecks) {
    if (opened === null) break
    await runPhase(drill.notes, clock, 'look into the objects', 'scenario', async () => {
      await check(drill.notes, opened.segments, opened.stored)
      return { result: true, detail: '' }
    })
  }
  const point = opened === null ? null : await recoveryPoint(drill, opened.stored)
  const rest = await inTarget(drill)
  return report(drill, { ...rest, stored: opened?.stored ?? null, point })
}

async function openNewest({ store, clusterId }: Drill) {
  const stored = await latestManifest(store, clusterId)
  if (stored === null) throw new BackupError('NO_BACKUP', `${store.address} has no backup of cluster ${clusterId}`)
  const segments = await readIndex(store, stored.manifest)
  const detail = `backup ${stored.manifest.number}, up to ${iso(stored.manifest.cutAtMs)}`
  return { result: { stored, segments }, detail }
}

const lastDetail = ({ phases }: DrillNotes): string => phases.at(-1)!.detail

const storeCheck = {
  id: 'store',
  title: 'Every object of the backup is what was written',
  method:
    'SHA-256 of each object and the chain of manifests; checksums and counts of each batch; offsets without a hole',
}

async function verifyStore({ store, clusterId, notes, options }: Drill) {
  const { manifests, segments, records, sealed, findings } = await verifyBackup(store, clusterId, {
    signal: options.signal,
  })
  const detail = `${counted(manifests, 'manifest')} in a chain, ${counted(segments, 'segment')}, ${counted(records, 'record')}${sealed > 0 ? `; of ${sealed} encrypted ones the hash only` : ''}`
  noteCheck(notes, { ...storeCheck, detail }, findings)
  return { result: true, detail }
}

/** The loss is measured against the source where that answers. */
async function recoveryPoint(drill: Drill, { manifest }: StoredManifest): Promise<RecoveryPoint> {
  const { options, notes, clock, startedAtMs } = drill
  const { source } = options
  if (source === null) return ageOfCut(manifest, startedAtMs)
  const measured = await runPhase(notes, clock, 'ask the source', 'rpo', async () => {
    const required = new Set(options.required)
    const result = await againstSource(source.cluster, manifest, clock.now(), (topic) => required.has(topic))
    return { result, detail: result.how }
  })
  return measured ?? ageOfCut(manifest, startedAtMs)
}

type InTarget = Omit<Found, 'stored' | 'point'>

async function inTarget(drill: Drill): Promise<InTarget> {
  const { notes, clock, options } = drill
  const nothing: InTarget = { target: null, segregation: [], readBacks: [], plan: null, recoveryMs: null }
  const startedAt = clock.now()
  const target = await runPhase(notes, clock, 'start the target', 'restore', async () => {
    const result = await options.target()
    return { result, detail: result.kind === 'embedded' ? 'an embedded broker of its own' : 'a named cluster' }
  })
  if (target === null) return nothing
  // What is not known to be this drill's own is never deleted.
  const created: string[] = []
  const removes = target.kind === 'cluster' && options.keep !== true
  try {
    const places = await runPhase(notes, clock, 'compare source and target', 'segregation', async () => {
      const result = { place: await placeOf(target.cluster, target.place), source: await sourcePlace(drill) }
      return { result, detail: `cluster ${result.place.clusterId}` }
    })
    if (places === null) return nothing
    const { place, source } = places
    const segregation = segregationOf(source, place)
    requireSegregation(segregation)
    noteSegregation(drill, segregation)
    const { plan, done } = await restoreInto(drill, target, (topics) => created.push(...topics))
    const recoveryMs = done === null ? null : clock.now() - startedAt
    const reads = plan === null || done === null ? null : await readAllBack(drill, target, plan)
    if (plan !== null && done !== null) await noteSettings(drill, target, { plan, done })
    const restoredTopics = reads === null ? null : new Set(plan!.topics.map(({ from }) => from))
    for (const check of options.recordChecks) {
      await runPhase(notes, clock, 'evaluate the records', 'reconciliation', async () => {
        await check.finish(notes, restoredTopics)
        return { result: true, detail: '' }
      })
    }
    if (removes) await removeRestored(drill, target, created)
    return { target: { kind: target.kind, place }, segregation, plan, recoveryMs, readBacks: reads ?? [] }
  } finally {
    // Also after Ctrl-C: restored events do not stay where they were not before.
    if (removes && created.length > 0) await target.cluster.deleteTopics(created).catch(() => {})
    await target.close()
  }
}

async function sourcePlace({ options, clusterId }: Drill): Promise<ClusterPlace> {
  const { source } = options
  return source === null
    ? { clusterId, addresses: [], principal: null, credentials: null }
    : { ...(await placeOf(source.cluster, source.place)), clusterId }
}

async function placeOf(cluster: Cluster, place: Omit<ClusterPlace, 'clusterId'>): Promise<ClusterPlace> {
  const { clusterId, brokers } = await cluster.info()
  const advertised = brokers.map(({ host, port }) => `${host}:${port}`)
  return { ...place, clusterId, addresses: [...new Set([...place.addresses, ...advertised])] }
}

function noteSegregation({ notes }: Drill, rows: readonly Segregation[]): void {
  const unknown = rows.filter(({ isSegregated }) => isSegregated === null).map(({ what }) => what)
  const more = unknown.length === 0 ? '' : `; ${unknown.join(' and ')} of the source are not known to the drill`
  noteCheck(
    notes,
    {
      id: 'segregation',
      title: 'The target is apart from the source',
      method: 'Cluster ids, addresses that brokers advertise, and accounts are compared; a match refuses the drill',
      detail: `${rows.filter(({ isSegregated }) => isSegregated).length} of ${rows.length} differ${more}`,
    },
    [],
  )
}

async function restoreInto(drill: Drill, target: DrillTarget, onCreated: (topics: readonly string[]) => void) {
  const { store, clusterId, options, notes, clock } = drill
  const check = {
    id: 'restore',
    title: 'The backup restores',
    method: 'The restore reads every partition back with its own reader and compares a SHA-256 over the records',
  }
  const failed = (): void => void notes.checks.push({ ...check, outcome: 'failed', detail: lastDetail(notes) })
  const plan = await runPhase(notes, clock, 'plan the restore', 'restore', async () => {
    const nameOf = (topic: string) => (options.include(topic) ? topic : null)
    const request = { point: { kind: 'latest' as const }, nameOf, includeGroup: () => true, resume: false }
    const result = await planRestore(store, clusterId, target.cluster, request, clock.now())
    return {
      result,
      detail: `${counted(result.topics.length, 'topic')}, ${counted(result.positions.length, 'position')} of groups`,
    }
  })
  if (plan === null) {
    failed()
    return { plan: null, done: null }
  }
  const done = await runPhase(notes, clock, 'restore', 'restore', async () => {
    const result = await runRestore(target.cluster, plan, {
      signal: options.signal,
      onCreated,
      onProgress: ({ done: records, total }) => options.onProgress?.({ done: records, total }),
    })
    const records = result.partitions.reduce((sum, one) => sum + one.records, 0n)
    return {
      result,
      detail: `${counted(records, 'record')} in ${counted(plan.topics.length, 'topic')}, ${counted(result.partitions.length, 'partition')}`,
    }
  })
  if (done === null) {
    failed()
    return { plan, done: null }
  }
  const wrong = [
    ...done.partitions
      .filter(({ isEqual }) => !isEqual)
      .map(({ topic, partition }) => ({
        subject: `topic ${topic} partition ${partition}`,
        message: 'what was restored is not what the backup has',
      })),
    ...plan.missing.map((message) => ({ subject: 'the backup', message })),
    ...done.positions.flatMap(({ groupId, problem }) =>
      problem === null ? [] : [{ subject: `group ${groupId}`, message: `${problem.code}: ${problem.message}` }],
    ),
  ]
  noteCheck(notes, { ...check, detail: lastDetail(notes) }, wrong)
  return { plan, done }
}

/** A named cluster is left as it was. @param created by this drill; empty afterwards */
async function removeRestored(drill: Drill, target: DrillTarget, created: string[]): Promise<void> {
  const { notes, clock } = drill
  await runPhase(notes, clock, 'remove what was restored', 'restore', async () => {
    const there = new Set((await target.cluster.listTopics({ internal: true })).map(({ name }) => name))
    const own = created.splice(0).filter((name) => there.has(name))
    await target.cluster.deleteTopics(own)
    return { result: true, detail: counted(own.length, 'topic') }
  })
}

/** @returns null when a partition could not be read */
async function readAllBack(drill: Drill, target: DrillTarget, plan: RestorePlan): Promise<ReadBack[] | null> {
  const { store, options, notes, clock } = drill
  const check = {
    id: 'read-back',
    title: 'A client reads the records that the backup has',
    method:
      'The consumer of @platformatic/kafka, with a decoder of its own: number of records and SHA-256 for each partition',
  }
  const read = await runPhase(notes, clock, 'read back', 'read-back', async () => {
    const reader = clientReader(target.connection)
    const found: ReadBack[] = []
    try {
      for (const topic of plan.topics) {
        const own = options.recordChecks.filter(({ wants }) => wants(topic.from))
        for (const planned of topic.partitions) {
          options.signal?.throwIfAborted()
          const onRecord = (record: ClientRecord): Promise<void> | undefined => {
            const waits = own.map((one) => one.onRecord(topic.from, planned.partition, record)).filter((one) => one)
            return waits.length === 0 ? undefined : Promise.all(waits).then(() => {})
          }
          found.push(await readBackPartition({ store, reader, topic, planned, positions: plan.positions, onRecord }))
        }
      }
    } finally {
      await reader.close()
    }
    const records = found.reduce((sum, { client }) => sum + client.records, 0n)
    return { result: found, detail: `${counted(records, 'record')} of ${counted(found.length, 'partition')}` }
  })
  if (read === null) {
    notes.checks.push({ ...check, outcome: 'failed', detail: lastDetail(notes) })
    return null
  }
  noteCheck(
    notes,
    { ...check, detail: lastDetail(notes) },
    read.flatMap(({ topic, planned, backup, client }) => {
      if (isSame(backup, client)) return []
      const message = `a client reads ${client.records} records with hash ${client.sha256}, the backup has ${backup.records} with ${backup.sha256}`
      return [{ subject: `topic ${topic.to} partition ${planned.partition}`, message }]
    }),
  )
  notePositions(drill, read, plan)
  return read
}

const isSame = (one: { records: bigint; sha256: string }, other: { records: bigint; sha256: string }): boolean =>
  one.records === other.records && one.sha256 === other.sha256

function notePositions({ notes }: Drill, read: readonly ReadBack[], plan: RestorePlan): void {
  const positions = read.flatMap((one) => one.positions)
  const groups = new Set(positions.map(({ groupId }) => groupId)).size
  const check = {
    id: 'positions',
    title: 'Every group gets the record that it would have got next',
    method: 'The committed offset is looked up by a client, and the record there compared with the one in the backup',
    detail: `${counted(positions.length, 'position')} of ${counted(groups, 'group')}`,
  }
  const unread = plan.source.groups === null ? [{ subject: 'groups', message: 'the backup has no positions' }] : []
  const wrong = positions.flatMap(({ groupId, topic, partition, problem }) =>
    problem === null ? [] : [{ subject: `group ${groupId}, topic ${topic} partition ${partition}`, message: problem }],
  )
  if (positions.length === 0 && unread.length === 0) {
    noteSkipped(notes, { ...check, detail: 'The backup has no group with a position in these topics.' })
  } else noteCheck(notes, check, [...wrong, ...unread])
}

async function noteSettings(
  { notes, clock }: Drill,
  target: DrillTarget,
  { plan, done }: { plan: RestorePlan; done: Restored },
): Promise<void> {
  await runPhase(notes, clock, 'compare settings', 'settings', async () => {
    const [live, configs] = await Promise.all([
      target.cluster.listTopics({ internal: true }),
      target.cluster.topicConfigs(plan.topics.map(({ to }) => to)),
    ])
    const partitions = new Map(live.map((topic) => [topic.name, topic.partitions.length]))
    const wrong = plan.topics.flatMap(({ to, state, config }) => {
      const subject = `topic ${to}`
      const has = partitions.get(to)
      const own = new Map((configs.get(to) ?? []).map(({ name, value }) => [name, value]))
      // Retention that would delete old records at once stays held, and the restore says so.
      const isHeld = (name: string): boolean => done.held.includes(to) && name.startsWith('retention.')
      return [
        ...(has === state.partitions
          ? []
          : [{ subject, message: `it has ${has ?? 'no'} partitions instead of ${state.partitions}` }]),
        ...Object.entries(config)
          .filter(([name, value]) => !isHeld(name) && own.get(name) !== value)
          .map(([name, value]) => ({
            subject,
            message: `${name} is ${own.get(name) ?? 'not set'} instead of ${value}`,
          })),
      ]
    })
    const changed = plan.warnings.length === 0 ? '' : `; ${plan.warnings.join('; ')}`
    const detail = `${counted(plan.topics.length, 'topic')}${changed}`
    const title = 'Partitions and settings of the topics are those of the source'
    noteCheck(notes, { id: 'settings', title, method: 'The target is asked for both', detail }, wrong)
    return { result: true, detail }
  })
}

function noteCoverage({ notes, options }: Drill, { plan }: Found): void {
  if (plan === null) return
  const { manifest, problems } = plan.source
  const has = new Set(manifest.topics.map(({ name }) => name))
  const absent = options.required.filter((name) => !has.has(name))
  const gaps = manifest.topics.flatMap(({ name, partitions }) =>
    partitions.flatMap((one) =>
      one.gaps.map(({ from, to }) => `${name} partition ${one.partition}: ${from} up to ${to} were deleted before`),
    ),
  )
  noteCheck(
    notes,
    {
      id: 'coverage',
      title: 'The backup has all that it was to have',
      method: 'What the backup noted when it was taken, and the topics that platform.yaml has a policy for',
      detail: `${counted(manifest.topics.length, 'topic')}${gaps.length === 0 ? '' : `; gaps: ${gaps.slice(0, 10).join('; ')}`}`,
    },
    [
      ...problems.map(({ part, code, message }) => ({ subject: part, message: `${code}: ${message}` })),
      ...absent.map((name) => ({
        subject: `topic ${name}`,
        message: 'it has to be backed up, and the backup does not have it',
      })),
    ],
  )
}

function objectivesOf({ options, notes }: Drill, { point, recoveryMs }: Found): DrillObjective[] {
  const all = [
    { name: 'RPO' as const, set: options.rpo, achievedMs: point?.lossMs ?? null, how: point?.how ?? '' },
    {
      name: 'RTO' as const,
      set: options.rto,
      achievedMs: recoveryMs,
      how: 'From the start of the target to the end of the restore with its own comparison, settings and positions. The drill’s further checks come after it.',
    },
  ]
  return all.map(({ name, set, achievedMs, how }) => {
    const title =
      name === 'RPO' ? 'No more is lost than the objective allows' : 'The restore takes no longer than the objective'
    const achieved = achievedMs === null ? 'not measured' : lasting(achievedMs)
    const check = { id: name.toLowerCase(), title, method: how }
    const measured = { name, objectiveMs: set?.ms ?? null, setBy: set?.setBy ?? null, achievedMs, how }
    if (set === null) {
      noteSkipped(notes, { ...check, detail: `${achieved}; there is no objective` })
      return { ...measured, outcome: 'skipped' }
    }
    const isMet = achievedMs !== null && achievedMs <= set.ms
    const message = `${achieved}; the objective is ${lasting(set.ms)}, set by ${set.setBy}`
    const wrong = isMet ? [] : [{ subject: name, message }]
    return { ...measured, outcome: noteCheck(notes, { ...check, detail: message }, wrong) }
  })
}

function noteScenario({ notes, options }: Drill): void {
  const { title, hasToHold, needs } = scenarios[options.scenario]
  const wrong = needs.flatMap((id) => {
    const found = notes.checks.find((check) => check.id === id)
    if (found?.outcome === 'passed') return []
    // The check's own findings say what is wrong. A drill without groups has no positions to check.
    if (id === 'positions' && found?.outcome === 'skipped') return []
    return [{ subject: title, message: `the check ${id} did not pass: ${found?.detail ?? 'it was not reached'}` }]
  })
  noteCheck(notes, { id: 'scenario', title: hasToHold, method: `The checks ${needs.join(', ')}`, detail: title }, wrong)
}

function report(drill: Drill, found: Found): DrillReport {
  const { options, notes, startedAtMs, clock, clusterId, store } = drill
  noteCoverage(drill, found)
  const objectives = objectivesOf(drill, found)
  noteScenario(drill)
  const { checks } = notes
  const outcome = together(checks.map((check) => check.outcome)) === 'passed' && notes.findings.length === 0
  const { id, title, takenAway, hasToHold } = scenarios[options.scenario]
  const manifest = found.stored?.manifest
  return {
    format: reportFormat,
    version: reportVersion,
    id: randomUUID(),
    outcome: outcome ? 'passed' : 'failed',
    tool: options.tool,
    operator: options.operator,
    approver: options.approver,
    trigger: options.trigger,
    scenario: { id, title, takenAway, hasToHold },
    startedAt: iso(startedAtMs),
    finishedAt: iso(clock.now()),
    source: {
      clusterId,
      store: store.address,
      addresses: [...(options.source?.place.addresses ?? [])],
      wasReached: options.source !== null,
    },
    target:
      found.target === null
        ? null
        : {
            kind: found.target.kind,
            clusterId: found.target.place.clusterId,
            addresses: [...found.target.place.addresses],
          },
    segregation: [...found.segregation],
    backup:
      found.stored === null || manifest === undefined
        ? null
        : {
            number: manifest.number,
            manifest: found.stored.reference.key,
            manifestSha256: found.stored.reference.sha256,
            cutAt: iso(manifest.cutAtMs),
            takenBy: manifest.tool,
            recipients: [...manifest.recipients],
          },
    topics: topicsOf(found),
    groups: found.readBacks.flatMap(({ positions }) => positions),
    schemas: notes.schemas,
    phases: notes.phases,
    objectives,
    checks,
    findings: notes.findings.map((one) => ({ ...one, remediation: options.remediation })),
    regulations: regulationsOf(checks),
    nextDue: options.nextDue,
  }
}

function topicsOf({ plan, readBacks }: Found): DrillReport['topics'] {
  return (plan?.topics ?? []).map((topic) => ({
    name: topic.from,
    topicId: topic.state.id,
    partitions: topic.partitions.map(({ partition, selection, records, straddling }) => {
      const read = readBacks.find((one) => one.topic === topic && one.planned.partition === partition)
      const backedUp = plan!.source.manifest.topics
        .find(({ id }) => id === topic.state.id)
        ?.partitions.find((one) => one.partition === partition)
      return {
        partition,
        from: String(selection.from),
        cut: String(selection.cut),
        records: String(records),
        bytes: selection.segments.reduce((sum, { logBytes }) => sum + logBytes, 0),
        gaps: (backedUp?.gaps ?? []).map(({ from, to }) => ({ from: String(from), to: String(to) })),
        leftOut: String(straddling),
        backupSha256: read?.backup.sha256 ?? null,
        restoredSha256: read?.client.sha256 ?? null,
        restoredRecords: read === undefined ? null : String(read.client.records),
        isEqual: read !== undefined && isSame(read.backup, read.client),
      }
    }),
  }))
}

// One run: a backup, or several one after the other where it is long; printed, reported, and its exit code.
import type { BackupStore, Manifest, ObjectLock, Taken, TakeOptions } from '@selfmonitor/backup'
import type { Cluster } from '@selfmonitor/cluster'
import type { Context } from '../framework/context.ts'
import { exitCodes } from '../framework/errors.ts'
import { version } from '../framework/version.ts'
import { bytes, counted, elapsed } from '../output/format.ts'
import { progressLine } from '../output/progress-line.ts'
import { renderFields } from '../output/table.ts'
import { coverageOf } from './coverage.ts'
import type { Policies } from './policies.ts'
import { registryOfCluster } from './registry.ts'
import { reportOf, sendOutcome } from './report.ts'

export interface RunChoice {
  readonly include: (topic: string) => boolean
  /** Names that an option gives: one that is not in the backup is an error. */
  readonly named: readonly string[]
  readonly policies: Policies
  /** Object Lock of what the run writes of a topic. */
  readonly lockOf: (topic: string) => ObjectLock | undefined
  /** Whether ACLs, quotas and accounts are read too. */
  readonly access: boolean
}

/** A process that is killed loses no more than this: a longer run is several backups, each of which has what the next one need not read. */
const maxReadMs = 600_000

/** @throws BackupError, ClusterError, StoreError; a failure is reported to the exporter before */
export async function runOnce(context: Context, store: BackupStore, choice: RunChoice): Promise<number> {
  const cluster = await context.cluster()
  try {
    return await run(context, store, choice, cluster)
  } catch (error) {
    if (context.io.signal.aborted) throw error
    const { code = 'FAILED', message } = error as Error & { readonly code?: string }
    const value = { target: store.address, atMs: Date.now(), code: String(code), message }
    // The error itself is what the user has to know; that the cluster does not answer may be the cause of both.
    const unsent = await sendOutcome(cluster, { kind: 'failure', value }).catch(String)
    if (unsent !== null) context.note(context.colours.stderr.careful(`The exporter does not know of it: ${unsent}`))
    throw error
  }
}

async function run(
  context: Context,
  store: BackupStore,
  { named, policies, ...choice }: RunChoice,
  cluster: Cluster,
): Promise<number> {
  const { colours } = context
  const startedAt = performance.now()
  const taken = await takeParts(context, store, choice, cluster)
  const { manifest, stopped } = taken
  const problems = taken.problems.filter(({ code }) => code !== 'STOPPED')
  await printTaken(context, store, taken, performance.now() - startedAt)
  if (stopped > 0) {
    const text = `Stopped: of ${counted(stopped, 'partition')} backup ${manifest.number} has a part; the next run continues there.`
    context.note(colours.stderr.bad(text))
  }
  const names = new Set(manifest.topics.map(({ name }) => name))
  const unseen = named.filter((name) => !names.has(name))
  for (const name of unseen) {
    context.note(
      colours.stderr.bad(`Not backed up: topic ${name} does not exist, or this account may not describe it.`),
    )
  }
  for (const { part, code, message } of problems) {
    context.note(colours.stderr.bad(`Not backed up: ${part}: ${code}: ${message}`))
  }
  const topics = await cluster.listTopics()
  const found = coverageOf({ topics, manifest, problems: taken.problems, policies, nowMs: Date.now() })
  const lacks = taken.problems.length + unseen.length
  const unsent = await sendOutcome(cluster, { kind: 'backup', value: reportOf(store.address, taken, found, lacks) })
  if (unsent !== null) context.note(colours.stderr.careful(`The exporter does not know of this backup: ${unsent}`))
  return lacks === 0 ? exitCodes.done : exitCodes.failed
}

/** @returns the last backup, with what all of them added */
async function takeParts(
  context: Context,
  store: BackupStore,
  { include, lockOf, access }: Omit<RunChoice, 'named' | 'policies'>,
  cluster: Cluster,
): Promise<Taken> {
  const { takeBackup } = await import('@selfmonitor/backup')
  const { io, colours } = context
  const line = progressLine(io.stderr, colours.stderr)
  const options: TakeOptions = {
    ...{ include, lockOf, access, maxReadMs, signal: io.signal },
    registry: await registryOfCluster(context, cluster),
    tool: `selfmonitor ${version()}`,
    onProgress: (progress) => line.show('backing up', { ...progress, unit: 'offsets' }),
  }
  let added: Taken['added'] = { segments: 0, records: 0n, logBytes: 0, storedBytes: 0 }
  try {
    for (;;) {
      const taken = await takeBackup(cluster, store, options)
      added = sumOf(added, taken.added)
      // One that added nothing would be followed by another that adds nothing.
      const isLast = taken.stopped === 0 || taken.added.segments === 0 || io.signal.aborted
      if (isLast) return { ...taken, added }
      line.end()
      const { number } = taken.manifest
      const text = `Backup ${number} has what was read until now, of ${counted(taken.stopped, 'partition')} a part. The run continues.`
      context.note(colours.stderr.aside(text))
    }
  } finally {
    line.end()
  }
}

function sumOf(a: Taken['added'], b: Taken['added']): Taken['added'] {
  return {
    segments: a.segments + b.segments,
    records: a.records + b.records,
    logBytes: a.logBytes + b.logBytes,
    storedBytes: a.storedBytes + b.storedBytes,
  }
}

async function printTaken(context: Context, store: BackupStore, taken: Taken, tookMs: number): Promise<void> {
  const { manifest, added, problems } = taken
  const { number, clusterId, topics } = manifest
  const gaps = topics.flatMap(({ partitions }) => partitions.flatMap((partition) => partition.gaps)).length
  const stored = `stored as ${bytes(added.storedBytes)} in ${counted(added.segments, 'object')}`
  await context.printThing(
    { number, clusterId, target: store.address, added, gaps, problems, tookMs: Math.round(tookMs) },
    {
      name: String(number),
      table: () =>
        renderFields(
          [
            ['backup', number],
            ['cluster', clusterId],
            ['target', store.address],
            ['topics', topics.length],
            ['new records', added.records],
            ['new bytes', `${bytes(added.logBytes)}, ${stored}`],
            ...(manifest.schemas === undefined ? [] : [['schemas', schemasText(manifest)] as const]),
            ['took', `${elapsed(tookMs)}${rate(added.logBytes, tookMs)}`],
          ],
          context.colours.stdout,
        ),
    },
  )
}

function rate(moved: number, tookMs: number): string {
  return moved > 1024 * 1024 && tookMs > 0 ? `, ${bytes(Math.round((moved / tookMs) * 1_000))}/s` : ''
}

export function schemasText({ schemas }: Pick<Manifest, 'schemas'>): string {
  if (schemas === undefined) return '–'
  return schemas === null ? 'could not be read' : String(schemas.versions)
}

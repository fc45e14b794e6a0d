// One backup: taken, printed, and its exit code.
import type { BackupStore, Manifest, ObjectLock, Taken } from '@selfmonitor/backup'
import type { Context } from '../framework/context.ts'
import { exitCodes } from '../framework/errors.ts'
import { version } from '../framework/version.ts'
import { bytes, counted, elapsed } from '../output/format.ts'
import { progressLine } from '../output/progress-line.ts'
import { renderFields } from '../output/table.ts'
import { coverageOf } from './coverage.ts'
import type { Policies } from './policies.ts'
import { registryOfCluster } from './registry.ts'
import { reportOf, sendReport } from './report.ts'

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

/** @throws BackupError, ClusterError, StoreError */
export async function runOnce(
  context: Context,
  store: BackupStore,
  { include, named, lockOf, access, policies }: RunChoice,
): Promise<number> {
  const [cluster, { takeBackup }] = await Promise.all([context.cluster(), import('@selfmonitor/backup')])
  const { io, colours } = context
  const line = progressLine(io.stderr, colours.stderr)
  const startedAt = performance.now()
  const taken = await takeBackup(cluster, store, {
    include,
    lockOf,
    access,
    registry: await registryOfCluster(context, cluster),
    tool: `selfmonitor ${version()}`,
    signal: io.signal,
    onProgress: (progress) => line.show('backing up', { ...progress, unit: 'offsets' }),
  }).finally(() => line.end())
  const { manifest, problems } = taken
  await printTaken(context, store, taken, performance.now() - startedAt)
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
  const found = coverageOf({ topics, manifest, problems, policies, nowMs: Date.now() })
  const unsent = await sendReport(cluster, reportOf(store.address, taken, found, problems.length + unseen.length))
  if (unsent !== null) context.note(colours.stderr.careful(`The exporter does not know of this backup: ${unsent}`))
  return problems.length + unseen.length === 0 ? exitCodes.done : exitCodes.failed
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

// Reports of drills, kept beside the backups that they are about: `<cluster id>/drills/<start>-<id>.json`. A store never replaces an
// object, and pruning leaves them.
import { BackupError } from '../format/backup-error.ts'
import { clusterPrefix } from '../format/keys.ts'
import type { ObjectStore } from '../store/types.ts'
import type { DrillReport } from './report.ts'
import { readReport, type SignedReport } from './signing.ts'

const maxReportBytes = 256 * 1024 * 1024

const drillPrefix = (clusterId: string): string => `${clusterPrefix(clusterId)}drills/`

/** `20261130T104512Z-3fa9c1d2`: names in the order of time. */
export function reportName({ startedAt, id }: Pick<DrillReport, 'startedAt' | 'id'>): string {
  return `${startedAt.replace(/\.\d+/, '').replace(/[-:]/g, '')}-${id.slice(0, 8)}`
}

/** @returns the key. @throws StoreError */
export async function keepReport(store: ObjectStore, report: DrillReport, file: Buffer): Promise<string> {
  const key = `${drillPrefix(report.source.clusterId)}${reportName(report)}.json`
  await store.put(key, file)
  return key
}

/** Names of the reports that a store has, the newest last. @throws StoreError */
export async function keptReports(store: ObjectStore, clusterId: string): Promise<string[]> {
  const names: string[] = []
  const prefix = drillPrefix(clusterId)
  for await (const { key } of store.list(prefix)) {
    const name = /^(.+)\.json$/.exec(key.slice(prefix.length))?.[1]
    if (name !== undefined) names.push(name)
  }
  return names
}

/**
 * @param name of `keptReports`, or its end
 * @throws BackupError NO_BACKUP when there is none or several, DAMAGED; StoreError
 */
export async function keptReport(
  store: ObjectStore,
  clusterId: string,
  name: string,
): Promise<{ readonly file: Buffer; readonly signed: SignedReport }> {
  const found = (await keptReports(store, clusterId)).filter((one) => one === name || one.endsWith(`-${name}`))
  if (found.length !== 1) {
    const which = found.length === 0 ? 'no report' : `${found.length} reports`
    throw new BackupError('NO_BACKUP', `${store.address} has ${which} ${name} of a drill`, {
      hint: '`selfmonitor drill list` shows their names.',
    })
  }
  const file = await store.get(`${drillPrefix(clusterId)}${found[0]}.json`, maxReportBytes)
  return { file, signed: readReport(file) }
}

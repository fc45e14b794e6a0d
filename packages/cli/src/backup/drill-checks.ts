// What a drill has to meet besides the backup itself: objectives and reconciliations of platform.yaml, schemas of the backup.
import { basename } from 'node:path'
import type { BackupStore } from '@selfmonitor/backup'
import type { DrillOptions, RecordCheck } from '@selfmonitor/backup/drill'
import type { BackupPolicy, Platform, Reconciliation } from '@selfmonitor/platform'
import type { RegistryClient } from '@selfmonitor/registry'
import type { Context } from '../framework/context.ts'
import { loadPlatformFile, nearestPlatformFile } from '../local/platform-file.ts'
import { registryOf, valueDecoder } from './drill-values.ts'
import { policiesOf, policyOf } from './policies.ts'
import { reconciliation } from './reconcile.ts'
import { schemaCheck } from './schema-check.ts'

export interface Expectations extends Pick<DrillOptions, 'rpo' | 'rto' | 'required'> {
  readonly checks: readonly Reconciliation[]
}

/**
 * @param given `-f`; undefined: the nearest platform.yaml, and nothing where there is none
 * @param include the topics that are restored
 * @throws PlatformError, CliError NO_PLATFORM_FILE
 */
export async function expectations(
  context: Context,
  given: string | undefined,
  include: (topic: string) => boolean,
): Promise<Expectations> {
  const isThere = given !== undefined || nearestPlatformFile(context.io.cwd) !== undefined
  return isThere
    ? expectationsOf(await loadPlatformFile(context, given), include)
    : { rpo: null, rto: null, required: [], checks: [] }
}

/** The strictest objectives of the topics that are restored. Pure. */
export function expectationsOf(platform: Platform, include: (topic: string) => boolean): Expectations {
  const policies = policiesOf([platform])
  const own = platform.topics.flatMap(({ name }) => {
    const policy = policyOf(policies, name)
    return policy === undefined || policy.none !== undefined || !include(name) ? [] : [{ name, policy }]
  })
  const strictest = (of: (policy: BackupPolicy) => number | undefined): DrillOptions['rpo'] => {
    const all = own.flatMap(({ name, policy }) => {
      const ms = of(policy)
      return ms === undefined
        ? []
        : [{ ms, setBy: `topic ${name} in ${basename(platform.file)}, ${platform.environment}` }]
    })
    return all.sort((a, b) => a.ms - b.ms)[0] ?? null
  }
  return {
    rpo: strictest(({ rpoMs }) => rpoMs),
    rto: strictest(({ rtoMs }) => rtoMs),
    required: own.map(({ name }) => name),
    checks: (platform.drills?.checks ?? []).filter(({ topics }) => topics.every(include)),
  }
}

/** @throws CelError */
export async function recordChecksOf(
  store: BackupStore,
  clusterId: string,
  checks: readonly Reconciliation[],
): Promise<RecordCheck[]> {
  const [drills, { createCodec }, cel] = await Promise.all([
    import('@selfmonitor/backup/drill'),
    import('@selfmonitor/events/codec'),
    import('@selfmonitor/platform/cel'),
  ])
  // A backup that cannot be opened has no schemas; the drill itself finds out why.
  const schemas = await drills.backedUpSchemas(store, clusterId).catch(() => ({ from: null, versions: [] }))
  const registry = registryOf(schemas)
  const decode = valueDecoder(createCodec(registry as RegistryClient), registry, cel)
  return [schemaCheck(schemas, decode, drills), ...checks.map((check) => reconciliation(check, cel, decode, drills))]
}

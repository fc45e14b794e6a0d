// What the platform files say about the backup of each topic.

import { backupReportTopic } from '@selfmonitor/monitor/backup-report'
import type { BackupPolicy, Platform } from '@selfmonitor/platform'
import type { Context } from '../framework/context.ts'
import { loadPlatformFile, nearestPlatformFile } from '../local/platform-file.ts'

export interface Policies {
  /** Topics that a file declares, with their policies. */
  readonly declared: ReadonlyMap<string, BackupPolicy | undefined>
  /** Of every other topic. */
  readonly otherwise: BackupPolicy | undefined
  /** `platform.yaml, environment production`; undefined without a file. */
  readonly source: string | undefined
}

/** Topics of SelfMonitor that are in no backup unless a file or an option names them. */
const leftOut: ReadonlyMap<string, BackupPolicy> = new Map([
  [backupReportTopic, { none: 'has the outcomes of backups, of this cluster only' }],
  ['_selfmonitor-probe', { none: 'has the messages of the end-to-end probe' }],
])

/**
 * @param given files of `-f`; undefined: the nearest platform.yaml, and no policies where there is none
 * @throws PlatformError, CliError NO_PLATFORM_FILE
 */
export async function loadPolicies(context: Context, given: readonly string[] | undefined): Promise<Policies> {
  const nearest = given === undefined ? nearestPlatformFile(context.io.cwd) : undefined
  const files = given ?? (nearest === undefined ? [] : [nearest])
  const platforms: Platform[] = []
  for (const file of files) platforms.push(await loadPlatformFile(context, file))
  return policiesOf(platforms)
}

/** The first file that declares a topic decides, and the first that has `backup` for topics that none declares. Pure. */
export function policiesOf(platforms: readonly Platform[]): Policies {
  const declared = new Map<string, BackupPolicy | undefined>()
  for (const { topics } of platforms) {
    for (const { name, backup } of topics) if (!declared.has(name)) declared.set(name, backup)
  }
  const [first] = platforms
  return {
    declared,
    otherwise: platforms.find(({ backup }) => backup !== undefined)?.backup,
    source:
      first === undefined
        ? undefined
        : `${platforms.map(({ file }) => file).join(', ')}, environment ${first.environment}`,
  }
}

export function policyOf({ declared, otherwise }: Policies, topic: string): BackupPolicy | undefined {
  return declared.has(topic) ? declared.get(topic) : (leftOut.get(topic) ?? otherwise)
}

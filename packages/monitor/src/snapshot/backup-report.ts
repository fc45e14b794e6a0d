// The outcome of a backup, as a record of a compacted topic. The exporter reads it there: it needs no rights in the store, two exporters
// read the same, and a backup that ran as a Job an hour ago still counts. It says what the backup wrote, not whether that is still
// in the store: for this there are `backup verify` and the drill.

export const backupReportTopic = '_selfmonitor-backups'

export interface BackupReport {
  /** The store's address: the label `backup`, and the record's key. */
  readonly target: string
  /** The number of the newest backup there. */
  readonly number: number
  readonly cutAtMs: number
  readonly finishedAtMs: number
  /** When the topic that was read longest ago was read; null when the backup has none. */
  readonly oldestTopicMs: number | null
  readonly topics: number
  readonly records: number
  /** What the last run wrote. */
  readonly addedRecords: number
  readonly addedBytes: number
  /** What the last run could not read. */
  readonly problems: number
  /** Topics of the cluster that are in no backup, and not left out on purpose. */
  readonly uncoveredTopics: number
  /** When the next backup of a topic is due, by its frequency; null without one. */
  readonly dueMs: number | null
  /** From when on a topic is overdue, by its rpo and its frequency; null without one. */
  readonly deadlineMs: number | null
}

const formatVersion = 1

export function encodeBackupReport(report: BackupReport): { readonly key: Buffer; readonly value: Buffer } {
  return {
    key: Buffer.from(report.target),
    value: Buffer.from(JSON.stringify({ version: formatVersion, ...report })),
  }
}

const numbers = ['number', 'cutAtMs', 'finishedAtMs', 'topics', 'records'] as const
const counts = ['addedRecords', 'addedBytes', 'problems', 'uncoveredTopics'] as const
const orNull = ['oldestTopicMs', 'dueMs', 'deadlineMs'] as const

/** @returns null for a record of another form, as a later version may write */
export function decodeBackupReport(value: Buffer): BackupReport | null {
  let parsed: Record<string, unknown>
  try {
    parsed = JSON.parse(value.toString('utf8'))
  } catch {
    return null
  }
  if (typeof parsed !== 'object' || parsed === null || parsed.version !== formatVersion) return null
  const { version: _, ...report } = parsed
  const isWhole =
    typeof report.target === 'string' &&
    [...numbers, ...counts].every((key) => Number.isFinite(report[key])) &&
    orNull.every((key) => report[key] === null || Number.isFinite(report[key]))
  return isWhole ? (report as unknown as BackupReport) : null
}

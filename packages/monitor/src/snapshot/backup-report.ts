// The outcomes of backups and drills, as records of a compacted topic. The exporter reads it there: it needs no rights in the store, two exporters
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

/** A run that ended without a backup. */
export interface BackupFailure {
  readonly target: string
  readonly atMs: number
  readonly code: string
  readonly message: string
}

/** A restore that a drill has proven. */
export interface DrillSuccess {
  readonly target: string
  readonly atMs: number
  /** How long the restore took, in milliseconds. */
  readonly rtoMs: number
  /** What would have been lost, in milliseconds. */
  readonly rpoMs: number
  /** When the next drill is due. */
  readonly dueMs: number
}

/** A drill that did not prove the restore. */
export interface DrillFailure {
  readonly target: string
  readonly atMs: number
}

/** The newest of each kind, of one target. */
export interface BackupOutcomes {
  readonly target: string
  readonly backup: BackupReport | null
  readonly failure: BackupFailure | null
  readonly drill: DrillSuccess | null
  readonly drillFailure: DrillFailure | null
}

interface Kinds {
  readonly backup: BackupReport
  readonly failure: BackupFailure
  readonly drill: DrillSuccess
  readonly drillFailure: DrillFailure
}

export type OutcomeKind = keyof Kinds
export type Outcome = {
  readonly [Kind in OutcomeKind]: { readonly kind: Kind; readonly value: Kinds[Kind] }
}[OutcomeKind]

interface Form {
  /** Before the target, in the record's key: a failure does not replace the success before it. */
  readonly prefix: string
  readonly numbers: readonly string[]
  readonly orNull: readonly string[]
  readonly texts: readonly string[]
}

const forms: Readonly<Record<OutcomeKind, Form>> = {
  backup: {
    prefix: '',
    numbers: [
      ...['number', 'cutAtMs', 'finishedAtMs', 'topics', 'records'],
      ...['addedRecords', 'addedBytes', 'problems', 'uncoveredTopics'],
    ],
    orNull: ['oldestTopicMs', 'dueMs', 'deadlineMs'],
    texts: [],
  },
  failure: { prefix: 'failure ', numbers: ['atMs'], orNull: [], texts: ['code', 'message'] },
  drill: { prefix: 'drill ', numbers: ['atMs', 'rtoMs', 'rpoMs', 'dueMs'], orNull: [], texts: [] },
  drillFailure: { prefix: 'drill-failure ', numbers: ['atMs'], orNull: [], texts: [] },
}

const formatVersion = 1

/** A record without `kind` is a backup: earlier versions have no other. */
export function encodeOutcome({ kind, value }: Outcome): { readonly key: Buffer; readonly value: Buffer } {
  const kinds = kind === 'backup' ? {} : { kind }
  return {
    key: Buffer.from(forms[kind].prefix + value.target),
    value: Buffer.from(JSON.stringify({ version: formatVersion, ...kinds, ...value })),
  }
}

/** @returns null for a record of another form, as a later version may write */
export function decodeOutcome(bytes: Buffer): Outcome | null {
  let parsed: Record<string, unknown>
  try {
    parsed = JSON.parse(bytes.toString('utf8'))
  } catch {
    return null
  }
  if (typeof parsed !== 'object' || parsed === null || parsed.version !== formatVersion) return null
  const { version: _, kind = 'backup', ...value } = parsed
  if (typeof kind !== 'string' || !Object.hasOwn(forms, kind)) return null
  const { numbers, orNull, texts } = forms[kind as OutcomeKind]
  const isWhole =
    ['target', ...texts].every((key) => typeof value[key] === 'string') &&
    numbers.every((key) => Number.isFinite(value[key])) &&
    orNull.every((key) => value[key] === null || Number.isFinite(value[key]))
  return isWhole ? ({ kind, value } as unknown as Outcome) : null
}
